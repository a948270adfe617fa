//! docs/keys.md is made from the table of keys.

use collect::config::aliases::{FOREIGN, VALUES};
use collect::config::reference::{about, sections};
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/keys.md")
}

#[test]
fn the_committed_reference_is_the_one_of_the_table() {
    if std::env::var_os("UPDATE_KEYS").is_some() {
        std::fs::write(committed(), document()).unwrap();
    }
    let text = std::fs::read_to_string(committed()).unwrap();
    assert!(
        text == document(),
        "docs/keys.md is not what the table gives; to make it anew:\n\
         UPDATE_KEYS=1 cargo test -p perfvt-collect --test it keys"
    );
}

const HEAD: &str = "# Keys

```
perfvt help keys                      # all of them
perfvt help keys disk_                # those with a part of a name
perfvt run netperf --dry-run -v       # what each is for this run, and who set it
perfvt run netperf --set mem=1G --env base --env head:nic_model=e1000
```

Each key that perfvt knows: in a configuration (`mem = 1G`), with `--set mem=1G` for all environments, with `--env head:mem=1G` for
one. This page is made from the program's own table (`collect/src/parameters`, and the file of each workload) by a test. A key that
ends in the name of a guest (`_vm1`, `_vm2`) or of a network card (`_nic1`, `_nic2`) is for that one alone. A value that is secret is
kept in `secrets.json` and shown as `(set)` everywhere else ([security.md](security.md)). Lists are words with blanks between them.
";

/// The page as it should be.
fn document() -> String {
    let mut out = HEAD.to_owned();
    for section in sections() {
        let _ = write!(out, "\n## {}\n\nFor {}.\n\n", section.title, section.applies);
        out.push_str("| key | default | values | what it is |\n|---|---|---|---|\n");
        for known in section.keys {
            let default = match known.default {
                Some("") => "empty".to_owned(),
                Some(default) => format!("`{default}`"),
                None => format!("unset: {}", known.otherwise),
            };
            let _ = writeln!(
                out,
                "| `{}` | {} | {} | {} |",
                known.key,
                cell(&default),
                cell(known.values),
                cell(&about(known))
            );
        }
    }
    out.push_str("\n## Other words for values\n\n| key | word | perfvt's own |\n|---|---|---|\n");
    for (key, word, own) in VALUES {
        let _ = writeln!(out, "| `{key}` | `{word}` | `{own}` |");
    }
    out.push_str(
        "\n## Keys of avocado-vt that have no effect\n\nA run warns of each that its configuration sets. Further keys that perfvt does not \
         know stay for `${key}` and filters.\n\n| key | here |\n|---|---|\n",
    );
    for (key, here) in FOREIGN {
        let _ = writeln!(out, "| `{key}` | {} |", cell(here));
    }
    out
}

/// A text as a table takes it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
