//! `perfvt import-libvirt`.

use crate::{DONE, Error};
use edge::{quoted, visible};
use formats::libvirt as domain;
use model::counted;
use std::io::Write;
use std::path::Path;

/// The longest definition that is read, in bytes; libvirt's own have some 10 KiB.
const LONGEST: u64 = 4 << 20;

/// Prints a guest definition that has a domain's keys, and what has no key as comments.
pub fn libvirt(path: &Path, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let text = if path.as_os_str() == "-" {
        edge::read::standard_input(LONGEST)
    } else {
        edge::read_text(path, LONGEST)
    };
    let text = text.map_err(|e| format!("reading {}: {e}", path.display()))?;
    let guest =
        domain::parse(&text).map_err(|(line, why)| format!("{}:{line}: {}", path.display(), quoted(&why)))?;
    let name = label(&guest.name);
    writeln!(
        out,
        "# The guest {} of libvirt, from {}.",
        visible(&guest.name),
        visible(&path.display().to_string())
    )?;
    writeln!(out, "variants guest:\n    - {name}:")?;
    for (key, value, _) in &guest.keys {
        // A value of several lines would be keys of its own.
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        writeln!(out, "        {key} = {}", visible(&value))?;
    }
    if !guest.keys.iter().any(|(key, ..)| key == "channel") {
        writeln!(
            out,
            "        # The domain has no channel of QEMU's guest agent: channel = ssh or serial says how to enter."
        )?;
    }
    for one in &guest.unmapped {
        writeln!(out, "    # line {}: {}: {}", one.line, visible(&one.what), one.why)?;
    }
    writeln!(
        err,
        "{} taken over, {} not; put it into ~/.config/perfvt/guests.cfg, then: perfvt run netperf --guest {name} --dry-run",
        counted(guest.keys.len(), "key"),
        counted(guest.unmapped.len(), "element")
    )?;
    Ok(DONE)
}

/// A name that a variant may have: dots would be names of their own.
fn label(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    let label: String = name.chars().map(plain).take(60).collect();
    if label.is_empty() { "libvirt".to_owned() } else { label }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cartesian::{Config, Options};

    #[test]
    fn a_domain_becomes_a_definition_whose_keys_are_known() {
        let domain = Path::new(env!("CARGO_MANIFEST_DIR")).join("../formats/testdata/libvirt/domain.xml");
        let (mut out, mut err) = (Vec::new(), Vec::new());
        assert_eq!(libvirt(&domain, &mut out, &mut err).unwrap(), DONE);
        let [text, said] = [out, err].map(|bytes| String::from_utf8(bytes).unwrap());
        assert!(text.contains("    - web1:\n        machine = pc-q35-7.2\n"), "{text}");
        assert!(text.contains("# line 70: devices/graphics type=spice: guests have no screen\n"), "{text}");
        assert!(said.starts_with("18 keys taken over, 11 elements not; "), "{said}");
        for line in text.lines().filter(|line| line.starts_with("        ") && !line.contains('#')) {
            let (key, _) = line.trim().split_once(" = ").unwrap();
            assert!(collect::config::reference::key(key.trim_end_matches("_nic2")).is_ok(), "{key}");
        }
        let config = Config::parse("guests.cfg", &text, Options::default()).unwrap();
        assert_eq!(config.block("guest"), ["web1"]);
    }

    #[test]
    fn names_become_labels() {
        assert_eq!((label("web 1.example"), label("")), ("web_1_example".to_owned(), "libvirt".to_owned()));
    }
}
