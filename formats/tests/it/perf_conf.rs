//! perf.conf: the shipped one, the ancestor's ones, layers, errors and inference.

use formats::perf_conf::{Conf, ConfError, parse, told};
use model::{Direction, Role, Scale};
use std::path::Path;

/// What autotest, virt-test and avocado-vt shipped, and what their manual shows: names and numbers only.
const ANCESTORS: [(&str, &str); 3] = [
    (
        "manual",
        "[ntttcp]\nresult_file_pattern = .*.RHS\nignore_col = 1\navg_update =\n\n[netperf]\nresult_file_pattern = .*.RHS\nignore_col = 2\navg_update = 4,2,3|14,5,12|15,6,13\n\n[iozone]\nresult_file_pattern =\n",
    ),
    (
        "autotest",
        "# settings\n\n[netperf]\nresult_file_pattern = .*.RHS\nignore_col = 2\navg_update = 4,2,3|14,5,12|15,6,13\ndesc = *%s* seconds\\n - io_exit: exits.\\n\n[iozone]\nresult_file_pattern = .*.RHS\n",
    ),
    (
        "avocado-vt",
        "[netperf]\nresult_file_pattern = .*.RHS\nignore_col = 2\navg_update = 4,2,3|12,5,10|13,6,11\n[pktgen_perf]\nresult_file_pattern = .*.RHS\nignore_col = 1\navg_update =\ndesc = packets\\n\n",
    ),
];

fn refused(text: &str) -> ConfError {
    parse(text, "my.conf").unwrap_err()
}

fn triples(conf: &Conf) -> Vec<(usize, usize, usize)> {
    conf.section("netperf").unwrap().avg_update.iter().map(|u| (u.dst, u.num, u.den)).collect()
}

#[test]
fn the_shipped_file_reads_and_every_section_has_the_ancestors_four_keys() {
    let conf = Conf::builtin();
    let names: Vec<&str> = conf.sections().iter().map(|s| s.name.as_str()).collect();
    for name in [
        "netperf",
        "netperf-udp",
        "fio",
        "iozone",
        "ffsb",
        "ntttcp",
        "pktgen",
        "dpdk",
        "nfs-perf",
        "uperf",
        "iperf3",
        "sockperf",
        "qemu-img-bench",
        "boot",
        "command",
        "benchfmt",
        "hyperfine",
        "csv",
    ] {
        assert!(names.contains(&name), "no section for {name}");
    }
    for section in conf.sections() {
        for key in ["result_file_pattern", "ignore_col", "avg_update", "desc", "keys"] {
            assert!(section.origin(key).is_some(), "[{}] lacks {key}", section.name);
        }
        assert!(
            // What a table of anyone's measures, only its owner knows.
            section.name == "csv" || section.metrics.iter().any(|m| m.role == Role::Primary),
            "[{}] has no primary metric",
            section.name
        );
        for derived in &section.derived {
            assert!(
                section.declared(&derived.name).is_some(),
                "[{}] derives an undeclared metric",
                section.name
            );
        }
    }
}

#[test]
fn the_ancestors_files_read_as_they_stand() {
    for (file, text) in ANCESTORS {
        let conf = Conf::with_layers([(file, text)]).unwrap();
        let expected = if file == "avocado-vt" {
            [(4, 2, 3), (12, 5, 10), (13, 6, 11)]
        } else {
            [(4, 2, 3), (14, 5, 12), (15, 6, 13)]
        };
        assert_eq!(triples(&conf), expected, "{file}");
        assert!(
            conf.section("netperf").unwrap().avg_update.iter().all(|u| u.only.is_none()),
            "positions alone"
        );
        assert!(conf.section("iozone").unwrap().result_file_pattern.is_match("iozone-result.RHS"), "{file}");
    }
    let own = Conf::with_layers([ANCESTORS[2]]).unwrap();
    assert_eq!(own.section("pktgen_perf").unwrap().desc, "packets\\n");
    assert_eq!(own.section("pktgen_perf").unwrap().keys, Vec::<String>::new());
}

#[test]
fn the_shipped_triples_name_the_column_that_they_replace() {
    let conf = Conf::builtin();
    let only: Vec<_> =
        conf.section("netperf").unwrap().avg_update.iter().map(|u| u.only.as_deref().unwrap()).collect();
    assert_eq!(only, ["thr_per_CPU", "tpkt_per_exit", "rpkt_per_irq"]);
}

#[test]
fn an_empty_avg_update_takes_away_the_layer_below() {
    let conf = Conf::with_layers([("x", "[netperf]\navg_update =\n")]).unwrap();
    assert_eq!(triples(&conf), []);
    assert_eq!(conf.section("netperf").unwrap().ignore_col, 2, "and nothing else");
}

#[test]
fn names_of_every_generation_meet() {
    let conf = Conf::builtin();
    let netperf = conf.section("netperf").unwrap();
    for (written, canonical) in [
        ("cpu", "CPU"),
        ("%CPU", "CPU"),
        ("CPU", "CPU"),
        ("normalize", "thr_per_CPU"),
        ("thr/%CPU", "thr_per_CPU"),
        ("#io_exit", "exits"),
        ("io_exit", "exits"),
        ("io_exit(s)", "exits"),
        ("#re-trans", "re_pkts"),
        ("#tx-intr", "tx_intr_sum"),
        ("tx_intr", "tx_intr_sum"),
        ("tx_intr_0", "tx_intr_0"),
        ("tpkt/exit", "tpkt_per_exit"),
        ("irq_inj(s)", "irq_inj"),
        ("size", "size"),
    ] {
        assert_eq!(netperf.canonical(written), canonical);
    }
    let columns = |category: &str, columns: &[&str]| netperf.canonical_columns(category, columns).join(" ");
    assert_eq!(columns("TCP_RR", &["size", "throughput", "cpu"]), "size trans.rate CPU");
    assert_eq!(columns("TCP_CRR", &["throughput"]), "trans.rate");
    assert_eq!(columns("TCP_STREAM", &["throughput"]), "throughput");
    assert_eq!(
        columns("TCP_RR", &["throughput", "trans.rate"]),
        "throughput trans.rate",
        "it has one already"
    );
    let conf = Conf::with_layers([("x", "[netperf]\nalias.trans.rate = rate\n")]).unwrap();
    let changed =
        conf.section("netperf").unwrap().canonical_columns("TCP_RR", &["throughput", "rate"]).join(" ");
    assert_eq!(changed, "throughput trans.rate", "a layer replaces all names of a column");
    assert_eq!(netperf.canonical_category("TCP_STREAM (RX)"), "TCP_STREAM");
    assert_eq!(netperf.canonical_category("TCP_RR"), "TCP_RR");
}

#[test]
fn metrics_carry_unit_direction_role_scale_and_kind() {
    let conf = Conf::builtin();
    let netperf = conf.section("netperf").unwrap();
    let throughput = netperf.metric("throughput");
    assert_eq!((throughput.unit.as_str(), throughput.direction), ("Mbit/s", Direction::HigherIsBetter));
    assert_eq!(
        (throughput.role, throughput.scale, throughput.min_effect),
        (Role::Primary, Some(Scale::Log), 0.05)
    );
    assert_eq!(
        (netperf.metric("CPU").role, netperf.metric("CPU").min_effect_abs),
        (Role::Important, Some(1.0))
    );
    let queue = netperf.metric("rx_intr_7");
    assert_eq!((queue.name.as_str(), queue.unit.as_str(), queue.kind_count), ("rx_intr_7", "", true));
    let unknown = netperf.metric("flux");
    assert_eq!(
        (unknown.direction, unknown.role, unknown.scale),
        (Direction::Informational, Role::Secondary, None)
    );
}

#[test]
fn a_layer_changes_single_fields_and_every_value_knows_its_layer() {
    let low = "[netperf]\nmetric.CPU = primary min_effect=3%\n";
    let high = "[netperf]\nmetric.CPU = min_effect=0.1\nmetric.rx_intr_0 = important\nignore_col = 3\n";
    let conf = Conf::with_layers([("./perf.conf", low), ("high.conf", high)]).unwrap();
    let netperf = conf.section("netperf").unwrap();
    let cpu = netperf.metric("CPU");
    assert_eq!(
        (cpu.unit.as_str(), cpu.direction, cpu.role, cpu.min_effect),
        ("%", Direction::LowerIsBetter, Role::Primary, 0.1)
    );
    let queue = netperf.metric("rx_intr_0");
    assert_eq!((queue.role, queue.kind_count), (Role::Important, true), "a new name starts from its pattern");
    let layer = |option: &str| netperf.origin(option).map(|o| (o.file.as_str(), o.line));
    assert_eq!(layer("metric.CPU.min_effect"), Some(("high.conf", 2)));
    assert_eq!(layer("metric.CPU.role"), Some(("./perf.conf", 2)));
    assert_eq!(layer("metric.CPU.direction").unwrap().0, "built in");
    assert_eq!(layer("ignore_col"), Some(("high.conf", 4)));
    assert_eq!(layer("metric.CPU.exact"), None);
}

#[test]
fn derived_metrics_may_choose_their_numerator() {
    let conf = Conf::builtin();
    let derived = &conf.section("netperf").unwrap().derived[0];
    assert_eq!(derived.numerator, ["throughput", "trans.rate"]);
    assert_eq!(derived.denominator, ["CPU"]);
    assert_eq!(conf.section("fio").unwrap().derived[0].name, "BW/CPU");
}

#[test]
fn slips_are_errors_with_line_and_suggestion() {
    for (text, line, suggestion) in [
        ("[netperf]\nignore_cols = 2\n", 2, Some("ignore_col")),
        ("[netperf]\n\navg_udpate = 1,2,3\n", 3, Some("avg_update")),
        ("[netperf]\nmetrik.CPU = %\n", 2, Some("metric.CPU")),
        ("[netperf]\nmetric = %\n", 2, Some("metric.NAME")),
        ("[netperf]\nmetric.CPU = % lwoer\n", 2, Some("lower")),
        ("[netperf]\nmetric.CPU = hihger\n", 2, Some("higher")),
        ("[netperf]\nmetric.CPU = % min_efect=2%\n", 2, Some("min_effect")),
        ("[netperf]\nmetric.CPU = % min_effect=5\n", 2, None),
        ("[netperf]\nmetric.CPU = % exact=perhaps\n", 2, None),
        ("[netperf]\ncolour = red\n", 2, None),
        ("[netperf]\nignore_col = two\n", 2, None),
        ("[netperf]\navg_update = 4,2\n", 2, None),
        ("[netperf]\navg_update = -1,2,3\n", 2, None),
        ("[netperf]\nresult_file_pattern = *.RHS\n", 2, None),
        ("[netperf]\nderived.x = a/b\n", 2, None),
        ("ignore_col = 2\n", 1, None),
        ("[netperf]\nhello\n", 2, None),
    ] {
        let error = refused(text);
        assert_eq!((error.line, error.suggestion.as_deref()), (line, suggestion), "{text:?}: {error}");
        assert!(error.to_string().starts_with(&format!("reading my.conf:{line}: ")), "{error}");
    }
    assert_eq!(
        refused("[netperf]\nignore_cols = 2\n").to_string(),
        "reading my.conf:2: unknown key 'ignore_cols' in [netperf], did you mean 'ignore_col'?"
    );
}

#[test]
fn patterns_are_regular_expressions_over_the_whole_name() {
    let conf = Conf::with_layers([("x", "[mine]\nresult_file_pattern = (run|try)[0-9]+\\.txt\n")]).unwrap();
    let pattern = &conf.section("mine").unwrap().result_file_pattern;
    assert!(
        pattern.is_match("run12.txt") && !pattern.is_match("run12.txt~") && !pattern.is_match("a-run12.txt")
    );
    assert!(conf.is_result_file("netperf-result.1.RHS") && conf.is_result_file("try1.txt"));
    assert!(!conf.is_result_file("netperf-result.RHS.bak"));
}

#[test]
fn default_fills_what_no_section_sets() {
    let conf =
        Conf::with_layers([("x", "[DEFAULT]\nignore_col = 7\ndesc = d\n[mine]\nignore_col = 1\n[other]\n")])
            .unwrap();
    let get = |name: &str| conf.section(name).map(|s| (s.ignore_col, s.desc.clone()));
    assert_eq!(get("mine"), Some((1, "d".to_owned())));
    assert_eq!(get("other"), Some((7, "d".to_owned())));
    assert_eq!(get("netperf").unwrap().0, 2, "a lower layer's own value stays");
    assert!(conf.section("DEFAULT").is_none());
}

#[test]
fn key_columns_go_by_name_and_otherwise_by_count() {
    let conf = Conf::with_layers([("x", "[mine]\nignore_col = 2\n")]).unwrap();
    let ffsb = conf.section("ffsb").unwrap();
    assert_eq!(ffsb.key_columns(&["IOPS", "threads"]), [false, true]);
    assert_eq!(ffsb.key_columns(&["None", "MBps"]), [true, false], "padding is no metric");
    assert_eq!(ffsb.key_columns(&["workers", "IOPS"]), [true, false], "no key by name: by count");
    assert_eq!(conf.section("mine").unwrap().key_columns(&["a", "b", "c"]), [true, true, false]);
}

#[test]
fn workloads_are_known_by_file_name_then_path_then_columns() {
    let conf = Conf::builtin();
    let infer =
        |path: &str, columns: &[&str]| conf.infer(Path::new(path), &[columns]).map(|s| s.name.as_str());
    assert_eq!(infer("fio/netperf-result.17.RHS", &[]), Some("netperf"));
    assert_eq!(infer("netperf-udp-perf.result.1.RHS", &[]), Some("netperf-udp"));
    assert_eq!(infer("fio_result.RHS", &[]), Some("fio"));
    assert_eq!(infer("pktgen_perf.RHS", &[]), Some("pktgen"));
    assert_eq!(infer("virtio_net_dpdk.RHS", &[]), Some("dpdk"));
    assert_eq!(infer("FFSB-result.RHS", &[]), Some("ffsb"));
    let job = "8-user/netperf/kvm.repeat1.r61.virtio_blk.smp2.RHEL.6.1.x86_64.ntttcp.default/results/raw_output_1.RHS";
    assert_eq!(infer(job, &[]), Some("ntttcp"), "the nearest component wins");
    assert_eq!(infer("fiona/reboots/x.RHS", &[]), None, "parts of words are not names");
    assert_eq!(infer("x.RHS", &["size", "sessions", "throughput", "%CPU"]), Some("netperf"));
    assert_eq!(infer("x.RHS", &["Block_size", "Iodepth", "Threads", "IOPS"]), Some("fio"));
    assert_eq!(infer("x.RHS", &["threads", "IOPS", "Thro(MBps)", "Vcpu1"]), Some("ffsb"));
    assert_eq!(infer("x.RHS", &["a", "b"]), None);
    let columns = ["size", "sessions", "throughput", "CPU"];
    assert_eq!(infer("netperf/boot2/x.RHS", &columns), Some("netperf"), "boot2 is no workload here");
    assert_eq!(infer("after/boot2/x.RHS", &columns), Some("netperf"), "nor here");
    assert_eq!(infer("after/boot2/x.RHS", &["vcpus", "memory_mb", "total_ms"]), Some("boot"));
    assert_eq!(infer("iozone/x.RHS", &["Write_Thro-KBps"]), Some("iozone"), "without its keys");
    assert_eq!(infer("fio/x.RHS", &["a", "b"]), Some("fio"), "no other is left");
    let own = Conf::with_layers([("x", "[mine]\nignore_col = 1\n")]).unwrap();
    let found = own.infer(Path::new("mine/x.RHS"), &[&columns]).map(|s| s.name.as_str());
    assert_eq!(found, Some("mine"), "it declares nothing that could be missing");
}

#[test]
fn percent_signs_are_read_as_config_parser_hands_them_on_and_the_length_is_put_in() {
    let conf = |text: &str| Conf::with_layers([("perf.conf", text)]);
    let described =
        |text: &str, lengths: &[&str]| conf(text).unwrap().section("netperf").unwrap().description(lengths);
    let today = "[netperf]\ndesc = Sessions of *%%s* seconds. 100%% of it.\\nMore.\\n\n";
    assert_eq!(described(today, &["30"]), "Sessions of *30* seconds. 100% of it.\nMore.");
    assert_eq!(described("[netperf]\ndesc = *%s* seconds\\n", &["30"]), "*30* seconds");
    assert_eq!(described("[netperf]\ndesc = *%s* s", &["30", "60"]), "*30 or 60* s");
    assert_eq!(described("[netperf]\ndesc = *%s* s", &[]), "*?* s");
    let aliases = conf("[netperf]\nalias.CPU = %%CPU | cpu\nmetric.CPU = min_effect=3%%\n").unwrap();
    let section = aliases.section("netperf").unwrap();
    assert_eq!((section.canonical("%CPU"), section.metric("CPU").min_effect), ("CPU", 0.03));
    let error = conf("[netperf]\n\ndesc = %(note)s\n").unwrap_err().to_string();
    assert!(
        error.starts_with("reading perf.conf:3: '%(note)s' stands for the value of another key"),
        "{error}"
    );
}

#[test]
fn options_without_effect_are_told_with_name_and_line() {
    let told = |text: &str| -> Vec<String> {
        let conf = Conf::with_layers([("p.conf", text)]).unwrap();
        conf.idle().iter().map(ToString::to_string).collect()
    };
    assert!(Conf::builtin().idle().is_empty(), "{:?}", Conf::builtin().idle());
    let none: [String; 0] = [];
    assert_eq!(told("[netperf]\nignore_col = 2\nmetric.CPU = lower\nmetric.CPU = min_effect=3%\n"), none);
    assert_eq!(
        told("[netperf]\ndesc = a\ndesc = b\nignore_col = 1\n"),
        [
            "p.conf:2: desc in [netperf] has no effect: line 3 sets it again",
            "p.conf:4: ignore_col in [netperf] has no effect: keys = size sessions (built in) names the key columns"
        ]
    );
    assert_eq!(
        told("[DEFAULT]\nresult_file_pattern = .*x\n"),
        ["p.conf:2: result_file_pattern in [DEFAULT] has no effect: every section sets it itself"]
    );
}

#[test]
fn a_copy_of_the_built_in_configuration_changes_nothing_and_says_nothing() {
    let shipped = include_str!("../../../perf.conf");
    let conf = Conf::with_layers([("perf.conf", shipped)]).unwrap();
    assert_eq!(conf.idle(), [], "{:?}", conf.idle());
    // One line of the copy that is changed counts.
    let changed = shipped.replace("ignore_col = 0", "ignore_col = 2");
    let conf = Conf::with_layers([("perf.conf", changed.as_str())]).unwrap();
    assert!(!conf.idle().is_empty());
}

#[test]
fn the_default_section_of_a_file_replaces_that_of_the_one_below_it() {
    let text = "[DEFAULT]\nmetric.guest_steal = min_effect_abs=7\n";
    let conf = Conf::with_layers([
        ("p.conf", text),
        ("q.conf", "[netperf]\nmetric.guest_steal = min_effect_abs=8\n"),
    ]);
    let conf = conf.unwrap();
    let of = |name: &str| conf.section(name).unwrap().metric("guest_steal");
    assert_eq!((of("fio").min_effect_abs, of("netperf").min_effect_abs), (Some(7.0), Some(8.0)));
    assert_eq!((of("fio").unit.as_str(), conf.idle().len()), ("%", 0));
}

#[test]
fn what_has_no_effect_is_one_sentence_for_each_kind_with_the_lines_of_all() {
    let text =
        "[netperf]\nignore_col = 1\n[fio]\nignore_col = 1\n[iozone]\nignore_col = 1\ndesc = a\ndesc = b\n";
    let conf = Conf::with_layers([("p.conf", text)]).unwrap();
    assert_eq!(
        told(&conf.idle()),
        [
            "p.conf:7: desc in [iozone] has no effect: line 8 sets it again",
            "p.conf:2: ignore_col in [netperf] has no effect: keys = size sessions (built in) names the key columns; \
             nor have 2 others, in lines 4, 6"
        ]
    );
}

#[test]
fn the_effective_configuration_has_every_option_with_its_origin() {
    let text = "[netperf]\nignore_col = 3\nmetric.CPU = min_effect=3% zero=value\nalias.CPU = x | y @ TCP*\n";
    let conf = Conf::with_layers([("p.conf", text)]).unwrap();
    let all = conf.section("netperf").unwrap().effective();
    let shown = |option: &str| {
        let one = all.iter().find(|one| one.option == option).unwrap_or_else(|| panic!("no {option}"));
        format!("{} ({})", one.value, one.origin)
    };
    assert_eq!(shown("ignore_col"), "3 (p.conf:2)");
    assert_eq!(shown("metric.CPU.min_effect"), "3% (p.conf:3)");
    assert_eq!(shown("metric.CPU.zero"), "value (p.conf:3)");
    assert_eq!(shown("metric.CPU.unit"), "% (built in)");
    assert_eq!(shown("alias.CPU"), "x | y @ TCP* (p.conf:4)");
    assert_eq!(shown("keys"), "size sessions (built in)");
    assert_eq!(shown("derived.thr_per_CPU"), "throughput | trans.rate / CPU (built in)");
    // Nothing that a layer sets is left out.
    for section in conf.sections() {
        assert_eq!(section.effective().len(), section.origins().count(), "{}", section.name);
    }
}
