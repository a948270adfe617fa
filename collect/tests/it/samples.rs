//! Raw output that an early perfvt kept: today's makes the same values of it.

use collect::workload;
use model::measurement::Outcome;
use model::store::read_measurements;
use model::{Case, Params};
use std::collections::BTreeMap;
use std::path::Path;

/// What run.json says that it was measured with.
fn params(dir: &Path) -> Params {
    let run: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(dir.join("run.json")).unwrap()).unwrap();
    let mut params = Params::new();
    for (key, value) in run["params"].as_object().unwrap() {
        params.set(key.as_str(), value.as_str().unwrap(), model::Origin::BuiltIn);
    }
    params
}

#[test]
fn raw_output_of_an_early_perfvt_gives_the_values_that_stand_beside_it() {
    let netperf = workload::find("netperf").unwrap();
    let mut compared = 0;
    for environment in ["virtio", "e1000"] {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples").join(environment);
        let params = params(&dir);
        for repeat in std::fs::read_dir(&dir).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
            let mut cases: BTreeMap<String, Case> = BTreeMap::new();
            let known = read_measurements(&repeat.path().join("measurements.jsonl")).unwrap();
            for measurement in &known {
                let Some(raw) = &measurement.raw else { continue };
                let folder = Path::new(&raw.file).parent().unwrap().to_str().unwrap().to_owned();
                let case = Case {
                    workload: measurement.workload.clone(),
                    category: measurement.category.clone(),
                    keys: measurement.keys.clone(),
                };
                cases.insert(folder, case);
            }
            for (folder, case) in cases {
                let made = workload::parse(netperf, &case, &params, &repeat.path().join(&folder)).unwrap();
                for measurement in known.iter().filter(|measurement| measurement.case == case.id()) {
                    let Outcome::Value(value) = &measurement.outcome else { continue };
                    let again = made.values.iter().find(|again| again.metric == measurement.metric);
                    let again = again.unwrap_or_else(|| panic!("{folder}: {}", measurement.metric)).value;
                    // Sums may be rounded in another order.
                    let differs = (again - value).abs() > 1e-12 * value.abs();
                    assert!(!differs, "{folder}: {}: {again}, not {value}", measurement.metric);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared >= 100, "{compared}");
}
