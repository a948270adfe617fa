//! "Did you mean".

/// Characters that count when two texts are compared letter by letter.
const LONGEST: usize = 200;

/// The candidate that is nearest to `word`, when one is near enough to be a slip of the keyboard: at most two edits,
/// and at most a third of the word.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let allowed = (length / 3).clamp(1, 2);
    candidates
        .into_iter()
        // Each edit changes the length by one at most: a word of a megabyte is near to nothing, and needs no table to tell.
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
    fn a_word_of_a_megabyte_is_told_from_all_candidates_at_once() {
        let (word, began) = ("x".repeat(1 << 20), std::time::Instant::now());
        assert_eq!(closest(&word, ["throughput"; 100]), None);
        assert!(began.elapsed() < std::time::Duration::from_secs(5), "{:?}", began.elapsed());
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
