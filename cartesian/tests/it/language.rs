//! Constructs of the Cartesian language that the manual's examples do not show, one by one. What is expected was taken
//! from avocado-vt unless `docs/cartesian.md` lists it as a difference.

use crate::support::{Plain, expand, expand_with, names};
use cartesian::{Config, Defaults, Options};

fn one(text: &str) -> Plain {
    let mut all = expand(text).unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// The keys of the only variant, as `k=v k=v`.
fn keys(text: &str) -> String {
    one(text).params.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" ")
}

fn shortnames(text: &str, options: Options) -> Vec<String> {
    expand_with(text, options).unwrap().into_iter().map(|p| p.shortname).collect()
}

#[test]
fn operators_set_append_prepend_and_fill_in() {
    assert_eq!(
        keys("a = 1\na = 2\na += x\na <= y\nb += 1\nc <= 2\na ~= no\nd ~= ~= d"),
        "a=y2x b=1 c=2 d=~= d"
    );
}

#[test]
fn question_mark_operators_change_every_key_that_matches_and_is_there() {
    assert_eq!(
        keys("sa = 1\nsb = 2\ns.* ?= x${sa}\ns.* ?+= c\ns.* ?<= d\nzz ?= 1\nt.* ?= 1"),
        "sa=dx1c sb=dx1c"
    );
    // The end is bound to the last alternative only, as it has always been.
    assert_eq!(keys("ab = 1\nabc = 1\nxb = 1\na|b ?= 2"), "ab=2 abc=2 xb=1");
}

#[test]
fn del_takes_one_key_and_leaves_the_others() {
    assert_eq!(keys("a = 1\na_b = 2\ndel a\ndel nothing"), "a_b=2");
    assert_eq!(keys("a = 1\nb = 2\ndel a\na = 3"), "a=3 b=2");
}

#[test]
fn substitution_ends_at_the_first_unknown_key_and_is_not_repeated() {
    assert_eq!(keys("a = 1\nb = ${a}${zz}${a}\nc = $a\nd = ${b}"), "a=1 b=1${zz}${a} c=$a d=1${zz}${a}");
    assert_eq!(keys("b = ${a}\na = 1"), "a=1 b=${a}");
    let text = "variants:\n  - x: y\nk = ${name} ${shortname} ${dep}";
    assert_eq!(keys(text), "k=x x ['y']");
}

#[test]
fn values_are_the_rest_of_the_line_without_one_pair_of_quotes() {
    assert_eq!(
        keys("a = \"x\" \"y\"\nb = 'q'\nc = 1 # c\nd = // d\ne =\nf = \"g'\nh = x: y = z"),
        "a=x\" \"y b=q c=1 # c d=// d e= f=\"g' h=x: y = z"
    );
}

#[test]
fn names_of_the_expansion_itself_are_not_assigned() {
    let text = "name = x\nshortname = y\ndep = z\na = 1";
    assert_eq!(keys(text), "a=1");
    let config = Config::parse("t.cfg", text, Options::default()).unwrap();
    assert_eq!(config.warnings().len(), 3);
}

#[test]
fn comments_and_blank_lines_are_nothing() {
    assert_eq!(keys("# a\n\n  // b\na = 1\n   # c\n"), "a=1");
    assert_eq!(names("variants: # c\n  - a: b # d\n  - b:\nonly a # e"), ["a"]);
}

#[test]
fn blanks_are_or_in_filters_and_dependencies() {
    let blocks = "variants:\n  - a:\n  - b:\n  - c:\n";
    assert_eq!(names(&format!("{blocks}only a c")), ["a", "c"]);
    assert_eq!(names(&format!("{blocks}no a, c")), ["b"]);
    assert_eq!(expand("variants:\n  - a: x, y.z (v=w)").unwrap()[0].dep, ["x", "y.z", "(v=w)"]);
}

#[test]
fn labels_of_filters_may_name_their_variable() {
    let text = "variants v:\n  - a:\n  - b:\nvariants w:\n  - a:\n  - b:\n";
    assert_eq!(names(&format!("{text}only (v=a)")), ["(w=a).(v=a)", "(w=b).(v=a)"]);
    assert_eq!(names(&format!("{text}only a.b")), ["(w=a).(v=b)"]);
    assert_eq!(names(&format!("{text}no (a)")), ["(w=b).(v=b)"]);
}

#[test]
fn variants_with_dots_are_two_labels() {
    let all = expand("variants v:\n  - a.b:\n  - c:\nonly b").unwrap();
    assert_eq!((all[0].name.as_str(), all[0].params["v"].as_str()), ("(v=a).(v=b)", "a.b"));
}

#[test]
fn an_inner_block_stands_between_its_variant_and_what_came_before() {
    let text = "variants:\n  - x:\nvariants:\n  - o:\n    k = 1\n    variants:\n      - i:\n      - j:\n    k += 2\n  - p:\n";
    assert_eq!(names(text), ["o.i.x", "o.j.x", "p.x"]);
    assert_eq!(expand(text).unwrap()[0].params["k"], "12");
}

#[test]
fn a_condition_holds_where_it_stands_and_later_lines_win() {
    let text = "variants:\n  - a:\n  - b:\nk = 0\na: k = 1\nb:\n  k = 2\n  l = 2\nk += x";
    let all = expand(text).unwrap();
    assert_eq!((&*all[0].params["k"], &*all[1].params["k"], &*all[1].params["l"]), ("1x", "2x", "2"));
    let text = "variants:\n  - a:\n  - b:\na: k = 1\nk = 0";
    assert!(expand(text).unwrap().iter().all(|p| p.params["k"] == "0"));
}

#[test]
fn a_condition_on_one_line_may_go_on_below_and_hold_another() {
    let text = "variants:\n  - a:\n  - b:\na: k = 1\n  l = 2\n!a: b: k = 3\n";
    let all = expand(text).unwrap();
    assert_eq!((&*all[0].params["k"], &*all[0].params["l"], &*all[1].params["k"]), ("1", "2", "3"));
}

#[test]
fn filters_in_conditions_hold_only_then() {
    let text = "variants:\n  - a:\n  - b:\nvariants:\n  - x:\n  - y:\nx: no a\n!x: only b\n";
    assert_eq!(names(text), ["x.b", "y.b"]);
}

#[test]
fn conditions_may_name_variables() {
    let text = "variants v:\n  - a:\n  - b:\n(v=a): k = 1\n!(v=a): k = 2\na, (v=b): l = 3\n";
    let all = expand(text).unwrap();
    assert_eq!((&*all[0].params["k"], &*all[1].params["k"]), ("1", "2"));
    assert!(all.iter().all(|p| p.params["l"] == "3"));
    let config = Config::parse("t.cfg", text, Options::default()).unwrap();
    assert_eq!(config.warnings().len(), 3);
    assert!(config.warnings()[0].to_string().starts_with("t.cfg:4:1: read as a condition"));
    // avocado-vt takes everything up to the first `=` for a key.
    let compat = Options { compat: true, ..Options::default() };
    assert_eq!(expand_with(text, compat).unwrap()[0].params["(v"], "a): k = 1");
}

#[test]
fn defaults_are_left_out_of_short_names_and_taken_alone_on_demand() {
    let text = "variants v [default=b]:\n  - a:\n  - b:\nvariants [meta]:\n  - @c:\n  - d:\n";
    assert_eq!(shortnames(text, Options::default()), ["a", "", "d.a", "d"]);
    let defaults = Options { defaults: Defaults::All, ..Options::default() };
    assert_eq!(shortnames(text, defaults.clone()), [""]);
    let expanded = Options { expand: vec!["v".into()], ..defaults };
    assert_eq!(shortnames(text, expanded), ["a", ""]);
    let no_default = Options { defaults: Defaults::All, ..Options::default() };
    assert_eq!(shortnames(&format!("{text}no b"), no_default), ["a"]);
}

#[test]
fn bounds_are_applied_last_and_compare_sizes() {
    assert_eq!(keys("mem = 4G\nmem_max = 512\nsmp = 1\nsmp_min = 2"), "mem=512 mem_max=512 smp=2 smp_min=2");
    assert_eq!(
        keys("mem = 1\nmem_max = 512M\nx_max = 3\ny_fixed = a\ny = b"),
        "mem=1 mem_max=512M x=3 x_max=3 y=a y_fixed=a"
    );
    let error = expand("mem = lots\n\nmem_max = 1").unwrap_err();
    assert!(error.contains("mem = 'lots' (t.cfg:1)") && error.contains("mem_max = '1' (t.cfg:3)"), "{error}");
}

#[test]
fn suffixes_are_dropped_where_they_make_no_difference() {
    assert_eq!(keys("a = 1\nb = 2\nsuffix _x"), "a=1 b=2");
    let text = "a = 1\nb = 2\nvariants:\n  - v:\n    a = 5\n    suffix _v\n  - w:\na = 7\nb = 2\n";
    let all = expand(text).unwrap();
    let of = |p: &Plain| p.params.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" ");
    assert_eq!(of(&all[0]), "a=7 a_v=5 b=2");
    assert_eq!(of(&all[1]), "a=7 b=2");
}

#[test]
fn joined_variants_become_one() {
    let text = "
mem = 1
variants:
    - vm1:
        variants:
            - x:
                mem = 2
                suffix _vm1
            - y:
                mem = 3
                suffix _vm1
    - vm2:
        mem = 4
        suffix _vm2
join vm1 vm2
";
    let all = expand(text).unwrap();
    let of = |p: &Plain| (p.name.clone(), p.params["mem_vm1"].clone(), p.params["mem_vm2"].clone());
    assert_eq!(
        all.iter().map(of).collect::<Vec<_>>(),
        [("vm1.x.vm2".into(), "2".into(), "4".into()), ("vm1.y.vm2".into(), "3".into(), "4".into()),]
    );
    // A name joined with itself is an exception in avocado-vt, although its manual shows it.
    assert_eq!(names("variants:\n  - a:\n  - b:\njoin a a"), ["a.a"]);
    // One filter is as good as `only`.
    assert_eq!(names("variants:\n  - a:\n  - b:\njoin b"), ["b"]);
    assert_eq!(names("variants:\n  - a:\n  - b:\njoin a c"), [""; 0]);
}

#[test]
fn three_are_joined_like_two() {
    let text = "variants:\n  - a:\n    variants:\n      - 1:\n      - 2:\n  - b:\n  - c:\njoin a b c";
    assert_eq!(names(text), ["a.1.b.c", "a.2.b.c"]);
}

#[test]
fn origins_are_the_lines_that_won() {
    let text = "a = 1\nb = 2\nvariants v:\n  - x:\n    a = 3\nb += 4\n";
    let config = Config::parse("t.cfg", text, Options::default()).unwrap();
    let params = config.variants().next().unwrap().unwrap().params;
    let all: Vec<_> = params.iter().map(|p| (p.key.as_str(), p.file.to_str().unwrap(), p.line)).collect();
    assert_eq!(all, [("a", "t.cfg", 5), ("b", "t.cfg", 6), ("v", "t.cfg", 4)]);
}

#[test]
fn traces_tell_what_a_key_was_before() {
    let text = "a = 1\nvariants:\n  - x:\n    a += 2\na.* ?= 3\n";
    let config = Config::parse("t.cfg", text, Options::default()).unwrap();
    let mut expansion = config.expand();
    expansion.trace("a");
    expansion.next_dict().unwrap().unwrap();
    let steps: Vec<(u32, String)> = expansion.steps().into_iter().map(|s| (s.line, s.value)).collect();
    assert_eq!(steps, [(1, "1".into()), (4, "12".into()), (5, "3".into())]);
}

/// Every `step`th variant of a file of `testdata`, as avocado-vt 113.0 printed it.
fn expands_as_recorded(cfg: &str, recorded: &str, variants: u64, step: u64) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let config = Config::load(&folder.join(cfg), Options::default()).unwrap();
    let wanted = std::fs::read_to_string(folder.join(recorded)).unwrap();
    let mut wanted = wanted.lines();
    let mut expansion = config.expand();
    while let Some(dict) = expansion.next_dict().unwrap() {
        let mut line = Vec::new();
        dict.write_json(&mut line);
        if (expansion.found() - 1).is_multiple_of(step) {
            assert_eq!(String::from_utf8(line).unwrap().trim_end(), wanted.next().unwrap());
        }
    }
    assert_eq!((expansion.found(), wanted.next()), (variants, None));
}

#[test]
fn a_whole_suite_expands_as_recorded() {
    expands_as_recorded("suite/tests.cfg", "suite/expected.jsonl", 677, 40);
}

#[test]
fn two_machines_with_suffixes_are_joined_as_recorded() {
    expands_as_recorded("vms.cfg", "vms.expected.jsonl", 4, 1);
}

#[test]
fn memory_does_not_grow_with_the_number_of_variants() {
    // 10^30 variants: whoever collected anything would not come to the end of this.
    let block = "variants:\n".to_owned() + &(0..10).map(|n| format!("  - n{n}:\n")).collect::<String>();
    let config = Config::parse("t.cfg", &block.repeat(30), Options::default()).unwrap();
    assert_eq!(config.variants().take(1000).filter(|v| v.is_ok()).count(), 1000);
}

#[test]
fn filters_prune_before_they_are_multiplied_out() {
    let block = |n: usize| format!("variants:\n  - a{n}:\n  - b{n}:\n  - c{n}:\n");
    let blocks: String = (0..40).map(block).collect();
    let only: String = (0..40).map(|n| format!("only a{n}\n")).collect();
    assert_eq!(names(&format!("{blocks}{only}")).len(), 1);
}
