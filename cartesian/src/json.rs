//! JSON, as far as variants need it.

use super::variant::{Dict, Named};

impl Named<'_> {
    /// Appends the names as one JSON object on one line: `{"name": …, "shortname": …, "dep": […]}`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        self.open(out);
        out.extend(b"}\n");
    }

    /// The beginning of the object, up to its list of dependencies.
    fn open(&self, out: &mut Vec<u8>) {
        out.extend(b"{\"name\":");
        string(out, self.name.as_bytes(), true);
        out.extend(b",\"shortname\":");
        string(out, self.shortname.as_bytes(), true);
        out.extend(b",\"dep\":[");
        for (index, dep) in self.deps.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            string(out, dep.as_bytes(), true);
        }
        out.push(b']');
    }
}

impl Dict<'_> {
    /// Appends the variant as one JSON object on one line:
    /// `{"name": …, "shortname": …, "dep": […], "params": {…}}`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        self.named.open(out);
        out.extend(b",\"params\":{");
        // Every pair begins with a comma; the first one must not.
        let mut skip = 1;
        match &self.flat {
            None => {
                for (key, value, _) in self.evaluator.plain() {
                    out.extend_from_slice(self.evaluator.bytes(key.json).get(skip..).unwrap_or(&[]));
                    skip = 0;
                    let value_bytes = self.evaluator.bytes(value);
                    if value.is_odd() {
                        escaped(out, value_bytes)
                    } else {
                        out.extend_from_slice(value_bytes)
                    }
                    out.push(b'"');
                }
            }
            Some(flat) => {
                for entry in flat {
                    out.extend_from_slice(b",".get(skip..).unwrap_or(&[]));
                    skip = 0;
                    string(out, entry.name.as_bytes(), true);
                    out.push(b':');
                    string(out, self.evaluator.bytes(entry.value), true);
                }
            }
        }
        out.extend(b"}}\n");
    }
}

/// Appends a JSON string; `odd` when something in it may have to be escaped.
pub(super) fn string(out: &mut Vec<u8>, text: &[u8], odd: bool) {
    out.push(b'"');
    if odd {
        escaped(out, text)
    } else {
        out.extend_from_slice(text)
    }
    out.push(b'"');
}

fn escaped(out: &mut Vec<u8>, mut text: &[u8]) {
    while let Some(at) = first_odd(text) {
        let (before, rest) = text.split_at_checked(at).unwrap_or((text, &[]));
        out.extend_from_slice(before);
        let Some((byte, rest)) = rest.split_first() else { return };
        match byte {
            b'"' => out.extend(b"\\\""),
            b'\\' => out.extend(b"\\\\"),
            b'\t' => out.extend(b"\\t"),
            byte => out.extend(format!("\\u{byte:04x}").into_bytes()),
        }
        text = rest;
    }
    out.extend_from_slice(text);
}

/// Where the first byte stands that JSON wants escaped. Values are long and such bytes are rare, so that it looks at
/// sixteen at a time, without a branch for each.
fn first_odd(text: &[u8]) -> Option<usize> {
    let odd = |b: &u8| *b < b' ' || *b == b'"' || *b == b'\\';
    let even = |chunk: &&[u8]| !chunk.iter().fold(false, |found, b| found | odd(b));
    let start = 16 * text.chunks_exact(16).take_while(even).count();
    Some(start + text.get(start..)?.iter().position(odd)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_back_by_others_as_they_were() {
        for text in [
            "",
            "plain",
            "\"",
            "a\\b\tc",
            "\u{1}\u{1f}x",
            "ü\u{2028}",
            "\\",
            "\"x\"",
            "sixteen letters.\"and more than that\n, twice",
        ] {
            let mut out = Vec::new();
            string(&mut out, text.as_bytes(), true);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
