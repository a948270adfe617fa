//! What is odd of points has its sentence, and breaks nothing. And how many false alarms there may be.

use super::history::{nights, of, read};
use analyze::AnalyzeError;
use analyze::history::{Asked, History, Told, history_within, table_rows};
use formats::perf_conf::Conf;
use lake::{Campaign, Commit, Lake};
use std::path::Path;

/// The sentence of a warning.
#[track_caller]
fn told(history: &History, code: &str) -> String {
    let found = history.warnings.iter().find(|w| w.code == code);
    found.unwrap_or_else(|| panic!("no {code} among {:#?}", history.warnings)).text.clone()
}

fn of_rows(rows: &[&str]) -> History {
    let (_dir, lake) = of(&format!("commit,time,value,unit\n{}\n", rows.join("\n")));
    read(&lake)
}

fn error(text: &str) -> String {
    table_rows(Path::new("t.csv"), text, &Conf::builtin(), &Told::default()).unwrap_err().to_string()
}

#[test]
fn clocks_that_were_never_set_or_jumped_are_named() {
    let read = of_rows(&["a,1970-01-01,1,s", "b,2026-01-02,1,s", "c,2199-01-01,1,s"]);
    let text = told(&read, "clock");
    assert!(
        text.starts_with(
            "2 points were measured before the year 2000 or in the time to come, the first on 1970-01-01"
        ),
        "{text}"
    );
    // The clock of the fourth night was a week behind: its build had come already.
    let read = of_rows(&["a,2026-01-01,1,s", "b,2026-01-02,1,s", "c,2026-01-03,1,s", "b,2026-01-04,1,s"]);
    assert!(told(&read, "order").starts_with(
        "1 point is of a build that a later one had followed already, the first on 2026-01-04 (b, "
    ));
    // One build night after night is nothing odd.
    let read = of_rows(&["a,2026-01-01,1,s", "a,2026-01-02,1,s", "b,2026-01-03,1,s"]);
    assert_eq!(read.warnings, []);
}

/// A lake of which a repository told the commits' places.
fn with_ordinals(lake: &Lake, table: &str, ordinal: impl Fn(&str) -> Option<i64>) {
    let all = table_rows(Path::new("t.csv"), table, &Conf::builtin(), &Told::default()).unwrap().unwrap();
    for campaign in all {
        let place = |c: Commit| Commit { ordinal: ordinal(&c.commit), ..c };
        let commits = campaign.commits.iter().cloned().map(place).collect();
        lake.add(&Campaign { commits, ..campaign }).unwrap();
    }
}

#[test]
fn a_commit_that_no_repository_has_leaves_its_series_in_the_order_of_time_and_is_named() {
    let table = "commit,time,value\n1,2026-01-01,1\n2,2026-01-02,1\n3,2026-01-03,1\n";
    let (_dir, lake) = super::history::empty();
    with_ordinals(&lake, table, |commit| commit.parse().ok().filter(|n| *n != 2));
    let text = told(&read(&lake), "no-repository");
    assert!(
        text.contains("in no repository that is known here, the first of 2 (")
            && text.contains("order of time"),
        "{text}"
    );
    // All are known, and the newest commit was measured before an older one: a backfill, or a clock that jumped back.
    let (_dir, lake) = super::history::empty();
    with_ordinals(&lake, table, |commit| commit.parse().ok().map(|n: i64| -n));
    let read = read(&lake);
    assert_eq!(read.series[0].nights[0].commit.as_deref(), Some("3"));
    assert!(told(&read, "order").starts_with("2 points are of a build"), "{}", told(&read, "order"));
}

#[test]
fn a_step_within_one_build_is_no_builds_doing() {
    let table = nights(&["a"], 40, |_, night| if night >= 20 { 0.8 } else { 1.0 });
    let one = table.lines().map(|line| match line.split_once(',') {
        Some((commit, rest)) if commit.starts_with('c') && commit != "commit" => format!("same,{rest}\n"),
        _ => format!("{line}\n"),
    });
    let (_dir, lake) = of(&one.collect::<String>());
    let read = read(&lake);
    assert_eq!(
        (read.events[0].last_before.as_deref(), read.events[0].first_after.as_str()),
        (Some("same"), "same")
    );
    assert!(
        told(&read, "same-build").contains("lies between two points of one build, which was measured twice")
    );
}

#[test]
fn units_are_never_mixed_in_a_point_and_begin_a_level_anew_in_a_series() {
    let text = "time,value,unit\n2026-01-01,1,s\n2026-01-01,1000,ms\n";
    assert!(error(text).contains("t.csv:3: unit 'ms', and 's' in line 2, for one point"), "{}", error(text));
    assert!(error("time,value,direction\n2026-01-01,1,up\n").contains("want higher, lower or none"));
    let rows: Vec<String> = (1..=30)
        .map(|day| {
            let (value, unit) = if day < 16 {
                (1000.0 + f64::from(day % 3), "ms")
            } else {
                (1.0 + f64::from(day % 3) / 1000.0, "s")
            };
            format!("c{day},2026-01-{day:02},{value},{unit}")
        })
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let read = of_rows(&rows);
    assert_eq!((read.events.len(), read.series[0].reading.segments.len()), (0, 2));
    assert!(
        told(&read, "unit")
            .starts_with("the unit changed once in 1 series, the first on 2026-01-16 from ms to s")
    );
}

#[test]
fn a_value_of_zero_among_ratios_takes_part_in_nothing_also_as_the_newest() {
    let mut rows: Vec<String> =
        (1..=20).map(|day| format!("c{day},2026-01-{day:02},{},s", 100 + day % 3)).collect();
    rows.push("c21,2026-01-21,0,s".to_owned());
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let read = of_rows(&rows);
    let series = &read.series[0];
    assert_eq!(
        (series.scale.as_str(), &series.reading.no_number[..], series.reading.suspect),
        ("log", &[20][..], None)
    );
    assert!(told(&read, "no-logarithm").starts_with("1 point with values of 0 or less"));
}

#[test]
fn one_value_at_all_points_and_gaps_of_months_are_told() {
    let rows: Vec<String> = (1..=9).map(|day| format!("c{day},2026-01-{day:02},5,s")).collect();
    let mut rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    assert!(
        told(&of_rows(&rows), "equal")
            .starts_with("1 series have one value at all points, such as unknown/table/all/")
    );
    rows.push("d,2026-09-09,6,s");
    let text = told(&of_rows(&rows), "gap");
    assert!(text.contains("the longest of 243 days from 2026-01-09 to 2026-09-09"), "{text}");
    // Monthly series have no gaps.
    let monthly: Vec<String> =
        (1..=9).map(|month| format!("c{month},2026-{month:02}-01,{month},s")).collect();
    let monthly: Vec<&str> = monthly.iter().map(String::as_str).collect();
    assert!(of_rows(&monthly).warnings.is_empty());
}

fn within(lake: &Lake, a_month: f64) -> Result<History, AnalyzeError> {
    let asked = Asked { series: Vec::new(), since: None, alpha: stats::HISTORY_ALPHA };
    history_within(lake, &asked, a_month)
}

#[test]
fn a_number_of_false_alarms_sets_alpha_and_tells_what_is_to_be_expected() {
    let cases: Vec<String> = (0..20).map(|i| format!("k{i}")).collect();
    let cases: Vec<&str> = cases.iter().map(String::as_str).collect();
    let (_dir, lake) = of(&nights(&cases, 12, |_, _| 1.0));
    let read = within(&lake, 0.3).unwrap();
    let budget = read.budget.unwrap();
    assert!((read.alpha - 0.001).abs() < 1e-12 && (budget.alpha - 0.001).abs() < 1e-12);
    assert_eq!(budget.series, 20);
    // Some .067 in 100 points of quiet series.
    assert!((0.3..0.5).contains(&budget.steps), "{budget:?}");
    assert!((budget.confirmed - budget.steps / 100.0).abs() < 1e-12);
    let no = within(&lake, 0.1).unwrap_err().to_string();
    assert!(no.contains("thresholds were simulated from 0.0005 on: want at least 0.15/month"), "{no}");
    assert!(within(&lake, 4.0).unwrap_err().to_string().contains("want at most 3.00/month"));
}

#[test]
fn fewer_false_alarms_than_bad_sessions_make_are_refused() {
    // Two of a hundred sessions are far off.
    let cases: Vec<String> = (0..20).map(|i| format!("k{i}")).collect();
    let cases: Vec<&str> = cases.iter().map(String::as_str).collect();
    let (_dir, lake) = of(&nights(&cases, 50, |_, night| if night == 20 { 0.5 } else { 1.0 }));
    let no = within(&lake, 0.3).unwrap_err().to_string();
    assert!(
        no.contains("2.0 % of the points are set aside") && no.contains("at any alpha: want at least"),
        "{no}"
    );
    assert!(within(&lake, 2.9).unwrap().budget.unwrap().steps > 2.0);
}

#[test]
#[ignore = "minutes unoptimized: a hundred thousand series"]
fn a_hundred_thousand_series_that_move_at_once_are_one_event() {
    let cases: Vec<String> = (0..100_000).map(|i| format!("k{i}")).collect();
    let cases: Vec<&str> = cases.iter().map(String::as_str).collect();
    let (_dir, lake) = of(&nights(&cases, 12, |_, night| if night >= 8 { 0.8 } else { 1.0 }));
    let begun = std::time::Instant::now();
    let read = read(&lake);
    println!("{} series in {:.1} s", read.series.len(), begun.elapsed().as_secs_f64());
    assert_eq!((read.series.len(), read.events.len()), (100_000, 1));
    assert!(read.events[0].moved.len() > 99_000);
    assert!(begun.elapsed().as_secs() < 120);
}
