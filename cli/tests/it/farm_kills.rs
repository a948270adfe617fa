//! A farm whose parts are killed at random moments, so often as one asks for: nothing is spoiled, and nothing is measured twice.

use crate::support;

use stats::SplitMix64;
use std::thread::sleep;
use std::time::{Duration, Instant};
use support::campaigns::{assert_no_attempt_was_burnt, finished_cases};
use support::farm::TestFarm;
use support::output;

/// What is killed.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A host's power, for longer than Slurm needs to see it.
    Power,
    /// A job, which goes back into the queue.
    Requeue,
    /// A job, for good.
    Cancel,
    /// The controller, within two seconds of a hand-in.
    YoungController,
    /// The controller, later.
    Controller,
    /// The daemon of a host, and not what it has started.
    Daemon,
}

const KINDS: [Kind; 6] =
    [Kind::Power, Kind::Requeue, Kind::Cancel, Kind::YoungController, Kind::Controller, Kind::Daemon];

fn milliseconds(rng: &mut SplitMix64, below: u64) -> Duration {
    Duration::from_millis(rng.next_u64() % below)
}

/// The job of a random shard that Slurm knows.
fn some_job(farm: &TestFarm, id: &str, rng: &mut SplitMix64) -> Option<String> {
    let shards = farm.status(id);
    let jobs: Vec<String> =
        shards.iter().filter_map(|shard| shard["job"].as_str().map(str::to_owned)).collect();
    jobs.get((rng.next_u64() as usize) % jobs.len().max(1)).cloned()
}

fn strike(farm: &TestFarm, id: &str, kind: Kind, rng: &mut SplitMix64) {
    let host = ["h1", "h2", "h3"][(rng.next_u64() % 3) as usize];
    match kind {
        Kind::Power => {
            farm.does(&["cut", host]);
            sleep(Duration::from_secs(12));
            farm.does(&["boot", host]);
        }
        Kind::Requeue | Kind::Cancel => {
            let Some(job) = some_job(farm, id, rng) else { return };
            let words: &[&str] =
                if matches!(kind, Kind::Requeue) { &["scontrol", "requeue"] } else { &["scancel"] };
            // One that has ended already says so.
            output(farm.command(words[0]).args(&words[1..]).arg(job));
        }
        Kind::YoungController | Kind::Controller => {
            farm.does(&["controller", "kill"]);
            sleep(milliseconds(rng, 1500));
            farm.does(&["controller", "start"]);
            sleep(Duration::from_secs(1));
        }
        Kind::Daemon => farm.does(&["daemon", host]),
    }
}

/// Lets the farm come to its end, as somebody would who looks at it now and then.
fn come_to_the_end(farm: &TestFarm, id: &str) {
    let until = Instant::now() + Duration::from_secs(600);
    let dir = farm.dir(id).display().to_string();
    loop {
        let states: Vec<String> =
            farm.status(id).iter().map(|shard| shard["state"].as_str().unwrap().to_owned()).collect();
        assert!(
            states.iter().all(|state| state != "failed"),
            "{states:?}: {:?}",
            [1, 2, 3].map(|k| farm.log(id, k))
        );
        if states.iter().all(|state| state == "finished") {
            farm.says(0, &["gather", &dir]);
            return;
        }
        if states.iter().any(|state| ["held", "lost", "cancelled", "host-down"].contains(&&**state)) {
            farm.says(0, &["retry", &dir]);
        }
        assert!(Instant::now() < until, "{states:?}");
        sleep(Duration::from_secs(1));
    }
}

#[test]
#[ignore = "soak: an hour"]
fn kills_of_six_kinds_at_random_moments_spoil_no_cell_and_have_nothing_measured_twice() {
    let Some(farm) = TestFarm::up(&["h1=amd64", "h2=amd64", "h3=amd64"]) else { return };
    let kills: usize = std::env::var("PERFVT_FARM_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(100);
    let mut rng = SplitMix64::new(20_261_130);
    let mut struck = 0;
    for n in 1.. {
        let id = format!("kills-{n}");
        let more = ["--env", "base", "--env", "head", "--repeat", "4"];
        let submit = farm.submit(&id, "h1,h2,h3", "sleep 0.4", &more);
        farm.says(0, &submit.iter().map(String::as_str).collect::<Vec<_>>());
        for _ in 0..2 {
            let kind = KINDS[struck % KINDS.len()];
            sleep(match kind {
                Kind::YoungController => milliseconds(&mut rng, 2000),
                Kind::Controller => Duration::from_secs(3) + milliseconds(&mut rng, 3000),
                _ => milliseconds(&mut rng, 5000),
            });
            strike(&farm, &id, kind, &mut rng);
            struck += 1;
        }
        come_to_the_end(&farm, &id);
        for k in 1..=3 {
            let shard = farm.dir(&id).join(format!("shards/{k:02}@h{k}"));
            assert_no_attempt_was_burnt(&shard);
            assert_eq!(finished_cases(&shard), 8, "nothing is measured twice, and nothing is lost");
        }
        println!("{struck} kills in {n} farms");
        if struck >= kills {
            break;
        }
    }
}
