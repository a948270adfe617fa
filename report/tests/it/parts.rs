//! The parts of the page, each by what it says.
use crate::common;

use common::scenarios;
use report::HtmlOptions;

fn page(comparison: &analyze::Comparison) -> String {
    report::html(comparison, &HtmlOptions::default())
}

/// The text between two others.
fn between<'p>(page: &'p str, from: &str, to: &str) -> &'p str {
    let rest = page.split_once(from).unwrap_or_else(|| panic!("no {from} in {page}")).1;
    rest.split_once(to).unwrap().0
}

#[test]
fn the_card_answers_what_came_out_whether_to_trust_it_and_what_to_do() {
    let page = page(&scenarios::verdicts());
    let card = between(&page, "<div class=\"card worse\">", "<ul class=\"counts\"");
    assert!(card.contains("2 regressions (2 of 13 rows)"), "{card}");
    let trust = "<dt>Trust</dt><dd><strong>! Likely; measure again before you act:</strong> ";
    assert!(card.contains(&format!("{trust}base and patched were not measured alike")), "{card}");
    assert!(
        card.contains(
            "<dt>Comparable</dt><dd><bdi>in part; not measured alike: session length 60 -&gt; 30; should be equal: host.cpu.microcode"
        ),
        "{card}"
    );
    assert!(
        card.replace("<wbr>", "").contains(
            "perfvt explain results/base results/patched 'netperf/TCP_STREAM/size=64,sessions=1/throughput'"
        ),
        "{card}"
    );
    assert!(card.contains("95% sure between"), "{card}");
    // What Trust says is not said again among the notes.
    assert_eq!(page.matches("base and patched were not measured alike").count(), 1, "{page}");
}

#[test]
fn a_page_on_which_nothing_is_wrong_says_that_nothing_has_to_be_done() {
    let mut comparison = scenarios::iozone();
    comparison.warnings.clear();
    for row in &mut comparison.rows {
        (row.verdict, row.reason) = (analyze::Verdict::Equivalent, None);
    }
    let rows = comparison.rows.len();
    let summary = &mut comparison.summary[0];
    summary.primary = [(analyze::Verdict::Equivalent, rows)].into();
    summary.all = summary.primary.clone();
    summary.categories.clear();
    let page = page(&comparison);
    let card = between(&page, "<div class=\"card quiet\">", "<ul class=\"counts\"");
    assert!(card.contains("No regression was found in 12 rows"), "{card}");
    assert!(card.contains("✓ Rely on it.") && card.contains("Nothing has to be done."), "{card}");
}

#[test]
fn areas_that_got_worse_stand_at_the_top_and_more_than_five_are_counted() {
    let mut comparison = scenarios::netperf();
    let card = |comparison: &analyze::Comparison| {
        between(&page(comparison), "<div class=\"card worse\">", "<dt>Trust").to_owned()
    };
    assert!(!card(&comparison).contains("<dt>Where"), "the one row is all there is to say");
    for (i, row) in comparison.rows.iter_mut().enumerate() {
        row.verdict = analyze::Verdict::Regressed;
        row.category = format!("area {}", i / 30).into();
    }
    let many = card(&comparison);
    assert!(many.contains("<dt>Where</dt><dd><ul class=\"areas\">"), "{many}");
    assert_eq!(many.matches("<li><span class=\"sign\">▼</span>").count(), 5, "{many}");
    assert!(many.contains("and <a href=\"#rows\">"), "{many}");
}

#[test]
fn where_nothing_was_found_no_number_is_large_and_what_is_open_is_told() {
    let mut comparison = scenarios::verdicts();
    comparison.rows.retain(|row| row.verdict == analyze::Verdict::Inconclusive);
    let open = comparison.rows.len();
    let summary = &mut comparison.summary[0];
    summary.primary = [(analyze::Verdict::Inconclusive, open)].into();
    summary.categories.clear();
    comparison.failures.clear();
    let page = page(&comparison);
    let card = between(&page, "<div class=\"card open\">", "<dt>Trust");
    assert!(card.contains("No regression was found;") && !card.contains("class=\"figures\""), "{card}");
    let told = card.contains("a change for the worse of ") && card.contains(" cannot be excluded.");
    assert!(told, "{card}");
}

#[test]
fn the_preview_of_a_link_says_what_came_out_and_nothing_in_it_becomes_markup() {
    let attribute =
        |page: &str| between(page, "<meta property=\"og:description\" content=\"", "\">").to_owned();
    let plain = attribute(&page(&scenarios::verdicts()));
    assert!(plain.starts_with("2 regressions (2 of 13 rows), worst -"), "{plain}");
    assert!(plain.contains(" Trust: likely; measure again before you act. ("), "{plain}");
    let mut hostile = scenarios::hostile();
    hostile.a.facts.insert("host.name".into(), "\"><script>x()</script>".into());
    let hostile = attribute(&page(&hostile));
    assert!(hostile.contains("&quot;&gt;&lt;script&gt;") && !hostile.contains('<'), "{hostile}");
}

#[test]
fn a_failure_that_is_known_is_told_with_its_bug_in_every_form() {
    let mut comparison = scenarios::failing();
    let bug = "known until 2027-01-31: BUG-17 (known.txt:1)";
    for failed in &mut comparison.failures {
        failed.expected = Some(analyze::Expected {
            reason: "BUG-17".into(),
            until: "2027-01-31".into(),
            place: "known.txt:1".into(),
        });
    }
    let cases = comparison.failures.len();
    let text = report::text(&comparison, &report::TextOptions::default());
    let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plain.contains(bug) && !plain.contains("!! netperf"), "{text}");
    assert!(plain.contains("fail, which is known"), "{text}");
    let page = page(&comparison);
    assert_eq!(between(&page, "<table class=\"failures\"", "</table>").matches(bug).count(), cases, "{page}");
    assert!(report::markdown(&comparison, &report::MarkdownOptions::default()).contains(bug));
    let junit = report::junit(&comparison, &report::JunitOptions::default());
    let suite = between(&junit, "<testsuite name=\"failures\"", "</testsuite>");
    assert_eq!((suite.matches("<skipped ").count(), suite.matches(bug).count()), (cases, cases), "{suite}");
}

#[test]
fn a_badge_and_the_short_form_say_how_bad_it_is() {
    let comparison = scenarios::verdicts();
    let badge = report::badge(&comparison, None);
    assert!(badge.contains("2 regressions, worst -"), "{badge}");
    let brief = report::brief(&comparison);
    assert!(brief[0].contains("2 regressions (2 of 13 rows), worst -"), "{brief:?}");
}

#[test]
fn notes_of_one_kind_are_one_line_with_their_number_and_none_is_lost() {
    let mut comparison = scenarios::verdicts();
    let lost = comparison.warnings.iter().find(|w| w.code == "lost-cells").unwrap().clone();
    for text in ["4 cells of another side", "9 cells of a third"] {
        comparison.warnings.push(analyze::Warning { text: text.to_owned(), ..lost.clone() });
    }
    let page = page(&comparison);
    assert_eq!(page.matches("<strong>lost-cells").count(), 1);
    let kind = between(&page, "<strong>lost-cells", "</details>");
    assert!(kind.starts_with(" ×3</strong> ") && kind.contains("and 2 more of this kind"), "{kind}");
    assert!(kind.contains("4 cells of another side.") && kind.contains("9 cells of a third."), "{kind}");
}

#[test]
fn maps_stand_worst_first_and_those_without_a_change_are_folded() {
    let mut comparison = scenarios::netperf();
    comparison.rows.iter_mut().for_each(|row| row.verdict = analyze::Verdict::Equivalent);
    let section = |comparison: &analyze::Comparison| {
        between(&page(comparison), "<section id=\"heat\"", "</section>").to_owned()
    };
    let quiet = section(&comparison);
    let (open, folded) = quiet.split_once("<details>").unwrap();
    assert!(!open.contains("<table") && folded.contains(", without a change</summary>"), "{quiet}");
    // The worst row is of the map that was last: it is open now, and first.
    let primary = |row: &&mut analyze::Row| row.role == model::Role::Primary;
    let last = comparison.rows.iter_mut().rfind(primary).unwrap();
    (last.verdict, last.ratio) = (analyze::Verdict::Regressed, Some(0.5));
    let caption = format!("{} {} {}", last.workload, last.category, last.metric);
    let changed = section(&comparison);
    let open = changed.split_once("<details>").unwrap().0;
    assert_eq!(open.matches("<table").count(), 1, "{open}");
    assert!(open.contains(&caption), "{caption}: {open}");
}

#[test]
fn a_page_links_to_the_documentation_that_it_is_told_of_and_to_no_script() {
    let of = |docs: &str| {
        let options = HtmlOptions { docs: Some(docs.to_owned()), ..HtmlOptions::default() };
        report::html(&scenarios::verdicts(), &options)
    };
    assert!(of("https://lab.example/perfvt?a=1&b=\"").contains(
        "href=\"https://lab.example/perfvt?a=1&amp;b=&quot;\" rel=\"noreferrer\">Documentation</a>"
    ));
    let other = of("javascript:alert(1)");
    assert!(other.contains("Documentation: javascript:alert(1)") && !other.contains("href=\"javascript"));
    assert!(!page(&scenarios::verdicts()).contains("Documentation"));
}

#[test]
fn several_guests_at_once_are_drawn_over_their_number() {
    let page = page(&scenarios::density());
    let section = between(&page, "<section id=\"curves\"", "</section>");
    assert_eq!(section.matches("<svg").count(), 2, "secondary metrics have no curve: {section}");
    assert!(section.contains("ready_s") && section.contains("pss_MiB") && !section.contains("rss_MiB"));
    // Three points on each side, joined.
    let run = between(section, "class=\"run a\" d=\"", "\"");
    assert_eq!((run.matches('M').count(), run.matches('L').count()), (1, 2), "{run}");
    assert!(!self::page(&scenarios::netperf()).contains("id=\"curves\""));
}

#[test]
fn iozone_has_the_geometric_mean_of_each_operation_and_its_surfaces() {
    let page = page(&scenarios::iozone());
    let section = between(&page, "<section id=\"iozone\"", "</section>");
    let write = between(section, "Write_Thro-KBps ", "</tr>");
    let numbers: Vec<&str> =
        write.split("<td class=\"num\">").skip(1).map(|c| c.split('<').next().unwrap()).collect();
    // The levels are 4000 * record + size: their geometric mean is 66.6 MiB/s, as a calculator has it.
    assert!(numbers[2].starts_with("−10.") || numbers[2].starts_with("−9."), "{numbers:?}");
    assert_eq!(numbers[3], "6");
    assert_eq!(section.matches("<table class=\"heat surface\">").count(), 4, "two operations of two sides");
    assert!(section.contains("size_kB ╲ record_kB"));
    assert!(!self::page(&scenarios::netperf()).contains("id=\"iozone\""));
}
