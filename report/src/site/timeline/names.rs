//! Names of files and addresses: no name from a lake becomes a path or an address as it is.

use super::super::data::sha256;
use std::fmt::Write;

/// Most bytes of a name that can be read.
const READABLE: usize = 40;
/// Digits of the hash behind it.
const DIGITS: usize = 16;

/// A part that can be read, and a hash of the whole words, so that no two are the same on any file system.
pub(super) fn slug(words: &[&str]) -> String {
    let mut readable = String::new();
    for c in words.join("-").chars() {
        let kept = if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' };
        if !(kept == '-' && (readable.is_empty() || readable.ends_with('-'))) {
            readable.push(kept);
        }
    }
    readable.truncate(READABLE);
    let readable = readable.trim_matches(['-', '.']);
    // The length of each word goes in, so that no two lists of words are one text.
    let whole: String = words.iter().map(|word| format!("{}:{word}", word.len())).collect();
    let hash = sha256(whole.as_bytes());
    let digits = hash.get(..DIGITS).unwrap_or(&hash);
    if readable.is_empty() { digits.to_owned() } else { format!("{readable}-{digits}") }
}

/// The file of a page of several: `NAME.html`, `NAME-2.html`.
pub(super) fn page_file(name: &str, page: usize) -> String {
    if page == 0 { format!("{name}.html") } else { format!("{name}-{}.html", page + 1) }
}

/// The address of a commit: `{}` in the pattern is the commit, without it the commit follows. None for another scheme than http
/// and https.
pub(super) fn commit_address(pattern: &str, commit: &str) -> Option<String> {
    let is_web = pattern.starts_with("https://") || pattern.starts_with("http://");
    if !is_web || commit.is_empty() {
        return None;
    }
    let mut escaped = String::new();
    for byte in commit.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    Some(match pattern.contains("{}") {
        true => pattern.replace("{}", &escaped),
        false => format!("{}/{escaped}", pattern.trim_end_matches('/')),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_have_files_that_differ_and_none_leaves_its_folder() {
        let names = [
            ["Host", "a"],
            ["host", "a"],
            ["host/", "a"],
            ["../..", "/etc"],
            ["", ""],
            ["host-a", ""],
            ["hos", "ta"],
            ["\u{202e}é", "con"],
        ];
        let mut files: Vec<String> = names.iter().map(|words| slug(words)).collect();
        for file in &files {
            assert!(
                file.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b)),
                "{file}"
            );
            assert!(!file.starts_with('.') && file.len() <= READABLE + DIGITS + 1, "{file}");
        }
        assert!(files[0].starts_with("host-a-"), "{}", files[0]);
        files.sort();
        files.dedup();
        assert_eq!(files.len(), names.len());
        assert!(slug(&[&"x".repeat(10_000)]).len() <= READABLE + DIGITS + 1);
    }

    #[test]
    fn an_address_holds_a_commit_as_one_part() {
        let of = |pattern: &str, commit: &str| commit_address(pattern, commit);
        assert_eq!(of("https://e.org/c/{}?x", "3f2a").as_deref(), Some("https://e.org/c/3f2a?x"));
        assert_eq!(of("https://e.org/c/", "a/../\"b").as_deref(), Some("https://e.org/c/a%2F..%2F%22b"));
        assert_eq!(of("javascript:alert(1)//{}", "x"), None);
        assert_eq!(of("https://e.org", ""), None);
    }
}
