//! Every input in the fuzzer's corpus of scripts, whole and cut, and changes of them, keep the law of the target.

use stats::SplitMix64;
use std::path::Path;

#[path = "../../../fuzz/laws/drive.rs"]
mod law;

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/drive");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 3, "{} holds {} inputs", folder.display(), paths.len());
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn scripts_of_the_corpus_keep_their_law_whole_and_cut_anywhere() {
    for data in corpus() {
        (0..=data.len()).for_each(|end| law::holds(&data[..end]));
    }
}

#[test]
fn changes_of_scripts_keep_their_law() {
    let corpus = corpus();
    let mut random = SplitMix64::new(21);
    let letters = b"0123456789\"'\\ \n#>|$\x1b\xe2vmend";
    for _ in 0..2000 {
        let mut data = corpus[random.below(corpus.len())].clone();
        for _ in 0..=random.below(3) {
            let at = random.below(data.len().max(1)).min(data.len());
            match random.below(3) {
                0 => data.insert(at, letters[random.below(letters.len())]),
                1 => data.truncate(at),
                _ if at < data.len() => drop(data.remove(at)),
                _ => {}
            }
        }
        law::holds(&data);
    }
}
