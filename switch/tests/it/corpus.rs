//! Every input in the fuzzer's corpus, and changes of them, keep the law of the target.

use stats::SplitMix64;
use std::path::Path;

#[path = "../../../fuzz/laws/switch.rs"]
mod law;

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/switch");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 5, "{} holds {} inputs", folder.display(), paths.len());
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn frames_of_the_corpus_and_changes_of_them_arrive_in_order_and_nowhere_else() {
    let corpus = corpus();
    corpus.iter().for_each(|data| law::holds(data));
    let mut random = SplitMix64::new(11);
    for _ in 0..5000 {
        let mut data = corpus[random.below(corpus.len())].clone();
        for _ in 0..=random.below(8) {
            let at = random.below(data.len());
            data[at] = u8::try_from(random.below(256)).unwrap();
        }
        let more = &corpus[random.below(corpus.len())];
        data.extend(more.iter().skip(random.below(more.len())));
        law::holds(&data);
    }
}
