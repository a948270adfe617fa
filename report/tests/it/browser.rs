//! The page in a real browser: Debian's Chromium where it is installed, else a named skip.
use crate::chromium;
use crate::common;

use chromium::Page;
use common::scenarios;
use report::HtmlOptions;
use serde_json::json;

fn page(comparison: &analyze::Comparison) -> String {
    report::html(comparison, &HtmlOptions::default())
}

fn assert_quiet(page: &Page) {
    assert!(page.complaints.is_empty(), "{}", page.complaints.join("\n"));
}

const SHOWN: &str = "document.querySelectorAll('#main > tbody[id]').length";

/// Waits until the script has read all rows.
fn ready(page: &mut Page) {
    let waiting = "(async () => { while (!document.querySelector('#main.ready')) await new Promise((r) => setTimeout(r, 20)); })()";
    page.eval(waiting);
}

/// Waits until so many rows are open, with what is in them.
fn opened(page: &mut Page, rows: usize) {
    let open = "[...document.querySelectorAll('tr.more.open:not([hidden])')].filter((r) => r.querySelector('.drill')).length";
    page.eval(&format!(
        "(async () => {{ while ({open} < {rows}) await new Promise((r) => setTimeout(r, 20)); }})()"
    ));
    assert_eq!(page.eval(open), json!(rows));
}

#[test]
fn hostile_names_are_shown_and_do_nothing() {
    let html = page(&scenarios::hostile());
    let Some(mut page) = Page::open("hostile", &html, |_| {}) else { return };
    let title = page.eval("document.title");
    assert!(title.as_str().unwrap().starts_with("<script>document.title='owned'</script>"), "{title}");
    page.eval("document.querySelectorAll('details').forEach((d) => d.open = true)");
    ready(&mut page);
    page.eval(
        "document.querySelectorAll('#main > tbody[id] > tr:first-child th a').forEach((a) => a.click())",
    );
    opened(&mut page, scenarios::hostile().rows.len());
    page.eval("document.querySelectorAll('*').forEach((e) => e.dispatchEvent(new MouseEvent('mouseover')))");
    assert_ne!(page.eval("document.title"), json!("owned"));
    assert_eq!(
        page.eval("document.querySelectorAll('img, iframe, object, [onclick], [onerror], [onload]').length"),
        json!(0)
    );
    assert_eq!(page.eval("document.scripts.length"), json!(2));
    let handlers = "[...document.querySelectorAll('*')].filter((e) => [...e.attributes].some((a) => /^on|^style$/.test(a.name))).length";
    assert_eq!(page.eval(handlers), json!(0));
    // What is unpacked is text as well.
    let metric = page.eval("document.querySelector('tr.more .key').textContent + document.querySelectorAll('tr.more')[1].textContent");
    assert!(metric.as_str().unwrap().contains("</td><td onclick=\"x()\">thr"), "{metric}");
    assert_quiet(&page);
}

#[test]
fn rows_are_filtered_sorted_folded_and_opened_and_the_address_remembers_it() {
    let comparison = scenarios::netperf();
    let html = page(&comparison);
    let Some(mut page) = Page::open("netperf", &html, |p| p.size(1400, 1000)) else { return };
    let all = comparison.rows.len();
    ready(&mut page);
    let count = |v| comparison.rows.iter().filter(|r| r.verdict == v).count();
    let equivalent = count(analyze::Verdict::Equivalent);
    assert_eq!(page.eval(SHOWN), json!(all - equivalent), "equivalent rows are folded in a long table");
    page.eval("[...document.querySelectorAll('.tools label')].find((l) => /hide/.test(l.textContent)).firstElementChild.click()");
    assert_eq!(page.eval(SHOWN), json!(all));
    page.eval("document.querySelector('.tools input[value=REGRESSED]').click()");
    assert_eq!(page.eval(SHOWN), json!(count(analyze::Verdict::Regressed)));
    assert_eq!(page.eval("location.hash"), json!("#?v=REGRESSED&fold=0"));
    page.eval(
        "[...document.querySelectorAll('.tools button')].find((b) => b.textContent === 'Reset').click()",
    );
    page.eval("location.hash = '#?m=throughput&q=size%3D64+stream&s=6&fold=0'; new Promise((r) => setTimeout(r, 200))");
    let cells = "[...document.querySelectorAll('#main > tbody[id]')].map((b) => parseFloat(b.rows[0].cells[6].textContent.replace('−', '-')))";
    let changes: Vec<f64> = serde_json::from_value(page.eval(cells)).unwrap();
    assert_eq!(changes.len(), 3);
    assert!(changes.is_sorted(), "{changes:?}");
    assert_eq!(page.eval("document.querySelector('th[aria-sort=ascending]').textContent"), json!("Change"));
    page.eval("document.querySelector('#main > tbody[id] th a').click()");
    opened(&mut page, 1);
    assert_eq!(page.eval("document.querySelectorAll('tr.more.open svg.plot').length"), json!(1));
    // A mark in a map leads to its row, even to a folded one.
    page.eval("[...document.querySelectorAll('#heat a')].at(-1).click()");
    opened(&mut page, 2);
    // So does a key on the link of a row, which says whether it is open.
    let link = "document.querySelector('tr.more.open').previousSibling.querySelector('th a')";
    assert_eq!(page.eval(&format!("{link}.getAttribute('aria-expanded') + {link}.tabIndex")), json!("true0"));
    assert_quiet(&page);
}

#[test]
fn a_link_to_a_row_leads_to_its_heading_and_the_address_names_it() {
    let html = page(&scenarios::quick());
    let Some(mut page) = Page::open("jump", &html, |p| p.size(390, 800)) else { return };
    ready(&mut page);
    page.eval("document.querySelector('.figures a').click()");
    opened(&mut page, 1);
    let top = "document.querySelector('tr.more.open').previousSibling.getBoundingClientRect().top";
    let top = page.eval(top).as_f64().unwrap();
    assert!((0.0..200.0).contains(&top), "the row's own line is at {top} of 800");
    let named = "location.hash === '#' + document.querySelector('tr.more.open').parentElement.id";
    assert_eq!(page.eval(named), json!(true));
    assert_quiet(&page);
}

#[test]
fn a_count_at_the_top_shows_its_rows_and_the_summary_is_copied() {
    let comparison = scenarios::verdicts();
    let Some(mut page) = Page::open("counts", &page(&comparison), |p| p.size(390, 800)) else { return };
    ready(&mut page);
    page.eval("document.querySelector('.counts a[data-v=REGRESSED]').click()");
    let regressed = comparison.rows.iter().filter(|r| r.verdict == analyze::Verdict::Regressed).count();
    assert_eq!(page.eval(SHOWN), json!(regressed));
    assert_eq!(page.eval("location.hash"), json!("#?v=REGRESSED"));
    let copied = "(async () => { let said; Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (t) => { said = t; } } });
        [...document.querySelectorAll('button')].find((b) => b.textContent === 'Copy summary').click();
        await new Promise((r) => setTimeout(r, 50)); return said; })()";
    let copied = page.eval(copied);
    assert!(copied.as_str().unwrap().starts_with("base → patched: 2 regressions"), "{copied}");
    assert_quiet(&page);
}

#[test]
fn without_script_every_row_is_there_with_its_pictures() {
    for (comparison, pictures) in [(scenarios::verdicts(), 20), (scenarios::large(1_000), 1_000)] {
        let html = page(&comparison);
        let Some(mut page) = Page::open("noscript", &html, Page::without_script) else { return };
        assert_eq!(page.eval(SHOWN), json!(comparison.rows.len()));
        let drawn = page.eval("document.querySelectorAll('#main svg.pic').length");
        assert!(drawn.as_u64().unwrap() >= pictures, "{drawn}");
        let said = page.eval("document.querySelector('#rows').innerText");
        assert!(said.as_str().unwrap().contains("perfvt explain prints them, too"));
        assert_quiet(&page);
    }
}

#[test]
fn the_page_follows_the_readers_scheme_and_fits_a_telephone() {
    let schemes = [("light", "rgb(255, 255, 255)"), ("dark", "rgb(21, 23, 26)")];
    let pages = [scenarios::verdicts(), scenarios::failing(), crate::common::hosts::hosts()];
    for ((scheme, background), comparison) in
        schemes.into_iter().flat_map(|s| pages.iter().map(move |p| (s, p)))
    {
        let gate = analyze::gate(comparison, &[analyze::FailOn::Regression], 0);
        let html = report::html(comparison, &HtmlOptions { gate, ..HtmlOptions::default() });
        let Some(mut page) = Page::open(scheme, &html, |p| {
            p.size(390, 800);
            p.scheme(scheme);
        }) else {
            return;
        };
        assert_eq!(page.eval("getComputedStyle(document.body).backgroundColor"), json!(background));
        assert_eq!(page.eval("document.documentElement.scrollWidth"), json!(390), "nothing sticks out");
        let worst: f64 = serde_json::from_value(page.eval(CONTRAST)).unwrap();
        assert!(worst >= 4.5, "a text has a contrast of {worst:.2} only ({scheme})");
        assert_quiet(&page);
    }
}

#[test]
fn paper_has_the_folded_rows_in_the_light_scheme() {
    let comparison = scenarios::netperf();
    let html = page(&comparison);
    let Some(mut page) = Page::open("paper", &html, |p| p.scheme("dark")) else { return };
    ready(&mut page);
    assert!(page.eval(SHOWN).as_u64().unwrap() < comparison.rows.len() as u64, "equivalent rows are folded");
    page.print_media("dark");
    page.eval("dispatchEvent(new Event('beforeprint'))");
    assert_eq!(page.eval(SHOWN), json!(comparison.rows.len()));
    assert_eq!(page.eval("getComputedStyle(document.body).backgroundColor"), json!("rgb(255, 255, 255)"));
    page.eval("dispatchEvent(new Event('afterprint'))");
    assert!(page.eval(SHOWN).as_u64().unwrap() < comparison.rows.len() as u64);
    let sheets = page.sheets();
    assert!(sheets <= 2, "48 cases take {sheets} sheets of paper");
    assert_quiet(&page);
}

#[test]
fn axe_finds_no_violation() {
    let axe =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/axe/node_modules/axe-core/axe.min.js");
    let Ok(axe) = std::fs::read_to_string(axe) else {
        testing::skip("axe: axe-core is not there; `npm ci` in report/tests/axe fetches it");
        return;
    };
    let options = HtmlOptions { classic: scenarios::classic(), ..HtmlOptions::default() };
    let pages = [
        ("light", scenarios::verdicts()),
        ("dark", scenarios::verdicts()),
        ("light", scenarios::two_candidates()),
        ("light", scenarios::hostile()),
        ("dark", scenarios::known()),
        ("light", scenarios::failing()),
        ("dark", scenarios::failing()),
    ];
    for (scheme, comparison) in pages {
        let html = report::html(&comparison, &options);
        let Some(mut page) = Page::open("axe", &html, |p| p.scheme(scheme)) else { return };
        ready(&mut page);
        page.eval("document.querySelectorAll('details').forEach((d) => { d.open = true; })");
        page.eval("document.querySelector('#main > tbody[id] th a').click()");
        opened(&mut page, 1);
        page.eval(&format!("{axe};1"));
        let run = "axe.run(document).then((r) => r.violations.map((v) => \
                   v.id + ': ' + v.nodes.map((n) => n.html).join(' ')))";
        assert_eq!(page.eval(run), json!([]), "{scheme}");
    }
}

/// The smallest contrast (WCAG 2.1) between a text and the background behind it.
const CONTRAST: &str = r"
(() => {
  const rgb = (c) => (c.match(/[\d.]+/g) || []).map(Number);
  const light = (c) => {
    const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  document.querySelectorAll('details').forEach((d) => { d.open = true; });
  let worst = 21;
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.getClientRects().length || e.tagName === 'SCRIPT') continue;
    const style = getComputedStyle(e);
    const ink = rgb(e.namespaceURI.endsWith('svg') ? style.fill : style.color).slice(0, 3);
    const [a, b] = [light(ink), light(behind(e))];
    worst = Math.min(worst, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  }
  return worst;
})()";

/// So many rows stand in the table at most.
const ALIVE: usize = 300;
const LONGEST_MS: f64 = 50.0;

#[test]
fn of_a_large_result_the_rows_in_sight_are_made() {
    let _ = longest_task_of_a_large_result(&page(&scenarios::large(10_000)));
}

/// The best of five runs: what others do on the machine is in the time of a task.
#[test]
#[ignore = "soak: times, which take a quiet machine"]
fn of_a_large_result_no_task_takes_long() {
    let html = page(&scenarios::large(10_000));
    let longest: Option<Vec<f64>> = (0..5).map(|_| longest_task_of_a_large_result(&html)).collect();
    let Some(longest) = longest else { return };
    eprintln!("longest task of each run: {longest:.0?} ms");
    assert!(
        longest.iter().any(|ms| *ms <= LONGEST_MS),
        "the longest task of five runs took {longest:.0?} ms"
    );
}

/// Opens a large page, scrolls, filters, and opens a row; gives the longest task in milliseconds, where there is a browser.
fn longest_task_of_a_large_result(html: &str) -> Option<f64> {
    let setup = |page: &mut Page| {
        page.size(1400, 1000);
        page.watch_tasks();
    };
    let mut page = Page::open("large", html, setup)?;
    ready(&mut page);
    scroll_through(&mut page);
    page.eval("location.hash = '#?m=IOPS&s=6&fold=0'; new Promise((r) => setTimeout(r, 500))");
    assert_eq!(page.eval("document.querySelector('[role=status]').textContent"), json!("2000 of 10000 rows"));
    page.eval("document.querySelector('#main > tbody[id] th a').click()");
    opened(&mut page, 1);
    assert_eq!(page.eval("document.querySelectorAll('tr.more.open .values tbody tr').length"), json!(10));
    assert!(page.eval(SHOWN).as_u64().unwrap() <= ALIVE as u64);
    assert_quiet(&page);
    page.eval("Math.max(0, ...longTasks)").as_f64()
}

/// Rows are there wherever one looks, and never too many.
fn scroll_through(page: &mut Page) {
    for share in [0.001, 0.3, 0.5, 0.9, 0.01] {
        page.eval(&format!(
            "scrollTo(0, document.body.scrollHeight * {share}); new Promise((r) => setTimeout(r, 400))"
        ));
        let shown = page.eval(SHOWN).as_u64().unwrap();
        assert!(shown > 0 && shown <= ALIVE as u64, "{shown}");
        if share > 0.2 {
            let seen = "document.elementFromPoint(200, 500).closest('tbody').id";
            let id = page.eval(seen);
            assert!(id.as_str().unwrap().starts_with('r'), "{share}: {id}");
        }
    }
}
