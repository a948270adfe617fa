//! Stopping rules, added boots and joined environments, over whole campaigns with guests that only pretend, judged by
//! the real analyzer.

use crate::campaign_support as support;

use analyze::{CompareOptions, Comparison, Looked, Verdict, compare};
use collect::campaign::plan::blocks;
use collect::campaign::{Campaign, CampaignError, Ended, Hooks};
use collect::lab::{Failed, Lab};
use collect::workload::{Known, Needs, Outcome, Workload};
use formats::perf_conf::Conf;
use model::journal::{AddedFor, Event};
use model::run::RUN_FORMAT;
use model::store::{CAMPAIGN_FILE, MEASUREMENTS_FILE, read_json, read_measurements};
use model::{CampaignFile, Case, Origin, Params, ParamsError, Rule, RunFile};
use perfvt::stopping::ByRule;
use stats::SplitMix64;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use support::{PretendBooter, Watcher, repeat_dir};

/// The pretending workload with noise: its cases spread by 0.3 % and 10 % in turn. A value depends on where it belongs
/// only, so that it is the same after whatever happened before it. `factor.N` of an environment multiplies case N.
struct Noisy;

fn pretend() -> &'static dyn Workload {
    support::find("pretend").unwrap()
}

impl Workload for Noisy {
    fn name(&self) -> &'static str {
        "pretend"
    }

    fn measures(&self) -> &'static str {
        "what a test says"
    }
    fn parameters(&self) -> &'static [Known] {
        &[]
    }
    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError> {
        pretend().cases(params)
    }
    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }
    fn metrics(&self, category: &str, params: &Params, kvm: bool) -> Vec<String> {
        pretend().metrics(category, params, kvm)
    }
    fn needs(&self, params: &Params) -> Needs {
        pretend().needs(params)
    }
    fn seconds(&self, _: &Params) -> f64 {
        0.0
    }
    fn session_length(&self, _: &Params) -> String {
        "1".into()
    }
    fn rhs_name(&self, began: f64) -> String {
        pretend().rhs_name(began)
    }
    fn prepare(&self, _: &mut dyn Lab, _: &Params) -> Result<(), Failed> {
        Ok(())
    }
    fn measure(&self, _: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed> {
        let size: u64 = case.keys.get("size").unwrap().parse().unwrap();
        // ENVIRONMENT/repeatN..
        let place: Vec<&str> = raw.iter().rev().skip(2).take(2).map(|p| p.to_str().unwrap()).collect();
        let seed =
            place.concat().bytes().fold(size, |seed, b| seed.wrapping_mul(31).wrapping_add(u64::from(b)));
        let sd = if size % 2 == 1 { 0.003 } else { 0.1 };
        let factor = params.get(&format!("factor.{size}")).map_or(1.0, |f| f.parse().unwrap());
        let value = 2.0 * factor * (sd * SplitMix64::new(seed).next_normal()).exp();
        std::fs::write(raw.join("out.txt"), value.to_string()).map_err(|e| Failed::tool(e.to_string()))
    }
    fn parse(&self, case: &Case, params: &Params, raw: &Path) -> Result<Outcome, Failed> {
        pretend().parse(case, params, raw)
    }
}

static NOISY: Noisy = Noisy;

fn find(name: &str) -> Option<&'static dyn Workload> {
    (name == "pretend").then_some(&NOISY as &dyn Workload)
}

fn options() -> CompareOptions {
    CompareOptions::new(Conf::builtin(), Vec::new())
}

/// A campaign of two environments and four cases with this rule; `change` makes something else of its plan.
fn campaign(dir: &Path, rule: Rule, change: impl Fn(&mut CampaignFile)) -> PathBuf {
    let template = support::campaign(&dir.join("template"), 4, 1);
    let mut file: CampaignFile = read_json(&template.join(CAMPAIGN_FILE), 1).unwrap();
    file.blocks = blocks(2, rule.boots(), 4, 1, true);
    file.rule = rule;
    change(&mut file);
    let out = dir.join("out");
    Campaign::create(&out, &file).unwrap();
    out
}

fn until(ceiling: u32) -> Rule {
    Rule::Until { half_width: 0.02, floor: 5, ceiling, budget_seconds: None }
}

/// Multiplies a case of the second environment.
fn factor(file: &mut CampaignFile, case: u32, factor: &str) {
    let mut params = Params::new();
    params.set(format!("factor.{case}"), factor, Origin::Flag("--env".into()));
    file.environments[1].params.extend(params.stored());
    file.environments[1].factors.push(format!("factor.{case}"));
}

fn open(out: &Path) -> Campaign {
    Campaign::open_with(out, "host", find).unwrap()
}

/// Runs to the end, or until so many cases are done, and gives the events.
fn go(out: &Path, cases: u32) -> (Ended, Vec<Event>) {
    let mut watcher = Watcher::new(cases);
    let mut hooks = Hooks::new(&mut watcher).stopping(ByRule::new(options()));
    let ended = open(out).run(&mut PretendBooter::default(), &mut hooks).unwrap();
    drop(hooks);
    (ended, watcher.events)
}

fn compared<P: AsRef<Path>>(dirs: &[P]) -> Comparison {
    let paths = dirs.iter().map(|d| d.as_ref().to_owned()).collect();
    let mut comparison = compare(&CompareOptions { paths, ..options() }).unwrap();
    // The order of the files is that of the first boot, which is random.
    comparison.rows.sort_by(|x, y| x.id.cmp(&y.id));
    comparison
}

/// Replicates of each case.
fn boots(comparison: &Comparison) -> Vec<usize> {
    comparison.rows.iter().map(|r| r.n_min).collect()
}

/// Every value by environment, repeat and case.
fn values(out: &Path, repeats: u32) -> BTreeMap<(String, u32, String), Option<f64>> {
    let mut all = BTreeMap::new();
    for environment in ["base", "head"] {
        for repeat in 1..=repeats {
            let path = repeat_dir(out, environment, repeat).join(MEASUREMENTS_FILE);
            if path.exists() {
                for m in read_measurements(&path).unwrap() {
                    all.insert((environment.to_owned(), repeat, m.case.clone()), m.value());
                }
            }
        }
    }
    all
}

#[test]
fn quiet_cases_are_settled_early_and_noisy_ones_go_on_to_the_ceiling() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), until(12), |_| {});
    let (ended, events) = go(&out, u32::MAX);
    let comparison = compared(&[&out]);
    let n = boots(&comparison);
    assert!(n[0] < 8 && n[2] < 8 && n[1] == 12 && n[3] == 12, "{n:?}");
    assert_eq!(ended.valid as usize, 2 * n.iter().sum::<usize>());
    assert_eq!(ended.invalid, 0);
    let mut spent = 0.0;
    for event in &events {
        let Event::Settled { block, spent: now, half_widths, cases } = event else { continue };
        assert!(*block >= 5 && now.unwrap() > spent);
        spent = now.unwrap();
        for case in cases {
            assert!(half_widths[case].unwrap() <= 0.02);
        }
    }
    assert!(spent > 0.04 && spent < 0.05, "{spent}");
    for row in &comparison.rows {
        let look = row.sequential.unwrap();
        assert_eq!((look.rule, look.n.unwrap() as usize, look.ceiling), (Looked::Until, row.n_min, Some(12)));
        let ci = row.ratio_ci.unwrap();
        assert_eq!((ci.1 / ci.0).sqrt() - 1.0 <= 0.02, row.n_min < 12, "{}", row.id);
    }
    let text = report::explain(&comparison, 0).unwrap();
    assert!(text.contains("by a rule that looks at 5 to 12") && text.contains("p of a fixed n"), "{text}");
    // What settled a case is what compare shows of it.
    let last: f64 = (events.iter().rev())
        .find_map(|e| match e {
            Event::Settled { half_widths, .. } => half_widths.get("pretend/WALK/size=2").copied().flatten(),
            _ => None,
        })
        .unwrap();
    let ci = comparison.rows[1].ratio_ci.unwrap();
    assert!(((0.5 * (ci.1 / ci.0).ln()).exp_m1() - last).abs() < 1e-12);
}

#[test]
fn one_environment_stops_when_its_means_are_known() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), until(10), |file| {
        file.environments.truncate(1);
        file.blocks = blocks(1, 10, 4, 1, true);
    });
    let (ended, _) = go(&out, u32::MAX);
    assert!(ended.valid >= 30 && ended.valid < 36, "two cases to the ceiling, two not: {ended:?}");
}

#[test]
fn a_campaign_that_stops_by_a_rule_comes_out_the_same_wherever_it_was_interrupted() {
    let undisturbed = tempfile::tempdir().unwrap();
    let whole = campaign(undisturbed.path(), until(8), |_| {});
    let (ended, _) = go(&whole, u32::MAX);
    for first in [7, 38, 40, 41, 46] {
        let dir = tempfile::tempdir().unwrap();
        let out = campaign(dir.path(), until(8), |_| {});
        assert!(go(&out, first).0.interrupted);
        go(&out, 3);
        assert_eq!(go(&out, u32::MAX).0, ended, "after {first} cases");
        assert_eq!(values(&out, 8), values(&whole, 8));
        assert_eq!(open(&out).state().settled, open(&whole).state().settled);
        assert_eq!(go(&out, u32::MAX).0, ended, "a finished campaign stays finished");
    }
}

#[test]
fn a_spent_budget_ends_the_plan_between_blocks_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let rule = Rule::Until { half_width: 0.02, floor: 5, ceiling: 12, budget_seconds: Some(0) };
    let out = campaign(dir.path(), rule, |_| {});
    let (ended, events) = go(&out, u32::MAX);
    assert_eq!(ended, Ended { valid: 8, invalid: 0, interrupted: false });
    let stopped = |e: &&Event| matches!(e, Event::Stopped { block: 1, .. });
    assert_eq!(events.iter().filter(stopped).count(), 1);
    assert_eq!(go(&out, u32::MAX).0, ended);
}

#[test]
fn boots_that_resume_adds_are_another_look_of_the_rows_that_got_them() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), Rule::Fixed { repeats: 5 }, |_| {});
    go(&out, u32::MAX);
    assert!(compared(&[&out]).rows.iter().all(|r| r.sequential.is_none()));
    let error = open(&out).repeat_to(5).unwrap_err().to_string();
    assert!(error.contains("5 boots of each environment are planned already"), "{error}");
    open(&out).repeat_to(8).unwrap();
    let run: RunFile = read_json(&out.join("base/run.json"), RUN_FORMAT).unwrap();
    assert_eq!((run.repeats, run.looks, run.blocks.len()), (8, vec![8], 8));
    assert!(go(&out, 9).0.interrupted, "what was added is resumed like the rest");
    assert_eq!(go(&out, u32::MAX).0, Ended { valid: 64, invalid: 0, interrupted: false });
    let comparison = compared(&[&out]);
    assert_eq!(boots(&comparison), [8; 4]);
    let looks: Vec<(Looked, u32)> =
        (comparison.rows.iter().filter_map(|r| r.sequential)).map(|s| (s.rule, s.look)).collect();
    assert_eq!(looks, [(Looked::Added, 1); 4]);
    let warnings = comparison.warnings.iter().map(|w| w.code).collect::<Vec<_>>();
    assert!(warnings.contains(&"sequential") && !warnings.contains(&"missing-repeats"), "{warnings:?}");
    open(&out).repeat_to(9).unwrap();
    go(&out, u32::MAX);
    assert!(compared(&[out]).rows.iter().all(|r| r.sequential.unwrap().look == 2));
}

#[test]
fn alerts_are_measured_again_and_all_boots_together_decide() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), Rule::Fixed { repeats: 5 }, |file| {
        factor(file, 1, "0.8");
        file.confirm = Some(4);
    });
    // Interrupted in the midst of confirming: alerts are named once.
    let (interrupted, _) = go(&out, 43);
    assert!(interrupted.interrupted);
    let (ended, _) = go(&out, u32::MAX);
    assert_eq!(ended, Ended { valid: 48, invalid: 0, interrupted: false });
    let state = open(&out).state().clone();
    assert_eq!(state.added.len(), 1);
    assert_eq!(
        (state.added[0].reason, state.added[0].cases.as_slice()),
        (AddedFor::Confirm, ["pretend/WALK/size=1".to_owned()].as_slice())
    );
    let comparison = compared(&[out]);
    assert_eq!(boots(&comparison), [9, 5, 5, 5]);
    let confirmed = &comparison.rows[0];
    assert_eq!(
        (confirmed.verdict, confirmed.sequential.unwrap().rule),
        (Verdict::ChangedDown, Looked::Added)
    );
    assert!(comparison.rows[1..].iter().all(|r| r.sequential.is_none()));
}

#[test]
fn without_an_alert_nothing_is_confirmed() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), Rule::Fixed { repeats: 5 }, |file| file.confirm = Some(4));
    assert_eq!(go(&out, u32::MAX).0, Ended { valid: 40, invalid: 0, interrupted: false });
}

/// The plan of one environment, as `run --join` makes it.
fn alone(out: &Path, name: &str, repeats: u32) -> CampaignFile {
    let mut file: CampaignFile = read_json(&out.join(CAMPAIGN_FILE), 1).unwrap();
    file.environments.truncate(1);
    file.environments[0].name = name.into();
    file.rule = Rule::Fixed { repeats };
    file.blocks = blocks(1, repeats, 4, 2, true);
    file.id = "c2".into();
    file
}

#[test]
fn a_joined_environment_is_compared_and_never_paired() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), Rule::Fixed { repeats: 5 }, |_| {});
    go(&out, u32::MAX);
    let before = std::fs::read(out.join(CAMPAIGN_FILE)).unwrap();
    open(&out).join(alone(&out, "after", 6)).unwrap();
    assert_eq!(std::fs::read(out.join(CAMPAIGN_FILE)).unwrap(), before, "the first plan never changes");
    assert!(out.join("campaign.2.json").exists());
    let state = open(&out).state().clone();
    let plan = Campaign::plan_in(&out, &state).unwrap();
    let names: Vec<&str> = plan.environments.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names.last(), Some(&"after"), "whoever looks sees it: {names:?}");
    // Whoever goes on with it looks whether it can be booted, and locks where it runs.
    assert_eq!(Campaign::stored_plan(&out).unwrap().environments.len(), names.len());
    let unfinished = |out: &Path| open(out).unfinished().into_iter().map(|e| e.name).collect::<Vec<_>>();
    assert_eq!(unfinished(&out), ["after"]);
    assert!(go(&out, 5).0.interrupted);
    assert_eq!(unfinished(&out), ["after"]);
    assert_eq!(go(&out, u32::MAX).0, Ended { valid: 64, invalid: 0, interrupted: false });
    let run: RunFile = read_json(&out.join("after/run.json"), RUN_FORMAT).unwrap();
    assert_eq!((run.rule, run.repeats, run.campaign.as_str()), (Rule::Fixed { repeats: 6 }, 6, "c1"));
    assert!(
        run.blocks.iter().all(|b| b.sequential && b.environments == ["after"]) && run.blocks[0].block == 6
    );
    let comparison = compared(&[out.join("base"), out.join("after")]);
    assert!(comparison.rows.iter().all(|r| r.model == Some(analyze::Model::Welch) && r.sequential.is_none()));
    assert_eq!((comparison.rows[0].a.n, comparison.rows[0].b.n), (5, 6));
    assert!(compared(&[&out]).rows.iter().any(|r| r.model == Some(analyze::Model::Blocked)));
}

#[test]
fn joined_boots_of_an_environment_that_is_there_are_its_next_repeats_and_a_look() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), Rule::Fixed { repeats: 5 }, |_| {});
    go(&out, u32::MAX);
    open(&out).join(alone(&out, "base", 3)).unwrap();
    go(&out, u32::MAX);
    open(&out).repeat_to(10).unwrap();
    go(&out, u32::MAX);
    let run: RunFile = read_json(&out.join("base/run.json"), RUN_FORMAT).unwrap();
    assert_eq!((run.repeats, run.looks), (10, vec![8, 10]));
    assert_eq!(run.blocks.iter().filter(|b| b.sequential).count(), 3);
    let comparison = compared(&[out]);
    for row in &comparison.rows {
        // Five of the ten have no boot of the other environment in their block.
        assert_eq!((row.a.n, row.a.left_out.len(), row.sequential.unwrap().look), (7, 3, 2));
    }
}

#[test]
fn what_was_measured_otherwise_cannot_join() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), Rule::Fixed { repeats: 5 }, |_| {});
    let refused = |change: &dyn Fn(&mut CampaignFile)| {
        let mut file = alone(&out, "after", 2);
        change(&mut file);
        let error = open(&out).join(file).unwrap_err();
        assert!(matches!(error, CampaignError::Added { .. }) && !out.join("campaign.2.json").exists());
        error.to_string()
    };
    assert!(refused(&|f| f.accel = "kvm".into()).contains("acceleration is 'tcg'"));
    assert!(refused(&|f| drop(f.cases.pop())).contains("list of cases"));
    let set = |f: &mut CampaignFile| {
        let mut params = Params::new();
        params.set("mem", "1024", Origin::Flag("--set".into()));
        f.environments[0].params.extend(params.stored());
    };
    assert!(refused(&|f| set(f)).contains("mem of base is ''"));
    let mut intended = alone(&out, "after", 2);
    set(&mut intended);
    intended.environments[0].factors.push("mem".into());
    open(&out).join(intended).unwrap();
}

#[test]
fn results_that_a_rule_cannot_read_stop_the_campaign_and_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), until(8), |_| {});
    go(&out, 36);
    // Not a file of the campaign, so that only the analyzer reads it.
    let stray = out.join("base/repeat99.stray");
    std::fs::create_dir(&stray).unwrap();
    std::fs::write(stray.join(MEASUREMENTS_FILE), "nonsense\n").unwrap();
    let mut watcher = Watcher::new(u32::MAX);
    let mut hooks = Hooks::new(&mut watcher).stopping(ByRule::new(options()));
    let error = open(&out).run(&mut PretendBooter::default(), &mut hooks).unwrap_err();
    assert!(matches!(error, CampaignError::Look { block: 5, .. }), "{error}");
    assert!(error.to_string().contains("measurements.jsonl"), "{error}");
    std::fs::remove_dir_all(&stray).unwrap();
    assert!(!go(&out, u32::MAX).0.interrupted);
}
