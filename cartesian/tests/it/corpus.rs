//! Every input in the fuzzer's corpus, and changes of them, keep the law of the target.

use cartesian::{Config, Options};
use std::path::Path;
use std::time::{Duration, Instant};

#[path = "../../../fuzz/laws/cartesian.rs"]
mod law;

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/cartesian");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 10, "{} holds {} inputs", folder.display(), paths.len());
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn the_corpus_keeps_its_law() {
    for data in corpus() {
        for cut in 0..=data.len() {
            law::holds(&data[..cut]);
        }
    }
}

#[test]
fn what_is_printed_as_json_is_json() {
    for data in corpus() {
        let text = String::from_utf8_lossy(&data);
        let Ok(config) = Config::parse("t.cfg", &text, Options::default()) else { continue };
        let mut expansion = config.expand();
        while let Ok(Some(dict)) = expansion.next_dict() {
            let mut line = Vec::new();
            dict.write_json(&mut line);
            let json: serde_json::Value = serde_json::from_slice(&line).unwrap();
            assert_eq!(json["name"], dict.named.name);
            let params = json["params"].as_object().unwrap();
            assert_eq!(params.len(), dict.iter().count());
            assert!(dict.iter().all(|entry| params[entry.key] == entry.value));
        }
    }
}

/// Numbers that look random: splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % n.max(1) as u64).unwrap()
    }
}

/// An input with a few lines or bytes changed, moved or taken from another.
fn changed(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let pick = |random: &mut Random| corpus[random.below(corpus.len())].clone();
    let mut data = pick(random);
    for _ in 0..1 + random.below(4) {
        let at = random.below(data.len() + 1);
        match random.below(5) {
            0 => data.truncate(at),
            1 => data.insert(at, b" \t\n:.,=?+<~!@()[]$#\"'-abv"[random.below(25)]),
            2 if at < data.len() => drop(data.remove(at)),
            3 => {
                let other = pick(random);
                let mut lines: Vec<&[u8]> = data.split(|b| *b == b'\n').collect();
                let others: Vec<&[u8]> = other.split(|b| *b == b'\n').collect();
                let place = random.below(lines.len() + 1);
                lines.insert(place, others[random.below(others.len())]);
                data = lines.join(&b'\n');
            }
            _ => {
                let mut lines: Vec<&[u8]> = data.split(|b| *b == b'\n').collect();
                let (a, b) = (random.below(lines.len()), random.below(lines.len()));
                lines.swap(a, b);
                data = lines.join(&b'\n');
            }
        }
    }
    data
}

fn soak(seed: u64, time: Duration) -> u64 {
    let (corpus, start) = (corpus(), Instant::now());
    let mut random = Random(seed);
    let mut count = 0;
    while start.elapsed() < time {
        let data = changed(&mut random, &corpus);
        let shown = String::from_utf8_lossy(&data).into_owned();
        let held = std::panic::catch_unwind(|| law::holds(&data));
        assert!(held.is_ok(), "input {count} of seed {seed} breaks the law:\n{shown}");
        count += 1;
    }
    count
}

#[test]
fn changed_inputs_keep_the_law() {
    assert!(soak(1, Duration::from_secs(2)) > 100);
}

/// `PERFVT_SOAK_SECONDS` says for how long; one minute unless it is set.
#[test]
#[ignore = "takes a minute; part of `make soak`"]
fn changed_inputs_keep_the_law_for_long() {
    let seconds = std::env::var("PERFVT_SOAK_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(60);
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let count = soak(seed, Duration::from_secs(seconds));
    eprintln!("{count} inputs, seed {seed}");
}
