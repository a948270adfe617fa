//! Sizes and durations as levels: however a file spells one, it is one level.
//!
//! ```text
//!   4k = 4K = 4KiB = 4kb = 4096 = 4096B = 0x1000          60 = 60s = 1m = 60000ms = 1min
//! ```

use std::collections::BTreeMap;

/// Keys whose levels are sizes in bytes, in small letters and without what stands between words.
const SIZES: [&str; 20] = [
    "bs",
    "size",
    "blocksize",
    "blksize",
    "msgsize",
    "messagesize",
    "buffersize",
    "bufsize",
    "bufferlength",
    "recordsize",
    "filesize",
    "iosize",
    "requestsize",
    "responsesize",
    "pagesize",
    "chunksize",
    "pktsize",
    "packetsize",
    "bytes",
    "length",
];

/// Keys whose levels are seconds.
const TIMES: [&str; 6] = ["runtime", "duration", "time", "ramptime", "seconds", "testduration"];

/// How a file writes the levels that have another spelling here: by key and level, as it wrote them first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spellings(BTreeMap<(String, String), String>);

impl Spellings {
    /// Key, level and how it is written, by key and level.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.0.iter().map(|((key, level), written)| (key.as_str(), level.as_str(), written.as_str()))
    }

    /// The level of a key, in the one spelling of its kind.
    pub(super) fn level(&mut self, key: &str, written: &str) -> String {
        let level = level(key, written);
        self.keep(key, &level, written);
        level
    }

    /// The same for a key whose levels are known to be of a sort.
    pub(super) fn of(&mut self, sort: Sort, key: &str, written: &str) -> String {
        let level = sort.spell(written);
        self.keep(key, &level, written);
        level
    }

    /// Keeps how a level is written, if it is written otherwise.
    pub(super) fn keep(&mut self, key: &str, level: &str, written: &str) {
        if level != written {
            let known = self.0.entry((key.to_owned(), level.to_owned()));
            known.or_insert_with(|| written.to_owned());
        }
    }
}

/// What the levels of a key are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Size,
    Time,
    Other,
}

impl Sort {
    /// By the name of the key.
    pub fn of(key: &str) -> Sort {
        let name: String =
            key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        if SIZES.contains(&name.as_str()) {
            Sort::Size
        } else if TIMES.contains(&name.as_str()) {
            Sort::Time
        } else {
            Sort::Other
        }
    }

    /// A level in the one spelling of its kind.
    pub fn spell(self, level: &str) -> String {
        match self {
            Sort::Size => size(level),
            Sort::Time => seconds(level),
            Sort::Other => level.to_owned(),
        }
    }
}

/// The level of a key, in the one spelling of its kind.
pub fn level(key: &str, level: &str) -> String {
    Sort::of(key).spell(level)
}

/// A size in its largest whole unit of powers of 1024: `4096` and `4KiB` are `4k`. What is no size stays as it is.
pub(super) fn size(text: &str) -> String {
    bytes(text).map_or_else(|| text.to_owned(), in_largest_unit)
}

/// Digits, with a decimal point or without, and what stands behind them in small letters.
fn split(text: &str) -> (String, String) {
    let lower = text.trim().to_ascii_lowercase();
    let end = lower.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(lower.len());
    let (digits, unit) = lower.split_at(end);
    (digits.to_owned(), unit.trim().to_owned())
}

fn bytes(text: &str) -> Option<u64> {
    // fio takes them, and scripts write them.
    if let Some(digits) = text.trim().strip_prefix("0x").or_else(|| text.trim().strip_prefix("0X")) {
        return u64::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'));
    }
    let (digits, unit) = split(text);
    let unit = match unit.as_str() {
        "byte" | "bytes" => "",
        unit => unit.trim_end_matches('b').trim_end_matches('i'),
    };
    let power = match unit {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return None,
    };
    whole(&digits, 1024u64.checked_pow(power)?)
}

/// So many of a unit, if that is a whole number.
fn whole(digits: &str, unit: u64) -> Option<u64> {
    let (number, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let number = number.parse::<u64>().ok()?.checked_mul(unit)?;
    if decimals.is_empty() {
        return (!digits.ends_with('.')).then_some(number);
    }
    let scale = 10u64.checked_pow(u32::try_from(decimals.len()).ok()?)?;
    let part = decimals.parse::<u64>().ok()?.checked_mul(unit)?;
    (part % scale == 0).then_some(number.checked_add(part / scale)?)
}

fn in_largest_unit(bytes: u64) -> String {
    let units = ["k", "m", "g", "t"];
    let (mut value, mut unit) = (bytes, "");
    for next in units {
        if value == 0 || value % 1024 != 0 {
            break;
        }
        (value, unit) = (value / 1024, next);
    }
    format!("{value}{unit}")
}

/// A time in seconds: `60`, `60s` and `1m` are the same. What is no whole number of seconds stays as it is.
pub(super) fn seconds(text: &str) -> String {
    let (digits, unit) = split(text);
    let factor = match unit.as_str() {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => Some(1),
        "m" | "min" | "mins" | "minute" | "minutes" => Some(60),
        "h" | "hour" | "hours" => Some(3600),
        "d" | "day" | "days" => Some(86_400),
        "ms" => {
            let ms = whole(&digits, 1).filter(|ms| ms % 1000 == 0);
            return ms.map_or_else(|| text.to_owned(), |ms| (ms / 1000).to_string());
        }
        _ => None,
    };
    factor.and_then(|factor| whole(&digits, factor)).map_or_else(|| text.to_owned(), |s| s.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_have_one_spelling() {
        let sizes = ["4096", "4k", "4K", "4KiB", "4kb", "4096B", "4 KiB", "4.0k", "4096 bytes"].map(size);
        assert!(sizes.iter().all(|s| s == "4k"), "{sizes:?}");
        let others = ["0", "512", "1536", "1.5k", "1024m", "50%", "", "1.", "1.3k", "99999999999t"].map(size);
        assert_eq!(others, ["0", "512", "1536", "1536", "1g", "50%", "", "1.", "1.3k", "99999999999t"]);
        let times = ["60", "60s", "1m", "60000ms", "1min", "60 sec", "60.0"].map(seconds);
        assert!(times.iter().all(|t| t == "60"), "{times:?}");
        assert_eq!(["1500ms", "2h", "soon"].map(seconds), ["1500ms", "7200", "soon"]);
    }

    #[test]
    fn levels_of_keys_of_sizes_and_times_have_it_and_others_stay() {
        for key in ["bs", "Block_size", "block size", "msg-size"] {
            assert_eq!(level(key, "4096"), "4k", "{key}");
        }
        assert_eq!((level("duration", "1m"), level("depth", "1024")), ("60".to_owned(), "1024".to_owned()));
    }
}
