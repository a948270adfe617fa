//! One variant: its name, and its parameters borrowed from the expansion or on their own.

use super::eval::Evaluator;
use super::program::{Loc, Program, Text};
use super::suffix::Flat;
use model::{Origin, Params};
use std::borrow::Cow;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Who a variant is.
#[derive(Clone, Copy, Debug)]
pub struct Named<'e> {
    /// All labels, those of later blocks first: `four.(os=one)`.
    pub name: &'e str,
    /// The labels without `@`, variables left out: `four.one`.
    pub shortname: &'e str,
    /// Names of the variants that this one depends on.
    pub deps: &'e [String],
}

impl<'e> Named<'e> {
    pub(super) fn new(name: &'e str, shortname: &'e str, deps: &'e [String]) -> Named<'e> {
        Named { name, shortname, deps }
    }

    /// Writes the names as one JSON object on one line: `{"name": …, "shortname": …, "dep": […]}`.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        self.open_json(out)?;
        out.write_all(b"}\n")
    }

    /// The beginning of the object, up to its list of dependencies.
    fn open_json(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(b"{\"name\":")?;
        string(out, self.name.as_bytes(), true)?;
        out.write_all(b",\"shortname\":")?;
        string(out, self.shortname.as_bytes(), true)?;
        out.write_all(b",\"dep\":[")?;
        for (index, dep) in self.deps.iter().enumerate() {
            if index > 0 {
                out.write_all(b",")?;
            }
            string(out, dep.as_bytes(), true)?;
        }
        out.write_all(b"]")
    }
}

/// The parameters of one variant, as long as the expansion stays there.
#[derive(Debug)]
pub struct Dict<'e> {
    program: &'e Program,
    evaluator: &'e Evaluator<'e>,
    flat: Option<Vec<Flat>>,
    /// Who it is.
    pub named: Named<'e>,
}

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'e> {
    /// The key.
    pub key: &'e str,
    /// The value.
    pub value: &'e str,
    /// The file of the assignment that won.
    pub file: &'e Path,
    /// Its line.
    pub line: u32,
}

impl<'e> Dict<'e> {
    pub(super) fn new(
        program: &'e Program,
        evaluator: &'e Evaluator<'_>,
        flat: Option<Vec<Flat>>,
        named: Named<'e>,
    ) -> Dict<'e> {
        Dict { program, evaluator, flat, named }
    }

    /// The parameters in the order in which they were first set.
    pub fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        let entry = |key, value: Text, loc: Loc| {
            let (file, line) = (self.program.file(loc), loc.line);
            Entry { key, value: self.evaluator.text(value), file, line }
        };
        let plain =
            self.evaluator.plain().map(move |(key, value, loc)| entry(self.program.text(key), value, loc));
        let flat =
            self.flat.iter().flatten().map(move |flat| entry(flat.name.as_str(), flat.value, flat.loc));
        plain.take(if self.flat.is_some() { 0 } else { usize::MAX }).chain(flat)
    }

    /// One parameter.
    pub fn get(&self, key: &str) -> Option<Entry<'_>> {
        self.iter().find(|entry| entry.key == key)
    }

    /// The variant on its own.
    pub fn to_variant(&self) -> Variant {
        let mut params = Params::new();
        for Entry { key, value, file, line } in self.iter() {
            params.set(key, value, Origin::File { path: file.to_owned(), line });
        }
        Variant {
            name: self.named.name.to_owned(),
            shortname: self.named.shortname.to_owned(),
            dep: self.named.deps.to_vec(),
            params,
        }
    }

    /// Writes the variant as one JSON object on one line:
    /// `{"name": …, "shortname": …, "dep": […], "params": {…}}`.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        self.named.open_json(out)?;
        out.write_all(b",\"params\":{")?;
        let mut separator: &[u8] = b"";
        let mut pair = |key: &[u8], odd_key, value: Text| -> io::Result<()> {
            out.write_all(separator)?;
            separator = b",";
            string(out, key, odd_key)?;
            out.write_all(b":")?;
            string(out, self.evaluator.bytes(value), value.is_odd())
        };
        match &self.flat {
            None => {
                for (key, value, _) in self.evaluator.plain() {
                    pair(self.evaluator.bytes(key), key.is_odd(), value)?;
                }
            }
            Some(flat) => {
                for entry in flat {
                    pair(entry.name.as_bytes(), true, entry.value)?;
                }
            }
        }
        out.write_all(b"}}\n")
    }

    /// Writes the variant for people: its name, then its keys in alphabetical order, name and dependencies among
    /// them.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let deps = super::eval::python_list(self.named.deps);
        let fixed = [("dep", deps.as_str()), ("name", self.named.name), ("shortname", self.named.shortname)];
        let mut all: Vec<(&str, &str)> =
            self.iter().map(|entry| (entry.key, entry.value)).chain(fixed).collect();
        all.sort_unstable();
        writeln!(out, "{}", self.named.name)?;
        for (key, value) in all {
            writeln!(out, "    {key} = {value}")?;
        }
        Ok(())
    }
}

/// Writes a JSON string; `odd` when something in it may have to be escaped.
fn string(out: &mut impl Write, text: &[u8], odd: bool) -> io::Result<()> {
    out.write_all(b"\"")?;
    if odd {
        escaped(out, text)?
    } else {
        out.write_all(text)?
    }
    out.write_all(b"\"")
}

fn escaped(out: &mut impl Write, mut text: &[u8]) -> io::Result<()> {
    while let Some(at) = text.iter().position(|b| *b < b' ' || *b == b'"' || *b == b'\\') {
        let (before, rest) = text.split_at_checked(at).unwrap_or((text, &[]));
        out.write_all(before)?;
        let Some((byte, rest)) = rest.split_first() else { return Ok(()) };
        let escape: Cow<'_, str> = match byte {
            b'"' => "\\\"".into(),
            b'\\' => "\\\\".into(),
            b'\t' => "\\t".into(),
            byte => format!("\\u{byte:04x}").into(),
        };
        out.write_all(escape.as_bytes())?;
        text = rest;
    }
    out.write_all(text)
}

/// A variant on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// As [`Named::name`].
    pub name: String,
    /// As [`Named::shortname`].
    pub shortname: String,
    /// As [`Named::deps`].
    pub dep: Vec<String>,
    /// The parameters with their origins.
    pub params: Params,
}

/// One change of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The file of the assignment.
    pub file: PathBuf,
    /// Its line.
    pub line: u32,
    /// The value after it.
    pub value: String,
}
