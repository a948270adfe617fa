//! The text of one perf.conf to checked settings.

use super::ini::{self, Item};
use super::metric::MetricFields;
use super::refusal::Refusal;
use super::section::{AvgUpdate, Derived, LimitedAlias};
use super::suggest::closest;
use edge::quoted;
use regex::Regex;

/// Why a perf.conf was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reading {file}:{line}: {reason}{}", self.hint())]
pub struct ConfError {
    /// The file as it was named.
    pub file: String,
    /// 1-based line.
    pub line: u32,
    /// The section, empty above the first.
    pub section: Box<str>,
    /// The key, empty when the line has none.
    pub key: Box<str>,
    /// What is wrong, as a lowercase fragment.
    pub reason: String,
    /// What may have been meant.
    pub suggestion: Option<Box<str>>,
}

impl ConfError {
    fn hint(&self) -> String {
        match &self.suggestion {
            Some(word) => format!(", did you mean '{word}'?"),
            None => String::new(),
        }
    }
}

/// One checked perf.conf.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The file as it was named; `built in` for perfvt's own.
    pub file: String,
    /// Settings in the order of the file.
    pub(super) settings: Vec<Entry>,
}

/// One setting of a layer.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub section: String,
    pub line: u32,
    pub setting: Setting,
}

/// What a `key = value` says.
#[derive(Clone, Debug)]
pub(super) enum Setting {
    /// The section exists, even if it sets nothing.
    Exists,
    Pattern(Regex),
    IgnoreCol(usize),
    AvgUpdate(Vec<AvgUpdate>),
    Desc(String),
    Keys(Vec<String>),
    Alias {
        canonical: String,
        written: Vec<String>,
        limited: Vec<LimitedAlias>,
    },
    CategoryAlias {
        canonical: String,
        written: Vec<String>,
    },
    Metric {
        name: String,
        fields: MetricFields,
    },
    Derived(Derived),
}

/// The keys that stand alone.
const PLAIN: [&str; 5] = ["result_file_pattern", "ignore_col", "avg_update", "desc", "keys"];
/// The keys that carry a name behind a dot.
const NAMED: [&str; 4] = ["alias", "category_alias", "metric", "derived"];

/// Reads one perf.conf; `file` names it in errors and origins.
///
/// # Errors
/// The first line that is not INI, an unknown key, or a value that its key does not take.
pub fn parse(text: &str, file: &str) -> Result<Layer, ConfError> {
    let items = ini::items(text).map_err(|bad| ConfError {
        file: file.to_owned(),
        line: bad.line,
        section: bad.section.into(),
        key: "".into(),
        reason: format!("{} is neither '[section]' nor 'key = value'", quoted(&bad.text)),
        suggestion: None,
    })?;
    let mut settings = Vec::with_capacity(items.len());
    for mut item in items {
        match interpolated(&mut item).and_then(|()| setting(&item)) {
            Ok(Some(setting)) => settings.push(Entry { section: item.section, line: item.line, setting }),
            Ok(None) => {}
            Err((reason, suggestion)) => {
                return Err(ConfError {
                    file: file.to_owned(),
                    line: item.line,
                    section: item.section.into(),
                    key: item.key.into(),
                    reason,
                    suggestion: suggestion.map(String::into_boxed_str),
                });
            }
        }
    }
    Ok(Layer { file: file.to_owned(), settings })
}

/// Reads a value as ConfigParser hands it on: `%%` is a `%`. One that stands alone is one as well (files of before say so), but
/// `%(name)s`, the value of another key, would stay as it is and mean nothing.
fn interpolated(item: &mut Item) -> Result<(), Refusal> {
    let named = item.value.replace("%%", "");
    if let Some((_, behind)) = named.split_once("%(")
        && let Some((name, _)) = behind.split_once(")s")
    {
        let reason = format!(
            "{} stands for the value of another key, which perfvt does not put in; write the text itself",
            quoted(&format!("%({name})s"))
        );
        return Err((reason, None));
    }
    item.value = item.value.replace("%%", "%");
    Ok(())
}

/// Checks one item. `None`: it sets nothing.
fn setting(item: &Item) -> Result<Option<Setting>, Refusal> {
    if item.key.is_empty() {
        return Ok(Some(Setting::Exists));
    }
    if item.section.is_empty() {
        return Err((format!("{} stands above the first [section]", quoted(&item.key)), None));
    }
    if let Some((kind, name)) = item.key.split_once('.')
        && NAMED.contains(&kind)
    {
        let name = name.trim();
        if name.is_empty() {
            return Err((format!("'{kind}.' needs a name behind the dot"), None));
        }
        return named(kind, name, &item.value).map(Some);
    }
    // ConfigParser folds the case of keys, so that old files may spell these in any case.
    let setting = match item.key.to_ascii_lowercase().as_str() {
        "result_file_pattern" => return pattern(&item.value),
        "ignore_col" => Setting::IgnoreCol(item.value.parse().map_err(|_| {
            (format!("ignore_col takes a number of columns, not {}", quoted(&item.value)), None)
        })?),
        "avg_update" => Setting::AvgUpdate(avg_update(&item.value)?),
        "desc" => Setting::Desc(item.value.clone()),
        "keys" => Setting::Keys(
            item.value.split([' ', ',', '\t']).filter(|k| !k.is_empty()).map(str::to_owned).collect(),
        ),
        _ => return Err(unknown_key(item)),
    };
    Ok(Some(setting))
}

fn unknown_key(item: &Item) -> Refusal {
    let (kind, name) = item.key.split_once('.').map_or((item.key.as_str(), None), |(k, n)| (k, Some(n)));
    let suggestion = match name {
        Some(name) => closest(kind, NAMED).map(|kind| format!("{kind}.{name}")),
        None if NAMED.contains(&kind) => Some(format!("{kind}.NAME")),
        None => closest(kind, PLAIN.into_iter().chain(NAMED)).map(str::to_owned),
    };
    (format!("unknown key {} in [{}]", quoted(&item.key), item.section), suggestion)
}

/// The pattern must match the whole name of a file. An empty one sets nothing.
fn pattern(value: &str) -> Result<Option<Setting>, Refusal> {
    if value.is_empty() {
        return Ok(None);
    }
    match Regex::new(&format!("^(?:{value})$")) {
        Ok(regex) => Ok(Some(Setting::Pattern(regex))),
        Err(error) => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Err((format!("result_file_pattern {} is not a regular expression: {last}", quoted(value)), None))
        }
    }
}

/// `dst,num,den|dst,num,den,NAME`.
fn avg_update(value: &str) -> Result<Vec<AvgUpdate>, Refusal> {
    value
        .split('|')
        .map(str::trim)
        .filter(|triple| !triple.is_empty())
        .map(|triple| {
            let refuse = || {
                let reason = format!(
                    "avg_update takes 'dst,num,den' column numbers joined by '|', not {}",
                    quoted(triple)
                );
                (reason, None)
            };
            let mut parts = triple.splitn(4, ',').map(str::trim);
            let mut index = || parts.next().and_then(|part| part.parse::<usize>().ok()).ok_or_else(refuse);
            let (dst, num, den) = (index()?, index()?, index()?);
            let only = parts.next().map(str::to_owned);
            if only.as_ref().is_some_and(String::is_empty) {
                return Err(refuse());
            }
            Ok(AvgUpdate { dst, num, den, only })
        })
        .collect()
}

fn named(kind: &str, name: &str, value: &str) -> Result<Setting, Refusal> {
    let canonical = name.to_owned();
    match kind {
        "alias" => Ok(alias(canonical, value)),
        "category_alias" => Ok(Setting::CategoryAlias { canonical, written: names(value) }),
        "metric" => Ok(Setting::Metric { name: canonical, fields: MetricFields::parse(value)? }),
        _ => derived(canonical, value).map(Setting::Derived),
    }
}

/// Names joined by `|`, which no name in an RHS file can hold.
fn names(value: &str) -> Vec<String> {
    value.split('|').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Other names of a column; with ` @ CATEGORY` behind it, a name holds in these categories only.
fn alias(canonical: String, value: &str) -> Setting {
    let (mut written, mut limited) = (Vec::new(), Vec::new());
    for name in names(value) {
        match name.split_once(" @ ") {
            Some((name, category)) => limited.push(LimitedAlias {
                canonical: canonical.clone(),
                written: name.trim().to_owned(),
                category: category.trim().to_owned(),
            }),
            None => written.push(name),
        }
    }
    Setting::Alias { canonical, written, limited }
}

/// `NUMERATOR / DENOMINATOR`, each a choice of names joined by `|`. Names may hold a `/`, so the one between blanks counts.
fn derived(name: String, value: &str) -> Result<Derived, Refusal> {
    if let Some((numerator, denominator)) = value.split_once(" / ") {
        let (numerator, denominator) = (names(numerator), names(denominator));
        if !numerator.is_empty() && !denominator.is_empty() && !denominator.iter().any(|d| d.contains(" / "))
        {
            return Ok(Derived { name, numerator, denominator });
        }
    }
    Err((
        format!(
            "derived.{name} takes 'numerator / denominator' with blanks around the '/', not {}",
            quoted(value)
        ),
        None,
    ))
}
