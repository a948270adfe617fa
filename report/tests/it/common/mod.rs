//! Scenarios as input: directories that the tests write, which `analyze` judges and the reports show.
#![allow(dead_code)]

pub mod campaigns;
pub mod hosts;
pub mod lakes;
pub mod scenarios;
#[path = "../../../../analyze/tests/it/support/mod.rs"]
pub mod support;
pub mod values;

use analyze::{CompareOptions, Comparison, compare};
use report::ClassicTable;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// 2014-05-01 12:00 UTC, when most sides were measured.
pub const MEASURED: u64 = 1_398_945_600;

/// What one comparison is made of: directories `results/<side>`, and how they are compared.
pub struct Input {
    root: TempDir,
    pub options: CompareOptions,
}

impl Input {
    /// The sides that `write` puts into a directory, the baseline first.
    pub fn new(write: impl FnOnce(&Path) -> Vec<PathBuf>) -> Input {
        let root = tempfile::tempdir().unwrap();
        let paths = write(&root.path().join("results"));
        let mut options = support::options(&paths);
        options.seed = 1;
        options.command = ["perfvt", "compare"].map(String::from).to_vec();
        let shown = paths.iter().map(|path| path.strip_prefix(root.path()).unwrap().display().to_string());
        options.command.extend(shown);
        Input { root, options }
    }

    /// What `analyze` says. The temporary directory is left out of the paths: it has another name every time.
    pub fn judged(&self) -> Comparison {
        let mut comparison = compare(&self.options).unwrap();
        comparison.perfvt = "0.1.0".to_owned();
        let root = format!("{}/", self.root.path().display());
        let shorten = |text: &mut String| *text = text.replace(&root, "");
        comparison.files.iter_mut().for_each(shorten);
        comparison.warnings.iter_mut().for_each(|warning| shorten(&mut warning.text));
        comparison.failures.iter_mut().for_each(|failures| shorten(&mut failures.first));
        for side in std::iter::once(&mut comparison.a).chain(&mut comparison.b) {
            shorten(&mut side.path);
            side.losses.iter_mut().for_each(|loss| shorten(&mut loss.place));
        }
        for host in comparison.hosts.iter_mut().flat_map(|hosts| &mut hosts.each) {
            host.shards.iter_mut().for_each(|shard| shorten(&mut shard.path));
        }
        for sample in comparison.rows.iter_mut().flat_map(|row| [&mut row.a, &mut row.b]) {
            sample.invalid.iter_mut().for_each(|loss| shorten(&mut loss.place));
        }
        comparison
    }

    /// The ancestor's tables of the classic files in the same directories.
    pub fn classic(&self) -> Vec<ClassicTable> {
        let tables = analyze::classic_tables(&self.options).unwrap().into_iter();
        tables
            .map(|t| ClassicTable { workload: t.workload, candidate: t.candidate, groups: t.groups })
            .collect()
    }
}

/// The details of every row that a page has packed, in the order of the rows.
pub fn details(page: &str) -> Vec<String> {
    let packs = page.split("<script class=\"pack\" type=\"application/gzip\">").skip(1);
    packs.flat_map(|pack| unpacked(pack.split('<').next().unwrap())).collect()
}

fn unpacked(packed: &str) -> Vec<String> {
    use std::io::Read;
    let mut text = String::new();
    flate2::read::GzDecoder::new(&base64(packed)[..]).read_to_string(&mut text).unwrap();
    text.split('\u{1e}').map(str::to_owned).collect()
}

/// The bytes that a text in base64 stands for.
pub fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |c: &u8| ALPHABET.iter().position(|a| a == c).map(|digit| digit as u32);
    let mut bytes = Vec::new();
    for four in text.as_bytes().chunks(4) {
        let digits: Vec<u32> = four.iter().filter_map(digit).collect();
        let word = digits.iter().fold(0, |word, digit| word << 6 | digit) << (6 * (4 - digits.len()));
        bytes.extend_from_slice(&word.to_be_bytes()[1..digits.len()]);
    }
    bytes
}

/// What a reader sees of a page: its body, and the details of its rows.
pub fn seen(page: &str) -> String {
    let start = page.find("<body>").unwrap();
    let end = page.find("<script class=\"pack\"").unwrap_or(page.len());
    format!("{}\n{}", &page[start..end], details(page).join("\n"))
}
