//! The texts and the page of a bisection: the commit, the numbers, and nothing of a commit's words that could do harm.

use model::Direction;
use report::bisect::{
    Bisected, BisectedCheck, BisectedCommit, BisectedEnds, Outcome, SCHEMA_VERSION, Standing, bar, mail,
    page, text,
};

fn commit(at: usize, share: f64, standing: Standing, values: &[f64]) -> BisectedCommit {
    BisectedCommit {
        id: format!("{at:040x}"),
        subject: if at == 2 { "net: <b>copy</b> \u{202e}twice".into() } else { format!("commit {at}") },
        author: "A. Person".into(),
        time: 1_700_000_000,
        share,
        standing,
        values: values.to_vec(),
    }
}

fn named() -> Bisected {
    let check = |check: &str, outcome: &str, why: Option<&str>| BisectedCheck {
        check: check.into(),
        outcome: outcome.into(),
        why: why.map(str::to_owned),
        change: why.is_none().then_some([-0.2, -0.25, -0.15]),
        p: Some(0.001),
        blocks: 7,
    };
    Bisected {
        schema_version: SCHEMA_VERSION,
        perfvt: "0.1.0".into(),
        outcome: Outcome::Named,
        repository: "/src/qemu".into(),
        recipe: "qemu".into(),
        range: "v1..v2".into(),
        row: "netperf/TCP_RR/size=1/throughput".into(),
        unit: "trans/s".into(),
        direction: Some(Direction::HigherIsBetter),
        is_ratio: true,
        machine: "lab1".into(),
        commits: vec![
            commit(0, 0.0, Standing::Measured, &[1000.0, 1010.0]),
            commit(1, 0.01, Standing::Measured, &[990.0]),
            commit(2, 0.97, Standing::Measured, &[800.0, 810.0]),
            commit(3, 0.01, Standing::DoesNotBuild, &[]),
            commit(4, 0.01, Standing::Measured, &[790.0]),
        ],
        set: vec![2],
        likeliest: Some(2),
        change: Some(-0.198),
        ends: Some(BisectedEnds { change: -0.21, t: Some(-9.0), bar: Some(6.0), rounds: 5 }),
        checks: vec![
            check("final", "confirmed", None),
            check("revert", "not-applicable", Some("it does not apply")),
        ],
        rounds: 9,
        boots: 24,
        builds: 4,
        seconds: 5400.0,
        budget_seconds: 28_800.0,
        command: ["perfvt", "bisect", "--qemu-repo", "/src/qemu", "v1..v2"].map(String::from).into(),
    }
}

#[test]
fn a_named_commit_has_its_size_in_text_mail_and_page_and_its_words_do_no_harm() {
    let of = named();
    let told = text(&of);
    assert!(told.contains("is the commit: -20.0% (99 % interval -25.0% to -15.0%)"), "{told}");
    assert!(told.contains("24 boots, 4 builds, 1 h 30 min of 8 h 0 min"), "{told}");
    assert!(told.contains("not measured: it does not apply"), "{told}");
    let mail = mail(&of);
    let subject = mail.lines().next().unwrap();
    assert!(
        subject
            .starts_with("Subject: [regression] netperf/TCP_RR/size=1/throughput -20.0% since 000000000000"),
        "{subject}"
    );
    assert!(mail.contains("perfvt bisect --qemu-repo /src/qemu v1..v2"), "{mail}");
    let page = page(&of);
    for all in [&told, &mail, &page] {
        assert!(!all.contains('\u{202e}'), "{all}");
    }
    assert!(
        page.contains("&lt;b&gt;copy") && !page.contains("<b>copy") && !page.contains("<script"),
        "{page}"
    );
    assert!(page.contains("−20.0%") && page.matches("<circle").count() == 6, "{page}");
    assert_eq!(page, report::bisect::page(&named()));
}

#[test]
fn ends_that_differ_by_more_than_the_commit_does_have_another_one_in_between() {
    let with = |change: f64| Bisected {
        ends: Some(BisectedEnds { change, t: Some(-20.0), bar: Some(6.0), rounds: 5 }),
        ..named()
    };
    let told = text(&with(-0.5));
    assert!(
        told.contains("note: the ends differ by -50.0%: other commits of the range have a part"),
        "{told}"
    );
    assert!(
        mail(&with(-0.5)).contains("have a part in that")
            && page(&with(-0.5)).contains("have a part in that")
    );
    assert!(!text(&with(-0.22)).contains("have a part"));
}

#[test]
fn other_ends_have_their_sentences() {
    let with = |outcome, set: Vec<usize>| text(&Bisected { outcome, set, ..named() });
    assert!(
        with(Outcome::Among, vec![3, 4]).contains("one of 2 commits; 1 of them cannot be built or booted")
    );
    assert!(with(Outcome::Budget, vec![1, 2]).contains("it is one of 2 commits, and more boots"));
    assert!(with(Outcome::NotReproduced, vec![]).starts_with("does not reproduce"));
    assert!(with(Outcome::Unconfirmed, vec![2]).contains("nothing is named"));
    let going = with(Outcome::Unfinished, vec![2]);
    assert!(
        going.starts_with("not finished; so far 000000000000 ") && going.contains("is likely with 97 %"),
        "{going}"
    );
    let early = text(&Bisected { outcome: Outcome::Unfinished, likeliest: None, ..named() });
    assert!(early.starts_with("not finished; the same command goes on"), "{early}");
    let empty = Bisected { commits: Vec::new(), set: vec![7], likeliest: Some(9), ..named() };
    assert!(page(&empty).contains("Nothing was measured") && mail(&empty).starts_with("Subject: "));
    assert_eq!(bar(&[], 64), ".");
    assert_eq!(bar(&[0.0, 1.0, 0.5], 64), ".█▄");
    assert_eq!(bar(&[0.5; 128], 2), "██");
}
