//! "Did you mean".

/// The candidate that is nearest to `word`, when one is near enough to be a slip of the keyboard: at most two edits,
/// and at most a third of the word.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let allowed = (length / 3).clamp(1, 2);
    candidates
        .into_iter()
        // Each edit changes the length by one at most: a word of a megabyte is near to nothing, and needs no table to tell.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= allowed)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| (1..=allowed).contains(distance))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, a swap of two neighbours counting once (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let width = b.len() + 1;
    let mut table: Vec<usize> = vec![0; (a.len() + 1) * width];
    let at = |i: usize, j: usize| i * width + j;
    let get = |table: &[usize], index: usize| table.get(index).copied().unwrap_or(usize::MAX / 2);
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            let value = if i == 0 || j == 0 {
                i + j
            } else {
                let (x, y) = (a.get(i - 1), b.get(j - 1));
                let mut best = (get(&table, at(i - 1, j)) + 1)
                    .min(get(&table, at(i, j - 1)) + 1)
                    .min(get(&table, at(i - 1, j - 1)) + usize::from(x != y));
                if i > 1 && j > 1 && x == b.get(j - 2) && a.get(i - 2) == y {
                    best = best.min(get(&table, at(i - 2, j - 2)) + 1);
                }
                best
            };
            if let Some(slot) = table.get_mut(at(i, j)) {
                *slot = value;
            }
        }
    }
    get(&table, at(a.len(), b.len()))
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

    #[test]
    fn the_distance_counts_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("ab", "ba"), 1);
    }
}
