//! Ranges of commits, as users write them.

use crate::repository::Made;
use builds::{Order, Range, Repository};

/// main: one, two, merge of side (s1, s2), three.
fn history() -> Option<Made> {
    let made = Made::new()?;
    made.commit("file", "one");
    made.git(&["tag", "v1"]).unwrap();
    made.git(&["checkout", "-q", "-b", "side"]).unwrap();
    made.commit("side", "s1");
    made.commit("side", "s2");
    made.git(&["checkout", "-q", "main"]).unwrap();
    made.commit("file", "two");
    made.git(&["merge", "-q", "--no-ff", "-m", "merge side", "side"]).unwrap();
    made.commit("docs/file.rst", "three");
    Some(made)
}

fn subjects(range: &Range) -> Vec<&str> {
    range.commits().iter().map(|commit| commit.subject.as_str()).collect()
}

#[test]
fn a_range_is_what_a_branch_got_one_after_the_other() {
    let Some(made) = history() else { return };
    let range = Range::of(&made.open(), "v1..main", Order::FirstParent).unwrap();
    assert_eq!(subjects(&range), ["file: one", "file: two", "merge side", "docs/file.rst: three"]);
    let all = Range::of(&made.open(), "v1..main", Order::All).unwrap();
    assert_eq!(all.commits().len(), 6);
    assert!(subjects(&all).contains(&"side: s1"));
    let repository = made.open();
    let weights = range.weights(|commit| repository.paths(&commit.id).unwrap());
    assert_eq!(weights.len(), 3);
    assert!(weights[2] > 0.0 && weights[2] < 0.1 && weights[0] == 1.0 && weights[1] == 1.0, "{weights:?}");
}

#[test]
fn what_is_no_range_is_refused_with_what_may_be_meant() {
    let Some(made) = history() else { return };
    let repository = made.open();
    let told = |written: &str| Range::of(&repository, written, Order::FirstParent).unwrap_err().to_string();
    assert!(told("main").contains("has no two ends; write GOOD..BAD"), "{}", told("main"));
    assert!(told("v1...main").contains("three dots"));
    assert!(told("main..v1").contains("the good end stands first"));
    assert!(told("v1..v1").contains("both ends are"));
    assert!(told("v1..nothing").contains("has no commit 'nothing'"));
    assert!(told("--output=x..main").contains("has no commit '--output=x'"));
    assert!(told("side..main~1").contains("--into-merge"), "{}", told("side..main~1"));
    let told_of_side = told("main~2..side");
    assert!(
        told_of_side.contains("both follow") && told_of_side.contains("may be a good end"),
        "{told_of_side}"
    );
    let elsewhere = Repository::open(std::path::Path::new("/nonexistent")).unwrap_err().to_string();
    assert!(elsewhere.contains("is no git repository; give the folder of a clone"), "{elsewhere}");
}
