use super::*;
use process::Spec;
use std::time::Duration;

fn run(dir: &Path, words: &[&str]) {
    let spec = Spec::new("env")
        .args([format!("GNUPGHOME={}", dir.join("gnupg").display()), format!("HOME={}", dir.display())])
        .args(["GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"])
        .args(words);
    process::run(spec, Duration::from_secs(60)).unwrap();
}

/// A repository with two commits, tags v1 and v2, and a branch.
fn repository(dir: &Path, more: &[&str]) -> String {
    let repo = dir.join("repo");
    let path = repo.display().to_string();
    let git = |words: &[&str]| {
        let who = ["-c", "user.name=t", "-c", "user.email=t@t.invalid"];
        run(dir, &[&["git", "-C", &path], &who[..], more, words].concat());
    };
    std::fs::create_dir(&repo).unwrap();
    git(&["init", "--quiet", "-b", "main"]);
    for (number, tag) in [("1", "v1"), ("2", "v2")] {
        std::fs::write(repo.join("x.cfg"), format!("version = {number}\n")).unwrap();
        git(&["add", "x.cfg"]);
        git(&["commit", "--quiet", "-m", number]);
        git(&["tag", tag]);
    }
    git(&["branch", "stable", "v1"]);
    if !more.is_empty() {
        git(&["tag", "-s", "-m", "signed", "s1", "v1"]);
    }
    format!("file://{path}")
}

fn definition(dir: &Path, uri: &str, rest: &str) -> Definition {
    let provider = formats::provider::parse(&format!("[provider]\nuri: {uri}\n{rest}")).unwrap();
    Definition { name: "tp".into(), path: dir.join("tp.ini"), provider }
}

fn version(checkout: &Checkout) -> String {
    std::fs::read_to_string(checkout.root.join("x.cfg")).unwrap()
}

#[test]
fn a_ref_or_a_branch_is_checked_out_and_stays_pinned_until_the_update() {
    let dir = tempfile::tempdir().unwrap();
    let (uri, cache) = (repository(dir.path(), &[]), dir.path().join("cache"));
    let at = |rest: &str| checkout(&definition(dir.path(), &uri, rest), &cache).unwrap();
    assert_eq!(version(&at("ref: v1\n")), "version = 1\n");
    assert_eq!(version(&at("ref: v2\n")), "version = 2\n");
    let stable = at("branch: stable\n");
    assert_eq!((version(&stable).as_str(), stable.verified), ("version = 1\n", false));
    let path = dir.path().join("repo").display().to_string();
    run(dir.path(), &["git", "-C", &path, "branch", "--force", "stable", "v2"]);
    assert_eq!(at("branch: stable\n"), stable);
    let newer = update(&definition(dir.path(), &uri, "branch: stable\n"), &cache).unwrap();
    assert_eq!(version(&newer), "version = 2\n");
    assert_ne!(newer.commit, stable.commit);
}

#[test]
fn a_folder_is_used_as_it_is_and_a_missing_ref_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (uri, cache) = (repository(dir.path(), &[]), dir.path().join("cache"));
    let plain = checkout(&definition(dir.path(), &uri, ""), &cache).unwrap();
    assert_eq!((plain.root, plain.commit), (dir.path().join("repo"), None));
    let error = checkout(&definition(dir.path(), &uri, "ref: v9\n"), &cache).unwrap_err().to_string();
    assert!(error.starts_with("provider tp: looking for ref v9: "), "{error}");
    let gone = definition(dir.path(), "/nowhere/at/all", "");
    assert_eq!(checkout(&gone, &cache).unwrap_err().to_string(), "provider tp: /nowhere/at/all is not there");
    let none = definition(dir.path(), "file:///nowhere/at/all", "branch: x\n");
    let error = checkout(&none, &cache).unwrap_err().to_string();
    assert!(error.starts_with("provider tp: cloning file:///nowhere/at/all: "), "{error}");
}

#[test]
fn a_signed_tag_is_verified_with_the_key_of_the_definition_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["signer", "other"] {
        let file = dir.path().join(name).display().to_string();
        run(dir.path(), &["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", &file]);
    }
    let key = format!("user.signingKey={}", dir.path().join("signer").display());
    let uri = repository(dir.path(), &["-c", "gpg.format=ssh", "-c", &key]);
    let cache = dir.path().join("cache");
    let at = |rest: &str| checkout(&definition(dir.path(), &uri, rest), &cache);
    let good = at("ref: s1\npubkey: signer.pub\n").unwrap();
    assert_eq!((version(&good).as_str(), good.verified), ("version = 1\n", true));
    let error = at("ref: s1\npubkey: other.pub\n").unwrap_err().to_string();
    assert!(error.starts_with("provider tp: verifying the signature of tag s1"), "{error}");
    let error = at("ref: v1\npubkey: signer.pub\n").unwrap_err().to_string();
    assert!(error.contains("v1 is a tag that carries no signature"), "{error}");
    let error = at("pubkey: signer.pub\n").unwrap_err().to_string();
    assert!(error.contains("there is no ref; set `ref` to one in"), "{error}");
}

#[test]
fn a_tag_that_gpg_signed_is_verified_too() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("gnupg");
    std::fs::create_dir(&home).unwrap();
    std::fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    run(
        dir.path(),
        &["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "t@t.invalid", "ed25519"],
    );
    let public = dir.path().join("example.pub");
    run(dir.path(), &["gpg", "--batch", "--armor", "--output", &public.display().to_string(), "--export"]);
    let uri = repository(dir.path(), &["-c", "user.signingKey=t@t.invalid"]);
    let definition = definition(dir.path(), &uri, "ref: s1\npubkey: example.pub\n");
    let good = checkout(&definition, &dir.path().join("cache")).unwrap();
    assert_eq!((version(&good).as_str(), good.verified), ("version = 1\n", true));
    run(dir.path(), &["gpgconf", "--kill", "all"]);
}

#[test]
fn a_signed_tag_under_the_name_of_another_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("signer").display().to_string();
    run(dir.path(), &["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", &file]);
    let uri = repository(dir.path(), &["-c", "gpg.format=ssh", "-c", &format!("user.signingKey={file}")]);
    let path = dir.path().join("repo").display().to_string();
    run(dir.path(), &["git", "-C", &path, "update-ref", "refs/tags/s2", "refs/tags/s1"]);
    let at = |rest: &str| checkout(&definition(dir.path(), &uri, rest), &dir.path().join("cache"));
    let error = at("ref: s2\npubkey: signer.pub\n").unwrap_err().to_string();
    assert!(error.contains("s2 is another tag there, signed as 's1'"), "{error}");
}

/// The last step of the child that is killed.
const KILLED_AFTER: &str = "PERFVT_TEST_KILLED_AFTER";
const STEPS: [Step; 9] = [
    Step::Locked,
    Step::Cloned,
    Step::Found,
    Step::Verified,
    Step::Written,
    Step::Durable,
    Step::Renamed,
    Step::Pinned,
    Step::Tidied,
];

/// Not a test of its own: what the test below starts, a perfvt that updates and is killed on the way.
#[test]
fn killed_child() {
    let Ok(told) = std::env::var(KILLED_AFTER) else { return };
    let (number, dir) = told.split_once(' ').unwrap();
    let (last, dir) = (STEPS[number.parse::<usize>().unwrap()], Path::new(dir));
    let uri = format!("file://{}", dir.join("repo").display());
    let kill = |step: Step| {
        if step == last {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
        }
    };
    update_in_steps(&definition(dir, &uri, "branch: stable\n"), &dir.join("cache"), &mut { kill }).unwrap();
}

#[test]
fn a_kill_at_any_step_leaves_the_files_and_the_pin_of_before_or_those_of_now() {
    for (number, last) in STEPS.into_iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        let (uri, cache) = (repository(dir.path(), &[]), dir.path().join("cache"));
        let definition = definition(dir.path(), &uri, "branch: stable\n");
        let before = checkout(&definition, &cache).unwrap();
        let path = dir.path().join("repo").display().to_string();
        run(dir.path(), &["git", "-C", &path, "branch", "--force", "stable", "v2"]);
        let told = format!("{KILLED_AFTER}={number} {}", dir.path().display());
        let test = std::env::current_exe().unwrap().display().to_string();
        let spec =
            Spec::new("env").args([&told, &test, "--exact"]).arg(format!("{}::killed_child", module()));
        let error = process::run(spec, Duration::from_secs(60)).unwrap_err().to_string();
        assert!(error.contains("signal 9"), "{last:?}: {error}");
        // What the next perfvt uses.
        let after = checkout(&definition, &cache).unwrap();
        let is_new = matches!(last, Step::Pinned | Step::Tidied);
        assert_eq!(version(&after), if is_new { "version = 2\n" } else { "version = 1\n" }, "{last:?}");
        assert_eq!(after.commit == before.commit, !is_new, "{last:?}");
        assert_eq!(after, pinned(&definition, &cache).unwrap().unwrap(), "{last:?}");
        // Somebody who had begun to read goes on with what was there.
        assert_eq!(version(&before), "version = 1\n", "{last:?}");
        let now = update(&definition, &cache).unwrap();
        assert_eq!(version(&now), "version = 2\n", "{last:?}");
        let names = std::fs::read_dir(cache.join("tp")).unwrap().map(|e| e.unwrap().file_name());
        let mut odd = names.filter(|name| name != "pin.json" && !is_commit(name.to_str().unwrap()));
        assert_eq!(odd.next(), None, "{last:?}");
    }
}

/// The path of this module, as the test program names its tests.
fn module() -> &'static str {
    module_path!().split_once("::").unwrap().1
}

#[test]
fn a_pin_of_another_layout_or_of_no_commit_is_fetched_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (uri, cache) = (repository(dir.path(), &[]), dir.path().join("cache"));
    let definition = definition(dir.path(), &uri, "ref: v1\n");
    let first = checkout(&definition, &cache).unwrap();
    let path = cache.join("tp/pin.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let commit = first.commit.as_deref().unwrap();
    for odd in [
        text.replace("\"layout\": 1", "\"layout\": 2"),
        text.replace(commit, "../../elsewhere"),
        text.replace(commit, "HEAD"),
        "{".to_owned(),
        String::new(),
    ] {
        std::fs::write(&path, odd).unwrap();
        assert_eq!(pinned(&definition, &cache).unwrap(), None);
        assert_eq!(checkout(&definition, &cache).unwrap(), first);
    }
}
