//! Sizes as people write them.

/// A size such as `512`, `4k`, `64K`, `2M` or `1G`, in bytes.
pub fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match text.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "t" | "tb" | "tib" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok().filter(|n| *n > 0)?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_units_that_people_write() {
        let known = [("512", 512), ("4k", 4096), ("64K", 65_536), ("2MiB", 2 << 20), ("1G", 1 << 30)];
        for (text, want) in known {
            assert_eq!(bytes(text), Some(want), "{text}");
        }
        for wrong in ["", "k", "0", "4x", "-4k", "4.5k", "99999999999T"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}
