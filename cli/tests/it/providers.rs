//! Providers whose makers mean harm: what they may read, what git may run for them, and what a kill leaves behind.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A user's folder with a provider `tp`.
struct Place(tempfile::TempDir);

struct Run {
    code: i32,
    out: String,
    err: String,
}

impl Run {
    #[track_caller]
    fn refuses(&self, parts: &[&str]) {
        assert_eq!(self.code, 2, "{}{}", self.out, self.err);
        for part in parts {
            assert!(self.err.contains(part), "no '{part}' in\n{}", self.err);
        }
    }
}

impl Place {
    /// `uri` is what stands in the definition; `DIR` in it is the place itself.
    fn with(uri: &str, rest: &str) -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        let uri = uri.replace("DIR", &place.path("").display().to_string());
        place.write("config/perfvt/test-providers.d/tp.ini", &format!("[provider]\nuri: {uri}\n{rest}"));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        let path = self.0.path().canonicalize().unwrap();
        if name.is_empty() { path } else { path.join(name) }
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn perfvt(&self, words: &[&str]) -> Run {
        let search = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let output = Command::new(env!("CARGO_BIN_EXE_perfvt"))
            .args(words)
            .current_dir(self.path(""))
            .env("PATH", search)
            .env("HOME", self.path(""))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("GIT_CONFIG_GLOBAL", self.path("gitconfig"))
            // As within a hook of git: it must not be taken for the provider's repository.
            .env("GIT_DIR", self.path("elsewhere"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Run { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// git in `repo`.
    fn git(&self, words: &[&str]) -> String {
        let who = ["-c", "user.name=t", "-c", "user.email=t@t.invalid"];
        let mut git = Command::new("git");
        git.arg("-C").arg(self.path("repo")).args(who).args(words).env("GIT_CONFIG_GLOBAL", "/dev/null");
        let done = git.output().unwrap();
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// Commits what is in `repo`.
    fn commit(&self) -> String {
        if !self.path("repo/.git").exists() {
            self.git(&["init", "--quiet", "-b", "main"]);
        }
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "-m", "x"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// A program that leaves a witness when it is run.
    fn trap(&self, program: &str) {
        self.write(program, &format!("#!/bin/sh\necho run >> '{}'\n", self.path("witness").display()));
        fs::set_permissions(self.path(program), PermissionsExt::from_mode(0o755)).unwrap();
    }

    #[track_caller]
    fn nothing_ran(&self, what: &str) {
        assert!(!self.path("witness").exists(), "{what}: a program was run");
    }
}

#[test]
fn git_fetches_by_known_transports_and_runs_no_helper() {
    for uri in [
        "testhelper::x",
        "testhelper://x/y",
        "ext::sh -c 'touch DIR/witness'",
        "ext::DIR/bin/git-remote-testhelper",
        "fd::0",
        "fd::0,1/x",
        "::x",
        "ftp://127.0.0.1/x",
        "-u:DIR/bin/git-remote-testhelper",
        "--upload-pack=DIR/bin/git-remote-testhelper",
        "../repo",
    ] {
        let place = Place::with(uri, "branch: main\n");
        place.trap("bin/git-remote-testhelper");
        // What a careless user may have allowed for other repositories.
        place.write(
            "gitconfig",
            "[protocol \"ext\"]\n\tallow = always\n[protocol \"testhelper\"]\n\tallow = always\n",
        );
        let done = place.perfvt(&["provider", "update"]);
        place.nothing_ran(uri);
        done.refuses(&["test-providers.d/tp.ini", "https, ssh, http, git"]);
    }
}

#[test]
fn git_follows_no_rewriting_to_a_helper() {
    let place = Place::with("https://127.0.0.1:1/x", "branch: main\n");
    place.trap("bin/git-remote-testhelper");
    place.write(
        "gitconfig",
        "[url \"testhelper::x\"]\n\tinsteadOf = https://127.0.0.1:1/x\n[protocol]\n\tallow = always\n",
    );
    let done = place.perfvt(&["provider", "update"]);
    place.nothing_ran("insteadOf");
    done.refuses(&["testhelper", "not allowed"]);
}

#[test]
fn neither_hooks_nor_filters_nor_submodules_of_anybody_are_run() {
    let place = Place::with("file://DIR/repo", "branch: main\n");
    place.trap("bin/trap");
    for hook in ["post-checkout", "reference-transaction", "post-index-change"] {
        place.trap(&format!("hooks/{hook}"));
        place.trap(&format!("template/hooks/{hook}"));
    }
    let trap = place.path("bin/trap").display().to_string();
    let sub = place.path("sub").display().to_string();
    place.write(
        "gitconfig",
        &format!(
            "[core]\n\thooksPath = {}\n\tfsmonitor = {trap}\n\taskPass = {trap}\n[init]\n\ttemplateDir = {}\n\
             [filter \"trap\"]\n\tsmudge = {trap}\n\tclean = {trap}\n\tprocess = {trap}\n\trequired = true\n\
             [submodule]\n\trecurse = true\n",
            place.path("hooks").display(),
            place.path("template").display(),
        ),
    );
    place.write("repo/x.cfg", "a = 1\r\n");
    place.write("repo/.gitattributes", "*.cfg filter=trap text eol=lf\n");
    place.write("repo/.gitmodules", &format!("[submodule \"s\"]\n\tpath = s\n\turl = {sub}\n"));
    place.commit();
    let done = place.perfvt(&["list", "tp:x.cfg", "--contents"]);
    place.nothing_ran("a fetch");
    assert!(done.code == 0 && done.out.contains("a = 1"), "{}{}", done.out, done.err);
    assert_eq!(place.perfvt(&["list", "tp:x.cfg", "--contents"]).code, 0);
    assert_eq!(place.perfvt(&["provider", "update"]).code, 0);
    place.nothing_ran("an update");
}

#[test]
fn files_of_a_provider_include_nothing_from_outside_of_its_folder() {
    let place = Place::with("DIR/repo", "");
    place.write("secret.cfg", "my secret line\n");
    place.write(
        "config/perfvt/test-providers.d/other.ini",
        &format!("[provider]\nuri: {}\n", place.path("other").display()),
    );
    place.write("other/x.cfg", "my secret line\n");
    place.write(
        "repo/sub/inner.cfg",
        "include ../fine.cfg\ninclude perfvt:parameters.cfg\ninclude tp:fine.cfg\n",
    );
    place.write("repo/fine.cfg", "fine = 1\n");
    fs::create_dir_all(place.path("repo/links")).unwrap();
    symlink("../../secret.cfg", place.path("repo/links/file.cfg")).unwrap();
    symlink(place.path("secret.cfg"), place.path("repo/links/absolute.cfg")).unwrap();
    symlink("../..", place.path("repo/links/folder")).unwrap();
    symlink("../fine.cfg", place.path("repo/links/within.cfg")).unwrap();
    symlink("/proc/self/cwd/secret.cfg", place.path("repo/links/magic.cfg")).unwrap();
    let absolute = place.path("secret.cfg").display().to_string();
    for text in [
        absolute.as_str(),
        "/etc/passwd",
        "/etc/../etc/passwd",
        "~/secret.cfg",
        "../secret.cfg",
        "sub/../../secret.cfg",
        "links/file.cfg",
        "links/absolute.cfg",
        "links/folder/secret.cfg",
        "links/magic.cfg",
        "other:x.cfg",
        "tp:../secret.cfg",
        "/dev/stdin",
    ] {
        place.write("repo/evil.cfg", &format!("# one\ninclude {text}\n"));
        for name in ["tp:evil.cfg", "tp:sub/../evil.cfg"] {
            let done = place.perfvt(&["list", name]);
            done.refuses(&["evil.cfg:2:9: including ", "provider tp"]);
            assert!(!done.err.contains("secret line") && !done.err.contains("root:"), "{}", done.err);
        }
        // The user's own configuration may include what it likes, the provider's file on its behalf may not.
        place.write("tests.cfg", "include tp:evil.cfg\n");
        place.perfvt(&["list"]).refuses(&["evil.cfg:2:9: including "]);
    }
    place.write("repo/links.cfg", "include links/within.cfg\ninclude sub/inner.cfg\n");
    let done = place.perfvt(&["list", "tp:links.cfg", "--contents"]);
    assert!(done.code == 0 && done.out.contains("fine = 1"), "{}{}", done.out, done.err);
    place.write("tests.cfg", &format!("include {}\n", place.path("repo/fine.cfg").display()));
    assert_eq!(place.perfvt(&["list"]).code, 0);
    // A link is no way out for the first file either.
    for name in ["tp:links/file.cfg", "tp:links/folder/secret.cfg"] {
        let done = place.perfvt(&["list", name]);
        done.refuses(&["provider tp"]);
        assert!(!done.err.contains("secret line"), "{}", done.err);
    }
}

#[test]
fn lines_of_a_provider_are_quoted_in_part_and_without_control_characters() {
    let place = Place::with("DIR/repo", "");
    for line in [
        format!("x\u{1b}[2J{}", "y".repeat(1_000_000)),
        format!("only {}\u{1b}]0;t\u{7}", "z".repeat(100_000)),
        format!("include {}\u{9b}31m", "w".repeat(3_000)),
        format!("variants \"{}\u{202e}\" a b:", "v".repeat(100_000)),
        format!("{}(b ?= 1", "k".repeat(100_000)),
        format!("variants [default={}]:\n  - a:", "d".repeat(100_000)),
        format!("mem = \u{1b}{}\nmem_max = {}", "1".repeat(100_000), "2".repeat(100_000)),
    ] {
        place.write("repo/x.cfg", &line);
        let done = place.perfvt(&["list", "tp:x.cfg", "--contents"]);
        assert_eq!(done.code, 2, "{:.100}", line);
        assert!(done.err.len() < 2_000, "{} bytes for {line:.40}", done.err.len());
        let bad = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}');
        assert!(!done.err.contains(bad), "{:?}", done.err);
    }
}

/// What the layout of before left when it was killed between the files and the pin: the files of one commit, and the
/// pin of another.
fn layout_of_before(place: &Place, files_at: &str, pinned: &str) {
    let folder = place.path("cache/perfvt/providers/tp");
    fs::create_dir_all(&folder).unwrap();
    let files = folder.join("files").display().to_string();
    let uri = format!("file://{}", place.path("repo").display());
    place.git(&["clone", "--quiet", "--no-checkout", "--", &uri, &files]);
    place.git(&["-C", &files, "checkout", "--quiet", "--detach", files_at]);
    let pin = format!(
        "{{\"uri\": \"{uri}\", \"branch\": \"main\", \"reference\": null, \"pubkey\": null, \"commit\": \"{pinned}\", \
         \"verified\": false}}"
    );
    fs::write(folder.join("pin.json"), pin).unwrap();
}

fn version(run: &Run) -> &str {
    run.out
        .lines()
        .find_map(|l| l.trim().strip_prefix("version = "))
        .unwrap_or_else(|| panic!("{}{}", run.out, run.err))
}

fn two_commits() -> (Place, String, String) {
    let place = Place::with("file://DIR/repo", "branch: main\n");
    place.write("repo/x.cfg", "version = 1\n");
    let one = place.commit();
    place.write("repo/x.cfg", "version = 2\n");
    let two = place.commit();
    (place, one, two)
}

#[test]
fn a_cache_of_before_gives_the_pinned_commit_also_when_its_files_are_of_another() {
    for killed in [true, false] {
        let (place, one, two) = two_commits();
        layout_of_before(&place, if killed { &two } else { &one }, &one);
        let listed = place.perfvt(&["list", "tp:x.cfg", "--contents"]);
        assert_eq!(version(&listed), "1", "{}", listed.err);
        let shown = place.perfvt(&["provider", "list"]);
        assert!(shown.out.contains(&format!("commit {one}")), "{}", shown.out);
        assert_eq!(place.perfvt(&["provider", "update"]).code, 0);
        assert_eq!(version(&place.perfvt(&["list", "tp:x.cfg", "--contents"])), "2");
        // A perfvt of before put no mark of its own there: it is not for this one to remove.
        assert!(place.path("cache/perfvt/providers/tp/files").exists());
    }
}

#[test]
fn a_cache_of_before_that_lacks_the_pinned_commit_is_fetched_anew_with_a_word() {
    let (place, one, _) = two_commits();
    layout_of_before(&place, &one, &one);
    fs::remove_dir_all(place.path("cache/perfvt/providers/tp/files/.git")).unwrap();
    let listed = place.perfvt(&["list", "tp:x.cfg", "--contents"]);
    assert_eq!(version(&listed), "1", "{}", listed.err);
    assert!(listed.err.contains("provider tp: ") && listed.err.contains("fetched anew"), "{}", listed.err);
    let again = place.perfvt(&["list", "tp:x.cfg", "--contents"]);
    assert_eq!((version(&again), again.err.as_str()), ("1", ""));
}

/// Where the file of a provider lies in the cache.
fn cached(folder: &Path, name: &str) -> PathBuf {
    let all = |dir: &Path| fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect::<Vec<_>>();
    let mut open = all(folder);
    while let Some(path) = open.pop() {
        if path.file_name().is_some_and(|n| n == name) {
            return path;
        }
        if path.is_dir() {
            open.extend(all(&path));
        }
    }
    panic!("no {name} in {}", folder.display());
}

#[test]
fn files_that_are_not_those_of_the_pinned_commit_are_refused_until_they_are_fetched_anew() {
    let (place, _, two) = two_commits();
    let list = || place.perfvt(&["list", "tp:x.cfg", "--contents"]);
    assert_eq!(version(&list()), "2");
    let file = cached(&place.path("cache"), "x.cfg");
    fs::write(&file, "version = 3\n").unwrap();
    list().refuses(&["provider tp: ", &two[..12], "`perfvt provider update tp`"]);
    place.perfvt(&["provider", "list"]).refuses(&["`perfvt provider update tp`"]);
    assert_eq!(place.perfvt(&["provider", "update"]).code, 0);
    assert_eq!(version(&list()), "2");
    fs::write(cached(&place.path("cache"), "x.cfg").with_file_name("more.cfg"), "").unwrap();
    list().refuses(&["provider tp: ", "more.cfg"]);
    assert_eq!(place.perfvt(&["provider", "update"]).code, 0);
    assert_eq!(version(&list()), "2");
    fs::remove_file(cached(&place.path("cache"), "x.cfg")).unwrap();
    list().refuses(&["provider tp: ", "x.cfg"]);
}

#[test]
fn one_broken_definition_hides_no_other_provider() {
    let place = Place::with("DIR/files", "");
    place.write("files/guests.cfg", "variants guest:\n    - theirs:\n        mem = 300\n");
    place.write("files/x.cfg", "mem = 300\n");
    place.write("config/perfvt/test-providers.d/aa.ini", "[provi");
    let list = place.perfvt(&["provider", "list"]);
    assert!(list.out.starts_with("tp  ") && list.out.ends_with("a folder, used as it is\n"), "{}", list.out);
    list.refuses(&["aa.ini:1: '[provi' is neither a [section] nor KEY: VALUE"]);
    let update = place.perfvt(&["provider", "update"]);
    assert!(update.out.starts_with("tp  "), "{}", update.out);
    update.refuses(&["aa.ini:1:"]);
    assert_eq!(place.perfvt(&["provider", "update", "tp"]).code, 0);
    place.perfvt(&["provider", "update", "aa"]).refuses(&["aa.ini:1:"]);
    let guests = place.perfvt(&["list", "--guests"]);
    guests.refuses(&["aa.ini:1:"]);
    assert!(guests.out.contains("theirs ") && guests.out.contains("builtin"), "{}", guests.out);
    let images = place.perfvt(&["guest", "list"]);
    images.refuses(&["aa.ini:1:"]);
    assert!(images.out.contains("guest theirs (tp:/guests.cfg)"), "{}", images.out);
    assert_eq!(place.perfvt(&["list", "tp:x.cfg"]).code, 0);
    place.perfvt(&["list", "aa:x.cfg"]).refuses(&["aa.ini:1:"]);
    let doctor = place.perfvt(&["doctor"]).out;
    let line = doctor.lines().find(|line| line.contains("test providers")).unwrap();
    assert!(line.contains("a folder, used as it is") && line.contains("aa.ini:1:"), "{line}");
    // Who asks for a guest that nobody else has is told why it may be missing.
    place.perfvt(&["run", "netperf", "--set", "guest=nobody", "--dry-run"]).refuses(&["aa.ini:1:"]);
}

#[test]
fn fragments_are_the_variants_of_one_block_each_file_or_a_whole_folder() {
    let place = Place::with("DIR/files", "[generic]\nsubdir: generic\n");
    place.write(
        "files/generic/tests/cfg/uptime.cfg",
        "- uptime:\n    type = uptime\n    virt_test_type = qemu\n",
    );
    let load = "# ours\n\n  - load:\n      workload = command\n      command = uptime\n      variants:\n          - a:\n          - b:\n  - idle:\n";
    place.write("files/generic/tests/cfg/load.cfg", load);
    place.write("files/generic/tests/cfg/base.cfg", "mem = 512\n");
    place.write("files/generic/tests/cfg/README", "- x:\n");
    let one = place.perfvt(&["list", "tp.generic:tests/cfg/uptime.cfg", "--explain", "type"]);
    assert_eq!(one.out, "uptime\n    type = uptime    (tp.generic:/tests/cfg/uptime.cfg:2)\n", "{}", one.err);
    let all = place.perfvt(&["list", "tp.generic:tests/cfg/"]);
    assert_eq!((all.code, all.out.as_str()), (0, "load.a\nload.b\nidle\nuptime\n"), "{}", all.err);
    assert!(all.err.contains("passed over 'base.cfg': no fragments"), "{}", all.err);
    let words = ["run", "command", "-c", "tp.generic:tests/cfg", "--only", "load..a", "--dry-run"];
    let run = place.perfvt(&words);
    assert!(run.out.contains("/tests/cfg/load.cfg:5"), "{}{}", run.out, run.err);
    place.write(
        "own.cfg",
        "variants:\n    - mine:\n    include files/generic/tests/cfg/uptime.cfg\n    - last:\n",
    );
    let own = place.perfvt(&["list", "own.cfg"]);
    assert_eq!((own.code, own.out.as_str()), (0, "mine\nuptime\nlast\n"), "{}", own.err);
    place.perfvt(&["list", "tp:generic"]).refuses(&["none of its .cfg files begins with '- name:'"]);
    place.write("own.cfg", "variants:\n    - mine:\n    include files/generic/tests/cfg/base.cfg\n");
    place.perfvt(&["list", "own.cfg"]).refuses(&["base.cfg:1:1: expected a variant, '- name:'"]);
    place.write("own.cfg", "- a:\n    variants:\n        include own.cfg\n");
    place.perfvt(&["list", "own.cfg"]).refuses(&["it includes itself"]);
}
