use super::*;
use process::deadlines::HOST_ANSWER;
use process::{Spec, run};
use std::path::Path;

fn seed(label: Label, files: &[(&str, &[u8])]) -> Seed {
    Seed {
        label,
        files: files.iter().map(|(name, content)| ((*name).to_owned(), content.to_vec())).collect(),
    }
}

/// What a program of mtools says of a disk; `None` where there is none.
fn mtools(disk: &Path, program: &str, arguments: &[&str]) -> Option<String> {
    if run(Spec::new("mtype").arg("--version"), HOST_ANSWER).is_err() {
        testing::skip("mtools is missing; `make setup-test` gets it");
        return None;
    }
    let spec = Spec::new(program).arg("-i").arg(disk).args(arguments);
    Some(String::from_utf8(run(spec, HOST_ANSWER).unwrap()).unwrap())
}

#[test]
fn the_same_files_are_the_same_bytes_and_others_are_not() {
    let one =
        || seed(Label::Cidata, &[("meta-data", b"instance-id: a\n"), ("user-data", b"#cloud-config\n")]);
    assert_eq!(one().image().unwrap(), one().image().unwrap());
    assert_ne!(one().image().unwrap(), Seed { label: Label::Oemdrv, ..one() }.image().unwrap());
    assert_ne!(
        one().image().unwrap(),
        seed(Label::Cidata, &[("meta-data", b"instance-id: b\n")]).image().unwrap()
    );
}

#[test]
fn other_programs_read_what_was_written() {
    let long = "a name that is longer than eight letters.and has more than three behind its dot";
    let large: Vec<u8> = (0..300_000_u32).map(|at| at as u8).collect();
    let dir = tempfile::tempdir().unwrap();
    for label in [Label::Cidata, Label::Oemdrv, Label::Floppy] {
        let files: [(&str, &[u8]); 4] =
            [("meta-data", b"x\n"), (long, b"y\n"), ("one/two/large", &large), ("empty", b"")];
        let disk = dir.path().join("disk");
        std::fs::write(&disk, seed(label, &files).image().unwrap()).unwrap();
        let Some(listed) = mtools(&disk, "mdir", &["-/", "-b"]) else { return };
        for (name, _) in files {
            assert!(listed.contains(name), "{listed}");
        }
        assert_eq!(mtools(&disk, "mtype", &[&format!("::{long}")]).unwrap(), "y\n");
        let out = dir.path().join("out");
        let out = out.to_str().unwrap();
        mtools(&disk, "mcopy", &["-n", "-o", "::one/two/large", out]).unwrap();
        assert_eq!(std::fs::read(out).unwrap(), large);
        let label = String::from_utf8(label.bytes().to_vec()).unwrap();
        let said = mtools(&disk, "mlabel", &["-s"]).unwrap();
        assert!(said.contains(label.trim()), "{said}");
    }
}

#[test]
fn a_system_finds_the_disk_by_its_label() {
    let dir = tempfile::tempdir().unwrap();
    let disk = dir.path().join("disk");
    std::fs::write(&disk, seed(Label::Cidata, &[("meta-data", b"")]).image().unwrap()).unwrap();
    let look = Spec::new("/usr/sbin/blkid").args(["-p", "-o", "export"]).arg(&disk);
    let Ok(said) = run(look, HOST_ANSWER) else {
        return testing::skip("blkid is missing; util-linux has it");
    };
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("\nLABEL=CIDATA\n") && said.contains("\nTYPE=vfat\n"), "{said}");
}

#[test]
fn every_size_up_to_the_bound_has_room_and_what_is_beyond_is_refused() {
    for bytes in [0, 1, 511, 4096, 4097, 1 << 20, 4_100_000, 17 << 20] {
        let content = vec![7; bytes];
        assert!(seed(Label::Cidata, &[("file", &content)]).image().unwrap().len() > bytes, "{bytes}");
    }
    let many: Vec<_> =
        (0..MOST).map(|at| (format!("folder/file-with-a-long-name-{at}"), vec![1; 3])).collect();
    Seed { label: Label::Cidata, files: many }.image().unwrap();
    let more = vec![("file", b"".as_slice()); MOST + 1];
    let error = seed(Label::Cidata, &more).image().unwrap_err().to_string();
    assert!(error.ends_with("is 257 files, and 256 are the most; leave some out"), "{error}");
    let error =
        |label, bytes: usize| seed(label, &[("file", &vec![7; bytes])]).image().unwrap_err().to_string();
    assert!(error(Label::Cidata, LARGEST + 1).contains("more than its 67108864; leave some out"));
    assert!(error(Label::Floppy, FLOPPY + 1).contains("more than its 1474560"));
    // The tables and the root folder need some of it, too.
    assert!(error(Label::Floppy, FLOPPY).starts_with("writing 'file' to a FAT disk: "));
}

#[test]
fn names_that_fat_cannot_have_are_refused_and_never_a_panic() {
    let error = |files: &[(&str, &[u8])]| seed(Label::Cidata, files).image().unwrap_err().to_string();
    for name in ["", "a:b", "folder/", "x*", "a\0b", "\u{7f}|", &"x".repeat(300)] {
        let error = error(&[(name, b"")]);
        assert!(error.contains("give it another name"), "{name:?}: {error}");
    }
    let error = error(&[("Name", b""), ("name", b"")]);
    assert_eq!(error, "two files of a FAT disk are called 'name'; give one of them another name");
}
