//! Whole bisections without a guest: steps are done by a world whose culprit is known.

use super::*;
use builds::Commit;
use stats::SplitMix64;

/// What commits are.
struct World {
    plan: Plan,
    culprit: Option<usize>,
    /// Another one that makes it slower once more.
    second: Option<usize>,
    unbuildable: Vec<usize>,
    unbootable: Vec<usize>,
    noise: SplitMix64,
}

impl World {
    fn new(last: usize, culprit: Option<usize>, seed: u64) -> World {
        let commit = |at: usize| Commit {
            id: format!("{at:040}"),
            tree: format!("{at}"),
            parents: Vec::new(),
            time: 0,
            authored: 0,
            author: String::new(),
            subject: String::new(),
        };
        let plan = Plan {
            format: FORMAT,
            perfvt: String::new(),
            created: 0,
            repository: "/".into(),
            recipe: "script".into(),
            range: "a..b".into(),
            commits: (0..=last).map(commit).collect(),
            weights: vec![1.0; last],
            row: "r".into(),
            measuring: Vec::new(),
            seed,
        };
        let noise = SplitMix64::new(seed);
        World { plan, culprit, second: None, unbuildable: Vec::new(), unbootable: Vec::new(), noise }
    }

    fn value(&mut self, commit: usize) -> Value {
        let dead = self.unbootable.contains(&commit).then(|| "no boot".to_owned());
        let steps = [self.culprit, self.second].into_iter().flatten().filter(|at| commit >= *at).count();
        let value = -0.05 * steps as f64 + 0.02 * self.noise.next_normal();
        Value { commit, value: Some(value).filter(|_| dead.is_none()), dead }
    }

    fn through(&mut self, limits: &Limits, checks: &[Check]) -> (End, Known) {
        let mut known = Known::default();
        loop {
            let events = match next(&self.plan, &known, limits, checks) {
                Step::End(end) => return (end, known),
                Step::Build(commit) if self.unbuildable.contains(&commit) => {
                    vec![Event::Broken { commit, stage: Stage::Build, why: "no".into() }]
                }
                Step::Build(commit) => {
                    vec![Event::Built { commit, hash: format!("{commit}"), seconds: 180.0 }]
                }
                Step::Round(commits) => {
                    assert!(commits.len() <= 3 && commits[0] == 0, "{commits:?}");
                    let values: Vec<Value> = commits.iter().map(|at| self.value(*at)).collect();
                    let seconds = 60.0 * values.len() as f64;
                    vec![Event::Began { commits, folder: "f".into() }, Event::Measured { values, seconds }]
                }
                Step::Judge(check, commit) => {
                    let is_one = self.culprit == Some(commit) || self.second == Some(commit);
                    let outcome = if is_one { "confirmed" } else { "host" };
                    let said =
                        Judged { outcome: outcome.into(), why: None, estimate: None, p: None, blocks: 5 };
                    vec![Event::Judged { check: check.word().into(), said, boots: 10, seconds: 600.0 }]
                }
            };
            events.iter().for_each(|event| known.apply(event));
        }
    }
}

const LONG: Limits = Limits { seconds: 1e6, boots: Some(600) };

#[test]
fn the_commit_is_named_after_the_checks_that_were_asked_for() {
    for (seed, culprit) in [(1, 1), (2, 23), (3, 64)] {
        let mut world = World::new(64, Some(culprit), seed);
        let (end, known) = world.through(&LONG, &[Check::Revert]);
        assert_eq!(end, End::Named(culprit), "{known:?}");
        assert!(known.judged.contains_key("revert") && known.boots < 200, "{}", known.boots);
    }
}

#[test]
fn of_two_commits_that_made_it_slower_one_is_named_and_no_other() {
    for (seed, both) in [(1, (9, 40)), (2, (20, 21)), (3, (2, 63)), (4, (30, 50))] {
        let mut world = World::new(64, Some(both.0), seed);
        world.second = Some(both.1);
        let (end, known) = world.through(&LONG, &[]);
        assert!([End::Named(both.0), End::Named(both.1)].contains(&end), "{both:?}: {end:?} {known:?}");
    }
}

#[test]
fn what_cannot_be_measured_before_the_commit_is_told_with_it() {
    let mut world = World::new(20, Some(9), 5);
    (world.unbuildable, world.unbootable) = (vec![7], vec![8]);
    let (end, known) = world.through(&LONG, &[]);
    assert_eq!(end, End::Among(6, 9));
    assert!(known.broken.keys().all(|at| [7, 8].contains(at)));
    world.unbuildable = vec![20];
    assert_eq!(world.through(&LONG, &[]).0, End::Unmeasurable(20));
}

#[test]
fn without_a_change_it_ends_within_half_of_the_budget_and_a_short_budget_ends_with_a_set() {
    let (end, known) = World::new(30, None, 7).through(&Limits { boots: Some(60), ..LONG }, &[]);
    assert!(end == End::NotReproduced && known.boots <= 30, "{end:?} {}", known.boots);
    let (end, known) = World::new(500, Some(250), 8).through(&Limits { boots: Some(34), ..LONG }, &[]);
    assert!(matches!(end, End::Budget | End::NotReproduced) && known.boots <= 34, "{end:?} {}", known.boots);
    let (end, known) = World::new(30, Some(7), 9).through(&Limits { seconds: 1800.0, boots: None }, &[]);
    assert!(matches!(end, End::Budget | End::NotReproduced), "{end:?}");
    assert!(known.seconds() <= 1800.0, "{}", known.seconds());
}

#[test]
fn a_host_that_gives_no_values_ends_it() {
    let mut world = World::new(5, Some(2), 1);
    world.unbootable = vec![0];
    let (end, _) = world.through(&LONG, &[]);
    assert!(matches!(end, End::Unmeasurable(0)), "{end:?}");
}
