//! What must hold for every configuration of the Cartesian language.

use crate::support::{
    MANY, Plain, Statement, Variant, expand, filter, names, plain, product, slowly, statements, write,
};
use cartesian::{Bound, Config, Limits, Loader, NoFiles, Options};
use proptest::prelude::*;

fn config(text: &str) -> Config {
    Config::parse("t.cfg", text, Options::default()).unwrap()
}

fn only(text: &str, line: &str, all: &[Statement]) -> Vec<Plain> {
    let mut loader = Loader::new(Options::default());
    loader.text("t.cfg", &write(all)).unwrap().text(text, line).unwrap();
    plain(&loader.finish()).unwrap()
}

/// Whether `part` is what remains of `whole` after some have been taken out.
fn is_part(part: &[Plain], whole: &[Plain]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|p| rest.any(|w| w == p))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn expansion_with_pruning_is_expansion_then_filtering(all in statements()) {
        prop_assume!(product(&all) <= MANY);
        let text = write(&all);
        prop_assert_eq!(expand(&text).unwrap(), slowly(&all), "{}", text);
    }

    #[test]
    fn only_and_no_take_variants_out_and_part_them(all in statements(), by in filter(true)) {
        prop_assume!(product(&all) <= MANY);
        let whole = expand(&write(&all)).unwrap();
        let line = write(&[Statement::Only(by.clone())]);
        let with = only("only", &line, &all);
        let without = only("no", &line.replacen("only", "no", 1), &all);
        prop_assert!(is_part(&with, &whole) && is_part(&without, &whole));
        prop_assert_eq!(with.len() + without.len(), whole.len());
        let mut both: Vec<Plain> = with.into_iter().chain(without).collect();
        let mut whole = whole;
        both.sort();
        whole.sort();
        prop_assert_eq!(both, whole);
    }

    #[test]
    fn names_alone_are_the_names_of_the_dictionaries(all in statements()) {
        prop_assume!(product(&all) <= MANY);
        let text = write(&all);
        let of_dicts: Vec<String> = expand(&text).unwrap().into_iter().map(|p| p.name).collect();
        prop_assert_eq!(names(&text), of_dicts);
    }

    #[test]
    fn threads_change_nothing(all in statements(), threads in 1usize..5) {
        prop_assume!(product(&all) <= MANY);
        let config = config(&write(&all));
        let mut alone = Vec::new();
        let mut expansion = config.expand();
        while let Some(dict) = expansion.next_dict().unwrap() {
            dict.write_json(&mut alone);
        }
        let mut together = Vec::new();
        let render = |dict: &cartesian::Dict<'_>, out: &mut Vec<u8>| dict.write_json(out);
        let summary = config.render(threads, Bound::NONE, render, |bytes| { together.extend_from_slice(bytes); Ok(()) }).unwrap();
        prop_assert_eq!(summary.found, expansion.found());
        prop_assert_eq!(summary.emptied_by, expansion.emptied_by());
        prop_assert!(alone == together);
    }

    #[test]
    fn an_empty_result_names_a_filter(all in statements()) {
        prop_assume!(product(&all) <= MANY);
        let config = config(&write(&all));
        let mut expansion = config.expand();
        while expansion.next_name().unwrap().is_some() {}
        prop_assert_eq!(expansion.found() == 0, !expansion.emptied_by().is_empty());
    }

    #[test]
    fn blocks_that_share_nothing_may_change_places(
        first in prop::collection::btree_set("[a-f]", 1..4),
        second in prop::collection::btree_set("[u-z]", 1..4),
        by in filter(false),
    ) {
        let block = |names: &std::collections::BTreeSet<String>, key: &str| Statement::Variants {
            name: None,
            variants: names.iter().map(|n| Variant {
                marked: false,
                name: vec![n.clone()],
                deps: Vec::new(),
                body: vec![Statement::Assign { key: key.into(), operator: "=", value: n.clone() }],
            }).collect(),
        };
        // Neighbourhood depends on the order; whether a name is there does not.
        let by: crate::support::Filter = by.into_iter().map(|all| {
            all.into_iter().map(|mut row| { row.truncate(1); row }).collect()
        }).collect();
        let (a, b) = (block(&first, "one"), block(&second, "two"));
        let params = |blocks: &[Statement]| {
            let mut all: Vec<_> = expand(&write(blocks)).unwrap().into_iter().map(|p| p.params).collect();
            all.sort();
            all
        };
        let no = Statement::No(by);
        prop_assert_eq!(params(&[a.clone(), b.clone(), no.clone()]), params(&[b, a, no]));
    }

    #[test]
    fn line_ends_and_tabs_do_not_matter(all in statements()) {
        prop_assume!(product(&all) <= MANY);
        let text = write(&all);
        let windows = text.replace('\n', "\r\n");
        let tabs: String = text.lines().map(|line| {
            let rest = line.trim_start();
            let indent = line.len() - rest.len();
            format!("{}{}{rest}  \n", "\t".repeat(indent / 8), " ".repeat(indent % 8))
        }).collect();
        let want = expand(&text).unwrap();
        prop_assert_eq!(&expand(&windows).unwrap(), &want);
        prop_assert_eq!(&expand(&tabs).unwrap(), &want);
    }

    #[test]
    fn no_text_makes_it_panic(lines in prop::collection::vec(
        prop_oneof![
            "[ \t]{0,9}(variants|only|no|include|del|suffix|join|-|- @|!)?[ :]?[a-c.,:=?+<~!@()\\[\\]$ {}\"'#*|^-]{0,12}",
            "\\PC{0,20}",
            Just("variants:".to_owned()), Just("    - a:".to_owned()), Just("    - b: a".to_owned()),
            Just("a.*b ?+= ${a}".to_owned()), Just("suffix _a".to_owned()), Just("join a b".to_owned()),
        ], 0..14)
    ) {
        let text = lines.join("\n");
        let limits = Limits { values: 1 << 16, ..Limits::default() };
        for compat in [false, true] {
            let options = Options { compat, limits: limits.clone(), ..Options::default() };
            let mut loader = Loader::with_files(options, &NoFiles);
            match loader.text("t.cfg", &text) {
                Err(error) => prop_assert!(error.to_string().contains("t.cfg")),
                Ok(_) => {
                    let config = loader.finish();
                    prop_assert!(config.variants().take(200).count() <= 200);
                }
            }
        }
    }
}
