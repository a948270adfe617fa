//! docs/compare.schema.json describes what is written: every member of the JSON is in it, and every required one is there.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "compare_support/mod.rs"]
mod support;

use analyze::{Comparison, compare, expectations, write_json};
use serde_json::Value;
use std::path::Path;
use support::{Env, options, series, throughput};

/// The part of JSON Schema that the file uses. Gives the first disagreement.
fn check(schema: &Value, root: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix("#/$defs/").unwrap();
        return check(&root["$defs"][name], root, value, at);
    }
    if let Some(several) = schema["anyOf"].as_array() {
        let all: Vec<String> = several.iter().filter_map(|s| check(s, root, value, at).err()).collect();
        return if all.len() < several.len() { Ok(()) } else { Err(all.join("; ")) };
    }
    if let Some(words) = schema["enum"].as_array() {
        return if words.contains(value) {
            Ok(())
        } else {
            Err(format!("{at}: {value} is none of {words:?}"))
        };
    }
    if !schema["const"].is_null() {
        return if schema["const"] == *value { Ok(()) } else { Err(format!("{at}: {value}")) };
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_u64() || n.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return Err(format!("{at}: the schema has no type")),
    };
    let is_allowed = |kind: &str| allowed.contains(&kind);
    if !(is_allowed(kind) || kind == "integer" && is_allowed("number")) {
        return Err(format!("{at}: {kind} is none of {allowed:?}"));
    }
    if let Some(items) = value.as_array() {
        let (least, most) = (schema["minItems"].as_u64(), schema["maxItems"].as_u64());
        let n = items.len() as u64;
        if least.is_some_and(|l| n < l) || most.is_some_and(|m| n > m) {
            return Err(format!("{at}: {n} items"));
        }
        for (i, item) in items.iter().enumerate() {
            check(&schema["items"], root, item, &format!("{at}[{i}]"))?;
        }
    }
    if let Some(members) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(name) {
                return Err(format!("{at}: {name} is missing"));
            }
        }
        for (name, member) in members {
            let place = format!("{at}.{name}");
            let known = &schema["properties"][name];
            let of_any = &schema["additionalProperties"];
            match (known.is_null(), of_any.is_object()) {
                (false, _) => check(known, root, member, &place)?,
                (true, true) => check(of_any, root, member, &place)?,
                (true, false) => return Err(format!("{place} is not in the schema")),
            }
        }
    }
    Ok(())
}

fn agrees(comparison: &Comparison) {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/compare.schema.json"));
    let schema: Value = serde_json::from_str(&text.unwrap()).unwrap();
    let mut json = Vec::new();
    write_json(comparison, &mut json).unwrap();
    let value: Value = serde_json::from_slice(&json).unwrap();
    if let Err(disagreement) = check(&schema, &schema, &value, "") {
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
