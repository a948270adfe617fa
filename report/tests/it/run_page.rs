//! The views of a campaign: status, job log and the page of a run.

use model::journal::{Added, AddedFor, Event};
use model::{BlockPlan, BootPlan, CampaignFile, Case, Code, EnvironmentPlan, Rule};
use model::{Profile, ProfiledCase, ProfiledStacks};
use report::campaign::{Kept, Life, Stamped, Story, duration, junit, log, page, status};

const SECOND: u64 = 1_000_000_000;
const HOSTILE: &str = "<script>alert(1)</script>\u{202e}\nnext";

fn file() -> CampaignFile {
    let case = |size: &str| Case {
        workload: "netperf".into(),
        category: "TCP_RR".into(),
        keys: [("size", size)].into_iter().collect(),
    };
    let boot = |environment, repeat| BootPlan { environment, repeat, cases: vec![0, 1] };
    let environment = |name: &str| EnvironmentPlan {
        name: name.into(),
        params: Default::default(),
        factors: vec![],
        facts: Default::default(),
        secrets: Default::default(),
    };
    CampaignFile {
        format: 1,
        perfvt: "0".into(),
        id: "20261126T000000Z-00c0ffee".into(),
        created_unix_ns: 0,
        seed: 7,
        argv: vec![],
        workload: "netperf".into(),
        scenario: "host_guest".into(),
        accel: "tcg".into(),
        network: "tap".into(),
        allow_unpinned: false,
        machine: None,
        farm: None,
        exits: false,
        warnings: vec![HOSTILE.into()],
        rule: Rule::Fixed { repeats: 2 },
        confirm: None,
        environments: vec![environment("base"), environment("head")],
        cases: vec![case("1"), case("64")],
        blocks: (1..=2)
            .map(|n| BlockPlan { block: n, sequential: false, boots: vec![boot(0, n), boot(1, n)] })
            .collect(),
    }
}

/// A campaign in its second boot: a noisy sample was taken again, a guest panicked for good.
fn events() -> Vec<Stamped> {
    let (one, two) = ("netperf/TCP_RR/size=1".to_owned(), "netperf/TCP_RR/size=64".to_owned());
    let started = |boot: &str, environment: &str| Event::BootStarted {
        boot: boot.into(),
        environment: environment.into(),
        repeat: 1,
        block: 1,
        attempt: 1,
    };
    let valid = |boot: &str, case: &String| Event::CaseFinished {
        boot: boot.into(),
        case: case.clone(),
        invalid: None,
        code: None,
        seconds: 2.0,
    };
    let all = vec![
        Event::Opened {
            format: 2,
            campaign: "c".into(),
            perfvt: "0.1".into(),
            pid: 42,
            host_boot: "h".into(),
            scratch: Vec::new(),
        },
        started("b1", "base"),
        Event::BootReady { boot: "b1".into(), seconds: 3.0 },
        Event::Waited { boot: "b1".into(), case: one.clone(), seconds: 20.0 },
        Event::SampleFailed {
            boot: "b1".into(),
            case: one.clone(),
            code: Code::Noisy,
            reason: "somebody compiled".into(),
            seconds: 2.0,
        },
        valid("b1", &one),
        valid("b1", &two),
        Event::BootFinished { boot: "b1".into(), seconds: 33.0 },
        started("b2", "head"),
        Event::BootReady { boot: "b2".into(), seconds: 3.0 },
        Event::CaseFinished {
            boot: "b2".into(),
            case: one.clone(),
            invalid: Some(HOSTILE.into()),
            code: Some(Code::ToolFailed),
            seconds: 1.0,
        },
        Event::BootFailed {
            boot: "b2".into(),
            reason: format!("the guest panicked: {HOSTILE}"),
            code: Some(Code::Panic),
            last: true,
        },
    ];
    (1u64..).zip(all).map(|(i, event)| (1_780_000_000 * SECOND + i * SECOND, event)).collect()
}

#[test]
fn the_page_shows_what_ran_and_nothing_on_it_runs() {
    let (file, events) = (file(), events());
    let story = Story { file: &file, events: &events };
    let page = page(&story, &|boot| {
        let screens = vec![("vm1/screen.png".to_owned(), b"\x89PNG".to_vec())];
        (boot.environment == "head").then(|| Kept { folder: "head/a b\"/forensics".into(), screens })
    });
    assert!(!page.contains("<script"), "the page needs no script");
    assert!(page.contains("script-src 'none'") && !page.contains("://"), "and nothing of others");
    assert!(page.contains("&lt;script&gt;") && !page.contains('\u{202e}'));
    for text in [
        "not finished",
        "<b>2 of 8</b> <span>cells valid</span>",
        "<b>4</b> <span>to be measured</span>",
        "1 × panic",
        "1 × tool-failed",
        "1 taken again: noisy",
        "waited 20 s for a quiet host",
        "href=\"./head/a%20b%22/forensics\"",
        "href=\"./head/a%20b%22/forensics/vm1/screen.png\"",
        "src=\"data:image/png;base64,iVBORw==\"",
        "; img-src data:\"",
        "given up, <code>panic</code>: the guest panicked",
    ] {
        assert!(page.contains(text), "{text}\n{page}");
    }
    if let Some(to) = std::env::var_os("PERFVT_WRITE_RUN_PAGE") {
        std::fs::write(to, page).unwrap();
    }
}

#[test]
fn status_says_what_is_left_who_works_and_what_to_do() {
    let (file, events) = (file(), events());
    let story = Story { file: &file, events: &events };
    let now = events.last().unwrap().0 + SECOND;
    let free = status(&story, &Life::Free, now, false);
    for line in [
        "netperf 20261126T000000Z-00c0ffee: stopped\n",
        "  4 of 8 cells ended, 2 valid, 2 invalid\n",
        "    head: 2 of 4 cells ended, 0 valid, 2 invalid\n",
        "  1 cell invalid: panic\n",
        "  1 sample taken again: noisy\n",
        "  perfvt resume goes on with what is left\n",
    ] {
        assert!(free.contains(line), "{line}{free}");
    }
    let held = status(&story, &Life::Held("process 42 of root: perfvt run".into()), now, true);
    let json: serde_json::Value = serde_json::from_str(&held).unwrap();
    assert_eq!((&json["state"], &json["cells"]["planned"]), (&"running".into(), &8.into()));
    assert_eq!(json["invalid"]["tool-failed"], 1);
    assert!(json["remaining_seconds"].as_f64().unwrap() > 8.0 && json["kept_guest"].is_null(), "{json}");
    let keeps = Life::Keeps { holder: "process 42".into(), boot: "b-a1".into(), reason: "no\nanswer".into() };
    let json: serde_json::Value = serde_json::from_str(&status(&story, &keeps, now, true)).unwrap();
    assert_eq!((&json["state"], &json["holder"]), (&"running".into(), &"process 42".into()));
    assert_eq!(json["kept_guest"], serde_json::json!({"boot": "b-a1", "reason": "no\nanswer"}));
    let text = status(&story, &keeps, now, false);
    assert!(
        text.contains("  by process 42\n  boot b-a1 failed, and its guest is kept: no\\nanswer\n"),
        "{text}"
    );
    let nothing = Story { file: &file, events: &[] };
    assert!(status(&nothing, &Life::Free, now, false).contains(": planned\n"));
}

#[test]
fn status_tells_what_the_stopping_rule_saw_and_what_came_after_it() {
    let (mut file, mut events) = (file(), events());
    file.rule = Rule::Until { half_width: 0.02, floor: 5, ceiling: 30, budget_seconds: None };
    let cases: Vec<String> = file.cases.iter().map(model::Case::id).collect();
    let at = events.last().unwrap().0;
    let widths = [(cases[0].clone(), Some(0.015)), (cases[1].clone(), Some(0.034))];
    let settled = Event::Settled {
        block: 5,
        cases: vec![cases[0].clone()],
        spent: Some(0.0021),
        half_widths: widths.into_iter().collect(),
    };
    let added = Added { block: 31, blocks: 10, cases: Vec::new(), reason: AddedFor::Confirm };
    let joined = Event::Joined { file: "campaign.2.json".into(), block: 41 };
    let stopped = Event::Stopped { block: 7, reason: "the budget is spent".into() };
    events.extend([settled, stopped, Event::Added(added), joined].map(|event| (at, event)));
    let story = Story { file: &file, events: &events };
    let text = status(&story, &Life::Free, at, false);
    for line in [
        "  stopping rule: looked after block 5, 0.0021 of 0.05 spent\n    1 case settled\n",
        &format!("    open, ±3.4 % of ±2.0 % wanted: {}\n", cases[1]),
        "  nothing of the plan is measured after block 7: the budget is spent\n",
        "  10 blocks added from block 31 on: alerts are measured again\n",
        "  joined: campaign.2.json\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&status(&story, &Life::Free, at, true)).unwrap();
    assert_eq!((&json["looked"], &json["alpha_spent"]), (&5.into(), &0.0021.into()));
    assert_eq!((&json["half_widths"][&cases[1]], &json["added"][0]["block"]), (&0.034.into(), &31.into()));
    assert_eq!((&json["joined"][0], &json["stopped"]["block"]), (&"campaign.2.json".into(), &7.into()));
}

#[test]
fn the_job_log_has_one_line_for_each_event() {
    let (file, events) = (file(), events());
    let text = log(&Story { file: &file, events: &events });
    assert_eq!(text.lines().count(), events.len());
    let last = text.lines().last().unwrap();
    assert!(
        last.contains("head boot 1: given up: panic: the guest panicked: <script>alert(1)</script>"),
        "{last}"
    );
    assert!(text.lines().next().unwrap().ends_with("perfvt 0.1 (process 42) goes to work"), "{text}");
}

/// The test case of this class and name, up to its end.
fn test_case<'a>(xml: &'a str, class: &str, name: &str) -> &'a str {
    let head = format!("<testcase classname=\"netperf.{class}\" name=\"{name}\"");
    let from = xml.find(&head).unwrap_or_else(|| panic!("{head}\n{xml}"));
    let line_end = from + xml[from..].find('\n').unwrap();
    if xml[..line_end].ends_with("/>") {
        &xml[from..line_end]
    } else {
        xml[from..].split("</testcase>").next().unwrap()
    }
}

#[test]
fn junit_fails_the_case_in_which_a_tool_or_guest_failed_and_skips_what_was_not_reached() {
    let (file, events) = (file(), events());
    let xml = junit(&Story { file: &file, events: &events });
    let (one, two) = ("netperf/TCP_RR/size=1", "netperf/TCP_RR/size=64");
    let head = "<testsuites name=\"perfvt: 20261126T000000Z-00c0ffee\" tests=\"9\" failures=\"1\" errors=\"1\" time=\"5.000\">";
    assert!(xml.contains(head), "{xml}");
    let suite = "<testsuite name=\"netperf.head\" tests=\"5\" failures=\"1\" errors=\"1\" skipped=\"3\" time=\"1.000\" timestamp=\"2026-";
    assert!(xml.contains(suite), "{xml}");
    assert!(
        test_case(&xml, "base.boot1", one).ends_with("time=\"2.000\"/>"),
        "noise before is no failure: {xml}"
    );
    let failed = test_case(&xml, "head.boot1", one);
    assert!(failed.contains("<failure type=\"tool-failed\" message=\"&lt;script&gt;alert(1)"), "{failed}");
    // The panic came between two cases: it is the guest's.
    let guest = test_case(&xml, "head.boot1", "guest");
    assert!(guest.contains("<error type=\"panic\" message=\"the guest panicked"), "{guest}");
    assert!(test_case(&xml, "head.boot1", two).contains("<skipped message=\"not reached: panic: "), "{xml}");
    assert!(test_case(&xml, "base.boot2", two).contains("<skipped message=\"not measured: "), "{xml}");
    assert!(!xml.contains('\u{202e}') && !xml.contains("<script"), "{xml}");
}

#[test]
fn junit_skips_what_is_known_to_fail_until_its_day_is_over() {
    let (mut file, events) = (file(), events());
    let mut of = |day: &str| {
        let value = format!("{day}, BUG-17");
        let known = model::params::StoredParam { value, origin: model::Origin::Flag("--set".into()) };
        file.environments[1].params.insert("expected_until".into(), known);
        junit(&Story { file: &file, events: &events })
    };
    let xml = of("2026-05-28");
    let failed = test_case(&xml, "head.boot1", "netperf/TCP_RR/size=1");
    assert!(failed.contains("<skipped message=\"known until 2026-05-28: BUG-17; tool-failed: "), "{failed}");
    let guest = test_case(&xml, "head.boot1", "guest");
    assert!(guest.contains("<skipped message=\"known until 2026-05-28: BUG-17; panic: "), "{guest}");
    assert!(!xml.contains("<failure") && !xml.contains("<error"), "{xml}");
    let xml = of("2026-05-27");
    assert!(xml.contains("<failure type=\"tool-failed\"") && !xml.contains("BUG-17"), "{xml}");
}

#[test]
fn junit_passes_what_a_later_attempt_measured_and_tells_of_those_that_failed() {
    let (file, mut events) = (file(), events());
    let (one, two) = ("netperf/TCP_RR/size=1".to_owned(), "netperf/TCP_RR/size=64".to_owned());
    let at = events.last().unwrap().0;
    let started = |repeat, attempt| Event::BootStarted {
        boot: format!("h{repeat}.{attempt}"),
        environment: "head".into(),
        repeat,
        block: repeat,
        attempt,
    };
    let finished = |boot: &str, case: &String, code: Option<Code>| Event::CaseFinished {
        boot: boot.into(),
        case: case.clone(),
        invalid: code.map(|_| "x".into()),
        code,
        seconds: 2.0,
    };
    let reopened =
        Event::Reopened { environment: "head".into(), repeat: 1, cases: vec![one.clone(), two.clone()] };
    let full = Event::BootFailed {
        boot: "h2.1".into(),
        reason: "the disk is full".into(),
        code: Some(Code::HostNoSpace),
        last: false,
    };
    let more = [
        reopened,
        started(1, 2),
        finished("h1.2", &one, None),
        finished("h1.2", &two, Some(Code::Noisy)),
        Event::BootFinished { boot: "h1.2".into(), seconds: 5.0 },
        started(2, 1),
        full,
    ];
    events.extend(more.map(|event| (at, event)));
    let settled =
        Event::Settled { block: 1, cases: vec![one.clone()], spent: None, half_widths: Default::default() };
    events.push((at, settled));
    let xml = junit(&Story { file: &file, events: &events });
    let passed = test_case(&xml, "head.boot1", &one);
    assert!(
        passed.contains("<system-out>attempt 1 failed: tool-failed: ") && !passed.contains("<failure"),
        "{passed}"
    );
    let guest = test_case(&xml, "head.boot1", "guest");
    assert!(guest.contains("attempt 1 failed: panic") && !guest.contains("<error"), "{guest}");
    assert!(test_case(&xml, "head.boot1", &two).contains("<error type=\"noisy\""), "{xml}");
    assert!(test_case(&xml, "head.boot2", "guest").contains("<error type=\"host-no-space\""), "{xml}");
    let skipped = test_case(&xml, "head.boot2", &one);
    assert!(
        skipped.contains("<skipped message=\"settled by the stopping rule after block 1\"/>"),
        "{skipped}"
    );
}

#[test]
fn junit_of_a_campaign_is_valid_by_jenkins_schema() {
    let (file, events) = (file(), events());
    for events in [&events[..], &events[..1], &[]] {
        let xml = junit(&Story { file: &file, events });
        let Some((valid, said)) = crate::valid::jenkins(&xml) else {
            testing::skip("xmllint is not there (libxml2-utils)");
            return;
        };
        assert!(valid, "{said}\n{xml}");
    }
}

#[test]
fn durations_are_as_long_as_they_need_to_be() {
    let all = [0.04, 9.94, 9.96, 59.6, 725.0, 12_000.0].map(duration);
    assert_eq!(all, ["0.0 s", "9.9 s", "10 s", "1 min 0 s", "12 min 5 s", "3 h 20 min"]);
}

#[test]
fn a_profile_stands_on_the_page_and_in_the_log_as_what_is_never_judged() {
    let case = file().cases[0].clone();
    let stacks = vec![ProfiledStacks { of: "host".into(), samples: 1201 }];
    let profile = Profile {
        profiler: "perf".into(),
        boot: "c-base-profile".into(),
        cases: vec![ProfiledCase { case, folder: "profile/000.TCP_RR.size=1\"><b>".into(), stacks }],
        told: vec![HOSTILE.into()],
    };
    let mut events = events();
    events.push((99 * SECOND, Event::Profiled { environment: "base".into(), profile, seconds: 12.0 }));
    let file = file();
    let story = Story { file: &file, events: &events };
    let page = page(&story, &|_| None);
    for part in ["Never judged", "host 1201", "./base/profile/000.TCP_RR.size=1%22%3E%3Cb%3E/flame.svg"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<script>alert"), "{page}");
    assert!(log(&story).contains("base: profiled, not judged: 1201 samples in 12 s"), "{}", log(&story));
}
