//! Programs that show how to embed the library; one file per lesson.
