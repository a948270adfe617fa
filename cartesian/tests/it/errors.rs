//! What is said about configurations that are wrong: where, what was expected, and what was probably meant.

use cartesian::{CartesianError, Config, Limits, Loader, Options};
use std::path::Path;

fn error(text: &str) -> String {
    match Config::parse("t.cfg", text, Options::default()) {
        Ok(_) => panic!("this was read:\n{text}"),
        Err(error) => error.to_string(),
    }
}

fn load(dir: &Path, files: &[(&str, &str)]) -> Result<Config, CartesianError> {
    for (name, text) in files {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    Config::load(&dir.join(files[0].0), Options::default())
}

#[test]
fn the_place_the_line_and_a_caret_are_shown() {
    let text = "a = 1\n  only x...y\n";
    assert_eq!(
        error(text),
        "t.cfg:2:9: expected '.' (next to) or '..' (and), found 3 dots\n      only x...y\n            ^"
    );
}

#[test]
fn every_slip_is_found_at_its_column() {
    for (text, place, part) in [
        ("variants tests$:\n  - a:", "1:15", "found '$'"),
        ("variants tests [defaul$t=a]:\n  - a:", "1:23", "found '$'"),
        ("variants tests [default=a] wrong:\n  - a:", "1:28", "expected '[' or ':'"),
        ("variants a b:\n  - a:", "1:12", "expected '[' or ':'"),
        ("variants test [sss = bbb:\n  - a:", "1:26", "expected ']'"),
        ("variants test [default]:\n  - a:", "1:23", "expected '=' and the default's name"),
        ("variants [default=b]:\n  - a:", "1:1", "expected a variant 'b'"),
        ("variants test\n  - a:", "1:14", "expected '[' or ':'"),
        ("variants:\n  a:\n", "2:3", "expected a variant, '- name:'"),
        ("variants:\n  - a:\n  b = 1\n", "3:3", "indented further"),
        ("variants:\n  - a\n", "2:6", "expected ':'"),
        ("variants:\n  - a b:\n", "2:6", "expected ':'"),
        ("variants:\n  -\n", "2:4", "expected the name of a variant"),
        ("variants:\n  - a: (x\n", "2:10", "expected '=' or ')'"),
        ("- a:\n", "1:1", "expected a statement"),
        ("only x..,y", "1:9", "expected a name"),
        ("only a , b", "1:8", "a blank is already \"or\""),
        ("only a*", "1:7", "not by regular expressions"),
        ("a.*: b = 1", "1:3", "not by regular expressions"),
        ("a#b: c = 1", "1:2", "found a comment"),
        ("aaa.bbb", "1:8", "expected ':'"),
        ("onyl x", "1:1", "did you mean 'only'?"),
        ("only", "1:1", "'only' needs something behind it"),
        ("inclde x.cfg", "1:1", "did you mean 'include'?"),
        ("= 5", "1:1", "expected a key"),
        ("a: variants:\n  - x:", "1:4", "found 'variants'"),
        ("a:\n  join x y", "2:3", "found 'join'"),
        ("del a.*", "1:7", "not by regular expressions"),
        ("del a.b", "1:6", "expected the end of the line"),
        ("del a b", "1:7", "expected the end of the line"),
        ("suffix .", "1:8", "expected a suffix"),
        ("a(b ?= 1", "1:1", "expected an expression"),
        ("x(?!a) ?= 1\n", "1:1", "look-around is not supported"),
        ("!a", "1:3", "expected ':'"),
        ("only \"x", "1:6", "a closing '\"'"),
    ] {
        let error = error(text);
        assert!(
            error.starts_with(&format!("t.cfg:{place}: ")) && error.contains(part),
            "{text:?} gives {error}"
        );
    }
}

#[test]
fn an_include_that_is_missing_is_said_with_a_file_of_nearly_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let files = [("main.cfg", "a = 1\ninclude sub/guets.cfg\n"), ("sub/guest.cfg", "b = 2\n")];
    let error = load(dir.path(), &files).unwrap_err().to_string();
    assert!(
        error.contains("main.cfg:2:9: including ") && error.contains("did you mean 'guest.cfg'?"),
        "{error}"
    );
}

#[test]
fn includes_are_relative_to_the_including_file() {
    let dir = tempfile::tempdir().unwrap();
    let files = [
        ("main.cfg", "include sub/one.cfg\nvariants:\n    - a:\n        include sub/two.cfg\n    - b:\n"),
        ("sub/one.cfg", "k = 1\ninclude deeper/three.cfg"),
        ("sub/two.cfg", "variants:\n  - x:\n  - y:\nk += 2"),
        ("sub/deeper/three.cfg", "k += 3\n"),
    ];
    let config = load(dir.path(), &files).unwrap();
    let all: Vec<_> = config.variants().map(|v| v.unwrap()).collect();
    let shown: Vec<(&str, &str)> = all.iter().map(|v| (v.name.as_str(), v.get("k").unwrap())).collect();
    assert_eq!(shown, [("a.x", "132"), ("a.y", "132"), ("b", "13")]);
    let k = all[2].params.iter().find(|p| p.key == "k").unwrap();
    assert!(k.file.ends_with("sub/deeper/three.cfg") && k.line == 1, "{k:?}");
}

#[test]
fn include_cycles_are_shown_as_a_chain() {
    let dir = tempfile::tempdir().unwrap();
    let error =
        load(dir.path(), &[("a.cfg", "include b.cfg"), ("b.cfg", "x = 1\ninclude ./a.cfg")]).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("b.cfg:2:9: including ") && text.contains("it includes itself: "), "{text}");
    assert!(matches!(error, CartesianError::Include { .. }));
}

#[test]
fn what_is_no_file_or_no_text_is_not_included() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("folder")).unwrap();
    std::fs::write(dir.path().join("latin1.cfg"), b"a = 1\nb = \xe4\n").unwrap();
    for (include, part) in
        [("folder", "a directory, not a file"), ("/dev/zero", "device, not a file"), ("latin1.cfg", "line 2")]
    {
        let error = load(dir.path(), &[("main.cfg", &format!("include {include}"))]).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let error = Config::load(&dir.path().join("nowhere.cfg"), Options::default()).unwrap_err();
    assert!(matches!(error, CartesianError::Read { .. }), "{error}");
}

#[test]
fn a_variants_block_can_be_opened_by_an_include_but_not_in_a_condition() {
    let dir = tempfile::tempdir().unwrap();
    let files = [("main.cfg", "a:\n    include v.cfg\n"), ("v.cfg", "variants:\n  - a:\n")];
    let error = load(dir.path(), &files).unwrap_err().to_string();
    assert!(error.contains("v.cfg:1:1: ") && error.contains("found 'variants'"), "{error}");
}

#[test]
fn nesting_and_sizes_have_bounds() {
    assert!(error(&"a:".repeat(100_000)).contains("nested more than 100 deep"));
    let nested: String =
        (0..200).map(|n| format!("{}variants:\n{} - a:\n", "  ".repeat(n), "  ".repeat(n))).collect();
    assert!(error(&nested).contains("nested more than 100 deep"));
    let limits = Limits { lines: 10, ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    assert!(
        Config::parse("t.cfg", &"a = 1\n".repeat(11), options)
            .unwrap_err()
            .to_string()
            .contains("more than 10 lines")
    );
    let dir = tempfile::tempdir().unwrap();
    let files: Vec<(String, String)> =
        (0..40).map(|n| (format!("{n}.cfg"), format!("include {0}.cfg\ninclude {0}.cfg\n", n + 1))).collect();
    let mut files: Vec<(&str, &str)> = files.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    files.push(("40.cfg", "a = 1\n"));
    assert!(load(dir.path(), &files).unwrap_err().to_string().contains("more than 100000 includes"));
}

#[test]
fn many_blocks_in_a_row_are_no_nesting() {
    let blocks = "variants:\n  - a:\n".repeat(20_000);
    let config = Config::parse("t.cfg", &blocks, Options::default()).unwrap();
    assert_eq!(config.variants().next().unwrap().unwrap().name.len(), 2 * 20_000 - 1);
}

#[test]
fn values_that_double_end_with_an_error() {
    let text = "a = 0123456789\n".to_owned() + &"a += ${a}\n".repeat(60);
    let config = Config::parse("t.cfg", &text, Options::default()).unwrap();
    let error = config.variants().next().unwrap().unwrap_err();
    assert!(error.to_string().contains("appended to itself"), "{error}");
    assert_eq!(config.variants().count(), 1);
}

#[test]
fn an_empty_result_names_the_filter_and_the_name_that_nothing_has() {
    let mut loader = Loader::new(Options::default());
    loader.text("t.cfg", "variants:\n  - netperf:\n  - fio:\nno iozone\n").unwrap();
    loader.text("--only", "only netpref").unwrap();
    let config = loader.finish();
    let mut expansion = config.expand();
    assert!(expansion.next_name().unwrap().is_none());
    let culprits = expansion.emptied_by();
    assert_eq!((culprits[0].origin.as_str(), culprits[0].text.as_str()), ("--only:1", "only netpref"));
    assert_eq!(culprits[0].unknown, [("netpref".to_owned(), Some("netperf".to_owned()))]);
}

#[test]
fn what_was_probably_not_meant_is_a_warning() {
    let text = "a =+ 5\nb -= 1\nname = x\nvariants:\n";
    let config = Config::parse("t.cfg", text, Options::default()).unwrap();
    let warnings: Vec<String> = config.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 4, "{warnings:?}");
    assert_eq!(warnings[0], "t.cfg:1:3: the value begins with '+'; did you mean '+='?");
    assert_eq!(warnings[1], "t.cfg:2:4: '-=' is no operator; the key is 'b -'");
}
