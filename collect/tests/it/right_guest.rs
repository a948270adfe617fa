//! The right guest or none: what a definition names is what boots, by the hash of its file, or it is refused.

use collect::config::defined::Places;
use collect::config::guests::{self, BOUND, Guests, MAX_GUESTS};
use collect::config::select::select;
use collect::config::spec::named_guest;
use collect::config::{Selected, Source};
use collect::matrix::environments_of;
use collect::parse::{self, definition};
use collect::workload;
use model::Params;
use proptest::prelude::*;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use vm::guest::identity::identity;
use vm::guest::image::Cache;
use vm::guest::os::Os;

#[path = "../../../formats/testdata/qcow2/made.rs"]
mod made;

/// A user's folders: a configuration's, a data directory and a file of guests.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Home {
        let home = Home(tempfile::tempdir().unwrap());
        ["cfg/images", "data/images", "own"].iter().for_each(|dir| fs::create_dir_all(home.at(dir)).unwrap());
        home
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        fs::write(self.at(path), text).unwrap();
    }

    /// A qcow2 image that no other one is like.
    fn image(&self, path: &str) {
        self.write(path, [made::Made::default().bytes(), path.as_bytes().to_vec()].concat());
    }

    fn places(&self) -> Places {
        Places {
            files: vec![self.at("own/guests.cfg"), "perfvt:guests.cfg".into()],
            folders: vec![self.at("data")],
        }
    }

    /// The parameters of each environment, as `perfvt run` makes them.
    fn plan(&self, config: bool, sets: &[&str], envs: &[&str]) -> Result<Vec<Params>, String> {
        let owned = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let sets = owned(sets);
        let source = Source {
            workload: Some("command".into()),
            config: config.then(|| self.at("cfg/tests.cfg")),
            guest: named_guest(&sets).map(str::to_owned),
            ..Source::default()
        };
        let shown = |error: String| error.replace(&self.0.path().display().to_string(), "HOME");
        let (selected, _): (Vec<Selected>, _) =
            select(&source, &owned(envs)).map_err(|e| shown(e.to_string()))?;
        let workload = workload::find("command").unwrap();
        let all = environments_of(workload, &selected, None, &sets, &self.places());
        Ok(all.map_err(|e| shown(e.to_string()))?.into_iter().map(|e| e.params).collect())
    }

    /// The hash of what the server of each environment boots; `None` for the built-in guest.
    fn boots(&self, config: bool, sets: &[&str], envs: &[&str]) -> Result<Vec<Option<String>>, String> {
        self.boots_of("vm1", config, sets, envs)
    }

    /// The same for one guest of the two.
    fn boots_of(
        &self,
        guest: &str,
        config: bool,
        sets: &[&str],
        envs: &[&str],
    ) -> Result<Vec<Option<String>>, String> {
        let cache = self.cache();
        let of = |params: Params| {
            let own = params.object_params(guest);
            let definition = definition(&own, &cache).map_err(|e| e.to_string())?;
            Ok(definition.map(|definition| identity(&cache, &definition.chain.files()).unwrap()))
        };
        self.plan(config, sets, envs)?.into_iter().map(of).collect()
    }

    fn cache(&self) -> Cache {
        Cache::at(self.at("cache"))
    }

    fn hash(&self, path: &str) -> Option<String> {
        Some(identity(&self.cache(), &[&self.at(path)]).unwrap())
    }

    fn file_of(&self, params: &Params) -> String {
        params.get("image").unwrap().replace(&self.0.path().display().to_string(), "HOME")
    }
}

/// The manual's example for Linux, as a variant.
const LINUX: &str = "variants:\n    - LinuxCustom:\n        variants:\n            - FooLinux:\n                \
                     image_name = images/foo-linux\n";
/// That for Windows.
const WINDOWS: &str = "variants:\n    - WindowsCustom:\n        variants:\n            - FooWindows:\n                \
                       image_name = images/foo-windows\n";
/// What an avocado-vt says of its Windows guests before that.
const GENERAL: &str = "variants:\n    - @Windows:\n        os_type = windows\n        shell_client = nc\n        \
                       variants:\n            - Win.2022:\n                image_name = images/foo-windows\n";

#[test]
fn the_manuals_guests_are_found_wherever_they_stand() {
    let home = Home::new();
    home.image("data/images/foo-linux.qcow2");
    home.image("data/images/foo-windows.qcow2");
    for (text, name, file, os) in [
        (LINUX, "LinuxCustom.FooLinux", "foo-linux", Os::Linux),
        (WINDOWS, "WindowsCustom.FooWindows", "foo-windows", Os::Windows),
    ] {
        let guest = format!("guest={name}");
        let here = |config: bool, sets: &[&str]| {
            let params = home.plan(config, sets, &[]).unwrap_or_else(|e| panic!("{name}: {e}")).remove(0);
            assert_eq!(home.file_of(&params), format!("HOME/data/images/{file}.qcow2"));
            assert_eq!(parse::os(&params).unwrap(), os, "{name}");
            assert!(params.param("image").unwrap().origin.to_string().ends_with(":5"), "{params:?}");
        };
        home.write("own/guests.cfg", text);
        here(false, &[&guest]);
        home.write("cfg/tests.cfg", "mem = 1024\n");
        here(true, &[&guest]);
        home.write("own/guests.cfg", "");
        home.write("cfg/tests.cfg", text);
        here(true, &[]);
        here(true, &[&guest]);
        home.write("cfg/guest-os.cfg", text);
        home.write("cfg/tests.cfg", "include guest-os.cfg\n");
        here(true, &[&guest]);
        // Among others, the guest is the one that is asked for.
        home.write("cfg/guest-os.cfg", format!("{text}    - Other:\n        image_name = images/other\n"));
        here(true, &[&guest]);
        assert!(home.plan(true, &[], &[]).unwrap_err().contains("take one with"));
        let params = home.plan(true, &[], &[&format!("a:guest={name}")]).unwrap().remove(0);
        assert_eq!(home.file_of(&params), format!("HOME/data/images/{file}.qcow2"));
    }
}

#[test]
fn the_manuals_lines_without_a_dash_are_refused_with_the_way_out() {
    let home = Home::new();
    home.image("data/images/foo-linux.qcow2");
    let text = "FooLinux:\n    image_name = images/foo-linux\n";
    let way = "this holds for variants called FooLinux, and there is none; a guest is a variant: `variants:` and below it `- FooLinux:`";
    home.write("cfg/tests.cfg", text);
    assert_eq!(home.boots(true, &[], &[]).unwrap_err(), format!("HOME/cfg/tests.cfg:2: {way}"));
    home.write("own/guests.cfg", text);
    let error = home.boots(false, &["guest=LinuxCustom.FooLinux"], &[]).unwrap_err();
    assert_eq!(error, format!("HOME/own/guests.cfg:2: {way}"));
}

#[test]
fn the_keys_beside_the_manuals_image_are_taken_or_refused() {
    let home = Home::new();
    home.image("data/images/foo-linux.qcow2");
    let rest = "shell_prompt = [*]$\npassword = 123456\nshell_client = ssh\nshell_port = 2222\n\
                file_transfer_client = scp\nfile_transfer_port = 2222\nlogin_timeout = 77\n";
    home.write("cfg/tests.cfg", format!("{LINUX}{rest}"));
    let params = home.plan(true, &[], &[]).unwrap().remove(0);
    let of = |key: &str| params.get(key);
    assert_eq!(
        (of("channel"), of("boot_timeout"), of("shell_port")),
        (Some("ssh"), Some("77"), Some("2222"))
    );
    let error = home.boots(true, &[], &[]).unwrap_err();
    assert!(error.contains("ssh takes no password from a program"), "{error}");
    home.write("cfg/key", "");
    home.write("cfg/tests.cfg", format!("{LINUX}{rest}key = key\n"));
    assert_eq!(home.boots(true, &[], &[]).unwrap(), [home.hash("data/images/foo-linux.qcow2")]);
    home.image("data/images/foo-windows.qcow2");
    home.write("cfg/tests.cfg", GENERAL);
    let error = home.boots(true, &[], &[]).unwrap_err();
    assert!(error.contains("'shell_client' is 'nc' (HOME/cfg/tests.cfg:4), want ssh"), "{error}");
    assert_eq!(
        home.boots(true, &["channel=agent"], &[]).unwrap(),
        [home.hash("data/images/foo-windows.qcow2")]
    );
}

#[test]
fn a_guest_that_is_named_and_has_no_image_is_none() {
    let home = Home::new();
    home.image("own/a.qcow2");
    home.image("cfg/b.qcow2");
    home.write(
        "own/guests.cfg",
        "variants guest:\n    - a:\n        image_name = a\n    - bare:\n        mem = 256\n",
    );
    let error = |config: &str, sets: &[&str]| {
        home.write("cfg/tests.cfg", config);
        home.boots(true, sets, &[]).unwrap_err()
    };
    assert!(error("", &["guest=bare"]).contains("image = perfvt:builtin is perfvt's own guest"));
    assert!(error("guest = nobody\n", &[]).contains("tests.cfg:1: no guest is called 'nobody'"));
    assert!(error("", &["guest_vm1=nobody"]).contains("no guest is called 'nobody'"));
    let two = error("image = b.qcow2\n", &["guest=a"]);
    assert_eq!(
        two,
        "--set guest=a: guest 'a' boots from a (HOME/own/guests.cfg:3), and HOME/cfg/tests.cfg:1 names b.qcow2: leave one of \
         them out; --set image=PATH wins over both"
    );
    assert!(
        error("image = b.qcow2\n", &["guest=builtin"])
            .contains("boots from perfvt:builtin (perfvt:guests.cfg)")
    );
    let boots = |config: &str, sets: &[&str]| {
        home.write("cfg/tests.cfg", config);
        home.boots(true, sets, &[]).unwrap().remove(0)
    };
    let (a, b) = (home.hash("own/a.qcow2"), home.hash("cfg/b.qcow2"));
    assert_eq!(boots("image = ../own/a.qcow2\n", &["guest=a"]), a);
    let set = format!("image={}", home.at("cfg/b.qcow2").display());
    assert_eq!(boots("", &["guest=a", &set]), b);
    assert_eq!(boots("", &["guest_vm1=a"]), a);
    assert_eq!(boots("image = b.qcow2\nguest_vm2 = a\n", &[]), b);
    assert_eq!(boots("image_name_image1 = b\nimage_name = c\n", &[]), b);
    assert_eq!(boots("images = disk stg\nimage_name_disk = b\nimage_name_stg = c\n", &[]), b);
    assert_eq!(boots("include perfvt:guests.cfg\nimage = b.qcow2\n", &[]), b);
    assert_eq!(boots("guest = mine\nimage = b.qcow2\n", &[]), b);
    assert_eq!(boots("image = perfvt:builtin\n", &[]), None);
    assert_eq!(boots("", &[]), None);
    // What a flag says of all guests does not hide that the second one has two images.
    home.write("cfg/tests.cfg", "image_name_vm2 = b\nguest_vm2 = a\n");
    let set = format!("image={}", home.at("own/a.qcow2").display());
    let two = home.boots_of("vm2", true, &[&set], &[]).unwrap_err();
    assert!(two.contains("guest 'a' boots from a (HOME/own/guests.cfg:3)"), "{two}");
    home.write("cfg/tests.cfg", "image = b.qcow2\nguest_vm2 = a\n");
    let params = home.plan(true, &[], &[]).unwrap().remove(0);
    assert!(params.get("image_vm2").unwrap().ends_with("own/a.qcow2"), "{params:?}");
}

/// The guests of a file, as `perfvt list FILE --guests` has them, each with its missing image.
fn listed(file: &Path) -> Vec<(String, Option<String>)> {
    let config = guests::load(file).unwrap();
    let mut all = Guests::new(&config, BOUND, MAX_GUESTS);
    std::iter::from_fn(|| all.next_guest().unwrap()).map(|guest| (guest.name, guest.missing)).collect()
}

#[test]
fn guests_in_the_form_of_avocado_vt_are_all_listed_and_found() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/guests/guest-os.cfg");
    let all = listed(&file);
    let shown: Vec<String> = all
        .iter()
        .map(|(name, missing)| format!("{name}: {}", missing.as_deref().unwrap_or("there")))
        .collect();
    assert_eq!(
        shown,
        [
            "Guest.LinuxCustom: an image: it names none",
            "Guest.Birch.1.i386: birch-1-32.qcow2",
            "Guest.Birch.1.x86_64: birch-1-64.qcow2",
            "Guest.Birch.2.x86_64: birch-2-64.qcow2",
            "Guest.Birch.devel.first: birch-devel.qcow2",
            "Guest.Birch.devel.second: birch-devel.qcow2",
            "Guest.Oak.7: oak7.qcow2",
            "Guest.Oak.raw: oak.raw",
            "Guest.Oak.9.9.9.aarch64: oak999-aarch64.qcow2",
            "Guest.WindowsCustom: an image: it names none",
            "Guest.Win2030.x86_64: win2030-64.qcow2",
        ]
    );
    let home = Home::new();
    home.write("own/guests.cfg", fs::read(&file).unwrap());
    home.image("data/images/birch-devel.qcow2");
    home.image("data/images/oak.raw");
    let key = home.at("own/key");
    fs::write(&key, "").unwrap();
    let key = format!("key={}", key.display());
    for (name, image) in [
        ("Birch.devel.second", "data/images/birch-devel.qcow2"),
        ("Linux.Birch.devel.first", "data/images/birch-devel.qcow2"),
        ("Oak.raw", "data/images/oak.raw"),
    ] {
        let guest = format!("guest={name}");
        assert_eq!(home.boots(false, &[&guest, &key], &[]).unwrap(), [home.hash(image)], "{name}");
    }
    let error = home.boots(false, &["guest=Birch.1"], &[]).unwrap_err();
    assert!(error.contains("may be Guest.Birch.1.i386, Guest.Birch.1.x86_64"), "{error}");
    let error = home.boots(false, &["guest=Win2030"], &[]).unwrap_err();
    assert!(error.contains("an image that is there"), "{error}");
    home.image("data/images/win2030-64.qcow2");
    let error = home.boots(false, &["guest=Win2030"], &[]).unwrap_err();
    assert!(error.contains("'shell_client' is 'nc' (HOME/own/guests.cfg:51)"), "{error}");
    let params = home.plan(false, &["guest=Win2030", "channel=agent"], &[]).unwrap().remove(0);
    assert_eq!(parse::os(&params).unwrap(), Os::Windows);
}

#[test]
fn the_guests_of_avocado_vt_are_all_listed_soon() {
    let Some(file) = std::env::var_os("PERFVT_GUEST_OS_CFG").map(PathBuf::from).filter(|file| file.is_file())
    else {
        testing::skip("PERFVT_GUEST_OS_CFG names no guest-os.cfg of avocado-vt");
        return;
    };
    // Of those hundreds of guests, each is made once: a release build takes less than a second.
    let all = testing::no_square(|| listed(&file));
    assert!(all.len() >= 184, "{} guests", all.len());
    let names: HashSet<&String> = all.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), all.len());
}

/// Stems and ends of image files.
const STEMS: [&str; 3] = ["a", "images/a", "b"];
const ENDS: [&str; 3] = [".qcow2", ".raw", ""];
/// Folders in which they may lie: of the configuration, of what it includes, of the guests, and of data.
const FOLDERS: [&str; 4] = ["cfg", "cfg/sub", "own", "data"];
/// Names of guests: two that are defined, perfvt's own, and nobody's.
const GUESTS: [&str; 4] = ["g", "h", "builtin", "nobody"];

/// Keys that name an image, as they stand in one place.
#[derive(Clone, Debug)]
struct Naming {
    /// The end of the file in `image`; else `image_name` names it.
    image: Option<usize>,
    stem: usize,
    format: Option<&'static str>,
    raw: bool,
}

impl Naming {
    fn lines(&self, prefix: &str) -> Vec<String> {
        let stem = format!("{prefix}{}", STEMS[self.stem]);
        let mut lines = vec![match self.image {
            Some(end) => format!("image={stem}{}", ENDS[end]),
            None => format!("image_name={stem}"),
        }];
        lines.extend(self.format.map(|format| format!("image_format={format}")));
        lines.extend(self.raw.then(|| "image_raw_device=yes".to_owned()));
        lines
    }

    /// Every file that may be meant by it in a folder.
    fn files(&self, folder: &str) -> Vec<String> {
        let stem = STEMS[self.stem];
        match (self.image, self.format) {
            (Some(end), _) => vec![format!("{folder}/{stem}{}", ENDS[end])],
            _ if self.raw => [folder, "data"].map(|folder| format!("{folder}/{stem}")).to_vec(),
            (None, Some(format)) => {
                [folder, "data"].map(|folder| format!("{folder}/{stem}.{format}")).to_vec()
            }
            (None, None) => {
                let all = [folder, "data"].map(|folder| ENDS.map(|end| format!("{folder}/{stem}{end}")));
                all.concat()
            }
        }
    }
}

/// Who names what, and where.
#[derive(Clone, Debug)]
struct Said {
    files: Vec<bool>,
    own: [Option<Naming>; 2],
    config: Option<Naming>,
    /// At the top, in a file that is included, or in a variant that is called as the first guest.
    stands: usize,
    config_guest: Option<usize>,
    flag_guest: Option<usize>,
    flag: Option<Naming>,
    by_env: bool,
}

fn naming() -> impl Strategy<Value = Naming> {
    let format = prop_oneof![3 => Just(None), 1 => Just(Some("qcow2")), 1 => Just(Some("raw"))];
    let parts = (prop::option::of(0..ENDS.len()), 0..STEMS.len(), format, prop::bool::weighted(0.1));
    parts.prop_map(|(image, stem, format, raw)| Naming { image, stem, format, raw })
}

fn said() -> impl Strategy<Value = Said> {
    let all = FOLDERS.len() * STEMS.len() * ENDS.len();
    let guest =
        || prop::option::weighted(0.4, prop_oneof![4 => Just(0), 2 => Just(1), 1 => Just(2), 1 => Just(3)]);
    let own = [prop::option::weighted(0.8, naming()), prop::option::weighted(0.8, naming())];
    (
        prop::collection::vec(prop::bool::weighted(0.4), all),
        own,
        prop::option::of(naming()),
        0..3usize,
        guest(),
        guest(),
        prop::option::weighted(0.3, naming()),
        any::<bool>(),
    )
        .prop_map(|(files, own, config, stands, config_guest, flag_guest, flag, by_env)| Said {
            files,
            own,
            config,
            stands,
            config_guest,
            flag_guest,
            flag,
            by_env,
        })
}

fn block(lines: &[String], indent: &str) -> String {
    lines.iter().map(|line| format!("{indent}{line}\n")).collect()
}

impl Said {
    /// Writes it all, and gives the flags.
    fn laid_out(&self, home: &Home) -> (Vec<String>, Vec<String>) {
        FOLDERS.iter().for_each(|dir| fs::create_dir_all(home.at(dir).join("images")).unwrap());
        let all = FOLDERS.iter().flat_map(|dir| STEMS.iter().map(move |stem| format!("{dir}/{stem}")));
        let all = all.flat_map(|path| ENDS.map(|end| format!("{path}{end}")));
        all.zip(&self.files).filter(|(_, there)| **there).for_each(|(path, _)| home.image(&path));
        let mut own = "variants:\n".to_owned();
        for (name, naming) in GUESTS.iter().zip(&self.own) {
            let lines = naming.as_ref().map(|naming| naming.lines("")).unwrap_or_default();
            own += &format!("    - {name}:\n        mem = 256\n{}", block(&lines, "        "));
        }
        home.write("own/guests.cfg", own);
        let guest = self.config_guest.map(|guest| format!("guest = {}", GUESTS[guest]));
        let mut lines: Vec<String> = guest.into_iter().collect();
        let keys = self.config.as_ref().map(|naming| naming.lines("")).unwrap_or_default();
        let text = match (self.stands, &self.config) {
            (_, None) => block(&lines, ""),
            (0, _) => {
                lines.extend(keys);
                block(&lines, "")
            }
            (1, _) => {
                home.write("cfg/sub/part.cfg", block(&keys, ""));
                block(&lines, "") + "include sub/part.cfg\n"
            }
            _ => {
                let variant = format!("variants:\n    - g:\n{}    - z:\n", block(&keys, "        "));
                block(&lines, "") + &variant
            }
        };
        home.write("cfg/tests.cfg", text);
        let mut flags: Vec<String> =
            self.flag_guest.map(|guest| format!("guest={}", GUESTS[guest])).into_iter().collect();
        let prefix = format!("{}/", home.at("own").display());
        flags.extend(self.flag.as_ref().map(|naming| naming.lines(&prefix)).unwrap_or_default());
        match self.by_env {
            true if !flags.is_empty() => (Vec::new(), vec![format!("e:{}", flags.join(","))]),
            _ => (flags, Vec::new()),
        }
    }

    /// The files that may boot, of which each list that is in force must have one; none when nothing names an image.
    fn named(&self) -> Vec<Vec<String>> {
        if let Some(flag) = &self.flag {
            return vec![flag.files("own")];
        }
        let folder = if self.stands == 1 { "cfg/sub" } else { "cfg" };
        let config = self.config.as_ref().map(|naming| naming.files(folder));
        let guest = self.flag_guest.or(self.config_guest).and_then(|guest| self.own.get(guest)?.as_ref());
        config.into_iter().chain(guest.map(|naming| naming.files("own"))).collect()
    }

    /// Whether anything names a guest that is not perfvt's own.
    fn names_a_guest(&self) -> bool {
        self.flag_guest.or(self.config_guest).is_some_and(|guest| GUESTS[guest] != "builtin")
    }
}

#[test]
fn what_a_definition_names_is_what_boots_or_it_is_refused() {
    let (booted, builtin, refused) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
    let cases = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(cases, |(said in said())| {
        let home = Home::new();
        let (sets, envs) = said.laid_out(&home);
        let (sets, envs): (Vec<&str>, Vec<&str>) =
            (sets.iter().map(String::as_str).collect(), envs.iter().map(String::as_str).collect());
        let named = said.named();
        let there = |file: &String| home.at(file).is_file();
        match home.boots(true, &sets, &envs) {
            Ok(all) => {
                prop_assert_eq!(all.len(), 1);
                match &all[0] {
                    None => {
                        builtin.fetch_add(1, Ordering::Relaxed);
                        prop_assert!(named.is_empty() && !said.names_a_guest(), "the built-in guest");
                    }
                    hash => {
                        booted.fetch_add(1, Ordering::Relaxed);
                        prop_assert!(!named.is_empty(), "an image that nothing names");
                        for files in &named {
                            let mut hashes = files.iter().filter(|file| there(file)).map(|file| home.hash(file));
                            prop_assert!(hashes.any(|known| known == *hash), "none of {files:?}");
                        }
                    }
                }
            }
            Err(reason) => {
                refused.fetch_add(1, Ordering::Relaxed);
                prop_assert!(!reason.is_empty());
                // Nothing is refused that is plain: one place names one file by its path.
                let alone = said.config.as_ref().filter(|naming| {
                    said.stands < 2 && naming.image.is_some() && !naming.raw && naming.format.is_none()
                });
                let plain = said.flag.is_none() && said.flag_guest.or(said.config_guest).is_none();
                if let Some(naming) = alone.filter(|_| plain) {
                    let folder = if said.stands == 1 { "cfg/sub" } else { "cfg" };
                    prop_assert!(!naming.files(folder).iter().all(there), "{reason}");
                }
            }
        }
    });
    let counted = |of: AtomicU32| of.into_inner();
    let (booted, builtin, refused) = (counted(booted), counted(builtin), counted(refused));
    assert!(
        booted > 40 && builtin > 20 && refused > 40,
        "{booted} booted, {builtin} built in, {refused} refused"
    );
}

/// What is said of the second guest alone.
#[derive(Clone, Debug)]
struct Second {
    said: Said,
    naming: Option<Naming>,
    guest: Option<usize>,
    by_flag: bool,
}

fn second() -> impl Strategy<Value = Second> {
    let guest = prop::option::of(0..GUESTS.len());
    (said(), prop::option::of(naming()), guest, any::<bool>())
        .prop_map(|(said, naming, guest, by_flag)| Second { said, naming, guest, by_flag })
}

#[test]
fn one_guest_of_two_boots_what_is_named_for_it_alone() {
    let (booted, refused) = (AtomicU32::new(0), AtomicU32::new(0));
    let cases = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(cases, |(second in second())| {
        let Second { mut said, naming, guest, by_flag } = second;
        (said.stands, said.by_env, said.flag_guest) = (0, false, None);
        let home = Home::new();
        let (mut sets, _) = said.laid_out(&home);
        let prefix = if by_flag { format!("{}/", home.at("own").display()) } else { String::new() };
        let lines = naming.iter().flat_map(|naming| naming.lines(&prefix));
        let lines = lines.chain(guest.map(|guest| format!("guest={}", GUESTS[guest])));
        let lines: Vec<String> = lines.map(|line| line.replacen('=', "_vm2=", 1)).collect();
        if by_flag {
            sets.extend(lines);
        } else {
            let text = fs::read_to_string(home.at("cfg/tests.cfg")).unwrap();
            home.write("cfg/tests.cfg", text + &block(&lines, ""));
        }
        let own = guest.and_then(|guest| said.own.get(guest)?.as_ref()).map(|naming| naming.files("own"));
        let special = naming.as_ref().map(|naming| naming.files(if by_flag { "own" } else { "cfg" }));
        let named: Vec<Vec<String>> = match (special, guest) {
            (Some(files), _) if by_flag => vec![files],
            (Some(files), _) => std::iter::once(files).chain(own).collect(),
            (None, Some(_)) => own.into_iter().collect(),
            (None, None) => said.named(),
        };
        let other = guest.map_or_else(|| said.names_a_guest(), |guest| GUESTS[guest] != "builtin");
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        match home.boots_of("vm2", true, &sets, &[]).map(|mut all| all.remove(0)) {
            Ok(None) => prop_assert!(named.is_empty() && !other, "the built-in guest"),
            Ok(hash) => {
                booted.fetch_add(1, Ordering::Relaxed);
                prop_assert!(!named.is_empty(), "an image that nothing names");
                for files in &named {
                    let there = files.iter().filter(|file| home.at(file).is_file());
                    prop_assert!(there.map(|file| home.hash(file)).any(|known| known == hash), "none of {files:?}");
                }
            }
            Err(_) => {
                refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let (booted, refused) = (booted.into_inner(), refused.into_inner());
    assert!(booted > 15 && refused > 30, "{booted} booted, {refused} refused");
}
