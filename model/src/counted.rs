//! Numbers of things in words.

/// `1 row`, `2 rows`, `3 losses`, `2 directories`.
pub fn counted(n: usize, noun: &str) -> String {
    match n {
        1 => format!("1 {noun}"),
        _ if noun.ends_with('s') => format!("{n} {noun}es"),
        _ if noun.ends_with("ory") => format!("{n} {}ies", noun.trim_end_matches('y')),
        _ => format!("{n} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_thing_has_no_plural_and_others_have_theirs() {
        assert_eq!([0, 1, 2].map(|n| counted(n, "row")), ["0 rows", "1 row", "2 rows"]);
        assert_eq!(counted(2, "loss"), "2 losses");
        assert_eq!(counted(2, "directory"), "2 directories");
    }
}
