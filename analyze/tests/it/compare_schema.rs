//! docs/compare.schema.json describes what is written: it is made from the types, and every member of the JSON is in it.
use crate::support;

use analyze::{Comparison, compare, expectations, schema, write_json};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use support::{Env, options, series, throughput};

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/compare.schema.json")
}

#[test]
fn the_committed_schema_is_the_one_of_the_types() {
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(committed(), schema()).unwrap();
    }
    let text = std::fs::read_to_string(committed()).unwrap();
    assert!(
        text == schema(),
        "docs/compare.schema.json is not what the types give; to make it anew:\n\
         UPDATE_SCHEMA=1 cargo test -p perfvt-analyze --test it compare_schema"
    );
}

/// A value held against a schema: the part of JSON Schema that the types give. What it does not know, it refuses.
#[derive(Clone, Copy)]
struct Held<'a> {
    root: &'a Value,
    schema: &'a Value,
    value: &'a Value,
}

impl<'a> Held<'a> {
    /// The first disagreement, with its place.
    fn check(self, at: &str) -> Result<(), String> {
        let keywords = self.schema.as_object().unwrap();
        keywords.iter().try_for_each(|(keyword, rule)| self.keyword(keyword, rule, at))
    }

    fn against(self, schema: &'a Value) -> Self {
        Held { schema, ..self }
    }

    fn member(self, schema: &'a Value, value: &'a Value, at: String) -> Result<(), String> {
        Held { schema, value, ..self }.check(&at)
    }

    fn keyword(self, keyword: &str, rule: &'a Value, at: &str) -> Result<(), String> {
        let value = self.value;
        let length = value.as_array().map(|items| items.len() as u64);
        let list = || rule.as_array().unwrap().iter();
        let fitting = || list().filter(|schema| self.against(schema).check(at).is_ok()).count();
        let holds = match keyword {
            "$schema" | "$defs" | "title" | "description" | "format" => true,
            "const" => value == rule,
            "enum" => list().any(|word| word == value),
            "type" => is_of_type(value, rule),
            "minimum" => value.as_f64().is_none_or(|v| v >= rule.as_f64().unwrap()),
            "minItems" => length.is_none_or(|n| n >= rule.as_u64().unwrap()),
            "maxItems" => length.is_none_or(|n| n <= rule.as_u64().unwrap()),
            "anyOf" => fitting() > 0,
            "oneOf" => fitting() == 1,
            "required" => list().all(|name| value.get(name.as_str().unwrap()).is_some()),
            _ => return self.inside(keyword, rule, at),
        };
        if holds { Ok(()) } else { Err(format!("{at}: {value} against {keyword} {rule}")) }
    }

    /// Keywords that hold parts of the value against other schemas.
    fn inside(self, keyword: &str, rule: &'a Value, at: &str) -> Result<(), String> {
        let items = || self.value.as_array().into_iter().flatten().enumerate();
        let mut members = self.value.as_object().into_iter().flatten();
        match keyword {
            "$ref" => {
                let place = rule.as_str().unwrap().strip_prefix('#').unwrap();
                self.against(self.root.pointer(place).unwrap()).check(at)
            }
            "items" => items().try_for_each(|(i, v)| self.member(rule, v, format!("{at}[{i}]"))),
            "prefixItems" => {
                let rules = rule.as_array().unwrap();
                items().zip(rules).try_for_each(|((i, v), rule)| self.member(rule, v, format!("{at}[{i}]")))
            }
            "propertyNames" => members.try_for_each(|(name, _)| {
                Held { root: self.root, schema: rule, value: &json!(name) }.check(&format!("{at}.{name}"))
            }),
            "properties" => members.try_for_each(|(name, v)| {
                rule.get(name).map_or(Ok(()), |rule| self.member(rule, v, format!("{at}.{name}")))
            }),
            "additionalProperties" => members
                .filter(|(name, _)| self.schema["properties"].get(name.as_str()).is_none())
                .try_for_each(|(name, v)| match rule {
                    Value::Bool(false) => Err(format!("{at}.{name} is not in the schema")),
                    rule => self.member(rule, v, format!("{at}.{name}")),
                }),
            _ => Err(format!("{at}: the check does not know {keyword}")),
        }
    }
}

fn is_of_type(value: &Value, rule: &Value) -> bool {
    let (kind, whole) = match value {
        Value::Null => ("null", false),
        Value::Bool(_) => ("boolean", false),
        Value::Number(n) => ("number", !n.is_f64()),
        Value::String(_) => ("string", false),
        Value::Array(_) => ("array", false),
        Value::Object(_) => ("object", false),
    };
    let one = |rule: &Value| rule == kind || whole && rule == "integer";
    rule.as_array().map_or_else(|| one(rule), |several| several.iter().any(one))
}

/// A comparison is written as the schema says: nulls stand only where it has them.
pub fn agrees(comparison: &Comparison) {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&schema()).unwrap());
    let mut json = Vec::new();
    write_json(comparison, &mut json).unwrap();
    let value: Value = serde_json::from_slice(&json).unwrap();
    if let Err(disagreement) = (Held { root: &SCHEMA, schema: &SCHEMA, value: &value }).check("") {
        panic!("{disagreement}");
    }
}

#[test]
fn every_kind_of_row_agrees_with_the_schema() {
    let root = tempfile::tempdir().unwrap();
    let a: Vec<f64> = (0..12).map(|i| 100.0 + f64::from(i * 7 % 5)).collect();
    let b: Vec<f64> = a.iter().map(|v| v * 0.8 + 0.01 * (v % 3.0)).collect();
    let mut failed = series("X", 64, "trans.rate", "trans/s", &a);
    failed.values[3] = Err("no route");
    let base = vec![throughput(&a), failed, series("X", 64, "re_pkts", "", &[0.0; 12])];
    let head = vec![throughput(&b), series("X", 64, "CPU", "%", &b), series("X", 64, "re_pkts", "", &b)];
    let mut base = Env::new("base", base);
    base.accel = "tcg";
    let mut head = Env::new("head", head);
    (head.accel, head.planned) = ("tcg", 14);
    let paths = [base.write(root.path()), head.write(root.path())];
    let mut known = options(&paths);
    let line = "*throughput | REGRESSED | until 2027-01-31 | known\n";
    known.expectations = expectations(line, Path::new("known"), "2026-01-01").unwrap();
    let result = compare(&known).unwrap();
    assert!(result.rows.iter().any(|r| r.expected.is_some() && r.bca_ci.is_some()));
    assert!(result.rows.iter().any(|r| !r.a.invalid.is_empty()) && !result.warnings.is_empty());
    agrees(&result);
    known.expectations.clear();
    known.paths.push(paths[0].clone());
    agrees(&compare(&known).unwrap());
}

#[test]
fn a_row_that_was_looked_at_more_than_once_agrees_with_the_schema() {
    let root = tempfile::tempdir().unwrap();
    let values: Vec<f64> = (0..6).map(|i| 100.0 + f64::from(i * 7 % 5)).collect();
    for (looks, ceiling) in [(vec![], 30), (vec![6], 5)] {
        let mut paths = Vec::new();
        for name in ["base", "head"] {
            let mut env = Env::new(name, vec![throughput(&values)]);
            env.rule = Some(model::Rule::Until { half_width: 0.02, floor: 5, ceiling, budget_seconds: None });
            env.looks = looks.clone();
            paths.push(env.write(root.path()));
        }
        let result = compare(&options(&paths)).unwrap();
        assert!(result.rows.iter().all(|r| r.sequential.is_some()));
        agrees(&result);
    }
}

#[test]
fn what_disagrees_with_the_schema_is_found() {
    let root = tempfile::tempdir().unwrap();
    let paths = ["base", "head"]
        .map(|name| Env::new(name, vec![throughput(&[100.0, 101.0, 102.0])]).write(root.path()));
    let mut json = Vec::new();
    write_json(&compare(&options(&paths)).unwrap(), &mut json).unwrap();
    let good: Value = serde_json::from_slice(&json).unwrap();
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let check = |value: &Value| (Held { root: &schema, schema: &schema, value }).check("");
    assert_eq!(check(&good), Ok(()));
    for (place, wrong) in [
        ("/schema_version", json!(1)),
        ("/method/test", json!("guess")),
        ("/summary/0/primary", json!({ "FINE": 1 })),
        ("/summary/0/candidate", json!(-1)),
        ("/rows/0/verdict", json!("FINE")),
        ("/rows/0/ratio_ci", json!([0.9])),
        ("/rows/0/a/sources/0", json!([0, 1, 1.5])),
        ("/rows/0/a", json!({})),
        ("/rows/0/p", json!({ "student": null, "more": null })),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = wrong;
        assert!(check(&bad).is_err(), "{place}");
    }
}
