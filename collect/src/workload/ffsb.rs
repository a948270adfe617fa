//! The Flexible Filesystem Benchmark on a file system of the guest's data disk: the ancestor's profiles, by threads.
//!
//! ffsb is the user's ([`crate::brought`]). The file system is made anew for each case, so that none begins with the files
//! of another. ffsb makes its files first and tells the moment of nothing, so the window spans its whole run.

mod profile;

use super::common::{
    busy, drop_caches, failed, host_series, level, read, run_whole, seconds_of, value, value_at, words_of,
};
use super::storage::{MOUNT, make_file_system, vcpu_values, vcpus};
use super::{Known, Needs, Outcome, Workload, add_case};
use crate::brought::{self, Wish};
use crate::lab::{Failed, Lab, Measured, keep};
use crate::parse::disk;
use formats::ffsb::parse;
use model::{Case, Params, ParamsError};
use profile::{PROFILES, Profile};
use std::path::Path;
use std::time::Duration;
use vm::guest::os::Os;

/// The workload.
pub struct Ffsb;

/// The key that names the program.
const BINARY: &str = "ffsb_binary";

const PARAMETERS: [Known; 8] = [
    Known::new(
        "profiles",
        "large-file-creates-256k large-file-creates-8k mail-server-8k random-reads-8k random-writes-8k \
             sequential-reads-256k sequential-reads-8k",
        "names",
        "which of the seven profiles",
    ),
    Known::new("thread", "1 8 16", "numbers", "threads"),
    Known::new(
        "scale",
        "1",
        "a fraction",
        "size of what the profiles work on, as a fraction of the usual 100 GB",
    ),
    Known::new("l", "300", "seconds, 1 or more", "time of each case, without making its files"),
    Known::new("ffsb_timeout", "7200", "seconds", "time after which a case has failed"),
    Known::new("disk_size", "110G", "a size", "size of the data disk, which holds the file system"),
    Known::new(
        "disk_prealloc",
        "off",
        "full, falloc, metadata, off",
        "full, falloc, metadata (qcow2) or off (sparse)",
    ),
    Known::new(BINARY, "", "a file", "ffsb's file on this host, which you bring; empty: this host's own"),
];

/// The profile's file in the guest, and its name in the case's raw folder.
const GUEST_PROFILE: &str = "/tmp/ffsb.profile";
const KEPT_PROFILE: &str = "ffsb.profile";

impl Workload for Ffsb {
    fn name(&self) -> &'static str {
        "ffsb"
    }

    fn measures(&self) -> &'static str {
        "file systems on the data disk: threads that create, read, write and delete files"
    }

    fn parameters(&self) -> &'static [Known] {
        &PARAMETERS
    }

    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[("thread", "1"), ("scale", "0.001"), ("l", "2"), ("disk_size", "512M")]
    }

    fn paths(&self) -> &'static [&'static str] {
        &[BINARY]
    }

    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError> {
        seconds_of(params)?;
        brought::check(params, BINARY)?;
        let scale = "a fraction above 0, such as 0.01";
        if params.number("scale", 0.0f64, scale)? <= 0.0 {
            return Err(params.wrong("scale", scale));
        }
        if disk(params)?.is_none() {
            return Err(params.wrong("disk_size", "a size such as 2G, because ffsb works on the data disk"));
        }
        let threads = params.numbers("thread", "numbers of threads, such as '1 8'")?;
        let mut cases = Vec::new();
        for profile in words_of(params, "profiles", &PROFILES.map(|p| p.name))? {
            for thread in &threads {
                let keys = [("thread", thread.to_string())].into_iter().collect();
                let category = format!("ffsb-{profile}");
                let case = Case { workload: self.name().into(), category, keys };
                add_case(&mut cases, case, params, "thread")?;
            }
        }
        Ok(cases)
    }

    fn metrics(&self, _: &str, params: &Params, kvm: bool) -> Vec<String> {
        let mut all: Vec<String> = ["IOPS", "Thro-MBps"].map(String::from).into();
        all.extend((0..vcpus(params)).map(|n| format!("vcpu{n}")));
        all.extend(["Hostcpu", "MBps_per_Hostcpu"].map(String::from));
        if kvm {
            all.push("exits".into());
        }
        all
    }

    fn guest_timed(&self) -> bool {
        true
    }

    fn runs_in(&self, os: Os) -> Result<(), &'static str> {
        match os {
            Os::Linux => Ok(()),
            Os::Windows => Err("it works on an ext4 file system that it has made and mounted"),
        }
    }

    fn runs_alone(&self, _: &Params) -> Result<(), &'static str> {
        Ok(())
    }

    fn needs(&self, params: &Params) -> Needs {
        let brings = vec![Wish::of(params, BINARY, "ffsb")];
        Needs { tools: true, writes_disk: true, guest_tools: vec!["mke2fs"], brings, ..Needs::default() }
    }

    fn seconds(&self, params: &Params) -> f64 {
        // Making the file system, and what the profile wants to be there.
        let scale = params.number("scale", 0.0, "").unwrap_or(1.0);
        f64::from(seconds_of(params).unwrap_or(300)) + 5.0 + 300.0 * scale
    }

    fn timeout(&self, _: &Params) -> Option<&'static str> {
        Some("ffsb_timeout")
    }

    fn session_length(&self, params: &Params) -> String {
        params.get("l").unwrap_or_default().to_owned()
    }

    fn rhs_name(&self, _: f64) -> String {
        "ffsb-result.RHS".into()
    }

    fn prepare(&self, lab: &mut dyn Lab, _: &Params) -> Result<(), Failed> {
        lab.exec(&["perfvt-tools"], lab.soon()).map(drop)
    }

    fn measure(&self, lab: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed> {
        let text = profile_of(case)?.text(MOUNT, &values_of(case, params)?);
        keep(raw, KEPT_PROFILE, &text)?;
        lab.put(GUEST_PROFILE, "644", text.as_bytes())?;
        let argv = [lab.brought(BINARY)?, GUEST_PROFILE.to_owned()];
        keep(raw, "ffsb.argv", &argv.join("\n"))?;
        make_file_system(lab, "ext4")?;
        drop_caches(lab)?;
        let limit = params.number("ffsb_timeout", 1u64, "seconds").map_err(failed)?;
        let times = (Duration::from_secs(limit), Duration::from_millis(500));
        run_whole(lab, &argv, times, raw, "ffsb")?.0.keep(raw)
    }

    fn parse(&self, _: &Case, params: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let measured = Measured::read(raw)?;
        let run = parse(&read(raw, "ffsb.txt")?).map_err(failed)?;
        let at = |metric: &str, value: f64| value_at(metric, value, "ffsb.txt", run.line);
        let mut values = vec![at("IOPS", run.transactions), at("Thro-MBps", run.throughput())];
        values.extend(vcpu_values(params, &measured)?);
        let busy = busy(&measured)?;
        values.extend([value("Hostcpu", busy), value("MBps_per_Hostcpu", run.throughput() / busy)]);
        Ok(Outcome { window: measured.window, values, series: host_series("Hostcpu", &measured) })
    }
}

fn profile_of(case: &Case) -> Result<&'static Profile, Failed> {
    let name = case.category.strip_prefix("ffsb-").unwrap_or_default();
    let found = PROFILES.iter().find(|p| p.name == name);
    found.ok_or_else(|| failed(format!("there is no profile {name}")))
}

fn values_of(case: &Case, params: &Params) -> Result<profile::Values, Failed> {
    Ok(profile::Values {
        threads: level(case, "thread")?,
        seconds: seconds_of(params).map_err(failed)?,
        scale: params.number("scale", 0.0, "a fraction").map_err(failed)?,
    })
}
