//! Command lines as a shell reads them back.

use edge::visible;

/// A command line that can be copied: words are quoted where a POSIX shell needs it.
pub fn command_line(arguments: &[String]) -> String {
    // A word of a command line cannot hold a NUL; one of a file that says so may, and then it is shown as it is.
    let line = shlex::try_join(arguments.iter().map(String::as_str)).unwrap_or_else(|_| arguments.join(" "));
    visible(&line).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_quoted_where_a_shell_needs_it() {
        let args = ["perfvt", "compare", "a b", "it's", ""].map(String::from);
        assert_eq!(command_line(&args), r#"perfvt compare 'a b' "it's" ''"#);
    }
}
