//! The pen: bars, lines and text as SVG.

use std::fmt::Write as _;

use super::{GAP, RIGHT, Scale};

/// What things look like; in the dark, paper and ink change places. Renderers that know no media queries draw on white.
const STYLE: &str = "\
text{font-family:system-ui,'DejaVu Sans',sans-serif;font-size:11px;fill:#1a1a1a}\
.title{font-size:15px;font-weight:600}.group{font-size:12px;font-weight:600}\
.quiet,.small{fill:#555}.small{font-size:10px}.fault{font-weight:600}\
.on-dark{fill:#fff;font-size:10px}.on-light{fill:#111;font-size:10px}\
.paper{fill:#fff}.tick{stroke:#ddd}.stem{stroke:#333;stroke-dasharray:3 2}.band{fill:#333;fill-opacity:.07}\
.thread{stroke:#009e73;stroke-width:2}\
.active{fill:#0072b2}.standby{fill:#56b4e9}.speak{fill:#f0e442}.listen{fill:#cfe6f5}.idle{fill:#bbb}.down{fill:#444}\
.none{fill:#e69f00}.two{fill:#cc79a7}.outage{fill:#d55e00}\
@media (prefers-color-scheme:dark){text{fill:#eee}.paper{fill:#15181d}.quiet,.small{fill:#aaa}\
.on-dark{fill:#fff}.on-light{fill:#111}.tick{stroke:#333}.stem{stroke:#ccc}.band{fill:#fff;fill-opacity:.1}\
.down{fill:#666}}";

/// Where a text is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A rectangle that says what it is when it is pointed at.
pub(super) struct Bar<'a> {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) class: &'a str,
    pub(super) title: &'a str,
}

/// A picture under way.
pub(super) struct Picture {
    width: f64,
    scale: Scale,
    /// What lies below everything else.
    ground: String,
    body: String,
}

// Writing into a text cannot fail.
impl Picture {
    pub(super) fn new(width: f64, scale: Scale) -> Self {
        Self { width, scale, ground: String::new(), body: String::new() }
    }

    pub(super) fn scale(&self) -> Scale {
        self.scale
    }

    pub(super) fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escaped(text);
        let _ = writeln!(
            self.body,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
        );
    }

    pub(super) fn bar(&mut self, bar: &Bar<'_>) {
        let Bar { x, y, width, height, class, title } = bar;
        let title = escaped(title);
        let _ = writeln!(
            self.body,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\">\
             <title>{title}</title></rect>"
        );
    }

    /// A text in the middle of a bar, if there is room for it.
    pub(super) fn inside(
        &mut self,
        (from, until): (f64, f64),
        (y, height): (f64, f64),
        (class, text): (&str, &str),
    ) {
        let (x, end) = (self.scale.x(from), self.scale.x(until));
        if width_of(text) + 4.0 <= end - x {
            let middle = ((x + end) / 2.0, y + (height - GAP) / 2.0 + 3.5);
            self.text(middle, Anchor::Middle, class, text);
        }
    }

    /// A text behind a bar, or before it where there is no room behind.
    pub(super) fn beside(&mut self, (from, until): (f64, f64), (y, height): (f64, f64), text: &str) {
        let (x, end) = (self.scale.x(from), self.scale.x(until));
        let base = y + (height - GAP) / 2.0 - 1.0 + 4.5;
        let fits = end + 4.0 + width_of(text) <= RIGHT;
        let (at, anchor) = if fits { (end + 4.0, Anchor::Start) } else { (x - 4.0, Anchor::End) };
        // Small letters are a little narrower.
        let width = width_of(text) * 0.9;
        let left = if fits { at - 1.0 } else { at - width - 1.0 };
        let _ = writeln!(
            self.body,
            "<rect class=\"paper\" x=\"{left:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            width + 2.0,
            height - GAP
        );
        self.text((at, base), anchor, "small", text);
    }

    /// A thin line from one time to another.
    pub(super) fn thread(&mut self, (from, until): (f64, f64), y: f64, title: &str) {
        let (x, end, title) = (self.scale.x(from), self.scale.x(until), escaped(title));
        let _ = writeln!(
            self.body,
            "<path class=\"thread\" d=\"M{x:.1} {y:.1}H{end:.1}\"><title>{title}</title></path>"
        );
    }

    /// The line from what the script says down to the lanes.
    pub(super) fn stem(&mut self, x: f64, (top, bottom): (f64, f64)) {
        let _ = writeln!(self.ground, "<path class=\"stem\" d=\"M{x:.1} {top:.1}V{bottom:.1}\"/>");
    }

    pub(super) fn tick(&mut self, x: f64, (top, bottom): (f64, f64)) {
        let _ = writeln!(self.ground, "<path class=\"tick\" d=\"M{x:.1} {top:.1}V{bottom:.1}\"/>");
    }

    /// When faults began, and how long they lasted: through all lanes.
    pub(super) fn bands(&mut self, marks: impl Iterator<Item = (f64, f64)>, (top, bottom): (f64, f64)) {
        for (from, until) in marks {
            let (x, end) = (self.scale.x(from), self.scale.x(until));
            if end > x {
                let (width, height) = (end - x, bottom - top);
                let _ = writeln!(
                    self.ground,
                    "<rect class=\"band\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
                );
            }
            self.stem(x, (top, bottom));
        }
    }

    pub(super) fn finish(self, height: f64, title: &str) -> String {
        let Self { width, ground, body, .. } = self;
        let title = escaped(title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
             height=\"{height:.0}\" role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
             <rect class=\"paper\" width=\"{width:.0}\" height=\"{height:.0}\"/>\n{ground}{body}</svg>\n"
        )
    }
}

/// About how wide a small text is.
pub(super) fn width_of(text: &str) -> f64 {
    f64::from(u16::try_from(text.chars().count()).unwrap_or(u16::MAX)) * 6.2
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Others are not allowed in XML.
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(escaped("a<b> & \"c\"\u{7}"), "a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}");
    }
}
