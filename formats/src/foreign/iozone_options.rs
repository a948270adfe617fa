//! What iozone says of a run before its figures: its command line as a fact, and the sizes.

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

/// Sizes of a file and a record in `Each process writes a 64 kByte file in 4 kByte records`, which says them also where the
/// command line does not.
pub(super) fn sizes_of_each(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.strip_prefix("Each ")?.split_once(" writes a ")?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    match words.as_slice() {
        [file, of_file, "file", "in", record, of_record, "records"]
            if [of_file, of_record].iter().all(|unit| unit.eq_ignore_ascii_case("kByte")) =>
        {
            Some((file, record))
        }
        _ => None,
    }
}
