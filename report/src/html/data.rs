//! The comparison itself inside the page: the same JSON as `--format json`, for scripts and for readers' tools.

use analyze::Comparison;
use maud::{Markup, PreEscaped, html};
use std::io::{self, Write};

/// The data island. The browser does not run it: its type is not a script's.
pub(super) fn island(comparison: &Comparison) -> Markup {
    let json = island_json(comparison);
    html! {
        script type="application/json" id="data" { (PreEscaped(json)) }
    }
}

/// JSON in which nothing can end a script element, begin a comment, or break a line of JavaScript.
fn island_json(comparison: &Comparison) -> String {
    let mut escaping = Escaping(Vec::new());
    if model::json::write(&mut escaping, comparison).is_err() {
        return "null".to_owned();
    }
    String::from_utf8_lossy(&escaping.0).into_owned()
}

/// Replaces `<`, `>`, `&`, U+2028 and U+2029, which stand in JSON inside strings only.
struct Escaping(Vec<u8>);

impl Write for Escaping {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut i = 0;
        while let Some(&b) = bytes.get(i) {
            // serde_json writes whole characters: the three bytes of a line separator come together.
            match (b, bytes.get(i + 1), bytes.get(i + 2)) {
                (b'<', ..) => self.0.extend_from_slice(b"\\u003c"),
                (b'>', ..) => self.0.extend_from_slice(b"\\u003e"),
                (b'&', ..) => self.0.extend_from_slice(b"\\u0026"),
                (0xe2, Some(0x80), Some(&last @ (0xa8 | 0xa9))) => {
                    self.0.extend_from_slice(if last == 0xa8 { b"\\u2028" } else { b"\\u2029" });
                    i += 2;
                }
                _ => self.0.push(b),
            }
            i += 1;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_string_can_leave_the_island() {
        let mut escaping = Escaping(Vec::new());
        serde_json::to_writer(&mut escaping, "</script><!-- & \u{2028}\u{2029}é").unwrap();
        let text = String::from_utf8(escaping.0).unwrap();
        assert_eq!(text, r#""\u003c/script\u003e\u003c!-- \u0026 \u2028\u2029é""#);
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), "</script><!-- & \u{2028}\u{2029}é");
    }
}
