//! `--env`: what a user says an environment is.

use super::error::SelectError;
use crate::parameters::GUEST_NAME;
use cartesian::Config;

/// An environment as `--env NAME[:PART,..]` describes it; a part is `KEY=VALUE` or `@FILTER`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvSpec {
    /// The flag as it was written.
    pub text: String,
    /// Name of the environment.
    pub name: String,
    /// Filters that the environment's variant passes.
    pub filters: Vec<String>,
    /// `KEY=VALUE`, as written.
    pub sets: Vec<String>,
    /// One variant of a block among others, which filters of the configuration may have ruled out.
    pub of_block: bool,
}

impl EnvSpec {
    /// The guest that it names.
    pub fn guest(&self) -> Option<&str> {
        named_guest(&self.sets)
    }
}

/// The guest that the last of some `KEY=VALUE` names.
pub fn named_guest(sets: &[String]) -> Option<&str> {
    let of = |set: &&String| set.split_once('=').is_some_and(|(key, _)| key.trim() == GUEST_NAME);
    let (_, name) = sets.iter().rfind(of)?.split_once('=')?;
    Some(name.trim())
}

/// The environments that one `--env` stands for.
pub(super) fn specs_of(text: &str, config: &Config) -> Result<Vec<EnvSpec>, SelectError> {
    let (name, rest) = text.split_once(':').unwrap_or((text, ""));
    let (filters, sets): (Vec<String>, Vec<String>) =
        split_commas(rest).into_iter().partition(|part| part.starts_with('@'));
    let filters: Vec<String> = filters.iter().map(|f| f.trim_start_matches('@').to_owned()).collect();
    let spec = |name: &str, filter: Option<String>| EnvSpec {
        text: text.to_owned(),
        name: name.to_owned(),
        filters: filter.into_iter().chain(filters.iter().cloned()).collect(),
        sets: sets.clone(),
        of_block: false,
    };
    let Some(picked) = name.strip_prefix('@') else { return Ok(vec![spec(name, None)]) };
    let values = config.block(picked);
    if !values.is_empty() {
        let filter = |value: &str| {
            let labels: Vec<String> = value.split('.').map(|label| format!("({picked}={label})")).collect();
            labels.join(".")
        };
        let one = |value: &str| EnvSpec { of_block: true, ..spec(value, Some(filter(value))) };
        return Ok(values.into_iter().map(one).collect());
    }
    if let Some(missing) = picked.split('.').find(|label| !config.has_label(label)) {
        let similar = config.similar_label(missing).map(str::to_owned);
        return Err(SelectError::NoBlock { name: missing.to_owned(), similar });
    }
    Ok(vec![spec(picked, Some(picked.to_owned()))])
}

/// Splits at single commas; a doubled one stays as one, as in QEMU's options.
fn split_commas(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == ',' && chars.next_if_eq(&',').is_none() {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts.retain(|p| !p.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubled_comma_is_a_comma() {
        assert_eq!(
            split_commas("a=1,extra_args=-device a,,b,@x,,y"),
            ["a=1", "extra_args=-device a,b", "@x,y"]
        );
    }
}
