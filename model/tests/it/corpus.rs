//! Every input in the fuzzer's corpus, whole and cut, and changes of them, keep the law of the target.

use stats::SplitMix64;
use std::path::Path;

#[path = "../../../fuzz/laws/measurements.rs"]
mod law;

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/measurements");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 5, "{} holds {} inputs", folder.display(), paths.len());
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn the_corpus_keeps_its_law_whole_and_cut_anywhere() {
    for data in corpus() {
        law::holds(&data);
        for end in (0..data.len()).step_by(1 + data.len() / 100) {
            law::holds(&data[..end]);
        }
    }
}

#[test]
fn changes_of_the_corpus_keep_its_law() {
    let corpus = corpus();
    let mut random = SplitMix64::new(7);
    let letters = b"0123456789{}[]\",:\n\\aenv";
    for _ in 0..2000 {
        let mut data = corpus[random.below(corpus.len())].clone();
        for _ in 0..=random.below(3) {
            if data.is_empty() {
                continue;
            }
            let at = random.below(data.len());
            match random.below(4) {
                0 => data[at] = letters[random.below(letters.len())],
                1 => data.truncate(at),
                2 => drop(data.remove(at)),
                _ => {
                    let other = &corpus[random.below(corpus.len())];
                    let from = random.below(other.len().max(1)).min(other.len());
                    data.splice(at..at, other[from..].iter().copied().take(200));
                }
            }
        }
        law::holds(&data);
    }
}
