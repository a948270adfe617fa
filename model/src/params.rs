//! Parameters: ordered keys with the place where each value was set.

use crate::secret_keys::{is_secret, masked};
use edge::Secret;
use edge::secret::SHOWN;
use edge::text::{QUOTED, clipped};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a value was set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub enum Origin {
    /// perfvt's own default.
    BuiltIn,
    /// A line of a configuration file.
    File {
        /// The file as it was named.
        path: PathBuf,
        /// Line, counted from 1.
        line: u32,
    },
    /// A flag of the command line, as it was written: `--set l=2`.
    Flag(String),
}

/// [`Origin`] as campaign.json has it: `"built in"`, `{"file": .., "line": ..}` or `{"flag": ..}`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    File { file: PathBuf, line: u32 },
    Flag { flag: String },
}

impl From<Origin> for Written {
    fn from(origin: Origin) -> Written {
        match origin {
            Origin::BuiltIn => Written::Text(BUILT_IN.into()),
            Origin::File { path, line } => Written::File { file: path, line },
            Origin::Flag(flag) => Written::Flag { flag },
        }
    }
}

impl From<Written> for Origin {
    fn from(written: Written) -> Origin {
        let text = match written {
            Written::File { file, line } => return Origin::File { path: file, line },
            Written::Flag { flag } => return Origin::Flag(flag),
            Written::Text(text) if text == BUILT_IN => return Origin::BuiltIn,
            Written::Text(text) => text,
        };
        // Of format 1, as it was printed: flags begin with two dashes, and lines of files end with their number.
        let line = || Some(text.rsplit_once(':')?).and_then(|(path, line)| Some((path, line.parse().ok()?)));
        match line() {
            Some((path, line)) if !text.starts_with("--") => Origin::File { path: path.into(), line },
            _ => Origin::Flag(text),
        }
    }
}

/// What is said of a default.
const BUILT_IN: &str = "built in";

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::BuiltIn => f.write_str(BUILT_IN),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Flag(flag) => f.write_str(flag),
        }
    }
}

/// A value that is not what its key wants.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParamsError {
    /// No value at all.
    #[error("parameter '{key}' is not set and has no default")]
    Missing {
        /// The key.
        key: String,
    },
    /// A secret that the campaign does not hold any more.
    #[error(
        "parameter '{key}' is a secret that is not stored here any more (secrets.json does not travel with results); \
         give it by {key}_file, or in the environment by {variable}"
    )]
    SecretGone {
        /// The key.
        key: String,
        /// The environment variable that is asked.
        variable: String,
    },
    /// A value of the wrong kind.
    #[error("parameter '{key}' is '{value}' ({origin}), want {wanted}")]
    Wrong {
        /// The key.
        key: String,
        /// The value found, cut to what a message shows.
        value: String,
        /// Where it was set.
        origin: String,
        /// What would do.
        wanted: String,
    },
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// The key.
    pub key: String,
    /// The value as text.
    pub value: String,
    /// Where the value was set.
    pub origin: Origin,
    /// What `value` only says is set.
    secret: Option<Secret>,
}

impl Param {
    /// A parameter. The value of a key that is secret is taken out: what everybody sees is `(set)`.
    pub fn new(key: impl Into<String>, value: impl Into<String>, origin: Origin) -> Param {
        let (key, mut value, mut origin, mut secret) = (key.into(), value.into(), origin, None);
        // The same flag may set a secret beside this.
        if let Origin::Flag(flag) = &mut origin {
            *flag = masked(flag);
        }
        // A plan that was stored says only that there is one.
        if is_secret(&key) && !value.is_empty() && value != SHOWN {
            secret = Some(Secret::new(std::mem::replace(&mut value, SHOWN.to_owned())));
        }
        Param { key, value, origin, secret }
    }

    /// The same under another key, with its secret.
    #[must_use]
    pub fn renamed(&self, key: impl Into<String>) -> Param {
        Param { key: key.into(), ..self.clone() }
    }
}

/// Parameters in the order in which they were first set. A later value replaces an earlier one in place.
///
/// The value of a key that is secret ([`is_secret`]) is taken out when it is set: what everybody sees is `(set)`, and whoever
/// needs the value asks for [`Params::secret`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<Param>);

impl Params {
    /// None at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// As a plan keeps them; of secrets, that they are set.
    pub fn stored(&self) -> BTreeMap<String, StoredParam> {
        let stored = |p: &Param| StoredParam { value: p.value.clone(), origin: p.origin.clone() };
        self.iter().map(|p| (p.key.clone(), stored(p))).collect()
    }

    /// Sets a key.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>, origin: Origin) {
        self.put(Param::new(key, value, origin));
    }

    /// Sets a key to what is set elsewhere: a secret comes along, which a value alone does not hold.
    pub fn put(&mut self, param: Param) {
        match self.0.iter_mut().find(|p| p.key == param.key) {
            Some(known) => *known = param,
            None => self.0.push(param),
        }
    }

    /// The secrets among them, by key.
    pub fn secrets(&self) -> BTreeMap<String, Secret> {
        self.0.iter().filter_map(|p| Some((p.key.clone(), p.secret.clone()?))).collect()
    }

    /// Gives values back that a stored plan does not hold.
    pub fn take_secrets(&mut self, secrets: &BTreeMap<String, Secret>) {
        for param in self.0.iter_mut().filter(|p| p.value == SHOWN) {
            param.secret = secrets.get(&param.key).cloned().or(param.secret.take());
        }
    }

    /// A secret value: the content of the file that `KEY_file` names, else what was set, else the environment's `PERFVT_KEY`.
    /// `None` when nothing says one.
    ///
    /// # Errors
    /// A file that cannot be read, or a stored plan whose secret is gone.
    pub fn secret(&self, key: &str) -> Result<Option<Secret>, ParamsError> {
        let file_key = format!("{key}_file");
        if let Some(path) = self.get(&file_key).map(str::trim).filter(|path| !path.is_empty()) {
            let text = edge::read_text(path, edge::read::CONFIG)
                .map_err(|e| self.wrong(&file_key, &format!("a file that can be read ({e})")))?;
            return Ok(Some(Secret::new(text.trim_end_matches(['\r', '\n']))));
        }
        if let Some(secret) = self.param(key).and_then(|p| p.secret.as_ref()) {
            return Ok(Some(secret.clone()));
        }
        let variable = format!("PERFVT_{}", key.to_ascii_uppercase());
        if let Ok(value) = std::env::var(&variable) {
            return Ok(Some(Secret::new(value)));
        }
        match self.get(key) {
            Some(SHOWN) => Err(ParamsError::SecretGone { key: key.into(), variable }),
            _ => Ok(None),
        }
    }

    /// One parameter with its origin.
    pub fn param(&self, key: &str) -> Option<&Param> {
        self.0.iter().find(|p| p.key == key)
    }

    /// The text of one value.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.param(key).map(|p| p.value.as_str())
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Param> {
        self.0.iter()
    }

    /// A value that must be there.
    pub fn text(&self, key: &str) -> Result<&str, ParamsError> {
        self.get(key).ok_or_else(|| ParamsError::Missing { key: key.into() })
    }

    /// A number; `wanted` says which, for the error: "a number of seconds, 1 or more".
    pub fn number<T: FromStr + PartialOrd>(
        &self,
        key: &str,
        at_least: T,
        wanted: &str,
    ) -> Result<T, ParamsError> {
        let text = self.text(key)?;
        match text.trim().parse::<T>() {
            Ok(n) if n >= at_least => Ok(n),
            _ => Err(self.wrong(key, wanted)),
        }
    }

    /// A switch: yes/no, on/off, true/false, 1/0.
    pub fn switch(&self, key: &str) -> Result<bool, ParamsError> {
        match self.text(key)?.trim() {
            "yes" | "on" | "true" | "1" => Ok(true),
            "no" | "off" | "false" | "0" => Ok(false),
            _ => Err(self.wrong(key, "yes or no")),
        }
    }

    /// One of a few words.
    pub fn choice(&self, key: &str, of: &[&'static str]) -> Result<&'static str, ParamsError> {
        let text = self.text(key)?.trim();
        of.iter()
            .find(|w| **w == text)
            .copied()
            .ok_or_else(|| self.wrong(key, &format!("one of {}", of.join(", "))))
    }

    /// Words as the POSIX shell splits them: quotes and backslashes hold blanks together, `#` begins a comment. Nothing is
    /// expanded.
    ///
    /// # Errors
    /// A quote that is not closed.
    pub fn words(&self, key: &str) -> Result<Vec<String>, ParamsError> {
        shlex::split(self.text(key)?).ok_or_else(|| self.wrong(key, "words whose quotes are closed"))
    }

    /// Words as [`Params::words`] splits them again; `None` when one holds a NUL.
    pub fn quoted<'w>(words: impl IntoIterator<Item = &'w str>) -> Option<String> {
        shlex::try_join(words).ok()
    }

    /// Words separated by blanks or commas (`protocols = TCP_STREAM,TCP_RR`).
    pub fn list(&self, key: &str) -> Result<Vec<&str>, ParamsError> {
        let split = |c: char| c == ',' || c.is_whitespace();
        Ok(self.text(key)?.split(split).filter(|w| !w.is_empty()).collect())
    }

    /// Numbers separated by blanks or commas, at least one.
    pub fn numbers(&self, key: &str, wanted: &str) -> Result<Vec<u32>, ParamsError> {
        let numbers: Option<Vec<u32>> =
            self.list(key)?.iter().map(|w| w.parse::<u32>().ok().filter(|n| *n > 0)).collect();
        numbers.filter(|n| !n.is_empty()).ok_or_else(|| self.wrong(key, wanted))
    }

    /// The error for a value that is not what its key wants.
    pub fn wrong(&self, key: &str, wanted: &str) -> ParamsError {
        match self.param(key) {
            Some(p) => ParamsError::Wrong {
                key: key.into(),
                value: shown(&p.value),
                origin: p.origin.to_string(),
                wanted: wanted.into(),
            },
            None => ParamsError::Missing { key: key.into() },
        }
    }
}

impl FromIterator<Param> for Params {
    fn from_iter<I: IntoIterator<Item = Param>>(all: I) -> Params {
        let mut params: Vec<Param> = Vec::new();
        // Without it, many keys would each be compared with all before them.
        let mut places: HashMap<String, usize> = HashMap::new();
        for param in all {
            match places.get(&param.key).and_then(|place| params.get_mut(*place)) {
                Some(known) => *known = param,
                None => {
                    places.insert(param.key.clone(), params.len());
                    params.push(param);
                }
            }
        }
        Params(params)
    }
}

/// A value in a message: it may be a stranger's, of any length, and with characters that a terminal acts on.
fn shown(value: &str) -> String {
    let head = clipped(value, QUOTED);
    format!("{}{}", edge::visible(head), if head.len() < value.len() { "…" } else { "" })
}

/// A parameter as campaign.json keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredParam {
    /// The value.
    pub value: String,
    /// Where it was set.
    pub origin: Origin,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params() -> Params {
        let mut p = Params::new();
        p.set("l", "60", Origin::BuiltIn);
        p.set("sizes", "64 256", Origin::BuiltIn);
        p.set("l", "2x", Origin::Flag("--set l=2x".into()));
        p
    }

    #[test]
    fn a_wrong_value_names_key_value_origin_and_what_would_do() {
        assert_eq!(
            params().number::<u32>("l", 1, "seconds, 1 or more").unwrap_err().to_string(),
            "parameter 'l' is '2x' (--set l=2x), want seconds, 1 or more"
        );
        assert_eq!(
            params().text("zz").unwrap_err().to_string(),
            "parameter 'zz' is not set and has no default"
        );
    }

    #[test]
    fn a_long_value_is_shown_in_part_and_without_control_characters() {
        let mut params = Params::new();
        params.set("l", format!("\u{1b}{}", "9".repeat(1 << 20)), Origin::BuiltIn);
        let error = params.number::<u32>("l", 1, "seconds").unwrap_err().to_string();
        assert!(error.len() < 300 && error.contains("'\\u{1b}999") && error.contains("9…'"), "{error}");
    }

    #[test]
    fn parameters_gathered_at_once_are_those_set_one_after_the_other() {
        let all = [("a", "1"), ("b", "2"), ("a", "3")];
        let param = |(key, value): (&str, &str)| Param::new(key, value, Origin::BuiltIn);
        let mut want = Params::new();
        all.iter().for_each(|(key, value)| want.set(*key, *value, Origin::BuiltIn));
        assert_eq!(all.into_iter().map(param).collect::<Params>(), want);
    }

    #[test]
    fn words_are_quoted_as_in_a_shell_and_nothing_is_expanded() {
        let words = |text: &str| {
            let mut params = Params::new();
            params.set("command", text, Origin::BuiltIn);
            params.words("command")
        };
        assert_eq!(
            words(r#"a "b c" d\ e '' 'x"\y' $HOME *"#).unwrap(),
            ["a", "b c", "d e", "", r#"x"\y"#, "$HOME", "*"]
        );
        let odd = ["plain/x.sh", "two words", "it's", "", "#no", "a\\b"];
        assert_eq!(words(&Params::quoted(odd).unwrap()).unwrap(), odd);
        for open in ["a 'b", "a \"b"] {
            assert!(words(open).unwrap_err().to_string().contains("words whose quotes are closed"), "{open}");
        }
    }

    #[test]
    fn a_secret_is_seen_by_nobody_who_does_not_ask_for_it() {
        let mut p = Params::new();
        p.set("password", "hunter2", Origin::Flag("--set password=hunter2".into()));
        assert_eq!(p.get("password"), Some("(set)"));
        assert_eq!(p.param("password").unwrap().origin.to_string(), "--set password=(set)");
        assert!(!format!("{p:?}").contains("hunter2"));
        assert_eq!(p.secret("password").unwrap().unwrap().reveal(), "hunter2");
        let mut stored = Params::new();
        stored.set("password", "(set)", Origin::BuiltIn);
        let gone = stored.secret("password").unwrap_err().to_string();
        assert!(gone.contains("password_file") && gone.contains("PERFVT_PASSWORD"), "{gone}");
        stored.take_secrets(&p.secrets());
        assert_eq!(stored.secret("password").unwrap().unwrap().reveal(), "hunter2");
        p.set("password", "", Origin::BuiltIn);
        assert!(p.secret("password").unwrap().is_none());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "from a file\n").unwrap();
        p.set("password_file", file.path().display().to_string(), Origin::BuiltIn);
        assert_eq!(p.secret("password").unwrap().unwrap().reveal(), "from a file");
    }

    #[test]
    fn a_secret_comes_along_when_a_parameter_is_copied_under_another_key() {
        let mut p = Params::new();
        p.set("password_vm1", "hunter2", Origin::BuiltIn);
        let copied: Params = p.iter().map(|param| param.renamed("password")).collect();
        assert_eq!(copied.secret("password").unwrap().unwrap().reveal(), "hunter2");
        p.set("smp", "2", Origin::Flag("--env head:smp=2,password = hunter2".into()));
        assert!(!format!("{p:?} {}", p.param("smp").unwrap().origin).contains("hunter2"));
    }

    #[test]
    fn a_later_value_keeps_the_place_of_the_first() {
        let keys: Vec<String> = params().iter().map(|p| p.key.clone()).collect();
        assert_eq!(keys, ["l", "sizes"]);
        assert_eq!(params().numbers("sizes", "sizes").unwrap(), [64, 256]);
    }
}
