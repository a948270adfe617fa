//! The pages of a site as a browser sees them, and the feed as a reader of feeds does.
use crate::chromium;
use crate::common;

use analyze::Comparison;
use chromium::Page;
use common::scenarios;
use html5ever::tendril::TendrilSink;
use markup5ever_rcdom::RcDom;
use report::site::{Content, Kept, Labelled, Site, Unsigned};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A page that tries to run, to look like the site, and to leave its frame.
const RUN_PAGE: &str = "<!DOCTYPE html><title>run</title><h1 onclick=\"parent.document.title='owned'\">A run's own page</h1>\
    <script>top.document.title = 'owned'; document.body.innerHTML = 'owned'</script>\
    <a id=a target=_top href=\"https://example.org/\">away</a><img src=\"https://example.org/x.png\">\"' &amp;";

/// A site with an entry for each comparison, two months apart.
fn site(name: &str, comparisons: Vec<Comparison>) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("site");
    let kept = Kept { title: Some("Results of a <lab>".into()), ..Kept::default() };
    let site = Site::open(&root, &kept, 1_400_000_000, &mut || {}).unwrap();
    for (i, mut comparison) in comparisons.into_iter().enumerate() {
        let result = dir.path().join(format!("{name}{i}"));
        fs::create_dir_all(result.join("repeat1/sysinfo")).unwrap();
        fs::write(result.join("repeat1/sysinfo/cmdline"), format!("quiet run={i}\n\t<b>")).unwrap();
        fs::write(result.join("run.html"), RUN_PAGE).unwrap();
        let mut stage = site.stage().unwrap();
        comparison.a.path = stage.take(&result, 1 << 20, &Unsigned).unwrap().display().to_string();
        for side in std::iter::once(&mut comparison.a).chain(&mut comparison.b) {
            side.date_unix = side.date_unix.map(|d| d + (i as i64 - 4) * 5_000_000);
        }
        let labelled =
            Labelled { machine: Some("m1".into()), now: 1_400_000_000 + i as i64, ..Labelled::default() };
        site.add(stage, Content::Comparison(Box::new(comparison), Vec::new()), &labelled).unwrap();
    }
    assert_eq!(site.finish().unwrap().1, Vec::<String>::new());
    (dir, root)
}

/// Every HTML page of a site, by its path in it.
fn pages(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "html") {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn every_page_parses_without_an_error_and_every_link_leads_somewhere() {
    let netperf = scenarios::netperf;
    let all = vec![netperf(), netperf(), scenarios::hostile(), scenarios::nothing_in_common()];
    let (_dir, root) = site("r", all);
    let pages = pages(&root);
    assert_eq!(pages.len(), 1 + 4 * 3, "index; comparison, sysinfo and run page of each");
    assert!(pages.values().any(|page| page.contains("id=\"history\"")));
    for (name, page) in &pages {
        let dom = html5ever::parse_document(RcDom::default(), Default::default()).one(page.as_str());
        assert!(dom.errors.borrow().is_empty(), "{name}: {:?}", dom.errors.borrow());
        let folder = root.join(name).parent().unwrap().to_owned();
        for link in page.split(" href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            match link.strip_prefix('#') {
                Some(anchor) => assert!(page.contains(&format!("id=\"{anchor}\"")), "{name}: #{anchor}"),
                None if link.contains("&lt;") || link.contains("example.org") => {
                    assert!(name.ends_with("run.html"))
                }
                None => assert!(folder.join(link).is_file(), "{name}: {link}"),
            }
        }
    }
}

#[test]
fn the_history_of_a_row_holds_earlier_results_only() {
    let (_dir, root) = site("r", vec![scenarios::netperf(), scenarios::netperf(), scenarios::netperf()]);
    let mut counts: Vec<usize> = pages(&root)
        .iter()
        .filter(|(name, _)| name.starts_with("r/") && name.ends_with("index.html"))
        .map(|(_, page)| {
            let strip = page.split("<svg class=\"points history\"").nth(1);
            strip.map_or(0, |s| s.split("</svg>").next().unwrap().matches("<circle").count())
        })
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, [0, 4, 6], "two marks for each earlier result and two for this one");
}

#[test]
fn the_feed_is_well_formed_and_names_every_result_once() {
    let (_dir, root) = site("r", vec![scenarios::netperf(), scenarios::hostile()]);
    let feed = fs::read_to_string(root.join("feed.xml")).unwrap();
    let mut reader = quick_xml::Reader::from_str(&feed);
    loop {
        if matches!(reader.read_event().unwrap(), quick_xml::events::Event::Eof) {
            break;
        }
    }
    assert_eq!(feed.matches("<entry>").count(), 2);
    let mut ids: Vec<&str> = feed.split("<id>").skip(1).map(|r| r.split("</id>").next().unwrap()).collect();
    assert!(ids.iter().all(|id| id.starts_with("urn:uuid:")), "{ids:?}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3, "the feed and two entries");
    assert!(feed.contains("<updated>2014-05-13T16:53:21Z</updated>") && !feed.contains("<script"), "{feed}");
}

#[test]
fn a_page_that_comes_with_a_result_is_shown_and_runs_nothing() {
    let (_dir, root) = site("r", vec![scenarios::one_repeat()]);
    let (_, framed) = pages(&root).into_iter().find(|(name, _)| name.ends_with("run.html")).unwrap();
    let Some(mut page) = Page::open("framed", &framed, |p| p.size(900, 700)) else { return };
    assert_eq!(page.eval("document.title"), json!("mon → tue, the run's own page"));
    assert_eq!(
        page.eval("document.querySelector('iframe').srcdoc.includes(\"A run's own page\")"),
        json!(true)
    );
    assert_eq!(
        page.eval("document.querySelector('iframe').contentDocument"),
        json!(null),
        "an origin of its own"
    );
    assert_eq!(page.eval("frames.length"), json!(1));
    assert_eq!(page.eval("location.protocol"), json!("file:"));
    // The browser says that it blocked the script and the picture; nothing else, and no request was made.
    let said: Vec<&String> = page.complaints.iter().filter(|c| c.contains("requestWillBeSent")).collect();
    assert!(said.iter().all(|c| c.contains("about:srcdoc")), "{said:?}");
}

#[test]
fn axe_finds_no_violation_on_the_sites_own_pages() {
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/axe/node_modules/axe-core/axe.min.js");
    let Ok(axe) = fs::read_to_string(axe) else {
        testing::skip("axe: axe-core is not there; `npm ci` in report/tests/axe fetches it");
        return;
    };
    let (_dir, root) = site("r", vec![scenarios::verdicts(), scenarios::verdicts(), scenarios::hostile()]);
    let pages = pages(&root);
    // The newest comparison of the two has a history.
    let history = pages.iter().find(|(_, page)| page.contains("id=\"history\"")).unwrap().0.clone();
    let sysinfo = pages.keys().find(|n| n.ends_with("sysinfo.html")).unwrap().clone();
    for (name, scheme) in
        [("index.html", "light"), ("index.html", "dark"), (&*sysinfo, "light"), (&*history, "dark")]
    {
        let Some(mut page) = Page::open("axe-site", &pages[name], |p| p.scheme(scheme)) else { return };
        page.eval("document.querySelectorAll('details').forEach((d) => { d.open = true; })");
        page.eval(&format!("{axe};1"));
        let run = "axe.run(document).then((r) => r.violations.map((v) => \
                   v.id + ': ' + v.nodes.map((n) => n.html).join(' ')))";
        assert_eq!(page.eval(run), json!([]), "{name} {scheme}");
        page.size(360, 700);
        assert_eq!(
            page.eval("document.documentElement.scrollWidth"),
            json!(360),
            "{name}: nothing sticks out"
        );
        assert!(page.complaints.is_empty(), "{name}: {}", page.complaints.join("\n"));
    }
}
