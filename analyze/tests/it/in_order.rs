//! The place within a block as a term of the model, by the plan alone.
use crate::support;

use analyze::{Comparison, Model, Row, compare, steps};
use formats::perf_conf::Conf;
use model::{Rule, Scale};
use std::path::Path;
use support::{Env, codes, options, series};

/// What rounds of a campaign do that no environment does.
const WAVES: [f64; 11] = [0.4, -1.1, 0.7, 1.6, -0.3, -0.9, 1.2, 0.1, -1.4, 0.5, -0.6];

/// Two environments of which the later boot of a block is 5 % faster and B 3 % slower.
fn page(root: &Path, blocks: usize, change: impl Fn(&mut Env), scale: &str, gone: &[usize]) -> Comparison {
    let values = |side: usize, case: usize| -> Vec<f64> {
        let value = |block: usize| {
            let later = (side == 1) == block.is_multiple_of(2);
            let wave = WAVES[(block + 3 * side + 5 * case) % 11];
            [100.0, 97.0][side] * (1.0 + if later { 0.05 } else { 0.0 }) * (1.0 + wave / 100.0)
        };
        (0..blocks).map(value).collect()
    };
    let write = |name: &'static str, side: usize| {
        let mut rows: Vec<_> = (0..10)
            .map(|case| series("TCP_RR", 64 + case as u32, "throughput", "Mbit/s", &values(side, case)))
            .collect();
        for row in rows.iter_mut().filter(|_| side == 0) {
            gone.iter().for_each(|block| row.values[*block] = Err("no route"));
        }
        let mut env = Env::new(name, rows);
        env.mirrored = true;
        change(&mut env);
        env.write(root)
    };
    let mut options = options(&[write("base", 0), write("head", 1)]);
    let conf = format!("[netperf]\nmetric.throughput = Mbit/s higher primary {scale} min_effect=1%\n");
    options.conf = Conf::with_layers([("page.conf", conf.as_str())]).unwrap();
    compare(&options).unwrap()
}

fn df(page: &Comparison, row: &Row) -> f64 {
    steps(page, row).iter().find(|step| step.name == "df").unwrap().value
}

#[test]
fn ten_blocks_in_alternate_order_take_out_what_the_place_does() {
    for scale in ["log", "linear"] {
        let root = tempfile::tempdir().unwrap();
        let page = page(root.path(), 10, |_| (), scale, &[]);
        for row in &page.rows {
            let place = row.position.as_ref().unwrap();
            assert_eq!((row.model, &place.b_later), (Some(Model::Blocked), &vec![1, 3, 5, 7, 9]));
            let effect = if row.scale == Scale::Log { place.effect } else { place.effect / 100.0 };
            assert!((effect - 0.05).abs() < 0.015, "{effect}");
            assert_eq!(df(&page, row), 8.0);
            assert!(row.verdict.is_decided_change() && (row.ratio.unwrap() - 0.97).abs() < 0.01);
            // What is shown is what was done, and the interval says what p says.
            let p = steps(&page, row).iter().find(|step| step.name == "p").unwrap().value;
            assert_eq!(p, row.p_model.unwrap());
            let (ci, chosen) = (row.ratio_ci.unwrap(), row.ratio_ci_fcr.unwrap());
            assert!(ci.1 < 1.0 && chosen.0 <= ci.0 && ci.1 <= chosen.1);
            assert!((row.ratio.unwrap() - 1.0).signum() == row.diff.unwrap().signum());
        }
    }
}

#[test]
fn the_plan_chooses_and_not_the_data() {
    let has_term = |blocks, change: fn(&mut Env)| {
        let root = tempfile::tempdir().unwrap();
        let page = page(root.path(), blocks, change, "log", &[]);
        let row = &page.rows[0];
        assert_eq!(row.model, Some(Model::Blocked));
        assert_eq!(row.position.is_none(), df(&page, row) == blocks as f64 - 1.0 || row.sequential.is_some());
        row.position.is_some()
    };
    assert!(has_term(10, |_| ()) && has_term(11, |_| ()));
    assert!(!has_term(9, |_| ()), "fewer than ten blocks");
    assert!(!has_term(10, |env| env.mirrored = false), "the same order in every block");
    let until = |env: &mut Env| {
        env.rule = Some(Rule::Until { half_width: 0.02, floor: 5, ceiling: 10, budget_seconds: None });
    };
    assert!(!has_term(10, until), "limits of a rule are those of blocks alone");
}

#[test]
fn lost_blocks_leave_the_term_and_orders_count_alike() {
    let root = tempfile::tempdir().unwrap();
    // Three of the blocks in which B was later are lost: their place must not look like a change.
    let page = page(root.path(), 10, |_| (), "linear", &[0, 2, 4]);
    for row in &page.rows {
        assert_eq!((row.a.n, df(&page, row)), (7, 5.0));
        assert!((row.ratio.unwrap() - 0.97).abs() < 0.012, "{:?}", row.ratio);
        assert!((row.ratio_of_means.unwrap() - 0.955).abs() < 0.012, "{:?}", row.ratio_of_means);
    }
    assert!(codes(&page).contains(&"incomplete-blocks"));
}
