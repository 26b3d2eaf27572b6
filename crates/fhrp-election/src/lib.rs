//! Who is active: one contest among routers on a link, as a pure state machine with rules as data
