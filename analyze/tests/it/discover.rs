//! Result files are found whatever they are called and however they are linked.

use analyze::discover::{Discovery, discover, identical, natural_path_order};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("perfvt-discover-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn put(&self, name: impl AsRef<Path>, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn found(&self) -> Discovery {
        discover(&self.0, rhs).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn rhs(path: &Path) -> bool {
    path.as_os_str().as_bytes().ends_with(b".RHS")
}

#[test]
fn odd_names_are_names() {
    let folder = Folder::new("names");
    let mut expected: Vec<PathBuf> = [
        b"with space.RHS".as_slice(),
        b"new\nline.RHS",
        b"; touch PWNED; x.RHS",
        b"$(id).RHS",
        b"'quote\".RHS",
        b"inv\xff\xfealid.RHS",
        b"-rf.RHS",
        "umläut.RHS".as_bytes(),
        b"*?.RHS",
    ]
    .into_iter()
    .map(|name| folder.put(OsStr::from_bytes(name), ""))
    .collect();
    folder.put("other.txt", "");
    expected.sort_by(|a, b| natural_path_order(a, b));
    assert_eq!(folder.found().files, expected);
    assert!(!folder.0.join("PWNED").exists() && !Path::new("PWNED").exists());
}

#[test]
fn repeats_come_in_natural_order() {
    let folder = Folder::new("order");
    for repeat in [10, 2, 1, 33] {
        folder.put(format!("8-u/x.repeat{repeat}.netperf.host/results/netperf-result.17.RHS"), "");
    }
    let found = folder.found();
    let repeats: Vec<String> = found
        .files
        .iter()
        .map(|f| f.strip_prefix(&folder.0).unwrap().to_str().unwrap()[12..15].to_owned())
        .collect();
    assert_eq!(repeats, ["1.n", "2.n", "10.", "33."]);
}

#[test]
fn the_argument_may_be_a_symlink_and_directories_below_it_may_not() {
    let folder = Folder::new("links");
    let real = folder.put("real/a.RHS", "a");
    symlink(folder.0.join("real"), folder.0.join("argument")).unwrap();
    symlink("..", folder.0.join("real/loop")).unwrap();
    symlink("/", folder.0.join("real/root")).unwrap();
    symlink("nowhere.RHS", folder.0.join("real/broken.RHS")).unwrap();
    let elsewhere = folder.put("elsewhere/b.txt", "b");
    symlink(&elsewhere, folder.0.join("real/linked.RHS")).unwrap();
    let found = discover(&folder.0.join("argument"), rhs).unwrap();
    assert_eq!(found.files, [folder.0.join("argument/a.RHS"), folder.0.join("argument/linked.RHS")]);
    assert_eq!(found.problems.len(), 1, "the broken link is named: {:?}", found.problems);
    assert_eq!(discover(&real, |_| false).unwrap().files, [real]);
    assert!(
        discover(&folder.0.join("absent"), rhs)
            .unwrap_err()
            .to_string()
            .starts_with("looking for results in ")
    );
}

#[test]
fn one_file_counts_once_under_its_first_name() {
    let folder = Folder::new("inodes");
    let first = folder.put("repeat2/a.RHS", "a");
    fs::create_dir(folder.0.join("repeat10")).unwrap();
    fs::hard_link(&first, folder.0.join("repeat10/a.RHS")).unwrap();
    symlink(&first, folder.0.join("repeat10/z.RHS")).unwrap();
    let found = folder.found();
    assert_eq!(found.files, std::slice::from_ref(&first));
    let again =
        [folder.0.join("repeat10/a.RHS"), folder.0.join("repeat10/z.RHS")].map(|path| (path, first.clone()));
    assert_eq!(found.again, again);
}

#[test]
fn directories_with_two_results_and_equal_contents_are_named() {
    let folder = Folder::new("crowded");
    folder.put("r1/a.RHS", "1");
    folder.put("r1/b.RHS", "2");
    folder.put("r2/a.RHS", "3");
    assert_eq!(folder.found().crowded(), [(folder.0.join("r1").as_path(), 2)]);
    let contents: [&[u8]; 6] = [b"x", b"yy", b"x", b"", b"yy", b"x"];
    assert_eq!(identical(&contents), [vec![0, 2, 5], vec![1, 4]]);
}

#[test]
fn a_directory_that_may_not_be_read_is_a_problem_and_no_end() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("closed");
    folder.put("open/a.RHS", "");
    folder.put("closed/a.RHS", "");
    let closed = folder.0.join("closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let root = fs::read_dir(&closed).is_ok();
    let found = folder.found();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    if root {
        testing::skip("this user may read everything");
        return;
    }
    assert_eq!((found.files.len(), found.problems.len()), (1, 1));
    assert_eq!(found.problems[0].0, closed);
}

#[test]
fn a_hundred_thousand_files_are_found() {
    let folder = Folder::new("many");
    for directory in 0..100 {
        let path = folder.0.join(format!("r{directory}"));
        fs::create_dir(&path).unwrap();
        for file in 0..1000 {
            fs::File::create(path.join(format!("{file}.RHS"))).unwrap();
        }
    }
    let found = folder.found();
    assert_eq!(found.files.len(), 100_000);
    assert!(found.files.is_sorted_by(|a, b| natural_path_order(a, b).is_lt()));
}
