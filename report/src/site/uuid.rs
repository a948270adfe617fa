//! What feed readers know a site and its entries by.

/// A name for feed readers out of a hash: RFC 9562, version 8.
pub(super) fn uuid(hash: &str) -> String {
    let digits: Vec<char> =
        hash.chars().filter(char::is_ascii_hexdigit).chain(std::iter::repeat_n('0', 32)).collect();
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default().iter().collect::<String>();
    format!("urn:uuid:{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_names_an_entry_as_a_uuid_of_version_8() {
        let name = uuid("0123456789abcdef0123456789abcdef0123456789abcdef");
        assert_eq!(name, "urn:uuid:01234567-89ab-8cde-8f01-23456789abcd");
        assert_eq!(uuid(""), "urn:uuid:00000000-0000-8000-8000-000000000000");
    }
}
