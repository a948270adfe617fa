//! What the alignment could not bring together.

use crate::{Level, Warning};
use model::counted;

/// What did not go together, counted.
#[derive(Default)]
pub(super) struct Trouble {
    pub cells: usize,
    pub rows: usize,
    pub duplicates: usize,
    /// Names of cases.
    pub unmatched: Vec<String>,
}

impl Trouble {
    /// Says each kind once.
    pub fn warn(self, warnings: &mut Vec<Warning>) {
        let mut warn = |code, count: usize, text: String, advice: &str| {
            if count > 0 {
                warnings.push(Warning { code, level: Level::Note, text, advice: advice.to_owned(), count });
            }
        };
        let (cells, rows, again) = (self.cells, self.rows, self.duplicates);
        let inspect = "look at the files; `--format json` names each place";
        warn(
            "lost-cells",
            cells,
            format!("{} left out, without a finite number", counted(cells, "cell")),
            inspect,
        );
        let text =
            format!("{} lost: of another width than the column line, or cut off", counted(rows, "row"));
        warn("lost-rows", rows, text, inspect);
        let text = format!("{} averaged with another one of the same case and file", counted(again, "row"));
        warn("duplicate-cases", again, text, "keep one row for each case");
        let some: Vec<&str> = self.unmatched.iter().take(3).map(String::as_str).collect();
        let dots = if self.unmatched.len() > some.len() { ", .." } else { "" };
        let text =
            format!("{} on one side only: {}{dots}", counted(self.unmatched.len(), "case"), some.join(", "));
        warn("unmatched-cases", self.unmatched.len(), text, "measure the same cases on both sides");
    }
}
