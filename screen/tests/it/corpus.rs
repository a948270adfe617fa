//! Every input in the fuzzers' corpora, whole and cut, and changes of them, keep the laws of their targets.

use proptest::prelude::*;
use std::path::Path;

#[path = "../../../fuzz/laws/screen.rs"]
mod law;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 5, "{} holds {} inputs", folder.display(), paths.len());
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn replay(target: &str, law: fn(&[u8])) {
    let corpus = corpus(target);
    for data in &corpus {
        law(data);
        for cut in [data.len() / 3, data.len() / 2, data.len().saturating_sub(1)] {
            law(&data[..cut]);
        }
    }
    proptest!(|(which in 0..corpus.len(), at in 0usize..4000, bytes in proptest::collection::vec(any::<u8>(), 1..4))| {
        let mut data = corpus[which].clone();
        let at = at % data.len();
        data.splice(at..(at + bytes.len()).min(data.len()), bytes);
        law(&data);
    });
}

#[test]
fn pictures_of_the_corpus_keep_their_law() {
    replay("picture", law::picture);
}

#[test]
fn needles_of_the_corpus_keep_their_law() {
    replay("needle", law::needle);
}

#[test]
fn terminals_of_the_corpus_keep_their_law() {
    replay("terminal", law::terminal);
}
