//! Images that name other files of this host: what a guest could read by them is refused before anything boots.

#[path = "../../../formats/testdata/qcow2/made.rs"]
pub mod made;
use crate::support;

use made::{Made, above};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use support::{output, perfvt, ready, text};

/// Whether a plan with these settings is made, and what is said of it.
fn planned(sets: &[String]) -> (bool, String) {
    let mut run = perfvt();
    run.args(["run", "command", "--set", "command=true", "--allow-unpinned", "--dry-run"]);
    sets.iter().for_each(|set| {
        run.args(["--set", set]);
    });
    let run = output(&mut run);
    (run.status.success(), text(&run.stdout) + &text(&run.stderr))
}

fn set(key: &str, path: &Path) -> String {
    format!("{key}={}", path.display())
}

#[test]
fn a_private_file_behind_an_image_is_refused_by_every_verb_until_it_is_named() {
    let Some(_guard) = ready() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (image, secret) = (dir.path().join("image.qcow2"), dir.path().join("secret"));
    fs::write(&secret, [b'x'; 1024]).unwrap();
    fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    for header in [
        above("secret", "raw"),
        above(secret.to_str().unwrap(), "raw"),
        Made { data_file: Some("secret"), ..Made::default() }.bytes(),
    ] {
        fs::write(&image, header).unwrap();
        let (done, said) = planned(&[set("image", &image)]);
        assert!(!done && said.contains("and the guest could read it"), "{said}");
        let shell = output(perfvt().args(["guest", "shell", "--set", &set("image", &image), "--", "true"]));
        assert!(text(&shell.stderr).contains("and the guest could read it"), "{}", text(&shell.stderr));
        let run = ["run", "command", "--set", "command=true", "--allow-unpinned", "--set"];
        let out = dir.path().join("X");
        let run = output(perfvt().args(run).arg(set("image", &image)).arg("--out").arg(&out));
        assert!(text(&run.stderr).contains("and the guest could read it"), "{}", text(&run.stderr));
        let (done, said) = planned(&[set("image", &image), set("image_backing", &secret)]);
        assert!(done && said.contains("-blockdev '{"), "{said}");
    }
    // A configuration's relative names are relative to it, and one guest may have what another one has not.
    fs::write(&image, above("secret", "raw")).unwrap();
    let (done, said) = planned(&[set("image", &image), set("image_backing_vm2", &secret)]);
    assert!(!done, "{said}");
    let config = dir.path().join("tests.cfg");
    fs::write(&config, "command = true\nimage = image.qcow2\nimage_backing = secret\n").unwrap();
    let run = output(perfvt().args(["run", "command", "--dry-run", "--allow-unpinned", "-c"]).arg(&config));
    assert!(run.status.success(), "{}", text(&run.stderr));
}

#[test]
fn a_raw_disk_is_said_to_be_raw_and_stays_it_whatever_its_guest_wrote() {
    let Some(_guard) = ready() else { return };
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("image");
    let image = |content: &[u8]| {
        fs::write(&image, content).unwrap();
        set("image", &image)
    };
    let (done, said) = planned(&[image(&[0; 4096])]);
    assert!(!done && said.contains("image_format=raw reads a raw disk"), "{said}");
    let raw = "image_format=raw".to_owned();
    let (done, said) = planned(&[image(&above("/etc/passwd", "raw")), raw]);
    let below = r#""backing":{"driver":"raw","file":{"driver":"file","filename":"IMAGE/disk"}}"#;
    assert!(done && said.contains(below), "{said}");
}
