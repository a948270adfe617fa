//! The worked examples of the language's manual, with its outputs. Two things are as the implementation has them and
//! not as the manual prints them: short names carry no `(variable=…)`, and the list is called `dep`, not `depend`.

use cartesian::{Config, Options};

/// What `perfvt list --contents` prints.
fn contents(text: &str) -> String {
    let config = Config::parse("example.cfg", text, Options::default()).unwrap();
    let mut expansion = config.expand();
    let mut out = Vec::new();
    while let Some(dict) = expansion.next_dict().unwrap() {
        dict.write_text(&mut out);
    }
    String::from_utf8(out).unwrap().replace(" = \n", " =\n")
}

fn names(text: &str) -> Vec<String> {
    let config = Config::parse("example.cfg", text, Options::default()).unwrap();
    config.variants().map(|v| v.unwrap().name).collect()
}

const KEYS: &str = "\
key1 = value1
key2 = value2
key3 = value3
";

const ONE_TWO_THREE: &str = "\
variants:
    - one:
        key1 = Hello World
        key2 <= some_prefix_
    - two: one
        key2 <= another_prefix_
    - three: one two
";

/// A dictionary as the manual prints it.
fn dictionary(name: &str, shortname: &str, dep: &str, keys: &str) -> String {
    let keys: String = keys.lines().map(|line| format!("    {line}\n")).collect();
    let (name, shortname) = (format!("    name = {name}"), format!("    shortname = {shortname}"));
    let title = name.trim_start().trim_start_matches("name = ").to_owned();
    format!("{title}\n    dep = {dep}\n{keys}{}\n{}\n", name.trim_end(), shortname.trim_end())
}

const ONE: &str = "key1 = Hello World\nkey2 = some_prefix_value2\nkey3 = value3";
const TWO: &str = "key1 = value1\nkey2 = another_prefix_value2\nkey3 = value3";
const THREE: &str = "key1 = value1\nkey2 = value2\nkey3 = value3";

#[test]
fn a_single_dictionary() {
    assert_eq!(contents(KEYS), dictionary("", "", "[]", THREE));
}

#[test]
fn adding_a_variants_block() {
    let text = format!("{KEYS}\nvariants:\n    - one:\n    - two:\n    - three:\n");
    let want: String = ["one", "two", "three"].map(|n| dictionary(n, n, "[]", THREE)).concat();
    assert_eq!(contents(&text), want);
}

#[test]
fn modifying_dictionaries_inside_a_variant() {
    let text = format!("{KEYS}\n{}", ONE_TWO_THREE.replace(": one two", ":").replace(": one", ":"));
    let want = [("one", ONE), ("two", TWO), ("three", THREE)].map(|(n, keys)| dictionary(n, n, "[]", keys));
    assert_eq!(contents(&text), want.concat());
}

#[test]
fn adding_dependencies() {
    let want = dictionary("one", "one", "[]", ONE)
        + &dictionary("two", "two", "['one']", TWO)
        + &dictionary("three", "three", "['one', 'two']", THREE);
    assert_eq!(contents(&format!("{KEYS}\n{ONE_TWO_THREE}")), want);
}

#[test]
fn multiple_variant_blocks() {
    let text = format!("{KEYS}\n{ONE_TWO_THREE}\nvariants:\n    - A:\n    - B:\n");
    let mut want = String::new();
    for block in ["A", "B"] {
        let name = |n: &str| format!("{block}.{n}");
        want += &dictionary(&name("one"), &name("one"), "[]", ONE);
        want += &dictionary(&name("two"), &name("two"), &format!("['{block}.one']"), TWO);
        let deps = format!("['{block}.one', '{block}.two']");
        want += &dictionary(&name("three"), &name("three"), &deps, THREE);
    }
    assert_eq!(contents(&text), want);
}

const FILTERED: &str = "variants:\n    - A:\n        no one\n    - B:\n        only one,three\n";

#[test]
fn filters_no_and_only() {
    let want = dictionary("A.two", "A.two", "['A.one']", TWO)
        + &dictionary("A.three", "A.three", "['A.one', 'A.two']", THREE)
        + &dictionary("B.one", "B.one", "[]", ONE)
        + &dictionary("B.three", "B.three", "['B.one', 'B.two']", THREE);
    assert_eq!(contents(&format!("{KEYS}\n{ONE_TWO_THREE}\n{FILTERED}")), want);
}

#[test]
fn short_names() {
    let text = format!("{KEYS}\n{ONE_TWO_THREE}\n{}", FILTERED.replace("- A", "- @A"));
    let want = dictionary("A.two", "two", "['A.one']", TWO)
        + &dictionary("A.three", "three", "['A.one', 'A.two']", THREE)
        + &dictionary("B.one", "B.one", "[]", ONE)
        + &dictionary("B.three", "B.three", "['B.one', 'B.two']", THREE);
    assert_eq!(contents(&text), want);
}

#[test]
fn exceptions() {
    let filtered = FILTERED.replace("- A", "- @A");
    let exceptions = "three: key4 = some_value\n\nA:\n    no two\n    key5 = yet_another_value\n";
    let text = format!("{KEYS}\n{ONE_TWO_THREE}\n{filtered}\n{exceptions}");
    let four = format!("{THREE}\nkey4 = some_value");
    let five = format!("{four}\nkey5 = yet_another_value");
    let want = dictionary("A.three", "three", "['A.one', 'A.two']", &five)
        + &dictionary("B.one", "B.one", "[]", ONE)
        + &dictionary("B.three", "B.three", "['B.one', 'B.two']", &four);
    assert_eq!(contents(&text), want);
}

#[test]
fn two_blocks_are_multiplied_and_the_later_one_comes_first_in_names() {
    let text = "
variants:
    - one:
        key1 = Hello
    - two:
        key2 = World
    - three:
variants:
    - four:
        key3 = foo
    - five:
        key3 = bar
    - six:
        key1 = foo
        key2 = bar
";
    let want = [
        "four.one",
        "four.two",
        "four.three",
        "five.one",
        "five.two",
        "five.three",
        "six.one",
        "six.two",
        "six.three",
    ];
    assert_eq!(names(text), want);
    let six_one = dictionary("six.one", "six.one", "[]", "key1 = foo\nkey2 = bar");
    assert!(contents(text).contains(&six_one));
}

#[test]
fn named_variants() {
    let text = "
variants var1_name:
     - one:
         key1 = Hello
     - two:
         key2 = World
     - three:
variants var2_name:
     - one:
         key3 = Hello2
     - two:
         key4 = World2
     - three:

only (var2_name=one).(var1_name=two)
";
    let want = "\
(var2_name=one).(var1_name=two)
    dep = []
    key2 = World
    key3 = Hello2
    name = (var2_name=one).(var1_name=two)
    shortname = one.two
    var1_name = two
    var2_name = one
";
    assert_eq!(contents(text), want);
}

#[test]
fn names_of_variants_are_variables() {
    let text = "
variants guest_os:
     - fedora:
     - ubuntu:
variants disk_interface:
     - virtio:
     - hda:
";
    let mut want = String::new();
    for disk in ["virtio", "hda"] {
        for os in ["fedora", "ubuntu"] {
            want += &format!(
                "(disk_interface={disk}).(guest_os={os})\n    dep = []\n    disk_interface = {disk}\n    \
                 guest_os = {os}\n    name = (disk_interface={disk}).(guest_os={os})\n    shortname = {disk}.{os}\n"
            );
        }
    }
    assert_eq!(contents(text), want);
}

#[test]
fn dependencies() {
    let text = "
variants:
    - one:
        key1 = Hello
    - two: one
        key2 = World
    - three: one two
";
    assert_eq!(names(text), ["one", "two", "three"]);
}

#[test]
fn filters_in_variants_hold_when_the_variant_is_chosen() {
    let text = "
variants:
    - one:
        key1 = Hello
variants:
    - two:
        key2 = Complicated
    - three: one two
        key3 = World
variants:
    - default:
        only three
        key2 =

only default
";
    let want = "\
default.three.one
    dep = ['default.one', 'default.two']
    key1 = Hello
    key2 =
    key3 = World
    name = default.three.one
    shortname = default.three.one
";
    assert_eq!(contents(text), want);
}

#[test]
fn value_substitution_is_sensitive_to_context() {
    let sub = "sub = \"key1: ${key1}; key2: ${key2};\"";
    let text = format!(
        "key1 = default value\nkey2 = default value\n\n{sub}\n\nvariants:\n    - one:\n        key1 = Hello\n        \
         {sub}\n    - two: one\n        key2 = World\n        {sub}\n    - three: one two\n        {sub}\n"
    );
    let keys = |one: &str, two: &str| format!("key1 = {one}\nkey2 = {two}");
    let dictionary = |name: &str, dep: &str, one: &str, two: &str| {
        let sub = format!("    sub = key1: {one}; key2: {two};\n");
        dictionary(name, name, dep, &keys(one, two)) + &sub
    };
    let want = dictionary("one", "[]", "Hello", "default value")
        + &dictionary("two", "['one']", "default value", "World")
        + &dictionary("three", "['one', 'two']", "default value", "default value");
    assert_eq!(contents(&text), want);
    assert!(
        contents("one = 1\ntwo = 2\nthree = 3\norder = ${one}${two}${three}").contains("    order = 123\n")
    );
}

#[test]
fn the_filters_of_the_formal_definition_are_equivalent_where_it_says_so() {
    let blocks = "
variants:
    - ide:
    - scsi:
variants:
    - 14:
    - 6:
variants:
    - Fedora:
    - RHEL:
variants:
    - qcow2:
    - raw:
variants:
    - boot:
    - migrate:
";
    let only = |filter: &str| names(&format!("{blocks}only {filter}\n"));
    assert_eq!(only("qcow2..Fedora.14"), only("Fedora.14..qcow2"));
    assert_eq!(only("ide, scsi"), only("scsi, ide"));
    assert_ne!(only("qcow2..Fedora.14"), only("qcow2..14.Fedora"));
    assert_eq!(only("qcow2..Fedora.14").len(), 4);
    assert_eq!(only("raw..boot..RHEL.6..ide"), ["boot.raw.RHEL.6.ide"]);
    assert_eq!(only("qcow2..Fedora.14, RHEL.6..raw..boot, migrate..ide").len(), 4 + 2 + 8 - 1);
}

#[test]
fn the_manuals_tests_cfg_chooses_repeats() {
    let text = "
variants:
    - netperf:
        variants:
            - guest_exhost:
            - host_guest:
    - fio:
only netperf.guest_exhost
variants:
    - repeat1:
    - repeat2:
    - repeat3:
";
    let want =
        ["repeat1.netperf.guest_exhost", "repeat2.netperf.guest_exhost", "repeat3.netperf.guest_exhost"];
    assert_eq!(names(text), want);
}
