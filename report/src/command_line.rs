//! Command lines as a shell reads them back.

use edge::visible;

/// An argument as a POSIX shell reads it back: quoted only when it must be.
pub fn shell_word(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

/// A command line that can be copied.
pub fn command_line(arguments: &[String]) -> String {
    let words: Vec<String> = arguments.iter().map(|a| shell_word(a)).collect();
    visible(&words.join(" ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_quoted_where_a_shell_needs_it() {
        let args = ["perfvt", "compare", "a b", "it's", ""].map(String::from);
        assert_eq!(command_line(&args), r"perfvt compare 'a b' 'it'\''s' ''");
    }
}
