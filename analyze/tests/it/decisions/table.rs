//! The long table, as Markdown.

use super::page::ROWS;
use super::rates::{Counted, Kind, Rate, Tally};
use super::{forks, kinds};

/// Sizes of families.
const FAMILIES: [usize; 3] = [8, ROWS, 2 * ROWS];

/// What is counted, and what of it lies beyond its bound.
struct Table {
    /// Rows of each kind.
    rows: usize,
    seed: u64,
    beyond: Vec<String>,
}

impl Table {
    /// Pages of so many rows, as many pages as make up the rows of a kind, or as pages of `ROWS` would.
    fn tally(&mut self, kind: &Kind, rows: usize) -> Tally {
        self.seed += 1;
        let first = self.seed << 32;
        kind.tally(rows, first..first + self.rows.div_ceil(rows.max(ROWS)) as u64)
    }

    /// A share, in bold where it lies beyond its bound.
    fn cell(&mut self, kind: &Kind, what: &str, rate: &Rate) -> String {
        let text = format!("{:.4}", rate.share).trim_start_matches('0').to_owned();
        if kind.holds(rate) {
            return text;
        }
        self.beyond.push(format!(
            "{}, {what}: {text} of {}, bound {:.4}",
            kind.name,
            rate.of,
            kind.bound(rate)
        ));
        format!("**{text}**")
    }

    fn unchanged(&mut self, kinds: &[Kind]) {
        println!(
            "| unchanged | p ≤ .05 | a row is decided on a page of 8, 24, 48 | the gate fails |\n|---|---|---|---|"
        );
        for kind in kinds {
            let tallies = FAMILIES.map(|rows| self.tally(kind, rows));
            let (hits, rows) = tallies.iter().fold((0, 0), |(h, r), t| (h + t.significant, r + t.rows));
            let rate = Rate { share: hits as f64 / rows as f64, of: rows as f64 };
            let row = match kind.counted {
                Counted::Capped => "-".to_owned(),
                _ => self.cell(kind, "p", &rate),
            };
            let page = tallies.map(|t| self.cell(kind, "page", &t.of_pages(t.decided)));
            let gate = tallies.map(|t| self.cell(kind, "gate", &t.of_pages(t.gated)));
            println!("| {} | {row} | {} | {} |", kind.name, page.join(", "), gate.join(", "));
        }
    }

    /// Kinds of one thing that counts.
    fn single(&mut self, head: &str, kinds: &[Kind]) {
        println!("\n| {head} | rate | bound |\n|---|---|---|");
        for kind in kinds {
            let tally = self.tally(kind, kind.rows);
            let rate = kind.rate(&tally);
            let text = self.cell(kind, head, &rate);
            let alone = match kind.counted {
                Counted::WrongIntervals(..) => {
                    format!(" (by itself {:.4})", tally.mean(tally.wrong_alone).share)
                }
                _ => String::new(),
            };
            println!("| {} | {text}{alone} | {:.4} |", kind.name, kind.bound(&rate));
        }
    }

    /// What is found of a change as large as the MDE; nothing is promised of it but the first column.
    fn mde(&mut self) {
        println!("\n| effect of the MDE | p ≤ .05 | decided, one of 24 | at the gate |\n|---|---|---|---|");
        for n in [3, 5, 10, 20] {
            let every = self.tally(&kinds::at_the_mde(n, true), ROWS);
            let one = self.tally(&kinds::at_the_mde(n, false), ROWS);
            println!(
                "| {n} boots a side | {:.4} | {:.4} | {:.4} |",
                every.of_rows(every.significant).share,
                one.of_pages(one.first).share,
                one.of_pages(one.first_gates).share
            );
        }
    }
}

#[test]
#[ignore = "minutes: the table of decisions"]
fn table_of_decisions() {
    let rows: usize = std::env::var("PERFVT_ROWS").map_or(Ok(100_000), |text| text.parse()).unwrap();
    let mut table = Table { rows, seed: 1000, beyond: Vec::new() };
    println!("{rows} rows of each kind and size of page");
    let mut all = kinds::tables();
    all.extend(forks::kind());
    all.extend(kinds::campaigns());
    all.extend(kinds::sessions());
    let threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    threads.install(|| {
        table.unchanged(&all);
        table.single("EQUIVALENT on an edge of the band", &kinds::at_the_edge());
        table.single("found", &kinds::changed());
        table.single("intervals of decided rows that miss the truth", &kinds::chosen());
        table.mde();
    });
    assert!(table.beyond.is_empty(), "{:#?}", table.beyond);
}
