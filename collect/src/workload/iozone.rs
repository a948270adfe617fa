//! iozone on a file system of the guest's data disk: write, rewrite, read, reread and random access.
//!
//! Files are fractions of the guest's memory: smaller than it (`incache`), larger (`outcache`), or past the page cache
//! (`dio`). With several threads iozone runs in its throughput mode, where each thread has its part of the size.

use super::common::{
    busy, drop_caches, failed, host_series, read, run_whole, value, value_at, wanted, word, words_of,
};
use super::storage::{MOUNT, make_file_system, vcpu_values, vcpus};
use super::{Known, Needs, Outcome, Value, Workload, add_case};
use crate::lab::{Failed, Lab, Measured, keep};
use crate::parse::disk;
use formats::foreign::{Kind, parse};
use model::{Case, Params, ParamsError, Phase};
use std::path::Path;
use std::time::Duration;
use vm::guest::os::Os;

/// The workload.
pub struct Iozone;

const MODES: [&str; 3] = ["incache", "outcache", "dio"];

const PARAMETERS: [Known; 10] = [
    Known::new("modes", "incache outcache dio", "incache, outcache, dio", "which kinds of files"),
    Known::new("incache", "0.9", "a fraction", "size of the file as a fraction of guest memory, in cache"),
    Known::new("outcache", "2", "a fraction", "the same out of cache"),
    Known::new("dio", "0.9", "a fraction", "the same with direct I/O"),
    Known::new("record_kB", "64", "KiB", "record sizes"),
    Known::new(
        "threads",
        "1",
        "numbers",
        "threads; with more than one, each has its part of the file's size",
    ),
    Known::new("fs", "ext4", "ext2, ext3, ext4", "file system"),
    Known::new("iozone_options", "", "words", "further options of iozone, quoted as in a shell"),
    Known::new("iozone_timeout", "7200", "seconds", "time after which a case has failed"),
    Known::new("disk_size", "2G", "a size", "size of the data disk, which holds the file system"),
];

/// Operations in the order of the columns, as the reader of iozone's report calls them.
const OPERATIONS: [&str; 6] = [
    "Write_Thro-KBps",
    "ReWrite_Thro-KBps",
    "Read_Thro-KBps",
    "Reread_Thro-KBps",
    "Random_Read_Thro-KBps",
    "Random_Write_Thro-KBps",
];

impl Workload for Iozone {
    fn name(&self) -> &'static str {
        "iozone"
    }

    fn measures(&self) -> &'static str {
        "a file system on the data disk: write, rewrite, read, reread and random access"
    }

    fn parameters(&self) -> &'static [Known] {
        &PARAMETERS
    }

    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[("incache", "0.05"), ("outcache", "0.1"), ("dio", "0.05"), ("disk_size", "256M")]
    }

    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError> {
        params.choice("fs", &["ext2", "ext3", "ext4"])?;
        let disk = disk(params)?;
        let disk = disk.ok_or_else(|| {
            params.wrong("disk_size", "a size such as 2G, because iozone works on the data disk")
        })?;
        let records = params.numbers("record_kB", "record sizes in KiB, such as '64'")?;
        let threads = params.numbers("threads", "numbers of threads, such as '1 4'")?;
        let mut cases = Vec::new();
        for mode in words_of(params, "modes", &MODES)? {
            for record in &records {
                for threads in &threads {
                    let size = size_kib(params, mode, *record, *threads)?;
                    // The file system takes its own part of the disk.
                    if size as f64 * 1024.0 > disk.size as f64 * 0.9 {
                        let want = format!("room for the {} MiB of {mode}", size / 1024);
                        return Err(params.wrong("disk_size", &want));
                    }
                    let keys = [
                        ("size_kB", size.to_string()),
                        ("record_kB", record.to_string()),
                        ("threads", threads.to_string()),
                    ];
                    let keys = keys.into_iter().collect();
                    let case = Case { workload: self.name().into(), category: mode.to_owned(), keys };
                    add_case(&mut cases, case, params, "record_kB")?;
                }
            }
        }
        Ok(cases)
    }

    fn metrics(&self, _: &str, params: &Params, kvm: bool) -> Vec<String> {
        let mut all: Vec<String> = OPERATIONS.map(String::from).into();
        all.extend((0..vcpus(params)).map(|n| format!("vcpu{n}")));
        all.extend(["Hostcpu", "SUMKbps_per_Hostcpu"].map(String::from));
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

    fn needs(&self, _: &Params) -> Needs {
        Needs { tools: true, writes_disk: true, guest_tools: vec!["mke2fs"], ..Needs::default() }
    }

    fn seconds(&self, params: &Params) -> f64 {
        // Four passes and two of random access over the largest file, at some 200 MB/s.
        let mem = params.number("mem", 128.0, "").unwrap_or(512.0);
        10.0 + mem * 6.0 / 200.0
    }

    fn timeout(&self, _: &Params) -> Option<&'static str> {
        Some("iozone_timeout")
    }

    fn session_length(&self, _: &Params) -> String {
        // A run is as long as its file is large.
        "0".into()
    }

    fn rhs_name(&self, _: f64) -> String {
        "iozone-result.RHS".into()
    }

    fn prepare(&self, lab: &mut dyn Lab, params: &Params) -> Result<(), Failed> {
        make_file_system(lab, params.get("fs").unwrap_or("ext4"))
    }

    fn measure(&self, lab: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed> {
        let argv = argv(case, params)?;
        keep(raw, "iozone.argv", &argv.join("\n"))?;
        lab.exec(
            &["find", MOUNT, "-type", "f", "-exec", "rm", "-f", "{}", ";"],
            lab.deadline(Phase::Prepare),
        )?;
        drop_caches(lab)?;
        let limit = params.number("iozone_timeout", 1u64, "seconds").map_err(failed)?;
        let times = (Duration::from_secs(limit), Duration::from_millis(500));
        run_whole(lab, &argv, times, raw, "iozone")?.0.keep(raw)
    }

    fn parse(&self, _: &Case, params: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let measured = Measured::read(raw)?;
        let report = parse(Kind::Iozone, &read(raw, "iozone.txt")?).map_err(failed)?;
        let mut values: Vec<Value> = Vec::new();
        for operation in OPERATIONS {
            let mut found = report.records.iter().filter(|r| *r.metric == *operation);
            let record = wanted(operation, found.next())?;
            if found.next().is_some() {
                return Err(failed(format!("the report has more than one {operation}")));
            }
            let number = record.value.clone().map_err(failed)?;
            values.push(value_at(operation, number, "iozone.txt", record.line));
        }
        let sum: f64 = values.iter().map(|v| v.value).sum();
        values.extend(vcpu_values(params, &measured)?);
        let busy = busy(&measured)?;
        values.push(value("Hostcpu", busy));
        values.push(value("SUMKbps_per_Hostcpu", sum / busy));
        Ok(Outcome { window: measured.window, values, series: host_series("Hostcpu", &measured) })
    }
}

/// The size of a mode's file in KiB, a multiple of the record for each thread.
fn size_kib(params: &Params, mode: &str, record: u32, threads: u32) -> Result<u64, ParamsError> {
    let fraction = params.number(mode, 0.0f64, "a fraction of the guest's memory, such as 0.9")?;
    let memory = params.number("mem", 1u64, "MiB, or a size such as 1G")?;
    let step = u64::from(record).saturating_mul(u64::from(threads));
    let kib = (fraction * memory as f64 * 1024.0) as u64 / step * step;
    if kib == 0 {
        Err(params.wrong(mode, "a fraction of the guest's memory that holds a record"))
    } else {
        Ok(kib)
    }
}

fn argv(case: &Case, params: &Params) -> Result<Vec<String>, Failed> {
    let record = word(case, "record_kB")?;
    let threads: u64 = super::common::level(case, "threads")?;
    let size: u64 = super::common::level(case, "size_kB")?;
    let mut argv: Vec<String> =
        ["iozone", "-R", "-i", "0", "-i", "1", "-i", "2", "-r"].map(String::from).into();
    argv.extend([format!("{record}k"), "-s".into(), format!("{}k", size / threads.max(1))]);
    if threads > 1 {
        argv.extend(["-t".into(), threads.to_string(), "-F".into()]);
        argv.extend((0..threads).map(|n| format!("{MOUNT}/t{n}")));
    } else {
        argv.extend(["-f".into(), format!("{MOUNT}/t0")]);
    }
    if case.category == "dio" {
        argv.push("-I".into());
    }
    argv.extend(params.words("iozone_options").map_err(failed)?);
    Ok(argv)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    #[test]
    fn files_are_fractions_of_memory_in_whole_records() {
        let mut params = Params::new();
        for known in crate::parameters::guest().chain(&PARAMETERS) {
            params.set(known.key, known.default.unwrap_or_default(), Origin::BuiltIn);
        }
        params.set("mem", "100", Origin::BuiltIn);
        params.set("threads", "1 3", Origin::BuiltIn);
        let cases = Iozone.cases(&params).unwrap();
        assert_eq!(cases[0].id(), "iozone/incache/size_kB=92160,record_kB=64,threads=1");
        assert_eq!(cases[1].keys.get("size_kB"), Some("92160"));
        let argv = argv(&cases[5], &params).unwrap().join(" ");
        assert!(
            argv.ends_with("-s 30720k -t 3 -F /mnt/perfvt/t0 /mnt/perfvt/t1 /mnt/perfvt/t2 -I"),
            "{argv}"
        );
        params.set("disk_size", "100M", Origin::Flag("--set".into()));
        let error = Iozone.cases(&params).unwrap_err().to_string();
        assert!(
            error.contains("'disk_size' is '100M'") && error.contains("room for the 200 MiB of outcache"),
            "{error}"
        );
    }
}
