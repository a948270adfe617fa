//! Writes the pages of the test fixtures, to be looked at: `cargo run -p perfvt-report --example pages -- DIR`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../tests/it/common/mod.rs"]
mod common;

use analyze::FailOn;
use common::{lakes, scenarios};
use report::{HtmlOptions, JunitOptions, MarkdownOptions, TextOptions};
use std::path::Path;

fn main() -> std::io::Result<()> {
    let dir = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let dir = Path::new(&dir);
    let mut pages = scenarios::small();
    pages.extend([
        ("netperf", scenarios::netperf()),
        ("quick", scenarios::quick()),
        ("iozone", scenarios::iozone()),
        ("large", scenarios::large(10_000)),
    ]);
    for (name, comparison) in &pages {
        let gate = analyze::gate(comparison, &[FailOn::Regression], 0);
        let page = HtmlOptions { gate: gate.clone(), ..HtmlOptions::default() };
        std::fs::write(dir.join(format!("{name}.html")), report::html(comparison, &page))?;
        let narrow = TextOptions { gate: gate.clone(), ..TextOptions::default() };
        std::fs::write(dir.join(format!("{name}.txt")), report::text(comparison, &narrow))?;
        let wide = TextOptions { width: 160, color: true, gate, ..TextOptions::default() };
        std::fs::write(dir.join(format!("{name}.wide.txt")), report::text(comparison, &wide))?;
        std::fs::write(
            dir.join(format!("{name}.md")),
            report::markdown(comparison, &MarkdownOptions::default()),
        )?;
        std::fs::write(dir.join(format!("{name}.csv")), report::csv(comparison))?;
        std::fs::write(dir.join(format!("{name}.xml")), report::junit(comparison, &JunitOptions::default()))?;
    }
    for (name, place) in
        [("history", lakes::small()), ("years", lakes::years(300, 1095)), ("year", lakes::tigerbeetle())]
    {
        place.publish();
        edge::write::rename(place.root(), dir.join(name))?;
    }
    Ok(())
}
