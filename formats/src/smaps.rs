//! `/proc/PID/smaps_rollup`: the memory of a process, added up over its mappings (proc(5)).
//!
//! ```text
//!   Rss:              123456 kB      resident
//!   Pss:              120000 kB      the same, with what several processes have divided by their number
//!   AnonHugePages:     98304 kB      in transparent huge pages
//!   KSM:                   0 kB      in pages that KSM merged; since Linux 6.4
//! ```

/// Sizes in KiB; `None` where the kernel does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Smaps {
    /// Resident.
    pub rss: Option<u64>,
    /// Resident, in proportion to those who share it.
    pub pss: Option<u64>,
    /// In transparent huge pages.
    pub huge: Option<u64>,
    /// In pages that KSM merged.
    pub ksm: Option<u64>,
}

impl Smaps {
    /// Reads the text; the first line of a name counts.
    pub fn of(text: &str) -> Smaps {
        let mut found = Smaps::default();
        for line in text.lines() {
            let Some((name, value)) = line.split_once(':') else { continue };
            let place = match name {
                "Rss" => &mut found.rss,
                "Pss" => &mut found.pss,
                "AnonHugePages" => &mut found.huge,
                "KSM" => &mut found.ksm,
                _ => continue,
            };
            let kib = value.trim().strip_suffix("kB").and_then(|number| number.trim().parse().ok());
            *place = place.or(kib);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_by_their_names_and_others_are_left_alone() {
        let text = "5581a000-7ffd000 ---p 00000000 00:00 0                 [rollup]\nRss:              123456 kB\n\
                    Pss:              120000 kB\nPss_Dirty:             4 kB\nAnonHugePages:     98304 kB\nLocked: 0 kB\n";
        let want = Smaps { rss: Some(123_456), pss: Some(120_000), huge: Some(98_304), ksm: None };
        assert_eq!(Smaps::of(text), want);
        assert_eq!(Smaps::of("Pss: many kB\nPss: 7\n"), Smaps::default());
        assert_eq!(Smaps::of(""), Smaps::default());
    }
}
