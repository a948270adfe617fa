//! What a JSON document holds. Text that has no escapes is a part of the document itself, because a copy of each key and each
//! word would take most of the time that reading takes.

use super::Passed;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Number;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Any JSON.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    List(Box<[Value<'a>]>),
    /// Members in the order of the text. Of those with one name the last counts.
    Object(Box<[Member<'a>]>),
}

/// A name and its value.
pub(crate) type Member<'a> = (Cow<'a, str>, Value<'a>);

impl<'a> Value<'a> {
    /// The member of a name, which mostly is known where this is called: compared there, it costs little.
    #[inline]
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        let Value::Object(members) = self else { return None };
        members.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The name of the first member, as the text has it.
    pub fn first_name(&self) -> Option<&str> {
        let Value::Object(members) = self else { return None };
        members.first().map(|(name, _)| name.as_ref())
    }

    /// The name of the member that counts, as the text has it.
    pub fn name(&self, name: &str) -> Option<&str> {
        let Value::Object(members) = self else { return None };
        members.iter().rev().map(|(own, _)| own.as_ref()).find(|own| *own == name)
    }

    /// What a JSON pointer (RFC 6901) names.
    pub fn pointer(&self, pointer: &str) -> Option<&Value<'a>> {
        if pointer.is_empty() {
            return Some(self);
        }
        let steps = pointer.strip_prefix('/')?.split('/').map(|s| s.replace("~1", "/").replace("~0", "~"));
        steps.into_iter().try_fold(self, |value, step| match value {
            Value::List(list) => {
                let is_index = step == "0" || !step.starts_with(['0', '+']);
                step.parse::<usize>().ok().filter(|_| is_index).and_then(|index| list.get(index))
            }
            other => other.get(&step),
        })
    }

    /// Members in the order of their names, each name once; `None` where this is no object.
    pub fn members(&self) -> Option<Vec<(&str, &Value<'a>)>> {
        let Value::Object(members) = self else { return None };
        let mut out: Vec<(&str, &Value<'a>)> = members.iter().rev().map(|(n, v)| (n.as_ref(), v)).collect();
        // The last of a name stands first, and stays.
        out.sort_by_key(|(name, _)| *name);
        out.dedup_by_key(|(name, _)| *name);
        Some(out)
    }

    /// The elements of a list.
    pub fn as_array(&self) -> Option<&[Value<'a>]> {
        if let Value::List(list) = self { Some(list) } else { None }
    }

    /// Text.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    /// True or false.
    pub fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(value) = self { Some(*value) } else { None }
    }

    fn as_number(&self) -> Option<&Number> {
        if let Value::Number(number) = self { Some(number) } else { None }
    }

    /// A number.
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number()?.as_f64()
    }

    /// A whole number that is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number()?.as_u64()
    }

    /// A whole number.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// Whether it has members.
    pub fn is_object(&self) -> bool {
        matches!(self, Value::Object(_))
    }

    /// Whether it is a list.
    pub fn is_array(&self) -> bool {
        matches!(self, Value::List(_))
    }

    /// The same as serde_json has it, which writes it.
    fn written(&self) -> serde_json::Value {
        match self {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => serde_json::Value::Number(number.clone()),
            Value::Text(text) => text.as_ref().into(),
            Value::List(list) => list.iter().map(Value::written).collect(),
            Value::Object(members) => {
                let pair = |(name, value): &Member<'_>| (name.to_string(), value.written());
                serde_json::Value::Object(members.iter().map(pair).collect())
            }
        }
    }
}

/// Objects are equal whatever the order of their members.
impl PartialEq for Value<'_> {
    fn eq(&self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Number(a), Value::Number(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::List(a), Value::List(b)) => a == b,
            (Value::Object(_), Value::Object(_)) => self.members() == other.members(),
            _ => false,
        }
    }
}

/// As JSON.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written().fmt(f)
    }
}

/// What lists and objects hold that have not ended: each gets room once, when its length is known.
#[derive(Default)]
pub(super) struct Open<'a> {
    values: Vec<Value<'a>>,
    members: Vec<Member<'a>>,
}

/// Who takes elements that are handed over one by one.
type Take<'t, 'a> = &'t mut (dyn FnMut(Value<'a>) + 't);

/// Puts a value together, without what is passed over and what is handed over.
pub(super) struct Keep<'o, 't, 'a, P> {
    open: &'o mut Open<'a>,
    /// Who takes the parts: for a document, and for its list of them.
    parts: Option<Take<'t, 'a>>,
    /// It is that list.
    is_list: bool,
    passed: PhantomData<P>,
}

impl<'o, 't, 'a, P: Passed> Keep<'o, 't, 'a, P> {
    /// What a reading that failed has left open is forgotten.
    pub fn anew(open: &'o mut Open<'a>, parts: Take<'t, 'a>) -> Self {
        open.values.clear();
        open.members.clear();
        Keep { open, parts: P::PARTS.and(Some(parts)), is_list: false, passed: PhantomData }
    }

    /// For a value within this one, whose parts are handed over if it is the list of them.
    fn within(&mut self, list: Option<Take<'t, 'a>>) -> Keep<'_, 't, 'a, P> {
        Keep { open: self.open, is_list: list.is_some(), parts: list, passed: PhantomData }
    }
}

impl<'de, P: Passed> DeserializeSeed<'de> for Keep<'_, '_, 'de, P> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value<'de>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, P: Passed> Visitor<'de> for Keep<'_, '_, 'de, P> {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value<'de>, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Value<'de>, A::Error> {
        if let (true, Some(parts)) = (P::PARTS.is_some() && self.is_list, self.parts.take()) {
            while let Some(one) = list.next_element_seed(self.within(None))? {
                parts(one);
            }
            return Ok(Value::List(Box::default()));
        }
        let first = self.open.values.len();
        while let Some(one) = list.next_element_seed(self.within(None))? {
            self.open.values.push(one);
        }
        Ok(Value::List(self.open.values.split_off(first).into_boxed_slice()))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Value<'de>, A::Error> {
        let first = self.open.members.len();
        while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
            if P::KEYS.contains(&name.as_ref()) {
                map.next_value::<IgnoredAny>()?;
            } else {
                // Taken once: what stands under the name again is kept.
                let is_list = P::PARTS.is_some_and(|list| !self.is_list && list == name);
                let list = if is_list { self.parts.take() } else { None };
                let value = map.next_value_seed(self.within(list))?;
                self.open.members.push((name, value));
            }
        }
        Ok(Value::Object(self.open.members.split_off(first).into_boxed_slice()))
    }
}

/// The name of a member.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(TakeName).map(Name)
    }
}

/// Takes a name as it stands.
struct TakeName;

impl<'de> Visitor<'de> for TakeName {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Nothing;
    use super::*;

    fn read(text: &str) -> Value<'_> {
        let (mut open, mut json) = (Open::default(), serde_json::Deserializer::from_str(text));
        Keep::<Nothing>::anew(&mut open, &mut |_| {}).deserialize(&mut json).unwrap()
    }

    #[test]
    fn of_members_with_one_name_the_last_counts_and_names_are_in_order() {
        let value = read("{\"b\": 1, \"a\": 2, \"b\": \"x\\u0041\", \"c\": [1.5, null]}");
        assert_eq!(value.get("b").and_then(Value::as_str), Some("xA"));
        let names: Vec<&str> = value.members().unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(value.to_string(), "{\"a\":2,\"b\":\"xA\",\"c\":[1.5,null]}");
        assert_eq!(value, read("{\"c\": [1.5, null], \"a\": 2, \"b\": \"xA\"}"));
        assert_ne!(value, read("{\"c\": [1.5], \"a\": 2, \"b\": \"xA\"}"));
    }

    #[test]
    fn a_pointer_is_followed_through_lists_and_objects() {
        let value = read("{\"a/b\": [{\"~\": true}, 2]}");
        assert_eq!(value.pointer("/a~1b/0/~0").and_then(Value::as_bool), Some(true));
        assert_eq!(value.pointer("/a~1b/1").and_then(Value::as_u64), Some(2));
        for nothing in ["/a~1b/01", "/a~1b/+1", "/a~1b/-", "/a~1b/2", "a", "/x"] {
            assert_eq!(value.pointer(nothing), None, "{nothing}");
        }
        assert_eq!(value.pointer(""), Some(&value));
    }
}
