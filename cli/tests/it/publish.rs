//! `perfvt publish` as a user meets it: the built binary, the samples, hostile results.

use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const PERFVT: &str = env!("CARGO_BIN_EXE_perfvt");

fn samples(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples").join(name)
}

struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PERFVT);
        command.arg("publish").args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    #[track_caller]
    fn publish(&self, arguments: &[&str]) -> (String, String) {
        let output = self.command(arguments).output().unwrap();
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(0), "{out}\n{err}");
        (out, err)
    }

    #[track_caller]
    fn refuses(&self, arguments: &[&str], said: &str) {
        let output = self.command(arguments).output().unwrap();
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(2), "{out}\n{err}");
        assert!(err.contains(said), "{err}");
    }

    /// The folders of the entries, sorted.
    fn entries(&self) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> =
            fs::read_dir(self.path("site/r")).unwrap().map(|e| e.unwrap().path()).collect();
        found.sort();
        found
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path("site").join(name)).unwrap()
    }

    /// A result with RHS files, whose repeats lie about `level`.
    fn result(&self, name: &str, level: f64, epoch: u64) {
        for repeat in 1..=5 {
            let file =
                self.path(&format!("{name}/repeat{repeat}.default/results/netperf-result.{epoch}.RHS"));
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            let value = level * (1.0 + 0.004 * f64::from(repeat));
            fs::write(
                file,
                format!("TCP_STREAM\n size|throughput|CPU\n 64|{value:.2}|20.00\n 1024|{value:.2}|30.00\n"),
            )
            .unwrap();
        }
    }
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Everything under a folder but the lock: path to content.
fn tree(root: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    for entry in fs::read_dir(root).unwrap().map(|e| e.unwrap().path()) {
        if entry.is_dir() {
            found.extend(tree(&entry));
        } else {
            found.insert(entry.clone(), fs::read(&entry).unwrap());
        }
    }
    found
}

#[test]
fn a_comparison_is_published_with_its_page_its_data_and_their_hash() {
    let place = Place::new();
    let (virtio, e1000) = (samples("virtio"), samples("e1000"));
    let (out, err) = place.publish(&[
        "site",
        e1000.to_str().unwrap(),
        "--against",
        virtio.to_str().unwrap(),
        "--machine",
        "m<1>",
    ]);
    assert!(out.contains("1 result: site/index.html") && err.is_empty(), "{out}\n{err}");
    let [folder] = place.entries().try_into().unwrap();
    let entry = json(&folder.join("entry.json"));
    assert_eq!(entry["title"], "virtio → e1000");
    assert_eq!(entry["verdicts"]["REGRESSED"], 4);
    assert_eq!(entry["machine"], "m<1>");
    let page = fs::read_to_string(folder.join("index.html")).unwrap();
    let hash = entry["samples"].as_str().unwrap();
    assert!(page.contains(&format!("sha256:{hash}")), "the page carries the hash of its samples");
    assert!(page.contains("href=\"virtio.tar.gz\"") && page.contains("href=\"../../index.html\""));
    assert!(
        !page.contains(".perfvt-") && !page.contains(place.0.path().to_str().unwrap()),
        "paths are those of the archives"
    );
    assert!(
        page.contains("perfvt compare virtio e1000"),
        "the command that makes it again from the archives"
    );
    let index = place.text("index.html");
    assert!(
        index.contains("m&lt;1&gt;")
            && index.contains("regressions (4 of 4 rows), worst -")
            && !index.contains("m<1>")
    );
    assert!(place.text("feed.xml").contains(&format!("sha256:{hash}")));
    // What a reader does to see that the page belongs to its data, and to make the comparison again.
    let unpack = |name: &str| {
        let tar = Command::new("tar")
            .arg("xzf")
            .arg(folder.join(name))
            .current_dir(place.0.path())
            .status()
            .unwrap();
        assert!(tar.success());
    };
    unpack("virtio.tar.gz");
    unpack("e1000.tar.gz");
    let mut sums = String::new();
    for (name, data) in ["virtio", "e1000"].iter().zip(entry["data"].as_array().unwrap()) {
        let checked = Command::new("sha256sum")
            .args(["--quiet", "-c", "SHA256SUMS"])
            .current_dir(place.path(name))
            .status();
        assert!(checked.unwrap().success());
        let sum = Command::new("sha256sum").arg("SHA256SUMS").current_dir(place.path(name)).output().unwrap();
        let sum = texts(&sum).0[..64].to_owned();
        assert_eq!(data["samples"], sum.as_str());
        sums.push_str(&sum);
    }
    fs::write(place.path("both"), sums).unwrap();
    let both = Command::new("sha256sum").arg(place.path("both")).output().unwrap();
    assert!(texts(&both).0.starts_with(hash));
    let again = Command::new(PERFVT)
        .args(["compare", "virtio", "e1000", "--format", "json"])
        .current_dir(place.0.path())
        .output()
        .unwrap();
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    let published = json(&folder.join("comparison.json"));
    assert_eq!(again["rows"], published["rows"]);
    assert_eq!(again["files"], published["files"]);
}

#[test]
fn the_same_data_replace_their_entry_and_give_the_same_bytes() {
    let place = Place::new();
    place.result("old", 940.0, 1_398_945_600);
    place.result("new", 800.0, 1_399_032_000);
    let publish = || {
        let (out, _) = place.publish(&["site", "new", "--against", "old", "--machine", "m1"]);
        (tree(&place.path("site/r")), out)
    };
    let ((first, said_first), (second, said)) = (publish(), publish());
    assert!(!said_first.contains("replaces"), "{said_first}");
    assert!(said.contains("\n  replaces the entry of the same data, 'old → new', published 20"), "{said}");
    assert_eq!(place.entries().len(), 1);
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    for (path, bytes) in &first {
        assert!(second[path] == *bytes, "{} differs", path.display());
    }
    let left: Vec<_> = fs::read_dir(place.path("site")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|n| !n.to_string_lossy().starts_with(".perfvt-")), "{left:?}");
}

#[test]
fn the_newest_comparisons_badge_has_an_address_that_stays_and_pages_link_to_the_documentation() {
    let place = Place::new();
    let (virtio, e1000) = (samples("virtio"), samples("e1000"));
    let (virtio, e1000) = (virtio.to_str().unwrap(), e1000.to_str().unwrap());
    place.publish(&["site", "--docs", "https://docs.example.org/perfvt/"]);
    assert!(place.text("badge.svg").contains("perfvt: no result"));
    place.publish(&["site", e1000, "--against", virtio]);
    let [entry] = place.entries().try_into().unwrap();
    let page = fs::read_to_string(entry.join("index.html")).unwrap();
    assert!(page.contains("href=\"https://docs.example.org/perfvt/\""), "kept from before");
    let badge = place.text("badge.svg");
    assert_eq!(badge, fs::read_to_string(entry.join("badge.svg")).unwrap());
    assert!(!badge.contains("no result"), "{badge}");
    // A run has none, and does not take the place of the comparison.
    place.publish(&["site", virtio]);
    assert_eq!(place.text("badge.svg"), badge);
    fs::remove_dir_all(&entry).unwrap();
    place.publish(&["site"]);
    assert!(place.text("badge.svg").contains("perfvt: no result"));
    place.refuses(&["site", "--docs", "javascript:alert(1)"], "http");
}

#[test]
fn results_are_listed_by_machine_and_workload_newest_first_and_know_their_history() {
    let place = Place::new();
    place.result("base", 940.0, 1_398_900_000);
    for (day, level) in [("mon", 935.0), ("tue", 941.0), ("wed", 700.0)] {
        let epoch =
            1_399_000_000 + 86_400 * ["mon", "tue", "wed"].iter().position(|d| *d == day).unwrap() as u64;
        place.result(day, level, epoch);
        place.publish(&["site", day, "--against", "base", "--machine", "m1"]);
    }
    place.publish(&["site", "mon", "--machine", "m2", "--title", "one side"]);
    let index = place.text("index.html");
    let at = |text: &str| index.find(text).unwrap_or_else(|| panic!("no {text} in {index}"));
    assert!(at("base → wed") < at("base → tue") && at("base → tue") < at("base → mon"));
    assert!(at("base → mon") < at("one side"), "m2 stands behind m1");
    let wednesday =
        place.entries().into_iter().find(|e| json(&e.join("entry.json"))["title"] == "base → wed").unwrap();
    let page = fs::read_to_string(wednesday.join("index.html")).unwrap();
    assert!(page.contains("2 earlier results") && page.contains("id=\"history\""));
    // The same in a page that is not published; a folder that is no site is an error.
    let compare = |site: &str| {
        let mut command = Command::new(PERFVT);
        command.args(["compare", "base", "wed", "--html", "page.html", "--history", site]);
        command.current_dir(place.0.path()).output().unwrap()
    };
    assert_eq!(compare("site").status.code(), Some(0));
    // No facts say which machine this is, and nothing was published of an unknown one.
    assert!(!fs::read_to_string(place.path("page.html")).unwrap().contains("id=\"history\""));
    let no_site = compare("base");
    assert!(texts(&no_site).1.contains("base is no site"), "{}", texts(&no_site).1);
    // An entry that is removed, or broken, is gone from the index and nothing else is.
    fs::remove_dir_all(&wednesday).unwrap();
    fs::write(place.entries()[0].join("entry.json"), "{").unwrap();
    let (out, err) = place.publish(&["site"]);
    assert!(out.contains("2 results") && err.contains("it is not in the index"), "{out}\n{err}");
    assert!(!place.text("index.html").contains("base → wed"));
}

#[test]
fn a_hostile_result_leads_nowhere_and_shows_nothing_of_the_host() {
    let place = Place::new();
    fs::write(place.path("secret"), "the secret of the host").unwrap();
    place.result("bad", 940.0, 1_398_945_600);
    let bad = place.path("bad");
    symlink(place.path("secret"), bad.join("sysinfo")).unwrap();
    fs::create_dir_all(bad.join("repeat1.default/sysinfo")).unwrap();
    symlink(place.path("secret"), bad.join("repeat1.default/sysinfo/cmdline")).unwrap();
    fs::write(bad.join("repeat1.default/sysinfo/cpu"), "</pre><script>alert(1)</script>").unwrap();
    fs::write(bad.join("<img src=x onerror=alert(1)>"), "x").unwrap();
    fs::write(bad.join("run.html"), "<h1 onclick='alert(1)'>\"own</h1><script>top.location='x'</script>")
        .unwrap();
    symlink("/", bad.join("root")).unwrap();
    place.publish(&[
        "site",
        "bad",
        "--title",
        "</title><script>alert(1)</script>",
        "--machine",
        "\" onload=\"x",
    ]);
    let [folder] = place.entries().try_into().unwrap();
    for (path, bytes) in tree(&place.path("site")) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains("the secret of the host"), "{}", path.display());
        if path.extension().is_some_and(|e| e == "html") {
            assert!(!text.contains("<script") && !text.contains("<img"), "{}: {text}", path.display());
            assert!(text.contains("Content-Security-Policy"), "{}", path.display());
        }
    }
    let entry = json(&folder.join("entry.json"));
    assert_eq!(entry["data"][0]["left_out"]["a symbolic link"], 3);
    let framed = fs::read_to_string(folder.join("run.html")).unwrap();
    assert!(framed.contains("<iframe sandbox=\"\" srcdoc=\"&lt;h1"), "{framed}");
    // A campaign whose plan names a folder outside of it.
    fs::create_dir(place.path("plan")).unwrap();
    let plan = r#"{"format": 1, "environments": [{"name": "../bad"}, {"name": "/etc"}]}"#;
    fs::write(place.path("plan/campaign.json"), plan).unwrap();
    place.refuses(
        &["site", "plan"],
        "plan/campaign.json names an environment '../bad', which is no directory of it",
    );
}

#[test]
fn what_is_no_site_no_result_or_too_large_is_refused_and_the_rest_is_published() {
    let place = Place::new();
    place.result("good", 940.0, 1_398_945_600);
    fs::create_dir(place.path("mine")).unwrap();
    fs::write(place.path("mine/index.html"), "mine").unwrap();
    place.refuses(&["mine", "good"], "mine holds files but no site.json");
    assert_eq!(fs::read_to_string(place.path("mine/index.html")).unwrap(), "mine");
    assert_eq!(fs::read_dir(place.path("mine")).unwrap().count(), 1);
    place.refuses(&["good/site", "good"], "the site good/site lies within the result good");
    fs::remove_dir_all(place.path("good/site")).unwrap();
    place.refuses(&["site", "good", "--max-size", "0"], "good holds more than 0 MiB");
    place.refuses(&["site", "good", "good", "--title", "x"], "--title is the heading of one result");
    place.result("future", 940.0, 3_999_999_999);
    place.refuses(
        &["site", "future"],
        "publishing future: it is dated 2096-10-02 07:06 UTC, and now it is 20",
    );
    place.refuses(&["site", "--url", "javascript:x"], "--url javascript:x: want an address");
    fs::create_dir(place.path("empty")).unwrap();
    place.refuses(&["site", "empty", "nowhere", "good"], "publishing nowhere: reading nowhere: No such file");
    assert_eq!(place.entries().len(), 1, "the good one was published");
}

#[test]
fn two_publishers_at_once_lose_nothing() {
    let place = Place::new();
    let names = ["one", "two", "three", "four"];
    for (i, name) in names.iter().enumerate() {
        place.result(name, 900.0 + i as f64, 1_398_945_600 + 86_400 * i as u64);
    }
    let all: Vec<_> = names
        .iter()
        .map(|name| {
            place
                .command(&["site", name, "--machine", "m"])
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in all {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", texts(&output).1);
    }
    let index = place.text("index.html");
    assert_eq!(place.entries().len(), 4);
    for name in names {
        assert!(index.contains(&format!(">{name}</a>")), "{name} is missing in {index}");
    }
}

#[test]
fn a_publisher_that_was_killed_leaves_a_site_that_the_next_one_cleans() {
    let place = Place::new();
    place.result("good", 940.0, 1_398_945_600);
    place.publish(&["site", "good"]);
    let before = place.text("index.html");
    let dead = edge::Scratch::staging(&place.path("site"), "").unwrap().abandon();
    fs::create_dir(dead.join("out")).unwrap();
    fs::write(dead.join("out/run.json"), "half").unwrap();
    let half = place.path("site/.perfvt-unfinished.abcdef123456");
    let theirs = place.path("site/.perfvt-notes");
    fs::write(&half, "half").unwrap();
    fs::write(&theirs, "dear").unwrap();
    place.publish(&["site"]);
    assert!(!dead.exists() && !half.exists());
    assert!(theirs.exists(), "a name alone says nothing");
    assert_eq!(place.text("index.html"), before);
}

#[test]
fn a_result_that_holds_a_password_is_refused_and_secrets_stay_at_home() {
    let place = Place::new();
    place.result("good", 940.0, 1_398_945_600);
    let secrets = place.path("good/secrets.json");
    fs::write(&secrets, r#"{"format": 1, "environments": {"base": {"password": "correct-horse"}}}"#).unwrap();
    fs::set_permissions(&secrets, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    fs::write(place.path("good/notes.txt"), "login: root, correct-horse").unwrap();
    place.refuses(&["site", "good"], "good/notes.txt holds the value of password");
    fs::write(place.path("good/notes.txt"), "login: root").unwrap();
    fs::write(place.path("good/campaign.json"), r#"{"argv": ["--set", "password=hunter2"]}"#).unwrap();
    place.refuses(&["site", "good"], "good/campaign.json holds");
    fs::remove_file(place.path("good/campaign.json")).unwrap();
    place.publish(&["site", "good"]);
    let archive = place.entries()[0].join("good.tar.gz");
    let listed = Command::new("tar").arg("-tzf").arg(archive).output().unwrap();
    let listed = texts(&listed).0;
    assert!(listed.contains("notes.txt") && !listed.contains("secrets.json"), "{listed}");
}

/// A key pair and the file that lets it publish.
fn key(place: &Place, name: &str) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f", name])
        .current_dir(place.0.path())
        .status();
    assert!(made.unwrap().success());
    let public = fs::read_to_string(place.path(&format!("{name}.pub"))).unwrap();
    fs::write(
        place.path(&format!("{name}.allowed")),
        format!("{name}@lab namespaces=\"perfvt-result\" {public}"),
    )
    .unwrap();
}

#[test]
fn only_those_who_are_allowed_to_publish_can_and_only_what_they_signed() {
    if Command::new("ssh-keygen").arg("-?").output().is_err() {
        return testing::skip("ssh-keygen is not there (openssh-client)");
    }
    let place = Place::new();
    place.result("mine", 940.0, 1_398_945_600);
    key(&place, "ann");
    key(&place, "eve");
    place.refuses(
        &["public", "mine", "--allowed-signers", "ann.allowed"],
        "it is not signed, and --allowed-signers asks",
    );
    assert_eq!(fs::read_dir(place.path("public/r")).unwrap().count(), 0);
    let passphrase = ["-q", "-t", "ed25519", "-N", "secret", "-f", "locked"];
    assert!(
        Command::new("ssh-keygen").args(passphrase).current_dir(place.0.path()).status().unwrap().success()
    );
    place.refuses(&["site", "mine", "--sign", "locked"], "load a key with a passphrase into ssh-agent");
    // Ann signs on her machine, and the archive of her own site is what she hands on.
    place.publish(&["site", "mine", "--sign", "ann"]);
    let [folder] = place.entries().try_into().unwrap();
    let entry = json(&folder.join("entry.json"));
    assert_eq!((&entry["data"][0]["signed"], &entry["data"][0]["signer"]), (&true.into(), &Value::Null));
    let unpack =
        Command::new("tar").arg("xzf").arg(folder.join("mine.tar.gz")).arg("-C").arg(place.0.path()).status();
    assert!(unpack.unwrap().success() && place.path("mine/SHA256SUMS.sig").is_file());
    let publish = |result: &str, allowed: &str| {
        place.command(&["public", result, "--allowed-signers", allowed]).output().unwrap()
    };
    assert_eq!(publish("mine", "eve.allowed").status.code(), Some(2));
    let taken = publish("mine", "ann.allowed");
    assert_eq!(taken.status.code(), Some(0), "{}", texts(&taken).1);
    let index = fs::read_to_string(place.path("public/index.html")).unwrap();
    assert!(index.contains("signed by ann@lab"), "{index}");
    // Nothing can be changed afterwards, nor added, nor signed by somebody else, nor for something else.
    let file = place.path("mine/repeat3.default/results/netperf-result.1398945600.RHS");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("20.00", "19.00")).unwrap();
    let changed = texts(&publish("mine", "ann.allowed")).1;
    assert!(
        changed.contains("repeat3.default/results/netperf-result.1398945600.RHS was changed"),
        "{changed}"
    );
    fs::write(&file, text).unwrap();
    fs::write(place.path("mine/more.RHS"), "x").unwrap();
    assert!(texts(&publish("mine", "ann.allowed")).1.contains("more.RHS was changed, added or removed"));
    fs::remove_file(place.path("mine/more.RHS")).unwrap();
    place.refuses(
        &["public", "mine", "--sign", "eve", "--allowed-signers", "ann.allowed"],
        "it is not signed by anybody in ann.allowed",
    );
    let sums = fs::File::open(place.path("mine/SHA256SUMS")).unwrap();
    let mut other = Command::new("ssh-keygen");
    other.args(["-Y", "sign", "-f", "ann", "-n", "git"]).current_dir(place.0.path()).stdin(sums);
    fs::write(place.path("mine/SHA256SUMS.sig"), other.output().unwrap().stdout).unwrap();
    assert_eq!(
        publish("mine", "ann.allowed").status.code(),
        Some(2),
        "a signature of something else does not count"
    );
    assert_eq!(fs::read_dir(place.path("public/r")).unwrap().count(), 1);
    // The site asks for signatures from now on, and the entry stays Ann's.
    place.refuses(&["public", "mine"], "public asks for signatures");
    place.refuses(&["public", "mine", "--unchecked", "--allowed-signers", "ann.allowed"], "cannot be used");
    fs::remove_file(place.path("mine/SHA256SUMS.sig")).unwrap();
    place.refuses(&["public", "mine", "--unchecked"], "signed by ann@lab, and this result has none");
    place.refuses(
        &["public", "mine", "--sign", "eve", "--allowed-signers", "eve.allowed"],
        "signed by ann@lab, and this result is signed by eve@lab",
    );
    place.refuses(&["other", "--allowed-signers", "nowhere"], "--allowed-signers nowhere: No such file");
    assert!(!place.path("other").exists(), "nothing is remembered of a file that is not there");
    place.publish(&["public"]);
}
