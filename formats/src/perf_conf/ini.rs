//! INI lines as Python's ConfigParser takes them, because that is what the ancestor reads perf.conf with.
//!
//! A line that opens with `#` or `;` is a comment (in the first column only: an indented line continues the value above it,
//! and metric names may open with `#`). `=` or `:` separates key and value, whichever comes first.

/// One `key = value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// Section, empty above the first heading.
    pub section: String,
    /// 1-based line of the key, or of the section's heading.
    pub line: u32,
    /// The key; empty for the heading itself.
    pub key: String,
    /// The value; continuation lines are joined by a blank.
    pub value: String,
}

/// A line that is neither section, comment, `key = value` nor continuation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub section: String,
    pub line: u32,
    pub text: String,
}

/// Splits a text into items.
pub(crate) fn items(text: &str) -> Result<Vec<Item>, Malformed> {
    let mut items: Vec<Item> = Vec::new();
    let mut section = String::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, raw) in text.lines().enumerate() {
        let line = u32::try_from(index).unwrap_or(u32::MAX - 1).saturating_add(1);
        let content = raw.trim();
        if content.is_empty() || raw.starts_with(['#', ';']) {
            continue;
        }
        let malformed = || Malformed { section: section.clone(), line, text: content.to_owned() };
        if raw.starts_with([' ', '\t'])
            && let Some(item) = items.last_mut().filter(|item| !item.key.is_empty())
        {
            item.value.push(' ');
            item.value.push_str(content);
        } else if let Some(heading) = content.strip_prefix('[') {
            let name = heading.strip_suffix(']').map(str::trim).filter(|name| !name.is_empty());
            section = name.ok_or_else(malformed)?.to_owned();
            items.push(Item { section: section.clone(), line, key: String::new(), value: String::new() });
        } else {
            let at = content.find(['=', ':']).filter(|&at| at > 0).ok_or_else(malformed)?;
            let (key, value) = content.split_at(at);
            items.push(Item {
                section: section.clone(),
                line,
                key: key.trim().to_owned(),
                value: value.get(1..).unwrap_or("").trim().to_owned(),
            });
        }
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_continuations_and_both_separators_are_understood() {
        let text = "# c\r\n[ a ]\r\nx = 1\n  #2\n; c\ny: = 3\n";
        let found: Vec<_> = items(text).unwrap().into_iter().map(|i| (i.line, i.key, i.value)).collect();
        let expected = [(2, "", ""), (3, "x", "1 #2"), (6, "y", "= 3")];
        assert_eq!(found, expected.map(|(l, k, v)| (l, k.to_owned(), v.to_owned())));
    }

    #[test]
    fn a_line_that_is_nothing_is_named() {
        assert_eq!(items("[a]\nhello\n").unwrap_err().line, 2);
        assert_eq!(items("[a\n").unwrap_err().line, 1);
    }
}
