//! Configurations that were written to hurt whoever reads them: each is answered in seconds and in bounded memory, by an
//! error that names a file and a line, or by what it means.

use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What an unoptimised build on a busy machine may take; an optimised one takes less than 5 s.
const SECONDS: u64 = 180;
/// Memory that no answer needs.
const MEMORY: u64 = 1 << 30;

struct Answer {
    code: i32,
    out: Vec<u8>,
    err: String,
    seconds: f64,
    peak: u64,
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn perfvt(&self, words: &[&str]) -> Answer {
        let start = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_perfvt"))
            .args(words)
            .current_dir(self.0.path())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        // The beginning is enough: there may be gigabytes.
        let out = thread::spawn(move || {
            let mut kept = Vec::new();
            out.by_ref().take(1 << 20).read_to_end(&mut kept).unwrap();
            std::io::copy(&mut out, &mut std::io::sink()).unwrap();
            kept
        });
        let err = thread::spawn(move || {
            let mut kept = Vec::new();
            err.read_to_end(&mut kept).unwrap();
            String::from_utf8(kept).unwrap()
        });
        let mut peak = 0;
        let code = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status.code().unwrap_or(-1);
            }
            let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
            peak = peak.max(line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024);
            if start.elapsed().as_secs() > SECONDS || peak > 2 * MEMORY {
                child.kill().unwrap();
                child.wait().unwrap();
                break -2;
            }
            thread::sleep(Duration::from_millis(5));
        };
        let seconds = start.elapsed().as_secs_f64();
        Answer { code, out: out.join().unwrap(), err: err.join().unwrap(), seconds, peak }
    }
}

impl Answer {
    /// Bounded in every way, and shown without anything that acts on a terminal.
    #[track_caller]
    fn is_civil(&self, name: &str) {
        eprintln!("{name}: code {}, {:.2} s, {} MB", self.code, self.seconds, self.peak >> 20);
        assert!(self.code >= 0, "{name}: killed after {:.1} s and {} MB", self.seconds, self.peak >> 20);
        assert!(self.peak < MEMORY, "{name}: {} MB", self.peak >> 20);
        assert!(self.err.len() < 20_000, "{name}: {} bytes of errors", self.err.len());
        assert!(!self.err.contains("panicked"), "{name}: {}", self.err);
        let acts = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}');
        assert!(!self.err.contains(acts), "{name}: {:?}", self.err);
    }

    #[track_caller]
    fn says(&self, name: &str, code: i32, parts: &[&str]) {
        self.is_civil(name);
        let out = String::from_utf8_lossy(&self.out);
        let shown: String = out.chars().take(300).collect();
        assert_eq!(self.code, code, "{name}: {}{shown}", self.err);
        for part in parts {
            assert!(
                self.err.contains(part) || out.contains(part),
                "{name}: no '{part}' in\n{}{shown}",
                self.err
            );
        }
    }
}

/// Forty blocks of ten variants.
fn forty(names: impl Fn(usize, usize) -> String) -> String {
    let block = |n: usize| {
        (0..10).fold(format!("variants b{n}:\n"), |mut text, m| {
            writeln!(text, "    - {}:", names(n, m)).unwrap();
            text
        })
    };
    (0..40).map(block).collect()
}

fn lines(n: usize, line: impl Fn(usize) -> String) -> String {
    (0..n).fold(String::new(), |mut text, i| {
        text.push_str(&line(i));
        text.push('\n');
        text
    })
}

/// Configurations that multiply out to ten to the forty.
fn multiplied() -> (Place, String) {
    let place = Place::new();
    let plain = forty(|n, m| format!("v{n}_{m}"));
    place.write(
        "tests.cfg",
        format!("k = 1\nworkload = netperf\nguest = ${{name}}\n{plain}k += ${{shortname}}\n"),
    );
    place.write("images.cfg", format!("{plain}image = ${{shortname}}\n"));
    (place, plain)
}

#[test]
fn of_what_multiplies_out_to_ten_to_the_forty_some_is_shown() {
    let _turn = testing::busy();
    let (place, _) = multiplied();
    for words in [
        &["list", "tests.cfg", "--limit", "7"][..],
        &["list", "tests.cfg", "--limit", "7", "--contents"],
        &["list", "images.cfg", "--limit", "7", "--guests"],
    ] {
        let answer = place.perfvt(words);
        answer.says(&words.join(" "), 0, &["and more: stopped after 7 variants"]);
        let found = String::from_utf8(answer.out).unwrap().lines().filter(|l| !l.starts_with(' ')).count();
        assert_eq!(found, 7, "{words:?}");
    }
}

#[test]
#[ignore = "soak: a minute in a debug build"]
fn what_multiplies_out_to_ten_to_the_forty_is_answered_by_every_command() {
    let _turn = testing::busy();
    let (place, plain) = multiplied();
    place.write("workloads.cfg", format!("{plain}workload = ${{shortname}}\n"));
    place.write("repeats.cfg", forty(|_, m| format!("repeat{m}")));
    place.write("config/perfvt/guests.cfg", format!("mem = 512\n{plain}"));
    let more = ["and more: stopped after ", "--only FILTER"];
    for words in [
        &["list", "tests.cfg"][..],
        &["list", "tests.cfg", "--contents", "--json"],
        &["list", "tests.cfg", "--explain", "k"],
        &["list", "--base", "tests.cfg", "--json"],
        &["list", "tests.cfg", "--guests"],
        &["list", "images.cfg", "--guests", "--contents", "--json"],
        &["list", "tests.cfg", "--workloads"],
        &["list", "workloads.cfg", "--workloads"],
        &["list", "--guests"],
    ] {
        place.perfvt(words).says(&words.join(" "), 2, &more);
    }
    place.perfvt(&["guest", "list"]).says("guest list", 0, &["and more guests"]);
    let run = ["run", "netperf", "--accel", "tcg", "--allow-unpinned", "--dry-run"];
    for (words, code, part) in [
        (&["-c", "tests.cfg"][..], 2, "leaves several variants"),
        (&["-c", "tests.cfg", "--env", "@b3"], 2, "leaves several variants"),
        (&["-c", "repeats.cfg"], 2, "more than 10000 variants called repeats"),
        (&["--set", "guest=nowhere"], 2, "guests.cfg defines more than 10000 guests"),
        (&["--repeat", "10000", "--env", "a", "--env", "b"], 2, "are more than 1000000 samples"),
        (&["--repeat", "4294967295"], 2, "4294967295 is not in"),
    ] {
        place.perfvt(&[&run[..], words].concat()).says(&words.join(" "), code, &[part]);
    }
    let many = |n: usize| lines(n, |i| (i + 1).to_string()).replace('\n', " ");
    place.write(
        "lists.cfg",
        format!("sizes = {}\nsessions = {}\nprotocols = TCP_STREAM\n", many(10_000), many(128)),
    );
    place.perfvt(&[&run[..], &["-c", "lists.cfg"]].concat()).says(
        "lists",
        2,
        &["lists.cfg:1", "10000 cases at most"],
    );
    place.write("many.cfg", format!("variants many:\n{}", lines(100_000, |i| format!("  - m{i}:"))));
    place.perfvt(&[&run[..], &["-c", "many.cfg", "--env", "@many"]].concat()).says(
        "environments",
        2,
        &["--env @many", "more than 100 environments"],
    );
}

#[test]
fn what_is_within_the_bounds_is_listed_as_ever() {
    let _turn = testing::busy();
    let place = Place::new();
    let block = |n: usize| format!("variants:\n{}", lines(10, |m| format!("  - v{n}_{m}:")));
    place.write("tests.cfg", (0..4).map(block).collect::<String>());
    for words in
        [&["list"][..], &["list", "--limit", "10000"], &["list", "--limit", "0"], &["list", "--contents"]]
    {
        let answer = place.perfvt(words);
        answer.says(&words.join(" "), 0, &[]);
        let names = String::from_utf8(answer.out).unwrap().lines().filter(|l| !l.starts_with(' ')).count();
        assert_eq!((names, answer.err.as_str()), (10_000, ""), "{words:?}");
    }
}

/// A configuration, what is listed of it, the exit code, and what is said.
struct Hostile(&'static str, Vec<u8>, &'static [&'static str], i32, &'static [&'static str]);

fn hostile(
    name: &'static str,
    text: impl Into<Vec<u8>>,
    flags: &'static [&'static str],
    code: i32,
    parts: &'static [&'static str],
) -> Hostile {
    Hostile(name, text.into(), flags, code, parts)
}

fn texts() -> Vec<Hostile> {
    let big = "x".repeat(4 << 20);
    let all: &[&str] = &["--contents"];
    let pigeons: String = (0..12)
        .map(|n| format!("variants p{n}:\n{}", lines(11, |m| format!("  - h{m}:"))))
        .chain((0..11).flat_map(|m| {
            (0..12).flat_map(move |a| (a + 1..12).map(move |b| format!("no (p{a}=h{m})..(p{b}=h{m})\n")))
        }))
        .collect();
    vec![
        hostile("an empty file", "", &[], 0, &[]),
        hostile("a byte order mark", "\u{feff}", &[], 0, &[]),
        hostile("NUL bytes", "a = 1\nb\0c\n", &[], 2, &["t.cfg:2:", "\\u{0}"]),
        hostile("NUL in a value", "a = x\0y\n", &["--contents", "--json"], 0, &["x\\u0000y"]),
        hostile("invalid UTF-8", b"a = 1\nb = \xff\xfe\n".to_vec(), &[], 2, &["t.cfg", "line 2"]),
        hostile("UTF-16", b"\xff\xfea\0 \0=\0".to_vec(), &[], 2, &["t.cfg", "line 1"]),
        hostile("an open quote", "only \"x\n", &[], 2, &["t.cfg:1:6", "closing"]),
        hostile("an open bracket", "variants [default=x\n  - x:\n", &[], 2, &["t.cfg:1:", "']'"]),
        hostile("an open parenthesis", "only (a=b\n", &[], 2, &["t.cfg:1:", "')'"]),
        hostile("an open block", "variants:\n  - a:\n      variants:\n", &[], 0, &["a"]),
        hostile("an open key", "a = ${b\nc = ${\n", all, 0, &["a = ${b"]),
        hostile(
            "escapes and bidi marks",
            "only \u{1b}[2J\u{202e}\u{9b}x\n",
            &[],
            2,
            &["t.cfg:1:6", "\\u{1b}"],
        ),
        hostile("a line of 10 MB", format!("a = 1\n{}", "y".repeat(10 << 20)), &[], 2, &["t.cfg:2:"]),
        hostile("a value of 4 MB", format!("a = {big}\n"), all, 0, &["a = xxx"]),
        hostile(
            "a value of 10 MB",
            format!("a = {}\n", "x".repeat(10 << 20)),
            all,
            2,
            &["t.cfg:1", "larger than"],
        ),
        hostile("a key of 4 MB", format!("{big} = 1\n"), &[], 2, &["t.cfg:1:1", "names of all keys"]),
        hostile(
            "a label of 4 MB",
            format!("variants:\n  - {big}:\n"),
            &[],
            2,
            &["t.cfg:2", "names of a variant"],
        ),
        hostile(
            "a label that nobody has",
            format!("variants:\n  - a:\nonly {big}\n"),
            &[],
            2,
            &["t.cfg:3", "no variant is called 'xxx"],
        ),
        hostile("a file of 20 MB", "#".repeat(20 << 20), &[], 2, &["t.cfg", "it has more than 16 MiB"]),
        hostile(
            "blanks of tabs",
            format!("a = 1{}2\n", "\t".repeat(9 << 20)),
            &[],
            2,
            &["t.cfg", "more than"],
        ),
        hostile(
            "1,000,001 lines",
            "a = 1\n".repeat(1_000_001),
            &[],
            2,
            &["t.cfg", "more than 1000000 lines"],
        ),
        hostile("a million warnings", "a =+ 1\n".repeat(900_000), &[], 0, &["did you mean"]),
        hostile("conditions within each other", "a:".repeat(100_000), &[], 2, &["t.cfg:1:", "100 deep"]),
        hostile(
            "blocks within each other",
            lines(400, |n| format!("{0}variants:\n{0} - a:", "  ".repeat(n))),
            &[],
            2,
            &["t.cfg:", "100 deep"],
        ),
        hostile(
            "values that double",
            format!("a = 0123456789\n{}", "a = ${a}${a}\n".repeat(60)),
            all,
            2,
            &["t.cfg:", "appended to itself"],
        ),
        hostile(
            "values that grow all at once",
            format!("{}.* ?= {}\n", lines(50_000, |n| format!("k{n} = 1")), "x".repeat(1 << 20)),
            all,
            2,
            &["t.cfg:50001", "larger than"],
        ),
        hostile(
            "expressions that others go back and forth in",
            format!("{} = 1\n(a+)+(a|aa)*b ?= 2\n(.*)*(.*)*c ?= 3\n", "a".repeat(100_000)),
            all,
            0,
            &["aaaa"],
        ),
        hostile(
            "an expression that is too large",
            "((a{900}){900}){900} ?= 1\n",
            &[],
            2,
            &["t.cfg:1:1", "expression"],
        ),
        hostile(
            "many large expressions",
            format!("k = 1\n{}", lines(5_000, |n| format!("(x{{1,200}}y{{1,200}}){n}z* ?= 1"))),
            all,
            2,
            &["t.cfg:", "more expressions than fit"],
        ),
        hostile(
            "many expressions for many keys",
            lines(60_000, |n| format!("{0}_{n} = 1", "key".repeat(8)))
                + &lines(1_500, |n| format!(".*{n}x* ?= 2")),
            all,
            2,
            &["t.cfg:6", "building the values", "takes more than"],
        ),
        hostile(
            "suffixes in templates",
            lines(60_000, |n| format!("k{n} = {n}"))
                + "variants:\n  - x:\n      suffix _a\n"
                + &lines(30_000, |n| format!("l{n} = ${{k{n}}}")),
            all,
            2,
            &["t.cfg:", "building the values", "takes more than"],
        ),
        hostile(
            "a long suffix",
            lines(50_000, |n| format!("k{n} = {n}"))
                + &format!("suffix _{}\nvariants:\n  - x:\n", "s".repeat(1 << 20)),
            all,
            2,
            &["t.cfg:", "building the values", "takes more than"],
        ),
        hostile(
            "a hundred thousand keys",
            format!("{}variants:\n  - x:\n", lines(100_000, |n| format!("mem_vm{n} = {n}"))),
            &["--guests", "--contents"],
            0,
            &["mem_vm99 = 99"],
        ),
        hostile("bounds", lines(100_000, |n| format!("k{n} = 5\nk{n}_max = 4")), all, 0, &["k1 = 4"]),
        hostile(
            "a bound that is no number",
            format!("m = {}\nm_max = \u{1b}{0}\n", "9".repeat(1 << 20)),
            all,
            2,
            &["t.cfg:1", "comparing m"],
        ),
        hostile("a puzzle of filters", pigeons, &[], 2, &["t.cfg:", "finding a variant", "takes more than"]),
        hostile(
            "filters about everything below",
            forty(|n, m| format!("v{n}_{m}"))
                + &lines(20_000, |n| {
                    format!("no v{}_{}..v{}_{}..v0_{}", n % 40, n % 10, n % 39, n / 40 % 10, n % 7)
                }),
            &["--limit", "1000"],
            0,
            &["and more: stopped after 1000 variants"],
        ),
        hostile(
            "a thousand filters that nothing passes",
            format!(
                "variants:\n{}{}",
                lines(5_000, |n| format!("  - label{n}:")),
                lines(1_000, |n| format!("only lable{n}, albel{n}"))
            ),
            &[],
            2,
            &["t.cfg:5002", "no variant is called"],
        ),
        hostile(
            "a row of labels",
            format!("variants:\n  - a:\nonly {}a\n", "a.".repeat(1_000_000)),
            &[],
            2,
            &["t.cfg:3:1", "next to each other"],
        ),
        hostile(
            "a variant of a million labels",
            format!("variants:\n  - {}a:\n", "a.".repeat(1_000_000)),
            &[],
            2,
            &["t.cfg:2", "names of a variant"],
        ),
        hostile(
            "dependencies",
            format!("variants:\n  - {}:\nvariants:\n  - b:{}\n", "l".repeat(100_000), " c".repeat(500_000)),
            &[],
            0,
            &["b.lll"],
        ),
        hostile(
            "dependencies of long names",
            format!("variants:\n  - b:{}\nvariants:\n  - {}:\n", " c".repeat(500_000), "l".repeat(100_000)),
            &[],
            2,
            &["t.cfg:2", "names of a variant"],
        ),
        hostile(
            "a product of joins",
            format!(
                "{}join {}\n",
                forty(|n, m| format!("v{n}_{m}")),
                lines(40, |n| format!("v{n}_0")).replace('\n', " ")
            ),
            &["--limit", "100"],
            0,
            &["and more: stopped after 100 variants"],
        ),
        hostile(
            "joins of joins of joins",
            (0..6)
                .map(|b| {
                    format!(
                        "variants:\n{}join {}\n",
                        lines(60, |n| format!("  - v{b}_{n}:")),
                        lines(60, |n| format!("v{b}_{n}")).replace('\n', " ")
                    )
                })
                .collect::<String>(),
            &[],
            2,
            &["t.cfg:"],
        ),
        hostile(
            "too many joins",
            format!("variants:\n  - a:\njoin {}\n", "a ".repeat(10_000)),
            &[],
            2,
            &["t.cfg:3:1", "64 filters"],
        ),
        hostile(
            "a history of a value",
            format!("{}variants:\n  - a:\n", lines(300_000, |n| format!("k = {n}"))),
            &["--explain", "k"],
            0,
            &["other values"],
        ),
        hostile(
            "suffixes upon suffixes",
            lines(2_000, |n| format!("variants:\n  - a{n}:\n      k{n} = 1\n      suffix _{n}")),
            all,
            2,
            &["t.cfg:"],
        ),
    ]
}

#[test]
fn some_hostile_texts_end_with_a_place_or_with_what_they_mean() {
    let _turn = testing::busy();
    try_texts(6);
}

#[test]
#[ignore = "soak: half a minute in a debug build"]
fn all_hostile_texts_end_with_a_place_or_with_what_they_mean() {
    let _turn = testing::busy();
    try_texts(1);
}

/// Tries each `step`th of the texts.
fn try_texts(step: usize) {
    let (place, mut failed) = (Place::new(), Vec::new());
    for Hostile(name, text, flags, code, parts) in texts().into_iter().step_by(step) {
        place.write("t.cfg", text);
        let answer = place.perfvt(&[&["list", "t.cfg"], flags].concat());
        // All of them are tried, so that one run tells everything.
        let one = || answer.says(name, code, parts);
        failed.extend(catch_unwind(AssertUnwindSafe(one)).is_err().then_some(name));
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn hostile_includes_end_with_the_line_that_includes() {
    let place = Place::new();
    let path = |name: &str| place.path(name);
    place.write("chain/0.cfg", "a = 1\ninclude 1.cfg\n");
    for n in 1..150 {
        place.write(&format!("chain/{n}.cfg"), format!("include {}.cfg\n", n + 1));
    }
    place.write("loop/a.cfg", "include b.cfg\n");
    place.write("loop/b.cfg", "x = 1\ninclude ../loop/./a.cfg\n");
    symlink("a.cfg", path("loop/link.cfg")).unwrap();
    place.write("loop/c.cfg", "include c.cfg\n");
    for n in 0..59 {
        place.write(&format!("double/{n}.cfg"), format!("include {0}.cfg\ninclude {0}.cfg\n", n + 1));
    }
    place.write("double/59.cfg", "a = 1\n");
    let fifo = path("fifo").display().to_string();
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    symlink("/dev/zero", path("zero.cfg")).unwrap();
    symlink("self.cfg", path("self.cfg")).unwrap();
    symlink("fifo", path("fifolink.cfg")).unwrap();
    fs::create_dir(path("folder")).unwrap();
    fs::File::create(path("sparse.cfg")).unwrap().set_len(2 << 30).unwrap();
    place.write("comments.cfg", format!("{}\n", "#".repeat(8 << 20)));
    place.write("many.cfg", "include comments.cfg\n".repeat(1_000));
    for (text, parts) in [
        ("include chain/0.cfg", &["chain/", ".cfg:1:1: ", "100 deep"][..]),
        ("include loop/a.cfg", &["b.cfg:2:9: ", "it includes itself"]),
        ("include loop/link.cfg", &["b.cfg:2:9: ", "it includes itself"]),
        ("include loop/c.cfg", &["c.cfg:1:9: ", "it includes itself"]),
        ("include t.cfg", &["t.cfg:1:9: ", "it includes itself"]),
        ("include double/0.cfg", &[".cfg:", "more than 100000 includes"]),
        ("include /dev/zero", &["t.cfg:1:9: ", ", not a file"]),
        ("include zero.cfg", &["t.cfg:1:9: ", ", not a file"]),
        ("include fifo", &["t.cfg:1:9: ", ", not a file"]),
        ("include fifolink.cfg", &["t.cfg:1:9: ", ", not a file"]),
        ("include folder", &["t.cfg:1:9: ", ", not a file"]),
        ("include self.cfg", &["t.cfg:1:9: "]),
        ("include sparse.cfg", &["t.cfg:1:9: ", "it has more than 16 MiB"]),
        ("include /proc/self/mem", &["t.cfg:1:9: "]),
        ("include /proc/kmsg", &["t.cfg:1:9: "]),
        ("include many.cfg", &["many.cfg:", ":9: ", "more than"]),
        ("include \u{1b}[2J", &["t.cfg:1:9: ", "\\u{1b}"]),
        ("include no\0thing", &["t.cfg:1:9: "]),
        ("include perfvt:../../etc/passwd", &["t.cfg:1:9: ", "perfvt has no file of that name"]),
    ] {
        place.write("t.cfg", text);
        place.perfvt(&["list", "t.cfg"]).says(text, 2, parts);
    }
    place.write("t.cfg", format!("include {}", "../x/".repeat(1_000_000)));
    place.perfvt(&["list", "t.cfg"]).says("a path of 5 MB", 2, &["t.cfg:1:9: "]);
    for name in ["/dev/zero", "fifo", "folder", "self.cfg", "sparse.cfg", "zero.cfg"] {
        place.perfvt(&["list", name]).says(name, 2, &[name]);
        place.perfvt(&["run", "-c", name, "--dry-run"]).says(name, 2, &[name]);
    }
}
