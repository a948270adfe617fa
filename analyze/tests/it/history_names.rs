//! Series that were renamed go on, and what a lake holds goes out under the names that it has now.

use super::history::{add, empty, nights, of, read, say};
use analyze::history::{History, Renamed, exported_boots, exported_points, rename};
use lake::{Event, Lake, Micros, Part, Said};

fn alias(part: Part, old: &str, new: &str) -> Said {
    Said::Alias { part, old: old.into(), new: new.into() }
}

fn event(said: Said) -> Event {
    Event { at: Micros(1), who: "a".into(), series: "*".into(), issue: None, expires: None, said }
}

fn refused(lake: &Lake, said: Said) -> String {
    rename(lake, &event(said)).unwrap_err().to_string()
}

/// Forty nights of two cases, whose metric is called otherwise from the twentieth on and then falls by a tenth.
fn renamed_at_twenty() -> String {
    let table = nights(&["a", "b"], 40, |_, night| if night >= 30 { 0.9 } else { 1.0 });
    let line = |(at, line): (usize, &str)| {
        if at > 20 * 2 * 3 { line.replace("throughput", "Mbps") + "\n" } else { format!("{line}\n") }
    };
    table.lines().enumerate().map(line).collect()
}

fn names(history: &History) -> Vec<(&str, usize)> {
    history.series.iter().map(|s| (s.name.as_str(), s.nights.len())).collect()
}

fn codes(history: &History) -> Vec<&str> {
    history.warnings.iter().map(|w| w.code).collect()
}

#[test]
fn a_metric_that_was_renamed_goes_on_under_its_new_name_and_its_events_keep_theirs() {
    let (_dir, lake) = of(&renamed_at_twenty());
    let before = read(&lake);
    assert_eq!(before.series.len(), 4);
    let hint = before.warnings.iter().find(|w| w.code == "maybe-renamed").unwrap();
    assert!(hint.text.starts_with("2 series of metric throughput ended on 2026-01-20"), "{}", hint.text);
    assert!(hint.advice.contains("lake alias LAKE metric 'throughput' 'Mbps'"), "{}", hint.advice);
    let said = alias(Part::Metric, "throughput", "Mbps");
    assert_eq!(rename(&lake, &event(said.clone())).unwrap(), Renamed { old: 2, new: 2 });
    say(&lake, "*", said);
    let after = read(&lake);
    assert_eq!(names(&after), [("unknown/table/a/Mbps/main", 40), ("unknown/table/b/Mbps/main", 40)]);
    assert_eq!(after.series[0].formerly, ["unknown/table/a/throughput/main"]);
    assert_eq!(codes(&after), ["renamed"]);
    let event_of = |history: &History| history.events.iter().map(|e| e.name.clone()).collect::<Vec<_>>();
    assert_eq!(event_of(&before), event_of(&after));
    // Patterns may name it as it was.
    say(&lake, "*/throughput/*", Said::SetAside { campaign: after.series[0].nights[39].campaign.clone() });
    assert!(read(&lake).series.iter().all(|s| s.nights[39].left_out));
    say(&lake, "*", Said::NoAlias { part: Part::Metric, old: "throughput".into() });
    assert_eq!(read(&lake).series.len(), 4);
}

#[test]
fn aliases_follow_each_other_and_a_new_name_may_be_said_before_it_is_there() {
    let (_dir, lake) = of(&nights(&["a"], 8, |_, _| 1.0));
    let said = alias(Part::Case, "table/a", "table/b");
    assert_eq!(rename(&lake, &event(said.clone())).unwrap(), Renamed { old: 1, new: 0 });
    say(&lake, "*", said);
    say(&lake, "*", alias(Part::Case, "table/b", "table/c"));
    assert_eq!(names(&read(&lake)), [("unknown/table/c/throughput/main", 8)]);
    let later = nights(&["c"], 12, |_, _| 1.0);
    let later: Vec<&str> =
        later.lines().enumerate().filter(|(at, _)| *at == 0 || *at > 24).map(|l| l.1).collect();
    add(&lake, &(later.join("\n") + "\n"));
    assert_eq!(names(&read(&lake)), [("unknown/table/c/throughput/main", 12)]);
}

#[test]
fn a_circle_a_name_that_is_not_there_and_series_side_by_side_are_refused() {
    let (_dir, lake) = of(&nights(&["a", "b"], 8, |_, _| 1.0));
    assert!(refused(&lake, alias(Part::Metric, "x", "x")).contains("would be called as it is"));
    let no = refused(&lake, alias(Part::Metric, "x", "y"));
    assert!(no.contains("no series has metric 'x'; there are throughput"), "{no}");
    let no = refused(&lake, alias(Part::Case, "table/a", "table/b"));
    assert!(no.contains("until 2026-01-08 and under the new one from 2026-01-01 on"), "{no}");
    say(&lake, "*", alias(Part::Metric, "throughput", "y"));
    say(&lake, "*", alias(Part::Metric, "y", "z"));
    let no = refused(&lake, alias(Part::Metric, "z", "throughput"));
    assert!(no.contains("would go on as itself, by 'throughput' and 'y' and 'z'"), "{no}");
    assert!(refused(&lake, alias(Part::Metric, "throughput", "w")).contains("is called 'y' already"));
    let no = refused(&lake, Said::NoAlias { part: Part::Machine, old: "h".into() });
    assert!(no.contains("no machine is said"), "{no}");
    // Lines that are a circle, whoever wrote them, end nothing.
    say(&lake, "*", alias(Part::Metric, "z", "throughput"));
    assert_eq!(read(&lake).series.len(), 2);
}

#[test]
fn points_and_boots_go_out_as_chosen_and_under_the_new_name() {
    let (_dir, lake) = of(&renamed_at_twenty());
    say(&lake, "*", alias(Part::Metric, "throughput", "Mbps"));
    let (points, rows) = exported_points(&lake, &["*/a/*".into()], None).unwrap();
    assert_eq!((points.rows.len(), rows.len()), (40, 40));
    let first = &points.rows[0];
    assert_eq!(
        (first.time.as_str(), first.metric.as_str(), first.boots),
        ("2026-01-01T00:00:00Z", "Mbps", 3)
    );
    assert_eq!(first.commit.as_deref(), Some("c0"));
    assert!(rows.iter().all(|p| p.series_id == rows[0].series_id && p.metric == "Mbps"));
    let since = 1_767_225_600 + 38 * 86_400;
    let boots = exported_boots(&lake, &[], Some(since)).unwrap();
    assert_eq!(boots.rows.len(), 2 * 2 * 3);
    assert!(boots.rows.iter().all(|b| b.value.is_some() && b.metric == "Mbps"));
    let (_dir, lake) = empty();
    assert!(exported_points(&lake, &[], None).unwrap().0.rows.is_empty());
}
