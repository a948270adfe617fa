//! The table of verbs: command lines, what they read, how they may end and what they print.

use super::inputs::Kind::{self, Campaign, Config, Host, Nothing, Settings, Sides};
use std::ffi::OsString;

/// What is on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Text for a terminal.
    Human,
    /// A file for programs that happens to go to standard output.
    File,
    /// One JSON document.
    Json,
    /// One JSON document a line.
    JsonLines,
}

/// A command line.
pub struct Verb {
    /// Its words. `{a}`, `{b}` and `{x}` are the sides and the campaign, `{row}` is a row of theirs.
    pub words: &'static str,
    pub reads: &'static [Kind],
    /// Exit codes of its `--help`, beside 2.
    pub codes: &'static [i32],
    pub output: Output,
    /// How often it is taken.
    pub weight: usize,
    /// What it may write to in its folder; everything else must be as it was.
    pub writes: &'static [&'static str],
}

impl Verb {
    /// Whether its JSON holds all values of a side.
    pub fn tells_values(&self) -> bool {
        let verb = self.words.split(' ').next();
        self.output == Output::Json && matches!(verb, Some("compare" | "show"))
    }

    /// Whether it makes the values that [`COMPARED`] then tells.
    pub fn makes_values(&self) -> bool {
        self.words.starts_with("reparse")
    }
}

/// What tells the values of a campaign.
pub const COMPARED: &str = "compare {x} --format json";

/// A command line with the names that sides and campaign have at first.
pub fn words(line: &str) -> Vec<OsString> {
    line.replace(['{', '}'], "").split(' ').map(OsString::from).collect()
}

const fn verb(words: &'static str, reads: &'static [Kind], codes: &'static [i32], output: Output) -> Verb {
    Verb { words, reads, codes, output, weight: 2, writes: &[] }
}

impl Verb {
    const fn often(mut self) -> Verb {
        self.weight = 12;
        self
    }

    /// What tells values is asked most of all.
    const fn most(mut self) -> Verb {
        self.weight = 40;
        self
    }

    const fn seldom(mut self) -> Verb {
        self.weight = 1;
        self
    }

    const fn to(mut self, writes: &'static [&'static str]) -> Verb {
        self.writes = writes;
        self
    }
}

const BOTH: &[Kind] = &[Sides, Settings];

pub const VERBS: &[Verb] = &[
    verb("compare {a} {b} --format json", BOTH, &[0, 3], Output::Json).most(),
    verb(COMPARED, &[Campaign], &[0, 3], Output::Json).often(),
    verb("compare {a} {b} --no-html", BOTH, &[0, 3], Output::Human).often(),
    verb("compare {x} --no-html", &[Campaign], &[0, 3], Output::Human),
    verb("compare {a} {b} --no-html --force --test blocked", BOTH, &[0, 3], Output::Human),
    verb("compare {a} {b} --no-html --fail-on change --strict", BOTH, &[0, 1, 3], Output::Human),
    verb("compare {a} {b} --format markdown", BOTH, &[0, 3], Output::Human),
    verb("compare {a} {b} --format classic", BOTH, &[0, 3], Output::Human),
    verb("compare {a} {b} --format csv", BOTH, &[0, 3], Output::File),
    verb("compare {a} {b} --format junit", BOTH, &[0, 3], Output::File),
    verb("compare {a} {b} --html page.html --output markdown=c.md", BOTH, &[0, 3], Output::Human)
        .to(&["page.html", "c.md"]),
    verb("compare {a} {b} --no-html --config own.conf -v", &[Settings], &[0, 3], Output::Human).often(),
    verb("compare {a} {b} --no-html --expect expected", &[Settings], &[0, 3], Output::Human).often(),
    verb("compare {a} {b} --no-html --noise noise.json", &[Settings], &[0, 3], Output::Human).often(),
    verb("compare {a} {b} --html page.html --history site", &[Settings], &[0, 3], Output::Human)
        .to(&["page.html"]),
    verb("show {a}", BOTH, &[0, 3], Output::Human),
    verb("show {a} --format json", BOTH, &[0, 3], Output::Json).most(),
    verb("explain {a} {b} {row}", BOTH, &[0], Output::Human),
    verb("explain {a} {b} {row} --format json", BOTH, &[0], Output::Json),
    verb("plan {a} --effect 5%", BOTH, &[0, 3], Output::Human),
    verb("plan {a} --format json", BOTH, &[0, 3], Output::Json),
    verb("calibrate {a} {b}", BOTH, &[0], Output::Json),
    verb("calibrate {a} {b} --output noise.json", BOTH, &[0], Output::Human).to(&["noise.json"]),
    verb("publish new {a} --max-size 16", BOTH, &[0], Output::Human).to(&["new"]),
    verb("publish new {b} --against {a} --max-size 16", BOTH, &[0], Output::Human).to(&["new"]),
    verb("publish new {x} --max-size 16", &[Campaign], &[0], Output::Human).to(&["new"]),
    verb("publish site", &[Settings], &[0], Output::Human).often().to(&["site"]),
    verb("publish site {b} --max-size 16", &[Settings], &[0], Output::Human).to(&["site"]),
    verb("status {x}", &[Campaign], &[0], Output::Human).often(),
    verb("status {x} --log", &[Campaign], &[0], Output::Human),
    verb("status {x} --json", &[Campaign], &[0], Output::Json),
    verb("reparse {x}", &[Campaign], &[0], Output::Human).often().to(&["{x}"]),
    verb("resume {x}", &[Campaign], &[0, 4, 130], Output::Human).to(&["{x}"]),
    verb("gc {x}", &[Campaign], &[0], Output::Human),
    verb("list tests.cfg", &[Config], &[0], Output::Human).often(),
    verb("list tests.cfg --base", &[Config], &[0], Output::Human),
    verb("list tests.cfg --contents", &[Config], &[0], Output::Human),
    verb("list tests.cfg --contents --json", &[Config], &[0], Output::JsonLines),
    verb("list tests.cfg --json --defaults --compat", &[Config], &[0], Output::JsonLines),
    verb("list tests.cfg --explain mem", &[Config], &[0], Output::Human),
    verb("list tests.cfg --workloads", &[Config], &[0], Output::Human),
    verb("list tests.cfg --guests", &[Config], &[0], Output::Human),
    verb("list --guests", &[Config], &[0], Output::Human),
    verb("list lab:tests.cfg", &[Config], &[0], Output::Human),
    verb("guest list", &[Config], &[0], Output::Human),
    verb("provider list", &[Config], &[0], Output::Human),
    verb("run -c tests.cfg --accel tcg --allow-unpinned --dry-run", &[Config], &[0], Output::Human).often(),
    verb("run -c tests.cfg --accel tcg --env @size --guest own --dry-run", &[Config], &[0], Output::Human),
    verb("host status --root root", &[Host], &[0], Output::Human),
    verb("host status --root root --json", &[Host], &[0], Output::Json),
    verb("doctor", &[Config], &[0, 1], Output::Human).seldom(),
    verb("doctor --json", &[Config], &[0, 1], Output::Json).seldom(),
    verb("doctor --topology", &[Nothing], &[0], Output::Human).seldom(),
    verb("doctor --topology --json", &[Nothing], &[0], Output::Json).seldom(),
    verb("list --workloads", &[Nothing], &[0], Output::Human).seldom(),
    verb("completions bash", &[Nothing], &[0], Output::Human).seldom(),
    verb("man", &[Nothing], &[0], Output::Human).seldom(),
];
