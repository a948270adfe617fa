//! Real guests to which bad things happen: every failure is told apart, leaves what tells why, and nothing else.
//!
//! Where QEMU, netperf or the parts of the guest are missing (`make setup` gets them) the tests say so and pass.

use crate::campaign_support::{outcome, stub::Stub};
use collect::campaign::{Campaign, CampaignError, Hooks, Observer};
use collect::config::Source;
use collect::config::select::select;
use collect::environment::Stage;
use collect::lab::{Failed, Lab};
use collect::matrix::environments;
use collect::testbed::Testbed;
use collect::workload::{self, Outcome, Workload};
use model::journal::{CellState, Event, State};
use model::{BlockPlan, BootPlan, CampaignFile, Case, Code, EnvironmentPlan, Moment, Params, Phase, Rule};
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vm::guest::image::{Cache, Image, builtin, host_program};

/// How long a command may take that a healthy guest answers at once.
const SOON: Duration = Duration::from_secs(10);
/// How long one may take that is not expected to be answered.
const NEVER: Duration = Duration::from_secs(1);

/// A workload whose cases are named after what goes wrong in them.
static FAULTY: Stub = Stub {
    prepare: |lab, params| netperf().prepare(lab, params),
    ..Stub::new("faulty", "speed", measure, parse)
};

fn measure(lab: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed> {
    fault(lab, &case.category, params, raw)?;
    std::fs::write(raw.join("out.txt"), "2").map_err(|e| Failed::tool(e.to_string()))
}

fn parse(_: &Case, raw: &Path) -> Result<Outcome, Failed> {
    let text = std::fs::read_to_string(raw.join("out.txt")).unwrap();
    let value = text.parse().map_err(|_| Failed::nonsense("out.txt holds no number"))?;
    Ok(outcome("speed", value))
}

fn netperf() -> &'static dyn Workload {
    workload::find("netperf").unwrap()
}

/// Does it. What the guest answers is what a workload would hand on.
fn fault(lab: &mut dyn Lab, name: &str, params: &Params, raw: &Path) -> Result<(), Failed> {
    let shell = |lab: &mut dyn Lab, line: &str, deadline| lab.exec(&["sh", "-c", line], deadline).map(drop);
    match name {
        "fine" => Ok(()),
        "tool" => shell(lab, "echo no such thing >&2; exit 3", SOON),
        "slow-tool" => shell(lab, "sleep 100", NEVER),
        "full-guest" => shell(
            lab,
            "mkdir -p /mnt/f; mount -t tmpfs -o size=64k f /mnt/f; dd if=/dev/zero of=/mnt/f/x bs=4k count=99",
            SOON,
        ),
        "full-run" => {
            // Where the guest's own programs keep their files.
            let full = shell(lab, "dd if=/dev/zero of=/run/x bs=1M 2> /dev/null; exit 0", SOON * 6)
                .and_then(|()| lab.put("/run/y", "644", &[b'y'; 9000]));
            shell(lab, "rm -f /run/x", SOON)?;
            full
        }
        "full-tmp" => {
            shell(lab, "dd if=/dev/zero of=/tmp/x bs=1M 2> /dev/null; exit 0", SOON * 6)?;
            let full = lab.put("/tmp/y", "644", &[b'y'; 9000]);
            shell(lab, "rm -f /tmp/x", SOON)?;
            full
        }
        "large-output" => shell(lab, "head -c 70000000 /dev/zero", SOON * 6),
        "nonsense" => {
            // What follows would overwrite it, so that it is read-only.
            std::fs::write(raw.join("out.txt"), "a lot").unwrap();
            Err(FAULTY.parse(&case("nonsense"), params, raw).unwrap_err())
        }
        "netserver" => {
            shell(lab, "kill $(pidof netserver)", SOON)?;
            let case = netperf().cases(params).unwrap().remove(0);
            netperf().measure(lab, &case, params, raw)
        }
        "netserver-stopped" => {
            // The kernel still takes connections for it, and the client waits.
            shell(lab, "kill -STOP $(pidof netserver)", SOON)?;
            let case = netperf().cases(params).unwrap().remove(0);
            let end = netperf().measure(lab, &case, params, raw);
            shell(lab, "kill -CONT $(pidof netserver)", SOON)?;
            end
        }
        "panic" => shell(lab, "echo c > /proc/sysrq-trigger", SOON),
        "oops" => {
            let line =
                "echo '<1>BUG: kernel NULL pointer dereference, address: 0000000000000000' > /dev/kmsg";
            shell(lab, line, SOON)
        }
        "power-off" => shell(lab, "poweroff -f", SOON),
        "agent-stopped" => shell(lab, &to_agent("STOP"), NEVER),
        "agent-killed" => shell(lab, &to_agent("KILL"), SOON),
        "link-down" => shell(lab, "ip link set eth0 down; echo unreachable >&2; exit 1", SOON),
        "qemu-killed" => {
            kill_process(qemu().unwrap(), Signal::KILL).unwrap();
            shell(lab, "true", SOON)
        }
        "qemu-stopped" => {
            kill_process(qemu().unwrap(), Signal::STOP).unwrap();
            shell(lab, "true", NEVER)
        }
        "qemu-stopped-and-tool-failed" => {
            // What a client makes of it that waits for a server which does nothing any more.
            kill_process(qemu().unwrap(), Signal::STOP).unwrap();
            std::thread::sleep(NEVER);
            Err(Failed::tool("session 0 ended early with status 255"))
        }
        "vcpus-stopped" => {
            // Whoever connects to QEMU's debugger stops the guest.
            let debugger = UnixStream::connect(params.get("debugger").unwrap()).unwrap();
            let end = shell(lab, "true", SOON);
            drop(debugger);
            end
        }
        "bad-disk" => shell(lab, &write_to("bad"), SOON),
        "full-host" => shell(lab, &write_to("full"), SOON),
        other => panic!("unknown fault {other}"),
    }
}

/// Sends a signal to the process that serves the command channel.
fn to_agent(signal: &str) -> String {
    format!(
        "for p in /proc/[0-9]*; do case $(tr '\\0' ' ' < $p/cmdline) in */sbin/perfvt-agent*) \
         kill -{signal} ${{p#/proc/}};; esac; done"
    )
}

/// Writes to the disk with this serial number.
fn write_to(serial: &str) -> String {
    format!(
        "perfvt-load virtio_blk; for d in /sys/block/vd*; do \
         [ $(cat $d/serial) != {serial} ] || dd if=/dev/zero of=/dev/${{d##*/}} bs=4k count=1 conv=fsync; done"
    )
}

/// QEMU, a child of this process.
fn qemu() -> Option<Pid> {
    let own = format!(" {} ", std::process::id());
    std::fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let (name, rest) = stat.rsplit_once(')')?;
        let is_child = rest.get(2..)?.contains(&own) && name.contains("(qemu-system");
        (is_child && !rest.starts_with(" Z")).then_some(())?;
        Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)
    })
}

struct Silent(Vec<Event>);

impl Observer for Silent {
    fn event(&mut self, event: &Event, _: &State) {
        self.0.push(event.clone());
    }
    fn stop(&mut self) -> Option<String> {
        None
    }
}

fn case(name: &str) -> Case {
    Case { workload: "faulty".into(), category: name.into(), keys: [("n", "1")].into_iter().collect() }
}

/// What a test needs, or `None` where a part is missing.
struct Bed {
    dir: tempfile::TempDir,
    cache: Cache,
    image: Image,
    before: Traces,
    id: String,
    /// Last, so that everything is gone before another test has its turn.
    _turn: testing::Turn,
}

impl Bed {
    fn new() -> Option<Bed> {
        if !testing::may_boot() {
            return None;
        }
        let ready = || -> Result<_, Box<dyn std::error::Error>> {
            let cache = Cache::from_env()?;
            host_program(&cache, "netperf")?;
            let image = builtin(&cache)?;
            Ok((cache, image))
        };
        // Guests share two CPUs, and QEMU is looked for among the children of this process.
        let turn = testing::alone();
        let id = format!("faults-{}-{}", std::process::id(), Moment::now().mono_ns);
        process::name_folders_after(&id);
        match ready() {
            Ok((cache, image)) => Some(Bed {
                dir: tempfile::tempdir().unwrap(),
                cache,
                image,
                before: Traces::now(&id),
                id,
                _turn: turn,
            }),
            Err(reason) => {
                testing::skip(format_args!("{reason}; `make setup` gets what is missing"));
                None
            }
        }
    }

    fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    /// A campaign of boots, each an environment and its cases; `slow` is an environment that may boot for one second.
    fn campaign(&self, boots: &[(&str, &[&str])]) {
        let debugger = self.dir.path().join("debugger");
        let disk = |name: &str, errno: u32| {
            format!(
                "-blockdev driver=blkdebug,node-name={name},inject-error.0.event=none,inject-error.0.iotype=write,inject-error.0.errno={errno},\
                 image.driver=null-co,image.size=1048576,image.read-zeroes=on \
                 -device virtio-blk-pci,drive={name},werror=stop,serial={name}"
            )
        };
        let extra = format!(
            "extra_args=-gdb unix:{},server=on,wait=off {} {}",
            debugger.display(),
            disk("bad", 5),
            disk("full", 28)
        );
        let sets = [
            "protocols=TCP_STREAM",
            "sizes=16384",
            "sessions=1",
            "l=1",
            "attempts=1",
            "deadline_factor=0.2",
            "numa_node=0",
            "net=user",
            "confine=sandbox",
        ];
        let mut sets: Vec<String> = sets.map(String::from).into();
        sets.push(extra);
        let envs = ["base".to_owned(), "slow:boot_timeout=1".to_owned()];
        let source = Source { workload: Some("netperf".into()), ..Source::default() };
        let (selected, _) = select(&source, &envs).unwrap();
        let planned = environments(netperf(), &selected, None, &sets).unwrap();
        let environments: Vec<EnvironmentPlan> = planned
            .into_iter()
            .map(|mut e| {
                e.params.set("smp", "1", model::Origin::BuiltIn);
                e.params.set("debugger", debugger.display().to_string(), model::Origin::BuiltIn);
                {
                    let secrets = e.params.secrets().clone();
                    EnvironmentPlan {
                        name: e.name,
                        params: e.params.stored(),
                        factors: vec![],
                        facts: Default::default(),
                        secrets,
                    }
                }
            })
            .collect();
        let mut names: Vec<&str> = boots.iter().flat_map(|(_, cases)| cases.iter().copied()).collect();
        names.sort_unstable();
        names.dedup();
        let blocks = (1u32..).zip(boots).map(|(block, (environment, cases))| BlockPlan {
            sequential: false,
            block,
            boots: vec![BootPlan {
                environment: usize::from(*environment == "slow"),
                repeat: block,
                cases: cases.iter().map(|c| names.iter().position(|n| n == c).unwrap()).collect(),
            }],
        });
        let file = CampaignFile {
            format: 1,
            perfvt: "0".into(),
            id: self.id.clone(),
            created_unix_ns: 1,
            seed: 1,
            argv: vec![],
            workload: "faulty".into(),
            scenario: "host_guest".into(),
            accel: "tcg".into(),
            network: "user".into(),
            allow_unpinned: true,
            machine: None,
            farm: None,
            exits: false,
            warnings: vec![],
            rule: Rule::Fixed { repeats: 1 },
            confirm: None,
            environments,
            cases: names.iter().map(|n| case(n)).collect(),
            blocks: blocks.collect(),
        };
        Campaign::create(&self.out(), &file).unwrap();
    }

    fn run(&mut self) -> (Result<collect::campaign::Ended, CampaignError>, State) {
        let find = |name: &str| (name == "faulty").then_some(&FAULTY as &dyn Workload);
        let mut campaign = Campaign::open_with(&self.out(), "host", find).unwrap();
        let mut silent = Silent(Vec::new());
        let (stage, wrong) = Stage::of(campaign.file(), &self.cache).unwrap();
        assert!(wrong.is_empty(), "{wrong:?}");
        let mut testbed = Testbed::new(stage, Some(self.image.clone()), "faults").unwrap();
        let ended = campaign.run(&mut testbed, &mut Hooks::new(&mut silent));
        (ended, campaign.state().clone())
    }

    /// The folder with what tells why the boot of a block failed.
    fn forensics(&self, environment: &str, repeat: u32) -> PathBuf {
        let folder = std::fs::read_dir(self.out().join(environment))
            .unwrap()
            .flatten()
            .find(|e| e.file_name().to_string_lossy().starts_with(&format!("repeat{repeat}.")));
        folder.unwrap().path().join("forensics/boot1")
    }

    fn leaves_nothing(&self) {
        assert_eq!(self.before, Traces::now(&self.id));
        let mut folders = vec![self.out()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                assert!(!entry.file_name().to_string_lossy().starts_with(".perfvt-"), "{:?}", entry.path());
                folders.extend(entry.file_type().unwrap().is_dir().then(|| entry.path()));
            }
        }
    }
}

/// What a campaign could leave behind on the host.
#[derive(Debug, PartialEq)]
struct Traces {
    qemu: Option<u32>,
    mounts: usize,
    links: Vec<String>,
    folders: Vec<String>,
}

impl Traces {
    fn now(campaign: &str) -> Traces {
        let list = |path: &Path| {
            let mut names: Vec<String> = std::fs::read_dir(path)
                .unwrap()
                .flatten()
                .map(|e| e.file_name().to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        };
        let mut folders = list(&std::env::temp_dir());
        folders.retain(|name| name.contains(campaign));
        Traces {
            qemu: qemu().map(|pid| pid.as_raw_nonzero().get() as u32),
            mounts: std::fs::read_to_string("/proc/self/mounts").unwrap().lines().count(),
            links: list(Path::new("/sys/class/net")),
            folders,
        }
    }
}

#[test]
fn every_failure_of_a_guest_is_told_apart_and_the_next_boot_is_well() {
    let Some(mut bed) = Bed::new() else { return };
    let in_one_guest: [(&str, Code); 10] = [
        ("tool", Code::ToolFailed),
        ("slow-tool", Code::Deadline(Phase::Measure)),
        ("full-guest", Code::GuestNoSpace),
        ("full-run", Code::GuestNoSpace),
        ("full-tmp", Code::GuestNoSpace),
        ("large-output", Code::ToolNonsense),
        ("nonsense", Code::ToolNonsense),
        ("netserver-stopped", Code::Deadline(Phase::WarmUp)),
        ("netserver", Code::ToolFailed),
        ("link-down", Code::NetworkLost),
    ];
    let a_guest_each: [(&str, Code); 10] = [
        ("panic", Code::Panic),
        ("oops", Code::Oops),
        ("power-off", Code::EarlyExit),
        ("agent-stopped", Code::Hang),
        ("agent-killed", Code::ChannelBroken),
        ("qemu-killed", Code::EarlyExit),
        ("qemu-stopped", Code::Hang),
        ("vcpus-stopped", Code::Hang),
        ("bad-disk", Code::IoError),
        ("qemu-stopped-and-tool-failed", Code::Hang),
    ];
    let first: Vec<&str> = in_one_guest.iter().map(|(name, _)| *name).collect();
    let single: Vec<[&str; 2]> = a_guest_each.iter().map(|(name, _)| ["fine", *name]).collect();
    let mut boots: Vec<(&str, &[&str])> = vec![("base", &first)];
    boots.extend(single.iter().map(|cases| ("base", cases.as_slice())));
    boots.push(("slow", &["fine"]));
    bed.campaign(&boots);
    let (ended, state) = bed.run();
    let ended = ended.unwrap();
    let told = |environment: &str, repeat: u32, name: &str| match state.cell(
        environment,
        repeat,
        &case(name).id(),
    ) {
        Some(CellState::Invalid { reason, code }) => (code, reason),
        other => panic!("{name}: {other:?}"),
    };
    let mut wrong = Vec::new();
    for (name, code) in in_one_guest {
        let (found, reason) = told("base", 1, name);
        if found != Some(code) {
            wrong.push(format!("{name} is {found:?}: {reason}"));
        }
    }
    for (repeat, (name, code)) in (2u32..).zip(a_guest_each) {
        let (found, reason) = told("base", repeat, name);
        if found != Some(code) {
            wrong.push(format!("{name} is {found:?}: {reason}"));
        }
        assert_eq!(state.cell("base", repeat, &case("fine").id()), Some(CellState::Valid), "before {name}");
        let folder = bed.forensics("base", repeat);
        for file in ["qemu.argv", "serial.log", "host.txt"] {
            assert!(folder.join(file).exists(), "{name}: {file}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let late = (2 + a_guest_each.len()) as u32;
    assert_eq!(told("slow", late, "fine").0, Some(Code::Deadline(Phase::Boot)));
    assert_eq!(
        (ended.valid as usize, ended.invalid as usize),
        (a_guest_each.len(), in_one_guest.len() + a_guest_each.len() + 1)
    );

    // A dead guest has registers, one that oopsed still talks, and a stopped QEMU says nothing.
    let read =
        |repeat, file: &str| std::fs::read_to_string(bed.forensics("base", repeat).join(file)).unwrap();
    assert!(read(2, "registers.txt").contains("RIP="), "{}", read(2, "registers.txt"));
    assert!(read(2, "threads.txt").contains("State:"));
    assert!(read(3, "guest.dmesg").contains("BUG: kernel NULL pointer"));
    assert!(read(8, "missing.txt").contains("registers.txt: QEMU was stopped (SIGSTOP)"));
    assert!(read(8, "threads.txt").contains("State:\tT (stopped)"), "{}", read(8, "threads.txt"));
    assert!(told("base", 8, "qemu-stopped").1.contains("QEMU was stopped (SIGSTOP)"));
    assert!(told("base", 1, "full-tmp").1.contains("the guest's disk /tmp is full"));
    bed.leaves_nothing();
}

#[test]
fn a_full_host_stops_the_campaign_and_loses_nothing() {
    let Some(mut bed) = Bed::new() else { return };
    bed.campaign(&[("base", &["fine", "full-host"])]);
    for _ in 0..2 {
        let (ended, state) = bed.run();
        let error = ended.unwrap_err();
        assert!(matches!(error, CampaignError::Host { .. }), "{error}");
        assert!(error.to_string().contains("No space left on device"), "{error}");
        assert_eq!(state.cell("base", 1, &case("fine").id()), Some(CellState::Valid));
        assert_eq!(state.cell("base", 1, &case("full-host").id()), None, "it is still to be measured");
    }
    bed.leaves_nothing();
}
