//! iozone's command line as a fact.

/// Options that say which cases are measured, where, and what is written about it; they take a value.
const CASES: &str = "irsngyqtluFfbU";
/// Those without a value: automatic modes, and a file for a spreadsheet.
const MODES: &str = "RazAwM";
/// Options that take a value.
const VALUED: &str = "JjkVrtsfFdluUSLHPibXYgnyq";

/// The options that make another measurement of a command line.
pub(super) fn options(command: &str) -> String {
    let mut words = command.split_whitespace().skip(1).peekable();
    let mut out: Vec<String> = Vec::new();
    while let Some(word) = words.next() {
        let Some(flags) = word.strip_prefix('-') else { continue };
        if flags.starts_with('+') {
            let value = words.next_if(|w| !w.starts_with('-')).map_or(String::new(), |w| format!(" {w}"));
            out.push(format!("-{flags}{value}"));
            continue;
        }
        for (at, flag) in flags.char_indices() {
            if !VALUED.contains(flag) {
                if !MODES.contains(flag) {
                    out.push(format!("-{flag}"));
                }
                continue;
            }
            let attached = flags.get(at + flag.len_utf8()..).unwrap_or_default();
            let value = match attached {
                "" => words.next().unwrap_or_default(),
                attached => attached,
            };
            if !CASES.contains(flag) {
                out.push(format!("-{flag} {value}"));
            }
            break;
        }
    }
    out.sort_unstable();
    if out.is_empty() { "none".to_owned() } else { out.join(" ") }
}
