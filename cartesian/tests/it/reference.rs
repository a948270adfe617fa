//! Dictionary by dictionary beside avocado-vt's own parser, where it is installed.
//!
//! It is found as the Python module `virttest.cartesian_config`, or as the file that `PERFVT_CARTESIAN_REFERENCE`
//! names (`cartesian_config.py`); neither is part of perfvt. Without it these tests say so and pass.

use crate::support::{MANY, Plain, Statement, plain, product, statements, write};
use cartesian::{Config, Options};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Configurations that are compared.
const CONFIGS: usize = 300;
/// Variants of one configuration that are compared.
const VARIANTS: usize = 500;

/// Expands every file that standard input names, and prints a JSON list of variants for each, or `null` for an error.
const EXPANDER: &str = r"
import importlib.util, itertools, json, os, sys
path = os.environ.get('PERFVT_CARTESIAN_REFERENCE')
try:
    if path:
        spec = importlib.util.spec_from_file_location('cartesian_config', path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    else:
        from virttest import cartesian_config as module
except Exception as error:
    print(error, file=sys.stderr)
    sys.exit(7)
limit = int(sys.argv[1])
for name in sys.stdin.read().split('\n'):
    if not name:
        continue
    try:
        found = []
        for d in itertools.islice(module.Parser(name).get_dicts(), limit):
            params = {k: v for k, v in d.items() if isinstance(v, str) and k not in ('name', 'shortname')}
            found.append([d['name'], d['shortname'], d['dep'], params])
    except Exception:
        found = None
    print(json.dumps(found))
";

/// What the reference makes of files; `None` when it is not there.
fn reference(files: &[PathBuf]) -> Option<Vec<Option<Vec<Plain>>>> {
    let mut child = Command::new("python3")
        .args(["-c", EXPANDER, &VARIANTS.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let names: String = files.iter().map(|file| format!("{}\n", file.display())).collect();
    // It may have left already, for want of the module.
    let _ = child.stdin.take()?.write_all(names.as_bytes());
    let output = child.wait_with_output().ok()?;
    if output.status.code() == Some(7) {
        return None;
    }
    assert!(output.status.success(), "the reference stopped with {}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    type Row = (String, String, Vec<String>, std::collections::BTreeMap<String, String>);
    let read = |line: &str| serde_json::from_str::<Option<Vec<Row>>>(line).unwrap();
    let own = |(name, shortname, dep, params): Row| Plain { name, shortname, dep, params };
    Some(text.lines().map(|line| read(line).map(|rows| rows.into_iter().map(own).collect())).collect())
}

fn compare(files: &[PathBuf]) {
    let Some(wanted) = reference(files) else {
        testing::skip("python3 with virttest.cartesian_config is not here");
        return;
    };
    assert_eq!(wanted.len(), files.len());
    let mut compared = 0;
    for (file, wanted) in files.iter().zip(wanted) {
        let text = || std::fs::read_to_string(file).unwrap();
        let config = Config::load(file, Options::default());
        match wanted {
            None => {
                assert!(config.is_err(), "{} is read, and not by the reference:\n{}", file.display(), text())
            }
            Some(wanted) => {
                let mut found = plain(&config.unwrap()).unwrap();
                found.truncate(VARIANTS);
                compared += found.len();
                assert!(found == wanted, "{} differs:\n{}\n{found:#?}\n{wanted:#?}", file.display(), text());
            }
        }
    }
    eprintln!("{compared} dictionaries of {} configurations are the same", files.len());
}

/// Takes the variables out of conditions, where only perfvt reads them, and `only` out of half of the configurations,
/// so that more is left of them.
fn comparable(all: &mut Vec<Statement>, without_only: bool) {
    all.retain(|statement| !(without_only && matches!(statement, Statement::Only(_))));
    for statement in all {
        match statement {
            Statement::Condition { filter, body, .. } => {
                filter.iter_mut().flatten().flatten().for_each(|label| label.variable = None);
                comparable(body, without_only);
            }
            Statement::Variants { variants, .. } => {
                variants.iter_mut().for_each(|v| comparable(&mut v.body, without_only));
            }
            _ => {}
        }
    }
}

#[test]
fn made_up_configurations_expand_alike() {
    let dir = tempfile::tempdir().unwrap();
    let mut runner = TestRunner::new_with_rng(
        proptest::test_runner::Config::default(),
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let made = std::iter::repeat_with(|| statements().new_tree(&mut runner).unwrap().current());
    let small = made.filter(|all| product(all) <= MANY);
    let files = small.take(CONFIGS).enumerate().map(|(number, mut all)| {
        comparable(&mut all, number % 2 == 0);
        let path = dir.path().join(format!("{number}.cfg"));
        std::fs::write(&path, write(&all)).unwrap();
        path
    });
    compare(&files.collect::<Vec<_>>());
}

#[test]
fn written_configurations_expand_alike() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    compare(&[folder.join("suite/tests.cfg"), folder.join("vms.cfg")]);
}
