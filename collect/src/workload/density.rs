//! Many guests at once: how long until all are ready, what memory each takes, what they cost while they do nothing, and how fairly
//! they share the CPUs when all compute. The number of guests is the factor.

use super::common::{failed, host_series, interval, jain, level, read, seconds_of, share, value, value_at};
use super::{Known, Needs, Outcome, Value, Workload, add_case};
use crate::lab::{Crowd, Failed, Lab, Measured, keep, window};
use crate::parse::{OVERCOMMIT, overcommit};
use formats::smaps::Smaps;
use model::{Case, Params, ParamsError};
use std::path::Path;
use std::time::Duration;
use vm::guest::os::Os;

/// The workload.
pub struct Density;

const PARAMETERS: [Known; 4] = [
    Known::new("guests", "1 2 4", "numbers", "how many guests there are at once, a case each"),
    Known::new(
        OVERCOMMIT,
        "",
        "a number, 1 or more",
        "vCPUs for each CPU; without it every guest has the CPUs of the first",
    ),
    Known::new("settle", "5", "seconds", "seconds from ready to the window in which guests do nothing"),
    Known::new("l", "10", "seconds", "seconds of each of the two windows"),
];

/// So many guests at most.
const MOST: u32 = 512;

/// Files in a case's raw folder: seconds until all were ready, memory, work at both ends of the second window.
const READY: &str = "ready.txt";
const MEMORY: &str = "memory.txt";
const WORK: &str = "work.txt";
/// The folder of the second window.
const LOADED: &str = "loaded";
/// Why the memory is not known.
const NO_MEMORY: &str = "memory.missing";
/// Between the start of the loads and their window.
const WARM_UP: Duration = Duration::from_secs(1);

impl Workload for Density {
    fn name(&self) -> &'static str {
        "density"
    }

    fn measures(&self) -> &'static str {
        "many guests at once: boot, memory, idle cost, and how fairly they share"
    }

    fn parameters(&self) -> &'static [Known] {
        &PARAMETERS
    }

    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[("guests", "1 2"), ("settle", "1"), ("l", "2")]
    }

    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError> {
        seconds_of(params)?;
        overcommit(params)?;
        params.number("settle", 0.0, "seconds, 0 or more")?;
        if params.get("scenario").is_some_and(|scenario| scenario != "host_guest") {
            return Err(
                params.wrong("scenario", "host_guest: all guests are alike, and none of them a client")
            );
        }
        let numbers = params.numbers("guests", "numbers of guests, such as '1 2 4'")?;
        if numbers.iter().any(|number| *number > MOST) {
            return Err(params.wrong("guests", &format!("at most {MOST} guests")));
        }
        let mut cases = Vec::new();
        for number in numbers {
            let keys = [("guests", number.to_string())].into_iter().collect();
            let case = Case { workload: self.name().into(), category: "density".into(), keys };
            add_case(&mut cases, case, params, "guests")?;
        }
        Ok(cases)
    }

    fn metrics(&self, _: &str, _: &Params, _: bool) -> Vec<String> {
        ["ready_s", "idle_CPU", "fairness", "load_CPUs"].map(String::from).into()
    }

    fn metrics_besides(&self) -> &'static [&'static str] {
        &["pss_MiB", "rss_MiB", "thp_MiB", "ksm_MiB"]
    }

    fn runs_in(&self, os: Os) -> Result<(), &'static str> {
        match os {
            Os::Linux => Ok(()),
            Os::Windows => Err("its load is one of Linux"),
        }
    }

    fn runs_alone(&self, _: &Params) -> Result<(), &'static str> {
        Err("its guests are told when to begin")
    }

    fn needs(&self, params: &Params) -> Needs {
        let most = params.numbers("guests", "").unwrap_or_default().into_iter().max().unwrap_or(1);
        Needs { crowd: most as usize, ..Needs::default() }
    }

    fn seconds(&self, params: &Params) -> f64 {
        let number = |key: &str| params.number(key, 0.0, "").unwrap_or_default();
        number("settle") + 2.0 * number("l") + 5.0
    }

    fn session_length(&self, params: &Params) -> String {
        params.get("l").unwrap_or_default().to_owned()
    }

    fn rhs_name(&self, _: f64) -> String {
        "density-result.RHS".into()
    }

    fn prepare(&self, _: &mut dyn Lab, _: &Params) -> Result<(), Failed> {
        Ok(())
    }

    fn measure(&self, lab: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed> {
        let done = crowded(lab, case, params, raw);
        // Whose guest died has no better reason.
        let done = done.map_err(|failed| lab.death().unwrap_or(failed));
        crowd(lab)?.disband(done.is_err());
        done
    }

    fn parse(&self, case: &Case, _: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let (idle, loaded) = (Measured::read(raw)?, Measured::read(&raw.join(LOADED))?);
        let number = |text: &str| {
            text.trim()
                .parse::<f64>()
                .map_err(|_| failed(format!("{READY}: {} are no seconds", edge::quoted(text.trim()))))
        };
        let work = work_of(&read(raw, WORK)?)?;
        if work.len() != level::<usize>(case, "guests")? {
            return Err(failed(format!("{WORK} tells of {} guests", work.len())));
        }
        if work.contains(&0) {
            return Err(failed("a guest that was told to compute did nothing"));
        }
        let seconds = loaded.window.len_ns as f64 * 1e-9;
        let mut values = vec![
            value_at("ready_s", number(&read(raw, READY)?)?, READY, 1),
            value("idle_CPU", share(&idle)?),
            value("fairness", fairness(&work)),
            value("load_CPUs", work.iter().map(|ns| *ns as f64 * 1e-9).sum::<f64>() / seconds),
        ];
        if raw.join(MEMORY).exists() {
            values.extend(memory_of(&read(raw, MEMORY)?));
        }
        Ok(Outcome { window: idle.window, values, series: host_series("idle_CPU", &idle) })
    }
}

fn crowd(lab: &mut dyn Lab) -> Result<&mut dyn Crowd, Failed> {
    lab.crowd().ok_or_else(|| failed("this lab has one guest"))
}

/// Boots the guests of a case and measures them: idle first, because a load leaves memory behind.
fn crowded(lab: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed> {
    let guests: usize = level(case, "guests")?;
    let length = seconds_of(params).map_err(failed)?;
    let settle: f64 = params.number("settle", 0.0, "seconds, 0 or more").map_err(failed)?;
    let (window_length, every) = (Duration::from_secs(u64::from(length)), interval(length));
    let ready = crowd(lab)?.gather(guests)?;
    keep(raw, READY, &format!("{ready:.6}\n"))?;
    lab.sleep(Duration::from_secs_f64(settle.clamp(0.0, 86_400.0)));
    window(lab, window_length, every)?.keep(raw)?;
    let memory: Result<Vec<String>, String> = crowd(lab)?.memory()?.into_iter().collect();
    match memory {
        Ok(texts) => keep(raw, MEMORY, &texts.join(""))?,
        Err(why) => keep(raw, NO_MEMORY, &format!("{why}\n"))?,
    }
    crowd(lab)?.compute()?;
    lab.sleep(WARM_UP);
    let before = crowd(lab)?.work()?;
    let measured = window(lab, window_length, every)?;
    let after = crowd(lab)?.work()?;
    let lines = before.iter().zip(&after).enumerate();
    let lines: String = lines.map(|(i, (before, after))| format!("vm{} {before} {after}\n", i + 1)).collect();
    keep(raw, WORK, &lines)?;
    let folder = raw.join(LOADED);
    edge::write::create_directory(&folder)
        .map_err(|e| failed(format!("creating {}: {e}", folder.display())))?;
    measured.keep(&folder)
}

/// Nanoseconds that each guest computed between the ends of the window: `vm1 BEFORE AFTER`.
fn work_of(text: &str) -> Result<Vec<u64>, Failed> {
    let of = |line: &str| {
        let mut words = line.split_whitespace().skip(1).map(str::parse::<u64>);
        let (before, after) = (words.next()?.ok()?, words.next()?.ok()?);
        after.checked_sub(before)
    };
    let all: Option<Vec<u64>> = text.lines().map(of).collect();
    all.ok_or_else(|| failed(format!("{WORK} has a line that is none of it")))
}

/// How fairly they shared.
fn fairness(work: &[u64]) -> f64 {
    jain(&work.iter().map(|ns| *ns as f64).collect::<Vec<_>>())
}

/// Memory of a guest, on average: what each says of itself, of which a new one begins with its mappings' line.
fn memory_of(text: &str) -> Vec<Value> {
    let mut each: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.ends_with("[rollup]") {
            each.push(String::new());
        }
        if let Some(last) = each.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    let all: Vec<Smaps> = each.iter().map(|text| Smaps::of(text)).collect();
    let mean = |metric: &str, of: fn(&Smaps) -> Option<u64>| {
        let kib: Option<Vec<u64>> = all.iter().map(of).collect();
        let kib = kib.filter(|kib| !kib.is_empty())?;
        let mean = kib.iter().map(|kib| *kib as f64).sum::<f64>() / kib.len() as f64;
        Some(value(metric, mean / 1024.0))
    };
    let known = [
        mean("pss_MiB", |smaps| smaps.pss),
        mean("rss_MiB", |smaps| smaps.rss),
        mean("thp_MiB", |smaps| smaps.huge),
        mean("ksm_MiB", |smaps| smaps.ksm),
    ];
    known.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    #[test]
    fn jains_index_is_one_where_all_have_the_same_and_a_part_where_one_has_everything() {
        assert_eq!(fairness(&[7, 7, 7]), 1.0);
        assert!((fairness(&[9, 0, 0]) - 1.0 / 3.0).abs() < 1e-12);
        // Two of three have twice what the third has: 25 / 27.
        assert!((fairness(&[2, 2, 1]) - 25.0 / 27.0).abs() < 1e-12);
        assert_eq!(fairness(&[0, 0]), 0.0);
    }

    #[test]
    fn memory_is_that_of_a_guest_on_average_and_absent_where_one_does_not_tell() {
        let of =
            |pss: u64| format!("5581-7ffd ---p 00000000 00:00 0    [rollup]\nRss: 4096 kB\nPss: {pss} kB\n");
        let both = memory_of(&(of(1024) + &of(3072)));
        let told: Vec<(&str, f64)> = both.iter().map(|value| (value.metric.as_str(), value.value)).collect();
        assert_eq!(told, [("pss_MiB", 2.0), ("rss_MiB", 4.0)]);
        let one = memory_of(&(of(1024) + "5581-7ffd ---p 0 0 0 [rollup]\nRss: 4096 kB\n"));
        assert_eq!(one.len(), 1);
        assert_eq!(memory_of(""), []);
    }

    #[test]
    fn numbers_of_guests_are_cases_and_nonsense_is_refused() {
        let with = |set: &[(&str, &str)]| {
            let mut params = Params::new();
            for known in PARAMETERS {
                params.set(known.key, known.default.unwrap_or_default(), Origin::BuiltIn);
            }
            set.iter().for_each(|(key, value)| params.set(*key, *value, Origin::Flag("--set".into())));
            Density.cases(&params).map(|cases| cases.len()).map_err(|error| error.to_string())
        };
        assert_eq!(with(&[]), Ok(3));
        assert!(with(&[("guests", "0")]).unwrap_err().contains("'guests' is '0'"));
        assert!(with(&[("guests", "1000")]).unwrap_err().contains("at most 512"));
        assert!(with(&[("scenario", "guest_guest")]).unwrap_err().contains("none of them a client"));
        assert_eq!(work_of("vm1 5 9\nvm2 1 4\n").unwrap(), [4, 3]);
        assert!(work_of("vm1 9 5\n").is_err() && work_of("vm1 x\n").is_err());
    }
}
