//! What an environment brings.

use super::{PERFVT, SOURCE, Wish, in_guest};
use model::Params;
use std::collections::BTreeMap;

/// What of all that users bring is an environment's own: what it says of each key, and who builds its folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brings {
    values: BTreeMap<&'static str, String>,
    pub(super) in_guest: bool,
    /// The commit of its sources.
    pub(super) commit: Option<String>,
}

impl Brings {
    /// What parameters say of the keys of these wishes.
    pub fn of(params: &Params, wishes: &[Wish]) -> Brings {
        let value = |wish: &Wish| match wish.key {
            PERFVT => (wish.key, wish.value.clone()),
            key => (key, Wish::of(params, key, wish.program).value),
        };
        let commit = params.get(SOURCE).and_then(|source| source.rsplit_once('@'));
        Brings {
            values: wishes.iter().map(value).collect(),
            in_guest: in_guest::is_asked(params),
            commit: commit.map(|(_, commit)| commit.to_owned()),
        }
    }

    /// What it says of a key.
    pub(super) fn value(&self, key: &str) -> &str {
        self.values.get(key).map_or("", String::as_str)
    }
}
