//! A case: one point of a workload's matrix.

use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// The factor levels that tell a case from its neighbours, in the workload's own order:
/// `size=64, sessions=1`. Written as a JSON object; the order of its members is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, String>"))]
pub struct Keys(pub Vec<(String, String)>);

impl Keys {
    /// The level of one factor.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Keys {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(items: I) -> Self {
        Keys(items.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

impl fmt::Display for Keys {
    /// `size=64,sessions=1`; `,`, `=`, `/`, `%` and control characters in names or levels are percent-encoded,
    /// so that two different cases never print alike.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (k, v)) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            write!(f, "{}={}", Escaped(k), Escaped(v))?;
        }
        Ok(())
    }
}

impl Serialize for Keys {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(self.0.len()))?;
        for (k, v) in &self.0 {
            map.serialize_entry(k, v)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct KeysVisitor;
        impl<'de> Visitor<'de> for KeysVisitor {
            type Value = Keys;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys: Vec<(String, String)> = Vec::new();
                while let Some(entry) = map.next_entry::<String, String>()? {
                    if keys.iter().any(|(known, _)| *known == entry.0) {
                        return Err(A::Error::custom(format_args!("key `{}` is given twice", entry.0)));
                    }
                    keys.push(entry);
                }
                Ok(Keys(keys))
            }
        }
        d.deserialize_map(KeysVisitor)
    }
}

/// Percent-encodes what separates the parts of a case id.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '%' | '/' | ',' | '=' => write!(f, "%{:02X}", c as u32)?,
                c if c.is_control() => {
                    let mut bytes = [0; 4];
                    for b in c.encode_utf8(&mut bytes).bytes() {
                        write!(f, "%{b:02X}")?;
                    }
                }
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

/// The id of a case or a row as people write its parts: what an id encodes because it separates them is itself again. What
/// nobody can print stays encoded.
pub fn readable(id: &str) -> Cow<'_, str> {
    const SEPARATORS: [(&str, char); 5] =
        [("%25", '%'), ("%2F", '/'), ("%2C", ','), ("%3D", '='), ("%23", '#')];
    if !id.contains('%') {
        return Cow::Borrowed(id);
    }
    let (mut text, mut rest) = (String::with_capacity(id.len()), id);
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        let known = SEPARATORS.iter().find_map(|(code, c)| Some((from.strip_prefix(code)?, *c)));
        let (behind, c) = known.unwrap_or((from.get(1..).unwrap_or(""), '%'));
        text.push(c);
        rest = behind;
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// One point of a workload's matrix, for example netperf TCP_STREAM with 64-byte messages in one session.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Case {
    /// The workload's name, which is also its section in perf.conf.
    pub workload: String,
    /// The heading under which an RHS file lists the case, as the ancestor writes it: `TCP_STREAM (RX)`.
    pub category: String,
    /// The factor levels.
    pub keys: Keys,
}

impl Case {
    /// The case's name in every file and report: `netperf/TCP_STREAM (RX)/size=64,sessions=1`.
    pub fn id(&self) -> String {
        format!("{}/{}/{}", Escaped(&self.workload), Escaped(&self.category), self.keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_id_names_every_part_and_escapes_what_separates_them() {
        let case = Case {
            workload: "netperf".into(),
            category: "a/b=c".into(),
            keys: [("size", "64"), ("s,x", "1\n%")].into_iter().collect(),
        };
        assert_eq!(case.id(), "netperf/a%2Fb%3Dc/size=64,s%2Cx=1%0A%25");
    }

    #[test]
    fn an_id_is_shown_as_people_write_its_parts() {
        let case = Case {
            workload: "csv".into(),
            category: "a/b=c".into(),
            keys: [("s,x", "50%"), ("code", "%2F")].into_iter().collect(),
        };
        assert_eq!(readable(&case.id()), "csv/a/b=c/s,x=50%,code=%2F");
        assert_eq!(readable("csv//case=a/BW(MB%2FS)#2%23"), "csv//case=a/BW(MB/S)#2#");
        for plain in ["a/b", "a%0Ab", "100%", "%", "%2", "a%zz\u{e4}"] {
            assert_eq!(readable(plain), plain);
        }
    }

    #[test]
    fn keys_keep_their_order_through_json() {
        let keys: Keys = [("size", "64"), ("sessions", "1"), ("a", "z")].into_iter().collect();
        let text = serde_json::to_string(&keys).unwrap();
        assert_eq!(text, r#"{"size":"64","sessions":"1","a":"z"}"#);
        assert_eq!(serde_json::from_str::<Keys>(&text).unwrap(), keys);
    }
}
