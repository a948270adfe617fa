//! Builds by a script, which is the recipe that needs nothing but a shell.

use crate::repository::{Made, git};
use builds::{Asked, Progress, Recipe, Record, Repository, Script, Status, Store, build};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Copies `tool` of the sources; fails where they have a file `broken`; counts how often it ran.
const SCRIPT: &str = "#!/bin/sh\nset -e\necho building with $PERFVT_JOBS\necho x >> \"$PERFVT_BUILD/ran\"\n\
    if [ -e broken ]; then echo cannot go on; exit 3; fi\nmkdir -p \"$PERFVT_OUT/bin\"\ncp tool \"$PERFVT_OUT/bin/tool\"\n";

fn recipe(folder: &Path) -> Recipe {
    let script = folder.join("build.sh");
    fs::write(&script, SCRIPT).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    Recipe::Script(Script::of(&script, Path::new("bin/tool")).unwrap())
}

struct Yard {
    made: Made,
    store: Store,
    recipe: Recipe,
}

impl Yard {
    fn new() -> Option<Yard> {
        let made = Made::new()?;
        let cache = made.cache();
        let store = Store::open(&cache).unwrap();
        let recipe = recipe(&cache);
        Some(Yard { made, store, recipe })
    }

    fn build(&self, name: &str, patch: Option<&[u8]>) -> (Record, Vec<Progress>) {
        self.again(name, patch, false)
    }

    fn again(&self, name: &str, patch: Option<&[u8]>, retry: bool) -> (Record, Vec<Progress>) {
        let repository = self.made.open();
        let commit = repository.commit(name).unwrap();
        let asked =
            Asked { repository: &repository, commit: &commit, patch, recipe: &self.recipe, jobs: 2, retry };
        let mut told = Vec::new();
        // Where a network cannot be cut off, each build says so.
        let mut tell = |one| {
            if !matches!(one, Progress::Connected(_)) {
                told.push(one);
            }
        };
        (build(&self.store, &asked, &mut tell).unwrap(), told)
    }
}

#[test]
fn a_tree_is_built_once_and_an_equal_tree_is_the_same_build() {
    let Some(yard) = Yard::new() else { return };
    let first = yard.made.commit("tool", "one\n");
    yard.made.commit("tool", "two\n");
    let back = yard.made.commit("tool", "one\n");
    let (one, told) = yard.build(&first, None);
    assert_eq!((one.status.clone(), told.len()), (Status::Built, 1), "{told:?}");
    assert_eq!(fs::read_to_string(one.product().unwrap()).unwrap(), "one\n");
    assert_eq!(fs::read_to_string(one.log()).unwrap(), "building with 2\n");
    let (two, _) = yard.build("HEAD~1", None);
    assert_ne!((&one.key, &one.hash), (&two.key, &two.hash));
    // Another commit, whose tree is that of the first.
    let (again, told) = yard.build(&back, None);
    assert_eq!((again.key, again.commit), (one.key, first));
    assert_eq!(told, [Progress::Known]);
}

#[test]
fn a_clone_that_was_made_anew_at_the_same_place_is_built() {
    let Some(yard) = Yard::new() else { return };
    let first = yard.made.commit("tool", "one\n");
    yard.build(&first, None);
    let root = yard.made.open().folder().to_owned();
    fs::remove_dir_all(root.join(".git")).unwrap();
    git(&root, &["init", "--quiet"]).unwrap();
    let other = yard.made.commit("tool", "three\n");
    let (record, _) = yard.build(&other, None);
    assert_eq!(fs::read_to_string(record.product().unwrap()).unwrap(), "three\n");
}

#[test]
fn what_does_not_build_is_remembered_with_its_last_words_and_tried_again_when_asked() {
    let Some(yard) = Yard::new() else { return };
    yard.made.commit("tool", "one\n");
    let commit = yard.made.commit("broken", "yes\n");
    let (failed, _) = yard.build(&commit, None);
    let Status::Failed { why, tail } = &failed.status else { panic!("{failed:?}") };
    assert!(why.contains("exit status: 3"), "{why}");
    assert_eq!(tail.last().unwrap(), "cannot go on");
    assert!(failed.product().is_none());
    assert_eq!(yard.build(&commit, None).1, [Progress::Known]);
    let (_, told) = yard.again(&commit, None, true);
    // What the last attempt left is not trusted: it is built from nothing, too.
    assert!(told.contains(&Progress::Anew), "{told:?}");
}

#[test]
fn nothing_of_the_users_is_touched() {
    let Some(yard) = Yard::new() else { return };
    let first = yard.made.commit("tool", "one\n");
    yard.made.commit("tool", "two\n");
    fs::write(yard.made.folder.join("tool"), "not committed\n").unwrap();
    fs::write(yard.made.folder.join("untracked"), "x").unwrap();
    yard.made.git(&["bisect", "start"]).unwrap();
    // A hook of the user's would tell that git did something in his name.
    let hooks = yard.made.folder.join(".git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    fs::write(hooks.join("post-checkout"), "#!/bin/sh\ntouch \"$GIT_DIR/../ran\"\n").unwrap();
    fs::set_permissions(hooks.join("post-checkout"), fs::Permissions::from_mode(0o755)).unwrap();
    // An index that is older than its files is refreshed by a git that may.
    let before = yard.made.everything();
    let repository = yard.made.open();
    yard.build(&first, None);
    let patch = repository.uncommitted().unwrap().unwrap();
    yard.build("HEAD", Some(&patch));
    builds::Range::of(&repository, "HEAD~1..HEAD", builds::Order::All).unwrap();
    assert_eq!(yard.made.everything(), before);
}

#[test]
fn a_patch_and_what_is_not_committed_are_builds_of_their_own() {
    let Some(yard) = Yard::new() else { return };
    yard.made.commit("tool", "one\n");
    let plain = yard.build("HEAD", None).0;
    assert_eq!(yard.made.open().uncommitted().unwrap(), None);
    fs::write(yard.made.folder.join("tool"), "one and a half\n").unwrap();
    fs::write(yard.made.folder.join("new one"), "x\n").unwrap();
    assert_eq!(yard.made.open().untracked().unwrap(), ["new one"]);
    let patch = yard.made.open().uncommitted().unwrap().unwrap();
    fs::remove_file(yard.made.folder.join("new one")).unwrap();
    let patched = yard.build("HEAD", Some(&patch)).0;
    assert_eq!(fs::read_to_string(patched.product().unwrap()).unwrap(), "one and a half\n");
    assert_ne!(patched.key, plain.key);
    assert!(patched.patch.is_some() && plain.patch.is_none());
    // The patch is gone from the lane again.
    yard.made.git(&["checkout", "-q", "--", "tool"]).unwrap();
    let next = yard.made.commit("other", "x\n");
    let next = yard.build(&next, None).0;
    assert_eq!(fs::read_to_string(next.product().unwrap()).unwrap(), "one\n");
    let repository = yard.made.open();
    let commit = repository.commit("HEAD").unwrap();
    let patch: Option<&[u8]> = Some(b"no patch");
    let asked = Asked {
        repository: &repository,
        commit: &commit,
        patch,
        recipe: &yard.recipe,
        jobs: 1,
        retry: false,
    };
    let error = build(&yard.store, &asked, &mut |_| {}).unwrap_err();
    assert!(error.to_string().starts_with("putting the patch on"), "{error}");
}

#[test]
fn submodules_come_from_the_users_clone() {
    let (Some(yard), Some(inner)) = (Yard::new(), Made::new()) else { return };
    inner.commit("part", "of another\n");
    let url = inner.folder.display().to_string();
    let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "--", &url, "sub/part"];
    if git(&yard.made.folder, &add).is_none() {
        testing::skip("git adds no submodule of a local path here");
        return;
    }
    yard.made.commit("tool", "one\n");
    let (record, _) = yard.build("HEAD", None);
    assert_eq!(record.status, Status::Built);
    let lanes = yard.store.root().join("lanes");
    let lane = fs::read_dir(lanes).unwrap().flatten().next().unwrap().path();
    let part = lane.join("source/sub/part/part");
    assert_eq!(fs::read_to_string(&part).unwrap(), "of another\n");
    // Once more in the same lane: what did not change keeps its time, and what the build left is gone.
    fs::write(lane.join("source/sub/part/left"), "x").unwrap();
    let time = fs::metadata(&part).unwrap().modified().unwrap();
    yard.made.commit("tool", "two\n");
    yard.build("HEAD", None);
    assert_eq!(fs::metadata(&part).unwrap().modified().unwrap(), time);
    assert!(!lane.join("source/sub/part/left").exists());
    // Another commit of the submodule.
    inner.commit("part", "of another one\n");
    git(&yard.made.folder.join("sub/part"), &["pull", "--quiet"]).unwrap();
    yard.made.commit("tool", "three\n");
    yard.build("HEAD", None);
    assert_eq!(fs::read_to_string(&part).unwrap(), "of another one\n");
    // No patch has what changed in it; that is told, and not left out.
    let own = yard.made.folder.join("sub/part/part");
    fs::write(&own, "not committed\n").unwrap();
    let told = yard.made.open().uncommitted().unwrap_err().to_string();
    assert!(told.starts_with("the submodule sub/part in "), "{told}");
    git(&yard.made.folder.join("sub/part"), &["checkout", "--quiet", "--", "part"]).unwrap();
    fs::write(yard.made.folder.join("sub/part/unknown"), "x").unwrap();
    assert_eq!(yard.made.open().uncommitted().unwrap(), None);
    fs::remove_file(yard.made.folder.join("sub/part/unknown")).unwrap();
    // A clone that has the submodule no longer: its place is empty.
    fs::remove_dir_all(yard.made.folder.join(".git/modules")).unwrap();
    fs::remove_dir_all(yard.made.folder.join("sub/part")).unwrap();
    fs::create_dir(yard.made.folder.join("sub/part")).unwrap();
    yard.made.commit("other", "x\n");
    yard.build("HEAD", None);
    assert_eq!(fs::read_dir(lane.join("source/sub/part")).unwrap().count(), 0);
}

#[test]
fn room_is_made_by_what_was_used_longest_ago_and_nothing_that_is_needed() {
    let Some(yard) = Yard::new() else { return };
    let keys: Vec<String> = ["one\n", "two\n", "three\n"]
        .map(|text| yard.made.commit("tool", text))
        .iter()
        .map(|commit| yard.build(commit, None).0.key)
        .collect();
    assert!(yard.store.trim(u64::MAX, |_| false).unwrap().is_empty());
    let gone = yard.store.trim(0, |record| record.key == keys[1]).unwrap();
    assert!(gone.len() >= 3, "{gone:?}");
    let left: Vec<String> = yard.store.all().into_iter().map(|record| record.key).collect();
    assert_eq!(left, [keys[1].clone()]);
    // A stranger's folder among them stays.
    let stranger = yard.store.root().join("results");
    fs::create_dir(&stranger).unwrap();
    fs::write(stranger.join("mine"), "x").unwrap();
    yard.store.trim(0, |_| false).unwrap();
    assert!(stranger.join("mine").is_file() && yard.store.all().is_empty());
}

#[test]
fn a_record_that_is_cut_or_whose_product_is_gone_is_no_build() {
    let Some(yard) = Yard::new() else { return };
    let commit = yard.made.commit("tool", "one\n");
    let (record, _) = yard.build(&commit, None);
    fs::remove_file(record.product().unwrap()).unwrap();
    assert!(yard.store.find(&record.key).is_none());
    let stale = Repository::open(&yard.made.folder).unwrap();
    assert_eq!(stale.commit(&commit).unwrap().id, commit);
    fs::write(record.folder.join("build.json"), "{\"format\": 1").unwrap();
    assert!(yard.store.find(&record.key).is_none());
    let (again, _) = yard.build(&commit, None);
    assert_eq!(fs::read_to_string(again.product().unwrap()).unwrap(), "one\n");
}
