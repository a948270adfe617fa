//! Every format of every scenario, byte for byte; and laws that hold for all of them.
use crate::common;

use analyze::{Comparison, FailOn, FailureVerdict, Reason, Verdict};
use common::scenarios::{self, small};
use report::{ClassicTable, Gate, HtmlOptions, JunitOptions, MarkdownOptions, TextOptions};

fn gate(comparison: &Comparison) -> Option<Gate> {
    analyze::gate(comparison, &[FailOn::Regression, FailOn::Unfinished], 0)
}

/// The page with one element per line, the details of its rows behind it, and without style and script, which have their own tests.
fn readable(page: &str) -> String {
    let cut = |text: &str, from: &str, to: &str| {
        let start = text.find(from).unwrap() + from.len();
        let end = start + text[start..].find(to).unwrap();
        format!("{}…{}", &text[..start], &text[end..])
    };
    let page = cut(page, "<style>", "</style>");
    let page = cut(&page, "<script>", "</script>");
    let page = cut(&page, "style-src ", "\">");
    let packed = page.find("<script class=\"pack\"").unwrap_or(page.len());
    let details: String =
        common::details(&page).iter().enumerate().map(|(i, d)| format!("\n<!-- r{i} -->{d}")).collect();
    format!("{}{details}", &page[..packed]).replace("><", ">\n<")
}

/// The text with at most nine significant digits in a number: those behind them differ from processor to processor.
fn rounded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let end = rest[start..].find(|c: char| !(c.is_ascii_digit() || ".e-".contains(c)));
        let number = rest[start..end.map_or(rest.len(), |n| start + n)].trim_end_matches(['.', 'e', '-']);
        out.push_str(&rest[..start]);
        out.push_str(&nine_digits(number));
        rest = &rest[start + number.len()..];
    }
    out + rest
}

fn nine_digits(number: &str) -> String {
    let mantissa = number.split('e').next().unwrap().trim_start_matches(['0', '.']);
    let long = number.contains('.') && mantissa.chars().filter(char::is_ascii_digit).count() > 9;
    match number.parse::<f64>() {
        Ok(value) if long => {
            let value: f64 = format!("{value:.8e}").parse().unwrap();
            if number.contains('e') { format!("{value:e}") } else { format!("{value}") }
        }
        _ => number.to_owned(),
    }
}

/// The JSON with a member a line.
fn pretty(comparison: &Comparison) -> String {
    let mut json = Vec::new();
    report::json(comparison, &mut json).unwrap();
    serde_json::to_string_pretty(&serde_json::from_slice::<serde_json::Value>(&json).unwrap()).unwrap()
}

#[test]
fn every_format_of_every_scenario_is_as_it_was() {
    let golden = |name: String, text: String| insta::assert_snapshot!(name, rounded(&text));
    for (name, comparison) in small() {
        let options = TextOptions { gate: gate(&comparison), ..TextOptions::default() };
        golden(format!("{name}.text"), report::text(&comparison, &options));
        let options = MarkdownOptions { gate: gate(&comparison), ..MarkdownOptions::default() };
        golden(format!("{name}.markdown"), report::markdown(&comparison, &options));
        golden(format!("{name}.csv"), report::csv(&comparison));
        golden(format!("{name}.junit"), report::junit(&comparison, &JunitOptions::default()));
        golden(format!("{name}.json"), pretty(&comparison));
        let classic = if name == "verdicts" { scenarios::classic() } else { Vec::new() };
        let options = HtmlOptions { gate: gate(&comparison), classic, ..HtmlOptions::default() };
        golden(format!("{name}.html"), readable(&report::html(&comparison, &options)));
    }
    let verdicts = scenarios::verdicts();
    let wide = TextOptions { width: 140, color: true, all: true, gate: None };
    golden("verdicts.text.wide".to_owned(), report::text(&verdicts, &wide));
    golden("verdicts.explain".to_owned(), report::explain(&verdicts, 0).unwrap());
    let failing = scenarios::failing();
    let numbers = analyze::steps(&failing, &failing.rows[1]);
    golden("failing.explain".to_owned(), report::explain_in_full(&failing, 1, &numbers).unwrap());
    let wide = TextOptions { width: 140, color: false, all: true, gate: gate(&failing) };
    golden("failing.text.wide".to_owned(), report::text(&failing, &wide));
    let profiled = scenarios::profiled();
    golden("profiled.explain".to_owned(), report::explain(&profiled, 0).unwrap());
    let wide = TextOptions { width: 140, color: false, all: true, gate: None };
    golden("profiled.text.wide".to_owned(), report::text(&profiled, &wide));
    golden(
        "profiled.svg".to_owned(),
        report::flame_svg(&scenarios::flame(), "base: <one> & case").replace("><", ">\n<"),
    );
    let looked = scenarios::looked();
    let numbers = analyze::steps(&looked, &looked.rows[0]);
    golden("looked.explain".to_owned(), report::explain_in_full(&looked, 0, &numbers).unwrap());
    let hosts = common::hosts::hosts();
    let numbers = analyze::steps(&hosts, &hosts.rows[0]);
    golden("hosts.explain".to_owned(), report::explain_in_full(&hosts, 0, &numbers).unwrap());
}

#[test]
fn every_verdict_and_every_reason_is_among_the_golden_pages() {
    let all: Vec<Comparison> = small().into_iter().map(|(_, comparison)| comparison).collect();
    let found: Vec<_> = all.iter().flat_map(|c| &c.rows).map(|r| (r.verdict, r.reason)).collect();
    for verdict in Verdict::ALL {
        assert!(found.iter().any(|f| f.0 == verdict), "{}", verdict.word());
    }
    for reason in report::REASONS {
        assert!(found.iter().any(|f| f.1 == Some(reason)), "{}", reason.word());
    }
    for row in [
        (Verdict::Inconclusive, Some(Reason::Failures)),
        (Verdict::Invalid, Some(Reason::Failures)),
        (Verdict::Regressed, Some(Reason::Exact)),
        (Verdict::Equivalent, Some(Reason::Exact)),
    ] {
        assert!(found.contains(&row), "{row:?}");
    }
    let failures: Vec<_> = all.iter().flat_map(|c| &c.failures).collect();
    for verdict in [FailureVerdict::FailsMore, FailureVerdict::Undecided] {
        assert!(failures.iter().any(|f| f.verdict == verdict), "{}", verdict.word());
    }
    assert!(failures.iter().any(|f| f.crashes > 0) && all.iter().any(|c| c.b[0].unfinished));
    let rows = || all.iter().flat_map(|c| &c.rows);
    assert!(rows().any(|r| r.beyond) && rows().any(|r| r.gates && !r.beyond));
    assert!(rows().any(|r| r.p_gate.is_some() && r.verdict.is_decided_change() && !r.gates));
    assert!(all.iter().flat_map(|c| &c.summary[0].categories).any(|c| c.verdict == Verdict::Regressed));
}

#[test]
fn equal_input_gives_equal_bytes() {
    for (_, c) in small() {
        let page = |c: &Comparison| report::html(c, &HtmlOptions::default());
        assert_eq!(page(&c), page(&c.clone()));
    }
}

#[test]
fn nothing_that_is_not_a_number_is_ever_printed() {
    for (name, mut comparison) in small() {
        // Even a comparison that breaks its promise does not get NaN onto a page.
        for row in &mut comparison.rows {
            row.ratio = row.ratio.map(|_| f64::NAN);
            row.diff = Some(f64::INFINITY);
            row.p_model = Some(f64::NAN);
            row.a.mean = Some(f64::NEG_INFINITY);
            row.a.values.push(f64::NAN);
        }
        let text = report::text(&comparison, &TextOptions { all: true, ..TextOptions::default() });
        let markdown = report::markdown(&comparison, &MarkdownOptions::default());
        let page = report::html(&comparison, &HtmlOptions::default());
        let visible = common::seen(&page);
        for (format, output) in [
            ("text", text.as_str()),
            ("markdown", &markdown),
            ("html", &visible),
            ("csv", &report::csv(&comparison)),
        ] {
            for word in ["NaN", "nan ", "inf ", "-inf", "inf%", ">inf"] {
                let output = output.replace("not a finite number: nan", "");
                assert!(!output.contains(word), "{name}.{format} contains {word:?}");
            }
        }
    }
}

#[test]
fn the_heading_of_a_category_stands_once_in_the_text() {
    let mut all = small();
    all.push(("netperf", scenarios::netperf()));
    for (name, comparison) in all {
        let text =
            report::text(&comparison, &TextOptions { width: 200, all: true, ..TextOptions::default() });
        let table = text.split("\nLegend").next().unwrap();
        let mut headings: Vec<&str> = table
            .lines()
            .filter(|line| line.starts_with("netperf ") || line.contains(" · netperf "))
            .collect();
        let all = headings.len();
        headings.sort_unstable();
        headings.dedup();
        assert_eq!(headings.len(), all, "{name}: {text}");
        assert!(all > 0 || name == "empty", "{name}: {text}");
    }
}

#[test]
fn levels_are_shown_as_the_first_side_writes_them_and_ids_stay() {
    let comparison = scenarios::spelled();
    let all = TextOptions { width: 140, all: true, ..TextOptions::default() };
    let shown = [
        report::text(&comparison, &all),
        report::markdown(&comparison, &MarkdownOptions::default()),
        report::html(&comparison, &HtmlOptions::default()),
    ];
    for text in &shown {
        assert!(text.contains("bs=4096 depth=1") && text.contains("bs=8192 depth=8"), "{text}");
        assert!(!text.contains("bs=4k depth"), "{text}");
    }
    let [_, _, page] = shown;
    assert!(page.contains("<th scope=\"col\">4096</th>"), "the heat map");
    let apart = "bs is 4096 in old.csv and 4k in new.csv";
    assert_eq!(page.matches(&format!("title=\"{apart}\"")).count(), 2, "8192 is written alike");
    assert!(report::explain(&comparison, 0).unwrap().contains(apart));
    let kept = [report::csv(&comparison), report::junit(&comparison, &JunitOptions::default())];
    assert!(kept.iter().all(|text| text.contains("bs=4k depth=1") && !text.contains("bs=4096 depth")));
    assert_eq!(comparison.rows[0].id, "csv//bs=4k,depth=1/rate");
}

#[test]
fn a_plan_shows_levels_as_the_files_write_them_and_keeps_ids() {
    let input = common::Input::new(|dir| {
        let rows = ["8.1", "8.2", "8.15"].map(|value| format!("4096,8,rate,{value}\n"));
        std::fs::create_dir_all(dir).unwrap();
        std::fs::write(dir.join("old.csv"), format!("bs,depth,metric,value\n{}", rows.concat())).unwrap();
        vec![dir.join("old.csv")]
    });
    let (options, path) = (&input.options, &input.options.paths[0]);
    let plan = analyze::plan(options, path, &analyze::Asked::default()).unwrap();
    assert_eq!(plan.rows[0].id, "csv//bs=4k,depth=8/rate");
    let text = report::plan(&plan);
    assert!(text.contains("bs=4096,depth=8/rate") && !text.contains("bs=4k"), "{text}");
    // As `perfvt show` has it.
    assert!(report::show(&analyze::show(options, path).unwrap()).contains("bs=4096,depth=8/rate"));
}

#[test]
fn text_fits_every_width_that_it_is_given() {
    use unicode_width::UnicodeWidthStr;
    let mut all = small();
    all.push(("netperf", scenarios::netperf()));
    for (name, comparison) in all {
        for width in [60, 80, 100, 119, 120, 160] {
            let options = TextOptions { width, all: true, gate: gate(&comparison), color: false };
            for line in report::text(&comparison, &options).lines() {
                // What is to be typed is one line however long.
                let is_typed =
                    ["      --", "  made by: ", "  next: "].iter().any(|begin| line.starts_with(begin));
                let fits = line.width() <= width || is_typed;
                assert!(fits, "{name} at {width}: {} columns in {line:?}", line.width());
                assert!(!line.contains('\u{1b}') && !line.contains('\u{202e}'), "{name}: {line:?}");
            }
        }
    }
}

#[test]
fn forty_eight_cases_fit_a_screen() {
    let mut regressed = scenarios::netperf();
    for row in regressed.rows.iter_mut().filter(|row| row.role == model::Role::Primary) {
        row.verdict = Verdict::Regressed;
    }
    for comparison in [scenarios::netperf(), regressed] {
        for width in [80, 120] {
            let options = TextOptions { width, gate: gate(&comparison), ..TextOptions::default() };
            let text = report::text(&comparison, &options);
            assert!(text.lines().count() <= 50, "{} lines:\n{text}", text.lines().count());
        }
    }
}

#[test]
fn few_rows_are_all_listed_and_many_are_counted() {
    let text = |comparison: &Comparison| report::text(comparison, &TextOptions::default());
    let two = text(&scenarios::two_candidates());
    assert!(two.contains("≈ EQUIVALENT") && !two.contains("further row"), "{two}");
    let mut many = scenarios::netperf();
    for row in many.rows.iter_mut().filter(|row| row.role == model::Role::Primary) {
        row.verdict = Verdict::Regressed;
    }
    let (count, text) =
        (many.rows.iter().filter(|row| row.verdict == Verdict::Regressed).count(), text(&many));
    let more = format!("and {} further rows that changed, failed or are missing", count - 11);
    assert!(text.contains(&more), "{more}: {text}");
}

#[test]
fn regressions_come_first_and_what_changed_nothing_is_counted_not_listed() {
    let text = report::text(&scenarios::verdicts(), &TextOptions::default());
    let at = |word: &str| text.find(word).unwrap_or_else(|| panic!("no {word} in\n{text}"));
    assert!(at("▼ REGRESSED") < at("▲ IMPROVED") && at("▲ IMPROVED") < at("netperf TCP_STREAM  13: 2▼ 1▲"));
    assert!(!text.contains("? INCONCLUSIVE") && !text.contains("≈ EQUIVALENT"), "{text}");
    let all = TextOptions { all: true, ..TextOptions::default() };
    let all = report::text(&scenarios::verdicts(), &all);
    assert!(all.contains("? INCONCLUSIVE") && all.contains("≈ EQUIVALENT"), "{all}");
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("patched against base: "), "{first}");
    assert!(text.contains("inconclusive (not shown to be equal)"));
}

#[test]
fn markdown_stays_under_the_limit_and_says_what_it_left_out() {
    let options = MarkdownOptions::default();
    let text = report::markdown(&scenarios::large(10_000), &options);
    assert!(text.chars().count() < 65_000, "{}", text.chars().count());
    assert!(text.contains("rows were left out of this comment"), "{}", &text[text.len() - 800..]);
    let small = report::markdown(&scenarios::verdicts(), &options);
    assert!(!small.contains("left out"));
    assert_eq!(small.matches("<details>").count(), small.matches("</details>").count());
}

#[test]
fn the_page_can_load_and_run_nothing_but_its_own_script() {
    for (name, comparison) in small() {
        let page = report::html(&comparison, &HtmlOptions::default());
        let body = common::seen(&page);
        let tag_end = |i: usize| body[i..].find('>').map_or(body.len(), |n| i + n);
        for (i, _) in body.match_indices('<') {
            // Attribute values are quoted and hold no quote, so what is between them is the tag's own.
            let tag: String = body[i..tag_end(i)].split('"').step_by(2).collect();
            let tag = tag.to_lowercase();
            assert!(
                !tag.contains(" on") && !tag.contains(" style=") && !tag.contains(" src="),
                "{name}: {tag}"
            );
        }
        let packs = page.matches("<script class=\"pack\" type=\"application/gzip\">").count();
        assert_eq!(page.matches("<script").count(), 1 + packs, "{name}: the script and the details");
        assert!(!body.contains("href=\"http") && !body.contains("href=\"j"), "{name}");
        assert!(page.contains("default-src 'none'; style-src 'sha256-"));
        assert!(!page.contains("unsafe-inline"));
    }
}

#[test]
fn the_details_of_every_row_are_packed_in_the_order_of_the_rows() {
    for (name, comparison) in small() {
        let page = report::html(&comparison, &HtmlOptions::default());
        let details = common::details(&page);
        assert_eq!(details.len(), comparison.rows.len(), "{name}");
        for (row, details) in comparison.rows.iter().zip(&details) {
            for value in row.a.values.iter().chain(&row.b.values) {
                let value = report::numbers::raw(*value).replacen('-', "−", 1);
                assert!(
                    details.contains(&format!(">{value}<")),
                    "{name} {}: {value} is not in {details}",
                    row.id
                );
            }
        }
    }
}

#[test]
fn a_page_is_small_and_one_of_many_rows_makes_elements_of_none_of_them() {
    let quick = scenarios::quick();
    assert!(quick.rows.len() >= 155, "{}", quick.rows.len());
    let page = report::html(&quick, &HtmlOptions::default());
    assert!(page.len() < 250_000, "five cases, {} rows: {} bytes", quick.rows.len(), page.len());
    let large = scenarios::large(2_000);
    let page = report::html(&large, &HtmlOptions::default());
    assert!(page.len() < 2_000 * 1_800, "{} bytes", page.len());
    let start = page.find("<noscript id=\"lines\">").unwrap();
    let end = start + page[start..].find("</noscript>").unwrap();
    let rows = |text: &str| text.matches("<tbody id=\"r").count();
    assert_eq!((rows(&page[start..end]), rows(&page[end..])), (large.rows.len(), 0));
}

#[test]
fn junit_fails_what_regressed_and_passes_nothing_that_is_open() {
    let text = report::junit(&scenarios::verdicts(), &JunitOptions::default());
    assert_eq!(
        text.matches("<failure ").count(),
        2,
        "throughput, and a deterministic metric; the important CPU metric regressed too, and does not gate"
    );
    for (i, _) in text.match_indices("INCONCLUSIVE") {
        let tag = text[..i].rfind('<').unwrap();
        assert!(text[tag..].starts_with("<skipped"), "{}", &text[tag..i]);
    }
    let open =
        |name: &str| text.matches(&format!("<{name} ")).count() + text.matches(&format!("<{name}>")).count();
    // A case of which the baseline failed, and a category, stand beside the rows.
    assert_eq!(open("testcase"), scenarios::verdicts().rows.len() + 2);
    assert!(text.contains("tests=\"24\" failures=\"2\" errors=\"0\""), "{}", &text[..300]);
}

#[test]
fn junit_is_well_formed_and_has_only_what_jenkins_schema_knows() {
    use quick_xml::events::Event;
    let allowed = |name: &str| -> &'static [&'static str] {
        match name {
            "testsuites" => &["name", "tests", "failures", "errors"],
            "testsuite" => &["name", "tests", "failures", "errors", "skipped"],
            "testcase" => &["name", "classname"],
            "failure" | "error" | "skipped" => &["type", "message"],
            "system-out" => &[],
            other => panic!("unknown element {other}"),
        }
    };
    for (_, comparison) in small() {
        let text = report::junit(&comparison, &JunitOptions::default());
        let mut reader = quick_xml::Reader::from_str(&text);
        loop {
            match reader.read_event().unwrap() {
                Event::Start(e) | Event::Empty(e) => {
                    for attribute in e.attributes() {
                        let key = attribute.unwrap().key;
                        let key = key.as_ref().to_owned();
                        assert!(allowed(e.name().as_ref()).contains(&key.as_str()), "{key}");
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
    }
}

#[test]
fn known_changes_are_told_in_every_format_and_fail_nothing() {
    let c = scenarios::known();
    let text = report::text(&c, &TextOptions::default()).split_whitespace().collect::<Vec<_>>().join(" ");
    let page = report::html(&c, &HtmlOptions::default());
    for (format, output) in [
        ("text", text.clone()),
        ("markdown", report::markdown(&c, &MarkdownOptions::default())),
        ("junit", report::junit(&c, &JunitOptions::default())),
        ("html", page),
    ] {
        let reason = "known until 2027-01-31: the new default of the driver (known.txt:3)";
        assert!(output.contains(reason), "{format}: {output}");
    }
    assert!(text.contains("2 regressions (1 known) of 4 primary rows and 1 improvement (1 known)"), "{text}");
    let junit = report::junit(&c, &JunitOptions::default());
    let failures: Vec<&str> = junit.lines().filter(|line| line.contains("<failure ")).collect();
    let [row] = failures.as_slice() else { panic!("{failures:?}") };
    assert!(row.contains("throughput"), "what is known is in no score of a category either: {failures:?}");
}

#[test]
fn the_classic_section_is_coloured_where_the_ancestor_promised_it() {
    let options = HtmlOptions { classic: scenarios::classic(), ..HtmlOptions::default() };
    let page = report::html(&scenarios::verdicts(), &options);
    assert!(page.contains("<td class=\"bad strong\"><span class=\"g\">▼</span> -8.500%</td>"));
    assert!(
        page.contains("<td class=\"bad strong\">-0.999</td>"),
        "one colour for difference and significance"
    );
    assert!(page.contains("<td class=\"bad\"><span class=\"g\">▼</span> +2.000%</td>"), "light below 5 %");
    assert!(page.contains("<td>+40.000%</td>"), "not significant: no colour");
    let none: Vec<ClassicTable> = Vec::new();
    let without =
        report::html(&scenarios::verdicts(), &HtmlOptions { classic: none, ..HtmlOptions::default() });
    assert!(!without.contains("id=\"classic\""));
}

/// The formats for people and for CI, each in one line.
fn told(c: &Comparison) -> [(&'static str, String); 4] {
    let flat = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (text, markdown) = (TextOptions::default(), MarkdownOptions::default());
    [
        ("text", flat(report::text(c, &text))),
        ("markdown", flat(report::markdown(c, &markdown).replace('\\', ""))),
        ("junit", flat(report::junit(c, &JunitOptions::default()))),
        ("html", flat(report::html(c, &HtmlOptions::default()))),
    ]
}

#[test]
fn what_failed_and_that_a_campaign_goes_on_is_told_in_every_format() {
    for (format, output) in told(&scenarios::failing()) {
        for what in ["16 of 20", "panic 16", "FAILS-MORE", "16 guests of the candidate alone died"] {
            assert!(output.contains(what), "{format}: {what}");
        }
        assert!(output.contains("he campaign of next has not ended"), "{format}");
    }
    let page = report::html(&scenarios::failing(), &HtmlOptions::default());
    assert!(page.contains("<a href=\"#failures\">") && page.contains("<section id=\"failures\""));
    let without = report::html(&scenarios::looked(), &HtmlOptions::default());
    assert!(!without.contains("#failures\">") && !without.contains("id=\"failures\""));
}

#[test]
fn rows_that_the_gate_does_not_count_are_told_apart_in_every_format() {
    for (format, output) in told(&scenarios::failing()) {
        assert!(output.contains("not at the gate") && output.contains("gates"), "{format}");
        assert!(output.contains("beyond"), "{format}");
    }
}

#[test]
fn the_interval_of_a_decided_row_is_the_one_after_choosing() {
    let c = scenarios::failing();
    let row = c.rows.iter().position(|r| r.verdict == Verdict::Regressed && r.gates).unwrap();
    let (chosen, plain) = (c.rows[row].ratio_ci_fcr.unwrap(), c.rows[row].ratio_ci.unwrap());
    assert!(chosen.0 < plain.0 && plain.1 < chosen.1);
    let scaled = report::numbers::row_scale(&c.rows[row]);
    let change = report::numbers::change(&c.rows[row], &scaled);
    let low = format!("[{:.1}, ", (chosen.0 - 1.0) * 100.0);
    assert!(change.chosen && change.ci.as_ref().unwrap().starts_with(&low), "{change:?} {low}");
    let open = c.rows.iter().find(|r| r.verdict == Verdict::Inconclusive).unwrap();
    assert!(!report::numbers::change(open, &scaled).chosen);
}

#[test]
fn an_explanation_names_the_bands_that_were_used_and_no_other() {
    let c = scenarios::verdicts();
    let of = |what: &dyn Fn(&analyze::Row) -> bool| {
        let row = c.rows.iter().position(what).unwrap();
        report::explain_in_full(&c, row, &analyze::steps(&c, &c.rows[row])).unwrap()
    };
    let log = of(&|r| r.verdict == Verdict::Regressed && r.reason.is_none());
    assert!(log.contains("band of the ratio    ") && !log.contains("band of the difference"), "{log}");
    let linear = of(&|r| &*r.metric == "local_CPU");
    assert!(linear.contains("[0.95000, 1.0500]") && linear.contains("band of the difference"), "{linear}");
    let none = of(&|r| r.reason == Some(Reason::NoScale));
    assert!(!none.contains("band of the"), "{none}");
    let nothing = of(&|r| &*r.metric == "vhost_CPU" && r.verdict.is_decided_change());
    assert!(
        !nothing.contains("band of the ratio") && nothing.contains("band of the difference"),
        "{nothing}"
    );
}

#[test]
fn no_report_says_plus_or_minus_where_the_band_is_one_of_ratios() {
    for (format, output) in told(&scenarios::failing()) {
        assert!(!output.contains("±5% of the") && !output.contains("band ±"), "{format}");
    }
    let all = TextOptions { all: true, ..TextOptions::default() };
    let text = report::text(&scenarios::failing(), &all);
    assert!(text.contains("band m = 5%: from -4.76% to +5%"), "{text}");
}
