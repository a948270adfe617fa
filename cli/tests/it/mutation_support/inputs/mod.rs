//! What is mutated: small folders with everything that perfvt reads, made once.

mod campaigns;
mod foreign;
mod hosts;
mod settings;
mod sides;

use std::fs;
use std::path::{Path, PathBuf};

/// What a folder is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Two sides, `a` and `b`.
    Sides,
    /// Two sides, and beside them a perf.conf, known changes, noise floors and a site.
    Settings,
    /// A campaign, `x`.
    Campaign,
    /// A configuration, and the guests and providers of its user.
    Config,
    /// A host that is laid out in `root`.
    Host,
    /// Nothing is read.
    Nothing,
}

/// A folder before it is mutated.
pub struct Input {
    pub name: &'static str,
    pub kind: Kind,
    /// Its files say how many values there must be, and what they are: nothing can be missing or double unseen.
    pub counted: bool,
    pub build: fn(&Path),
}

const fn input(name: &'static str, kind: Kind, build: fn(&Path)) -> Input {
    Input { name, kind, counted: false, build }
}

const fn counted(name: &'static str, kind: Kind, build: fn(&Path)) -> Input {
    Input { name, kind, counted: true, build }
}

pub const INPUTS: &[Input] = &[
    counted("environments", Kind::Sides, sides::environments),
    input("rhs", Kind::Sides, sides::rhs),
    input("fio", Kind::Sides, foreign::fio),
    input("netperf-csv", Kind::Sides, foreign::netperf_csv),
    input("netperf-keyval", Kind::Sides, foreign::netperf_keyval),
    input("iozone", Kind::Sides, foreign::iozone),
    input("go-bench", Kind::Sides, foreign::go_bench),
    input("hyperfine", Kind::Sides, foreign::hyperfine),
    input("csv", Kind::Sides, foreign::csv),
    input("csv-files", Kind::Sides, foreign::csv_files),
    input("fio-terse", Kind::Sides, foreign::fio_terse),
    input("iperf3", Kind::Sides, foreign::iperf3),
    input("sockperf", Kind::Sides, foreign::sockperf),
    input("uperf", Kind::Sides, foreign::uperf),
    input("ntttcp", Kind::Sides, foreign::ntttcp),
    input("ntttcp-xml", Kind::Sides, foreign::ntttcp_xml),
    input("ffsb", Kind::Sides, foreign::ffsb),
    input("qemu-img", Kind::Sides, foreign::qemu_img),
    input("netperf-text", Kind::Sides, foreign::netperf_text),
    input("sysbench", Kind::Sides, foreign::sysbench),
    input("google-benchmark", Kind::Sides, foreign::google_benchmark),
    input("pytest-benchmark", Kind::Sides, foreign::pytest_benchmark),
    input("phoronix", Kind::Sides, foreign::phoronix),
    input("perfherder", Kind::Sides, foreign::perfherder),
    input("github-benchmark", Kind::Sides, foreign::github_benchmark),
    input("iometer", Kind::Sides, foreign::iometer),
    input("go-json", Kind::Sides, foreign::go_json),
    input("wide-csv", Kind::Sides, foreign::wide_csv),
    input("settings", Kind::Settings, settings::build),
    counted("campaign", Kind::Campaign, campaigns::finished),
    counted("stopped-campaign", Kind::Campaign, campaigns::stopped),
    input("config", Kind::Config, hosts::config),
    input("host", Kind::Host, hosts::root),
    input("nothing", Kind::Nothing, |_| ()),
];

/// A file of this repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// A folder with everything below it.
pub fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
