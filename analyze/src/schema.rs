//! docs/compare.schema.json, made from the types and their comments: what a [`Comparison`] is as JSON.

use crate::{Comparison, Shared};
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;
use std::borrow::Cow;

/// The schema as it is committed.
pub fn schema() -> String {
    let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(RecursiveTransform(plain));
    let schema = settings.into_generator().into_root_schema_for::<Comparison>();
    format!("{:#}\n", schema.to_value())
}

/// Takes away what means something in Rust only: links and paths in comments, and the names of its numbers, which are no
/// formats of JSON Schema.
fn plain(schema: &mut Schema) {
    schema.remove("format");
    if let Some(Value::String(text)) = schema.get_mut("description") {
        let words = text.split_whitespace().map(plain_word);
        *text = words.collect::<Vec<_>>().join(" ");
    }
}

/// ``[`Comparison::b`]`` is `` `b` ``.
fn plain_word(word: &str) -> String {
    let Some((before, link)) = word.split_once("[`") else { return word.to_owned() };
    let Some((path, after)) = link.split_once("`]") else { return word.to_owned() };
    let name = path.rsplit("::").next().unwrap_or(path);
    format!("{before}`{name}`{after}")
}

impl<T: ?Sized + JsonSchema> JsonSchema for Shared<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
