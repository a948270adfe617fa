//! Workloads in Windows guests, from what is asked of the guest agent to the values. The Windows here is the tests' own: it
//! knows whole command lines, word by word, and what each of them prints. No Windows was booted for it.

use super::cables::Cables;
use super::lab::GuestLab;
use super::scene::SceneGuest;
use super::*;
use crate::config::Source;
use crate::config::select::select;
use crate::matrix::{cases, environments};
use crate::workload::{self, Outcome, Workload};
use model::{Accel, Case, Params};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use vm::guest::channel::QgaChannel;
use vm::guest::channel::qga::pretend::{Seen, agent, ended};
use vm::guest::image::Cache;
use vm::guest::machine::pretend::pretended;
use vm::guest::network::mac;
use vm::guest::windows;

/// A command line of the pretended Windows.
struct Line {
    argv: Vec<String>,
    takes: Duration,
    status: i64,
    out: &'static str,
}

fn line(argv: &[&str], out: &'static str) -> Line {
    let argv = argv.iter().map(|word| (*word).to_owned()).collect();
    Line { argv, takes: Duration::ZERO, status: 0, out }
}

const FACTS: &str = "os Microsoft Windows Server 2022 Standard\r\nkernel.build 10.0.20348.2340\r\n";

/// What every Windows guest is asked. Its client answers once, and cannot be reached later.
fn usual(mac: &str, address: &str, peer: &str) -> Vec<Line> {
    let script = |name: &str, args: &[&str], out| {
        let path = format!("C:\\perfvt\\{name}");
        let start =
            ["powershell.exe", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File", &path];
        line(&[&start[..], args].concat(), out)
    };
    vec![
        line(&["cmd.exe", "/d", "/c", "if", "not", "exist", "C:\\perfvt", "mkdir", "C:\\perfvt"], ""),
        script("network.ps1", &[mac, address, "24", "1500"], "up 7\r\n"),
        script("facts.ps1", &[], FACTS),
        line(&["ping.exe", "-n", "1", "-w", "1000", peer], "Reply from x: bytes=32 time<1ms TTL=128\r\n"),
        line(&["ping.exe", "-n", "1", "-w", "2000", peer], "Reply from y: Destination host unreachable.\r\n"),
    ]
}

/// A Windows that knows these lines, and whose NIC moves a thousand packets between two looks.
fn pretend(lines: Vec<Line>, mac: String) -> (QgaChannel, Arc<Mutex<Seen>>) {
    let started: Mutex<Vec<(usize, Instant)>> = Mutex::new(Vec::new());
    let looks = Mutex::new(0);
    agent(Os::Windows, move |command, arguments| match command {
        "guest-exec" => {
            let words = std::iter::once(&arguments["path"]).chain(arguments["arg"].as_array()?);
            let words: Vec<&str> = words.filter_map(Value::as_str).collect();
            let Some(index) = lines.iter().position(|line| line.argv == words) else {
                let desc = format!("Failed to execute child process {words:?}");
                return Some(json!({"error": {"class": "GenericError", "desc": desc}}));
            };
            let mut started = started.lock().unwrap();
            started.push((index, Instant::now()));
            Some(json!({"return": {"pid": started.len() - 1}}))
        }
        "guest-exec-status" => {
            let pid = usize::try_from(arguments["pid"].as_u64()?).ok()?;
            let (index, since) = started.lock().unwrap()[pid];
            let Line { takes, status, out, .. } = &lines[index];
            Some(match since.elapsed() >= *takes {
                true => ended(*status, out.as_bytes(), b""),
                false => json!({"return": {"exited": false}}),
            })
        }
        "guest-network-get-interfaces" => {
            let mut looks = looks.lock().unwrap();
            *looks += 1000;
            let statistics = json!({
                "rx-bytes": 1500 * *looks, "rx-packets": *looks, "rx-errs": 0, "rx-dropped": 0,
                "tx-bytes": 60, "tx-packets": 1, "tx-errs": 0, "tx-dropped": 0});
            Some(json!({"return": [
                {"name": "Loopback Pseudo-Interface 1", "ip-addresses": []},
                {"name": "Ethernet 2", "hardware-address": mac, "statistics": statistics}]}))
        }
        _ => None,
    })
}

/// One environment with Windows guests, booted.
struct Bench {
    dir: tempfile::TempDir,
    workload: &'static dyn Workload,
    params: Params,
    cases: Vec<Case>,
    lab: GuestLab,
    seen: Vec<Arc<Mutex<Seen>>>,
}

fn params_of(workload: &'static dyn Workload, sets: &[String]) -> (Params, Result<Vec<Case>, String>) {
    let source = Source { workload: Some(workload.name().into()), ..Source::default() };
    let (selected, _) = select(&source, &[]).unwrap();
    let environments = environments(workload, &selected, Some("quick"), sets).unwrap();
    let cases = cases(workload, &environments).map_err(|error| error.to_string());
    (environments[0].params.clone(), cases)
}

/// What says that there are Windows guests, with an image that nobody will boot.
fn windows_sets(dir: &Path, sets: &[&str]) -> Vec<String> {
    let image = dir.join("windows.qcow2");
    std::fs::write(&image, "no image").unwrap();
    let mut all =
        vec![format!("image={}", image.display()), "guest_os=windows".into(), "image_format=raw".into()];
    all.extend(sets.iter().map(|set| (*set).to_owned()));
    all
}

impl Bench {
    /// Two guests, joined by a socket: the server at 192.168.100.2, the client at .1. `own` are further command lines of
    /// each.
    fn new(name: &str, sets: &[&str], own: [Vec<Line>; 2]) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let workload = workload::find(name).unwrap();
        let mut sets = windows_sets(dir.path(), sets);
        sets.extend(["scenario=guest_guest".into(), "net=dgram".into(), "confine=none".into()]);
        let (params, cases) = params_of(workload, &sets);
        let (cache, needs) = (Cache::at(dir.path()), workload.needs(&params));
        let stage = Stage::here(&cache, Accel::Tcg, needs, true).unwrap();
        let spec = EnvironmentSpec::of(&params, &stage.ground()).unwrap();
        let cables = Cables::make(&spec, "t").unwrap();
        let brought = Brought::gather(&cache, &stage.needs.brings).unwrap();
        let addresses = ["192.168.100.2", "192.168.100.1"];
        let (mut machines, mut guests, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        for (index, own) in own.into_iter().enumerate() {
            let (mac, place) = (mac(&spec.layout, "t", index, 0), dir.path().join(index.to_string()));
            std::fs::create_dir(&place).unwrap();
            let mut lines = usual(&mac, addresses[index], addresses[1 - index]);
            lines.extend(own);
            let (channel, shared) = pretend(lines, mac);
            let mut machine = pretended(&place, Box::new(channel), Os::Windows);
            windows::settle(&mut machine).unwrap();
            brought.put(&spec.brings, &mut machine).unwrap();
            machines.push(machine);
            seen.push(shared);
            let (logs, forensics) = (place.clone(), place);
            let image = Image::nowhere(Path::new(""));
            guests.push(SceneGuest {
                image,
                overlay: None,
                seed: None,
                offline: None,
                _key: None,
                port: 0,
                logs,
                forensics,
            });
        }
        let scene = Scene { spec, cables, guests, own_cpus: Vec::new(), disks: Vec::new() };
        let mut lab = GuestLab::new(scene, machines, cache).unwrap();
        lab.brought = Arc::new(brought);
        Bench { workload, params, cases: cases.unwrap(), lab, seen, dir }
    }

    /// Measures the first case, and reads its values.
    fn measure(&mut self) -> Result<Outcome, Failed> {
        self.workload.prepare(&mut self.lab, &self.params)?;
        // The agent of these tests uses next to no CPU: of a host that rests there is no CPU time to divide by.
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    std::hint::spin_loop();
                }
            });
            let _stop = Stop(&done);
            self.workload.measure(&mut self.lab, &self.cases[0], &self.params, self.dir.path())
        })?;
        workload::parse(self.workload, &self.cases[0], &self.params, self.dir.path())
    }
}

/// Says that it is done, however it ends.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

fn value(outcome: &Outcome, metric: &str) -> Option<f64> {
    outcome.values.iter().find(|value| value.metric == metric).map(|value| value.value)
}

const RECEIVED: &str = include_str!("../../../formats/testdata/ntttcp/windows-5.39-reconstructed.txt");

#[test]
fn a_command_runs_in_a_windows_guest_with_its_files_and_gives_values() {
    let dir = tempfile::tempdir().unwrap();
    let tool = dir.path().join("bench.exe");
    std::fs::write(&tool, b"MZ\0\xff").unwrap();
    let sets = [
        "command='C:\\perfvt\\bench.exe' --size ${case} 'two words'",
        &format!("command_files={}", tool.display()),
        "command_cases=64",
        "metrics=speed",
        "pattern_speed=speed: ([0-9.]+)",
    ];
    let mut bench =
        line(&["C:\\perfvt\\bench.exe", "--size", "64", "two words"], "hello\r\nspeed: 12.5 MB/s\r\n");
    bench.takes = Duration::from_millis(700);
    let mut bench = Bench::new("command", &sets, [vec![bench], vec![]]);
    let outcome = bench.measure().unwrap();
    assert_eq!(value(&outcome, "speed"), Some(12.5));
    let elapsed = value(&outcome, "elapsed_s").unwrap();
    assert!((0.6..20.0).contains(&elapsed), "{elapsed}");
    // What Windows does not tell is no value, and told as absent.
    for metric in ["guest_CPU", "guest_steal", "guest_intr", "guest_ctxt", "guest_psi_cpu"] {
        assert_eq!(value(&outcome, metric), None, "{metric}");
        assert!(bench.lab.absent().iter().any(|(name, _)| *name == metric), "{metric}");
    }
    let seen = bench.seen[0].lock().unwrap();
    assert_eq!(seen.files["C:\\perfvt\\bench.exe"], b"MZ\0\xff");
    assert!(seen.files.contains_key("C:\\perfvt\\network.ps1"));
}

#[test]
fn a_command_that_fails_in_a_windows_guest_is_told_with_what_it_said() {
    let mut fails = line(&["fails.exe"], "no such counter\r\n");
    fails.status = 3;
    let mut bench = Bench::new("command", &["command=fails.exe"], [vec![fails], vec![]]);
    let error = bench.measure().unwrap_err().to_string();
    assert!(error.contains("status 3") && error.contains("no such counter"), "{error}");
    let mut bench = Bench::new("command", &["command=away.exe"], [vec![], vec![]]);
    let error = bench.measure().unwrap_err().to_string();
    assert!(error.contains("away.exe") && error.contains("Failed to execute child process"), "{error}");
}

#[test]
fn ntttcp_between_windows_guests_is_set_up_run_and_read() {
    let dir = tempfile::tempdir().unwrap();
    let exe = dir.path().join("NTttcp.exe");
    std::fs::write(&exe, b"MZ").unwrap();
    let side = |flag| {
        let words = ["C:\\perfvt\\NTttcp.exe", flag, "-m", "1,*,192.168.100.2", "-p", "5001", "-l", "65536"];
        let mut side = line(&[&words[..], &["-t", "3", "-ns"]].concat(), RECEIVED);
        side.takes = Duration::from_millis(1500);
        side
    };
    let listening = line(
        &["netstat.exe", "-a", "-n", "-p", "TCP"],
        "  Proto  Local Address          Foreign Address        State\r\n  \
         TCP    192.168.100.2:5001     0.0.0.0:0              LISTENING\r\n",
    );
    let sets = [&*format!("ntttcp_windows={}", exe.display()), "l=1"];
    let mut bench = Bench::new("ntttcp", &sets, [vec![side("-r"), listening], vec![side("-s")]]);
    let outcome = bench.measure().unwrap();
    let throughput = value(&outcome, "throughput(Mbit/s)").unwrap();
    assert!((throughput - 8388.608).abs() < 1e-6, "{throughput}");
    assert!(value(&outcome, "CPU").unwrap() > 0.0);
    for seen in &bench.seen {
        assert_eq!(seen.lock().unwrap().files["C:\\perfvt\\NTttcp.exe"], b"MZ");
    }
    // What its agent answered is kept as it came, and read again.
    let told = std::fs::read_to_string(bench.dir.path().join("guest-end.json")).unwrap();
    assert!(told.contains("Loopback Pseudo-Interface 1") && !bench.dir.path().join("guest-end.txt").exists());
    let measured = crate::lab::Measured::read(bench.dir.path()).unwrap();
    assert_eq!(measured.end.guest.told(), told);
    let packets =
        measured.guest_delta(|guest| Some(guest.net_dev.interface(&measured.interface)?.value.rx_packets));
    assert!(packets >= Some(1000), "{packets:?}");
    let facts = bench.lab.guest_facts().facts;
    assert_eq!(facts.0.get("guest.os").map(String::as_str), Some("Microsoft Windows Server 2022 Standard"));
    assert_eq!(bench.lab.disconnected().map(|lost| lost.code), Some(Code::NetworkLost));
}

#[test]
fn a_program_that_is_in_the_image_is_not_put_there() {
    let sets = ["ntttcp_windows=C:\\tools\\ntttcp.exe"];
    let bench = Bench::new("ntttcp", &sets, [vec![], vec![]]);
    assert_eq!(bench.lab.brought("ntttcp_windows").unwrap(), "C:\\tools\\ntttcp.exe");
    let seen = bench.seen[0].lock().unwrap();
    assert!(seen.files.keys().all(|path| path.ends_with(".ps1")), "{:?}", seen.files.keys());
}

#[test]
fn what_a_windows_guest_cannot_do_is_refused_when_planning_by_name_and_reason() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |name: &str, sets: &[&str]| {
        let sets = windows_sets(dir.path(), sets);
        params_of(workload::find(name).unwrap(), &sets).1.unwrap_err()
    };
    for (name, reason) in [
        ("fio", "libaio"),
        ("iozone", "ext4"),
        ("ffsb", "ext4"),
        ("iperf3", "tools disk"),
        ("sockperf", "tools disk"),
        ("uperf", "POSIX"),
        ("boot", "console"),
    ] {
        let error = refused(name, &[]);
        assert!(error.contains("guest_os") && error.contains(name) && error.contains(reason), "{error}");
    }
    assert!(refused("netperf", &[]).contains("netserver_windows"));
    let error = refused("ntttcp", &[]);
    assert!(error.contains("ntttcp_windows") && error.contains("C:\\"), "{error}");
    for set in ["queues=4", "queues_nic1=4", "irq_vcpus=0", "server_vcpus=0"] {
        let error = refused("command", &["command=x", set]);
        assert!(
            error.contains(set.split(['_', '=']).next().unwrap()) && error.contains("windows"),
            "{error}"
        );
    }
    // A workload that takes no guest has none to be wrong.
    let sets = windows_sets(dir.path(), &[]);
    assert!(params_of(workload::find("qemu-img-bench").unwrap(), &sets).1.is_ok());
}
