use super::*;
use std::fs;

/// A folder with a file of keys and what it names.
fn described(more: &str) -> (tempfile::TempDir, Asked) {
    let dir = tempfile::tempdir().unwrap();
    for name in ["linux", "initrd.gz"] {
        fs::write(dir.path().join(name), name).unwrap();
    }
    fs::write(dir.path().join("debian.preseed"), "d-i name ${name}\nd-i hash ${password_hash}\n").unwrap();
    let file = dir.path().join("debian.cfg");
    let keys = "install_name = web\ninstall_kernel = linux\ninstall_initrd = initrd.gz\nanswers = debian.preseed\n\
                answers_by = initrd\npassword_hash = $6$abc\n";
    fs::write(&file, format!("{keys}{more}")).unwrap();
    let asked = Asked { file, ..Asked::default() };
    (dir, asked)
}

fn error(more: &str) -> String {
    let (_dir, asked) = described(more);
    recipe(&asked, Accel::Tcg).unwrap_err().to_string()
}

#[test]
fn files_are_beside_the_file_that_names_them_and_answers_are_filled_in() {
    let (dir, asked) = described("size = 2G\n");
    let made = recipe(&asked, Accel::Tcg).unwrap();
    assert_eq!((made.name.as_str(), made.from.as_str(), made.size), ("web", "debian.cfg", 2 << 30));
    assert_eq!(made.kernel, Some(dir.path().join("linux")));
    let answers = made.answers.unwrap();
    assert_eq!(answers.name, "preseed.cfg");
    assert_eq!(answers.text.reveal(), "d-i name web\nd-i hash $6$abc\n");
}

#[test]
fn a_flag_wins_and_one_variant_is_taken() {
    let (_dir, mut asked) =
        described("variants:\n    - small:\n        size = 1G\n    - large:\n        size = 9G\n");
    let said = recipe(&asked, Accel::Tcg).unwrap_err().to_string();
    assert!(said.contains("several variants are left") && said.contains("--only"), "{said}");
    asked.only = vec!["large".into()];
    asked.sets = vec!["mem=2048".into()];
    asked.name = Some("other".into());
    let made = recipe(&asked, Accel::Tcg).unwrap();
    assert_eq!((made.name.as_str(), made.size, made.hardware.mem_mib), ("other", 9 << 30, 2048));
}

#[test]
fn what_makes_no_sense_is_named_with_its_line() {
    for (more, wanted) in [
        (
            "intsall_iso = x\n",
            "debian.cfg:7: an installation has no key 'intsall_iso', did you mean install_iso?",
        ),
        ("install_kernel = nothing\n", "want a file that is there"),
        ("install_kernel =\n", "a kernel, or an install_iso"),
        ("install_initrd =\n", "an install_initrd beside it"),
        ("answers =\n", "a template in answers beside it"),
        ("answers_by = post\n", "initrd, cidata, oemdrv, floppy"),
        ("answers_by = floppy\nmachine = q35\n", "pc, which has a floppy drive"),
        ("password_hash =\n", "debian.preseed:2: ${password_hash} is not known"),
        ("size = 2T\n", "1M to 1T"),
        ("phases = nowhere\n", "debian, anaconda, subiquity, none, or a file"),
        ("install_name =\n", "here or by --name"),
        ("name = other\n", "name"),
        ("ssh_key = linux\n", "one public key"),
        ("deadline = 0\n", "seconds, 1 or more"),
    ] {
        let said = error(more);
        assert!(said.contains(wanted), "{more}: {said}");
    }
}

#[test]
fn a_secret_is_in_no_message_and_may_come_from_a_file() {
    let said = error("password_hash = $6$topsecret\nsize = 9T\n");
    assert!(!said.contains("topsecret"), "{said}");
    let (dir, asked) = described("password_hash_file = hash\n");
    fs::write(dir.path().join("hash"), "$6$ofafile\n").unwrap();
    let made = recipe(&asked, Accel::Tcg).unwrap();
    assert!(!format!("{made:?}").contains("ofafile"));
    assert!(made.answers.unwrap().text.reveal().contains("d-i hash $6$ofafile\n"));
}

#[test]
fn the_document_has_every_key_and_its_default() {
    let text = include_str!("../../../docs/install-guests.md");
    for known in KEYS {
        assert!(text.contains(&format!("`{}`", known.key)), "docs/install-guests.md has no `{}`", known.key);
        assert!(
            text.contains(&format!("`{}`", known.default)) || known.default.is_empty(),
            "{}",
            known.default
        );
    }
}
