//! What is found in texts, and where.

use super::*;

/// Keys that are passed over.
struct Skip;

impl Passed for Skip {
    const KEYS: &'static [&'static str] = &["bins"];
}

#[test]
fn elements_of_an_array_have_their_own_lines_and_texts() {
    let text = "log [1] {x}\n[\n {\"a\": 1},\n 2,\n {\"a\": 2,\n  \"b\": 3}\n]\n{\"a\": 4}\n";
    let read = documents_but::<Nothing>(text).unwrap();
    let places: Vec<(u32, &str)> = read.iter().map(|d| (d.line, d.text)).collect();
    assert_eq!(places, [(3, "{\"a\": 1}"), (5, "{\"a\": 2,\n  \"b\": 3}"), (8, "{\"a\": 4}")]);
    assert_eq!(read[1].lines_of_key("b"), [6]);
}

#[test]
fn an_array_without_its_end_is_cut_off_at_its_line() {
    for (text, line) in [("[\n{\"a\": 1},\n", 3), ("[{\"a\": 1}", 1), ("[\n{\"a\": 1},\n{\"a\":\n", 4)] {
        let (at, reason) = documents_but::<Nothing>(text).err().unwrap();
        assert!(reason.contains("cut off") && at.abs_diff(line) <= 1, "{text}: {at}: {reason}");
    }
    let (at, reason) = documents_but::<Nothing>("[{\"a\": 1} {\"a\": 2}]\n").err().unwrap();
    assert!(at == 1 && reason.contains("no comma"), "{at}: {reason}");
}

/// A list that is handed over.
struct Parts;

impl Passed for Parts {
    const KEYS: &'static [&'static str] = &[];
    const PARTS: Option<&'static str> = Some("p");
}

#[test]
fn elements_of_a_documents_own_list_come_before_it_with_their_lines() {
    let found = |text: &str| {
        let mut found = Vec::new();
        let read = each_part::<Parts>(text, |one| match one {
            Found::Part(value, line) => found.push(format!("{line} {value}")),
            Found::Document(document) => found.push(format!("{}: {}", document.line, document.value)),
        });
        read.map(|()| found)
    };
    let text = "log\n{\"p\": [\n {\"a\": {\"p\": [1]}},\n {\"a\": 2}, 3],\n \"p\": [4]}\n{\"p\": null}\n[{\"p\": [5]}]\n";
    assert_eq!(
        found(text).unwrap(),
        [
            "3 {\"a\":{\"p\":[1]}}",
            "4 {\"a\":2}",
            "4 3",
            // A second list of the name is kept.
            "2: {\"p\":[4]}",
            "6: {\"p\":null}",
            "7 5",
            "7: {\"p\":[]}"
        ]
    );
    // Elements of a list that is damaged are no results, though it begins within a line.
    let (line, reason) = found("log {\"p\": [{\"a\": 1},\n {\"a\" 2}]}\n{\"b\": 1}\n").unwrap_err();
    assert!(line == 2 && reason.contains("not JSON"), "{line} {reason}");
}

#[test]
fn what_is_passed_over_is_not_kept_at_any_depth() {
    let text = "{\"a\": {\"bins\": {\"1\": 2}, \"n\": [1.5, null, true, -3, \"x\"]}, \"bins\": 1}";
    let read = documents_but::<Skip>(text).unwrap();
    assert_eq!(read[0].value.to_string(), "{\"a\":{\"n\":[1.5,null,true,-3,\"x\"]}}");
}
