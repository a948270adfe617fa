//! Campaigns with plan, journal and raw output, out of the samples of this repository.

use super::sides::environment;
use collect::campaign::Campaign;
use collect::campaign::journal::Journal;
use model::failure::Code;
use model::journal::Event;
use model::store::{CAMPAIGN_FILE, RUN_FILE, read_json, write_json};
use model::{
    BlockPlan, BootPlan, CampaignFile, Case, EnvironmentPlan, Rule, RunFile, campaign::CAMPAIGN_FORMAT,
};
use std::path::Path;

const ENVIRONMENTS: [&str; 2] = ["virtio", "e1000"];
const REPEATS: u32 = 3;

/// A campaign that ended, with everything that a journal can tell of.
pub fn finished(to: &Path) {
    campaign(&to.join("x"), REPEATS);
}

/// A campaign that was interrupted in its last block, whose journal quotes hostile words of a guest.
pub fn stopped(to: &Path) {
    campaign(&to.join("x"), REPEATS - 1);
}

fn campaign(dir: &Path, blocks: u32) {
    for name in ENVIRONMENTS {
        environment(name, &dir.join(name), true);
    }
    let file = plan(dir);
    write_json(&dir.join(CAMPAIGN_FILE), &file).unwrap();
    let mut journal = Journal::open(dir).unwrap();
    for event in events(&file, blocks) {
        journal.append(&event).unwrap();
    }
    drop(journal);
    // An earlier perfvt took these samples: what this one makes of them differs in the last digits.
    Campaign::open(dir, "here").unwrap().reparse().unwrap();
}

/// The plan that the samples were measured by.
fn plan(dir: &Path) -> CampaignFile {
    let runs: Vec<RunFile> =
        ENVIRONMENTS.iter().map(|name| read_json(&dir.join(name).join(RUN_FILE), 1).unwrap()).collect();
    let of = |run: &RunFile| EnvironmentPlan {
        name: run.environment.clone(),
        params: run.params.iter().map(|(key, value)| (key.clone(), stored(value))).collect(),
        factors: run.factors.clone(),
        facts: Default::default(),
        secrets: Default::default(),
    };
    let case = |size: &str| Case {
        workload: "netperf".into(),
        category: "TCP_STREAM (RX)".into(),
        keys: [("size", size), ("sessions", "1")].into_iter().collect(),
    };
    let boot = |environment: usize, repeat: u32| BootPlan { environment, repeat, cases: vec![0, 1] };
    let block = |n: u32| BlockPlan { block: n, sequential: false, boots: vec![boot(0, n), boot(1, n)] };
    CampaignFile {
        format: CAMPAIGN_FORMAT,
        perfvt: runs[0].perfvt.clone(),
        id: runs[0].campaign.clone(),
        created_unix_ns: runs[0].started_unix_ns,
        seed: 1,
        argv: ["perfvt", "run", "netperf"].map(String::from).into(),
        workload: "netperf".into(),
        scenario: runs[0].scenario.clone(),
        accel: runs[0].accel.clone(),
        network: runs[0].network.clone(),
        allow_unpinned: true,
        machine: None,
        farm: None,
        exits: false,
        warnings: runs[0].warnings.clone(),
        rule: Rule::Fixed { repeats: REPEATS },
        confirm: None,
        environments: runs.iter().map(of).collect(),
        cases: vec![case("16384"), case("65535")],
        blocks: (1..=REPEATS).map(block).collect(),
    }
}

fn stored(value: &str) -> model::params::StoredParam {
    model::params::StoredParam { value: value.into(), origin: model::Origin::BuiltIn }
}

/// What a guest may say of itself, before anybody looks at it.
const WORDS: &str =
    "the guest said \u{1b}]0;owned\u{7}\u{1b}[31m \u{9b}2J \u{202e}txt.exe\u{200b} <b id=planted>";

fn events(file: &CampaignFile, blocks: u32) -> Vec<Event> {
    let opened = Event::Opened {
        format: model::journal::JOURNAL_FORMAT,
        campaign: file.id.clone(),
        perfvt: file.perfvt.clone(),
        pid: 1,
        host_boot: "86bc6e30-91ed-48aa-a8d3-0c6f6595abe8".into(),
        scratch: Vec::new(),
    };
    let mut events = vec![opened];
    for (block, plan) in file.boots().take_while(|(block, _)| *block <= blocks) {
        let environment = &file.environments[plan.environment].name;
        let boot = |attempt: u32| format!("{}-{environment}-r{}-a{attempt}", file.id, plan.repeat);
        let started = |attempt: u32| Event::BootStarted {
            boot: boot(attempt),
            environment: environment.clone(),
            repeat: plan.repeat,
            block,
            attempt,
        };
        events.push(started(1));
        let mut attempt = 1;
        if block == 2 {
            let (code, reason) = (Some(Code::Panic), WORDS.into());
            events.push(Event::BootFailed { boot: boot(1), reason, code, last: false });
            events.push(started(2));
            attempt = 2;
        }
        events.push(Event::BootReady { boot: boot(attempt), seconds: 1.5 });
        for index in &plan.cases {
            let (boot, case) = (boot(attempt), file.cases[*index].id());
            events.push(Event::CaseStarted { boot: boot.clone(), case: case.clone() });
            events.push(Event::CaseFinished { boot, case, invalid: None, code: None, seconds: 3.5 });
        }
        events.push(Event::BootFinished { boot: boot(attempt), seconds: 9.0 });
    }
    events.push(if blocks < REPEATS {
        Event::Interrupted { signal: WORDS.into() }
    } else {
        Event::Finished { valid: 4 * REPEATS, invalid: 0 }
    });
    events
}
