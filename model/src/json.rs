//! JSON for people's terminals and other programs alike: characters that cannot be seen are written as escapes, so that the
//! text says the same to every parser and does nothing to a screen.

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};
use std::io::{self, Write};

/// Writes a value on one line.
///
/// # Errors
/// The writer's, or those of a value that is no JSON.
pub fn write(out: impl Write, value: &impl Serialize) -> io::Result<()> {
    Ok(value.serialize(&mut Serializer::with_formatter(out, Visible(CompactFormatter)))?)
}

/// Writes a value indented.
///
/// # Errors
/// As those of [`write()`].
pub fn write_pretty(out: impl Write, value: &impl Serialize) -> io::Result<()> {
    Ok(value.serialize(&mut Serializer::with_formatter(out, Visible(PrettyFormatter::new())))?)
}

/// Another formatter whose strings hold nothing invisible.
struct Visible<F>(F);

/// Hands methods on as they are.
macro_rules! same {
    ($($name:ident($($argument:ident: $kind:ty),*)),* $(,)?) => {
        $(fn $name<W: ?Sized + Write>(&mut self, writer: &mut W $(, $argument: $kind)*) -> io::Result<()> {
            self.0.$name(writer $(, $argument)*)
        })*
    };
}

impl<F: Formatter> Formatter for Visible<F> {
    same!(
        begin_array(),
        end_array(),
        begin_array_value(first: bool),
        end_array_value(),
        begin_object(),
        end_object(),
        begin_object_key(first: bool),
        end_object_key(),
        begin_object_value(),
        end_object_value(),
    );

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, hidden)) = rest.char_indices().find(|(_, c)| edge::text::is_hidden(*c)) {
            let (before, behind) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            for unit in hidden.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = behind.get(hidden.len_utf8()..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_escaped_and_reads_back_the_same() {
        let value = serde_json::json!({"a\u{9b}": ["\u{202e}x\u{e0041}", "é\n\u{1b}", 1.5, null], "b": {}});
        for pretty in [false, true] {
            let mut out = Vec::new();
            if pretty { write_pretty(&mut out, &value) } else { write(&mut out, &value) }.unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(
                text.contains("\\u202e") && text.contains("\\udb40\\udc41") && text.contains("é\\n"),
                "{text}"
            );
            assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
            assert_eq!(text.contains('\n'), pretty);
        }
    }
}
