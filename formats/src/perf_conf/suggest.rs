//! "Did you mean".

/// Characters that count when two texts are compared letter by letter.
const LONGEST: usize = 200;

/// The candidate that is nearest to `word`, when one is near enough to be a slip of the keyboard: at most two edits,
/// and at most a third of the word. A long text is no slip, and is compared with nothing.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().take(LONGEST + 1).count();
    if length > LONGEST {
        return None;
    }
    let allowed = (length / 3).clamp(1, 2);
    candidates
        .into_iter()
        // Each edit changes the length by one at most: a candidate of a megabyte needs no table to tell.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= allowed)
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|(distance, _)| (1..=allowed).contains(distance))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How alike two texts are, from 0 to 1: by their letters, of which the first count most. Long texts count by their beginnings.
pub fn likeness(one: &str, other: &str) -> f64 {
    let bounded = |text: &str| text.chars().take(LONGEST).collect::<String>();
    strsim::jaro_winkler(&bounded(one), &bounded(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_compared_with_nothing() {
        let word = |letters: usize| "x".repeat(letters);
        assert_eq!(closest(&word(LONGEST), [word(LONGEST - 1).as_str()]), Some(word(LONGEST - 1).as_str()));
        assert_eq!(closest(&word(LONGEST + 1), [word(LONGEST).as_str()]), None);
        // A table of these would be a million letters square.
        assert_eq!(closest(&word(1 << 20), [word((1 << 20) - 1).as_str(), "throughput"]), None);
        assert_eq!(closest("throughput", [word(1 << 20).as_str()]), None);
    }

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let known = ["ignore_col", "avg_update", "desc"];
        assert_eq!(closest("ignore_cols", known), Some("ignore_col"));
        assert_eq!(closest("avg_udpate", known), Some("avg_update"));
        assert_eq!(closest("color", known), None);
        assert_eq!(closest("desc", known), None, "an exact match is no slip");
    }
}
