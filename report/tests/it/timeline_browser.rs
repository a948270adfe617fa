//! The history pages of a site as a browser sees them.
use crate::chromium;
use crate::common;

use chromium::Page;
use common::lakes::{hostile, small, years};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

#[test]
fn hostile_names_do_nothing_in_a_browser() {
    let place = hostile();
    place.publish();
    let Some(mut page) = Page::open("history-hostile", &place.only_first("h/g/"), |_| {}) else { return };
    assert_ne!(page.eval("document.title"), json!("owned"));
    assert!(page.complaints.is_empty(), "{}", page.complaints.join("\n"));
}

#[test]
fn axe_finds_no_violation_and_nothing_sticks_out_of_a_telephone() {
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/axe/node_modules/axe-core/axe.min.js");
    let Ok(axe) = fs::read_to_string(axe) else {
        testing::skip("axe: axe-core is not there; `npm ci` in report/tests/axe fetches it");
        return;
    };
    let (small, hostile) = (small(), hostile());
    small.publish();
    hostile.publish();
    let pages = [
        (small.text("index.html"), "light"),
        (small.text("h/index.html"), "dark"),
        (small.text("h/events.html"), "light"),
        (small.only("h/e/"), "light"),
        (small.only("h/e/"), "dark"),
        (small.only("h/g/"), "light"),
        (small.only("h/g/"), "dark"),
        (hostile.text("h/index.html"), "light"),
    ];
    for (text, scheme) in pages {
        let Some(mut page) = Page::open("axe-history", &text, |p| p.scheme(scheme)) else { return };
        page.eval("document.querySelectorAll('details').forEach((d) => { d.open = true; })");
        page.eval(&format!("{axe};1"));
        let run = "axe.run(document).then((r) => r.violations.map((v) => \
                   v.id + ': ' + v.nodes.map((n) => n.html).join(' ')))";
        let title = page.eval("document.title");
        assert_eq!(page.eval(run), json!([]), "{title} {scheme}");
        page.size(360, 700);
        assert_eq!(
            page.eval("document.documentElement.scrollWidth"),
            json!(360),
            "{title}: nothing sticks out"
        );
        page.print_media("dark");
        let paper = "getComputedStyle(document.body).backgroundColor";
        assert_eq!(page.eval(paper), json!("rgb(255, 255, 255)"));
        assert!(page.complaints.is_empty(), "{title}: {}", page.complaints.join("\n"));
    }
}

/// 300 series of three years: every kind of page opens in under two seconds, from the click to the last byte drawn.
#[test]
#[ignore = "soak: times, which take a quiet machine"]
fn three_years_of_three_hundred_series_open_in_two_seconds() {
    let place = years(300, 1095);
    let started = Instant::now();
    let history = place.read();
    let read = started.elapsed();
    drop(history);
    let started = Instant::now();
    let summary = place.publish();
    let pages = place.pages();
    let bytes: usize = pages.values().map(String::len).sum();
    eprintln!(
        "{summary:?}: read and judged in {read:?}, that and {} pages in {:?}, {bytes} bytes, the largest {:?}",
        pages.len(),
        started.elapsed(),
        pages.values().map(String::len).max()
    );
    let mut slowest = (Duration::ZERO, String::new());
    for name in ["index.html", "h/index.html", "h/events.html", "h/g/", "h/e/"] {
        let (name, text) = pages.iter().rfind(|(of, _)| of.starts_with(name)).unwrap();
        let best = (0..3).filter_map(|_| opened(text)).min();
        let Some(best) = best else { return };
        eprintln!("{name}: {} bytes, {best:?}", text.len());
        slowest = slowest.max((best, name.clone()));
    }
    assert!(slowest.0 < Duration::from_secs(2), "{slowest:?}");
}

/// How long a page takes until all of it is laid out.
fn opened(text: &str) -> Option<Duration> {
    let mut page = Page::open("history-years", text, |p| p.size(1400, 1000))?;
    let drawn = "(async () => { await new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r))); return performance.now(); })()";
    Some(Duration::from_secs_f64(page.eval(drawn).as_f64().unwrap() / 1000.0))
}
