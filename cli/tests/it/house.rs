//! The house's own rules: which crate and which room may know which, and how large a room may be. docs/architecture.md
//! shows the same arrows that are checked here.

use crate::house_support;

use house_support::{Arrows, circles, crates, drawn, modules, naming, rooms, uses};
use std::collections::BTreeSet;

/// Crates whose rooms the document draws.
const DRAWN: [&str; 2] = ["vm", "collect"];

fn document() -> String {
    std::fs::read_to_string(house_support::root().join("docs/architecture.md")).unwrap()
}

/// What is drawn and what is there, with the arrows that differ.
fn compare(what: &str, drawn: &Arrows, there: &Arrows) {
    let flat = |arrows: &Arrows| -> BTreeSet<(String, String)> {
        arrows.iter().flat_map(|(from, to)| to.iter().map(|to| (from.clone(), to.clone()))).collect()
    };
    let (said, real) = (flat(drawn), flat(there));
    let lines = |a: &BTreeSet<(String, String)>, b: &BTreeSet<(String, String)>| {
        a.difference(b).map(|(from, to)| format!("{from} -> {to}")).collect::<Vec<_>>()
    };
    assert!(
        said == real,
        "{what}: the code has arrows that docs/architecture.md does not allow: {:?}; the document has arrows that nothing \
         uses: {:?}",
        lines(&real, &said),
        lines(&said, &real)
    );
    let names = |arrows: &Arrows| arrows.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>();
    assert_eq!(names(drawn), names(there), "{what}: names in docs/architecture.md and in the code");
}

#[test]
fn crates_import_only_what_the_document_draws() {
    compare("crates", &drawn(&document(), "crates"), &crates());
}

#[test]
fn rooms_import_only_what_the_document_draws() {
    for name in DRAWN {
        compare(name, &drawn(&document(), name), &rooms(name));
    }
}

#[test]
fn arrows_in_the_document_point_upwards() {
    for block in ["crates"].into_iter().chain(DRAWN) {
        let mut above: BTreeSet<String> = BTreeSet::new();
        for (name, to) in drawn(&document(), block) {
            let ahead: Vec<_> = to.iter().filter(|to| !above.contains(*to)).collect();
            assert!(ahead.is_empty(), "{block}: {name} points at {ahead:?}, which stand below it or nowhere");
            above.insert(name);
        }
    }
}

/// At every level: rooms of a crate, files of a room. A parent and its own child are no circle.
#[test]
fn no_modules_import_each_other_in_a_circle() {
    let _turn = testing::busy();
    let mut found = Vec::new();
    for (name, _) in crates() {
        found.extend(circles(&name));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What keys come in, in `model`.
const KEYS: [&str; 3] = ["Param", "Params", "ParamsError"];

/// Keys are read in `collect::parse`, so that nobody reads them twice in two ways.
#[test]
fn what_runs_guests_takes_types_and_reads_no_parameter() {
    let found = naming("vm", "model", &KEYS);
    assert!(found.is_empty(), "these name {KEYS:?}; collect/src/parse reads parameters: {found:?}");
    let elsewhere = naming("collect", "model", &KEYS);
    assert!(elsewhere.iter().any(|file| file.ends_with("parse/disk.rs")), "{elsewhere:?}");
}

/// What may be larger than [`FILE`], [`FUNCTION`] or [`PARAMETERS`] say, with the reason. No more than 20.
const LARGER: &[(&str, &str)] = &[
    ("analyze/src/explain.rs test_steps", "the steps of one test, in the order of the text"),
    ("analyze/src/input/rhs_file.rs read_rhs", "one way through, with the reason of each refusal"),
    ("analyze/src/row/mod.rs row", "every field of a row, once"),
    ("cartesian/src/variants.rs variant", "what the parser knows where a variant begins"),
    ("collect/src/campaign/sample.rs cell", "one sample with each way out of it, and all that it touches"),
    ("collect/src/campaign/sample.rs sample", "all that a sample touches"),
    ("collect/src/campaign/setup.rs prepare", "the steps to a plan, in their order"),
];
/// Lines of a file without its tests.
const FILE: usize = 400;
/// Lines of a function.
const FUNCTION: usize = 60;
/// Parameters of a function, `self` among them.
const PARAMETERS: usize = 6;

#[test]
fn no_file_and_no_function_is_too_large_to_be_read_at_once() {
    let mut large = Vec::new();
    for (name, _) in crates() {
        for module in modules(&name) {
            let lines = module.lines_without_tests();
            if lines > FILE {
                large.push((module.shown(), format!("has {lines} lines")));
            }
            for function in module.functions() {
                let place = format!("{} {}", module.shown(), function.name);
                if function.lines > FUNCTION {
                    large.push((place.clone(), format!("has {} lines", function.lines)));
                }
                if function.parameters > PARAMETERS {
                    large.push((place, format!("has {} parameters", function.parameters)));
                }
            }
        }
    }
    let excused = |place: &str| LARGER.iter().any(|(known, reason)| *known == place && !reason.is_empty());
    let new: Vec<String> = large
        .iter()
        .filter(|(place, _)| !excused(place))
        .map(|(place, what)| format!("{place} {what}"))
        .collect();
    assert!(new.is_empty(), "split these, or say in LARGER why they are as they are:\n{}", new.join("\n"));
    let stale: Vec<_> =
        LARGER.iter().filter(|(known, _)| !large.iter().any(|(place, _)| place == known)).collect();
    assert!(stale.is_empty(), "these are not too large any more: {stale:?}");
    assert!(LARGER.len() <= 20, "{} exceptions are more than 20", LARGER.len());
}

/// A test that cannot run says so by `testing::skip`, which counts it; the harness swallows what is only printed.
#[test]
fn tests_that_cannot_run_say_so_in_one_way() {
    let mut others = Vec::new();
    // A bench has no harness that would swallow it.
    for (path, text) in house_support::sources().into_iter().filter(|(path, _)| !path.contains("/benches/")) {
        let said = text.split("print").skip(1).filter(|rest| {
            let words = rest.trim_start_matches("ln").trim_start_matches("!(").trim_start();
            words.starts_with("\"skipp") || words.starts_with("\"not repeated")
        });
        others.extend(said.map(|_| path.clone()));
    }
    assert!(others.is_empty(), "these print that a test is skipped: {others:?}");
}

#[test]
fn the_reader_of_imports_sees_through_trees_paths_and_names_that_are_handed_on() {
    let text = "use crate::a::{b::C, d::{self, E}};\nuse super::f;\nfn x() { crate::g::h(); }\n\
                #[cfg(test)]\nmod tests { use crate::never::X; }";
    let found: Vec<String> = uses(text).iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["crate::a::b::C", "crate::a::d", "crate::a::d::E", "super::f", "crate::g::h"]);
}
