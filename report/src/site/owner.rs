//! Whom entries and machines belong to, where results are signed: who publishes first, owns, and is known by the name
//! (principal) that the allowed signers give to the key.

use super::SiteError;
use super::entry::{Data, Entry};
use edge::text::{is_blank, visible};
use std::collections::BTreeSet;
use std::path::Path;

/// Whether a result may replace the entry of the same data in `folder`: it must be signed by whoever signed that one, and
/// signed at all if that one is.
pub(super) fn may_replace(folder: &Path, old: &Entry, new: &[Data]) -> Result<(), SiteError> {
    for (i, before) in old.data.iter().enumerate() {
        // The same data are the same results in the same order.
        let (signed, signer) = new.get(i).map_or((false, None), |d| (d.signed, d.signer.as_deref()));
        let other = match (before.signer.as_deref(), signer) {
            (Some(owner), Some(signer)) if owner == signer => continue,
            (None, _) if signed || !before.signed => continue,
            (_, Some(signer)) => format!("this result is signed by {}", visible(signer)),
            (_, None) if signed => "who signed this result was not checked".to_owned(),
            (_, None) => "this result has none".to_owned(),
        };
        let owner = before.signer.as_deref().map(|o| visible(o).into_owned());
        return Err(SiteError::Owned { folder: folder.to_owned(), owner, other });
    }
    Ok(())
}

/// Whether a result may be listed under its machine: not when others have signed results of that machine, and whoever
/// signed this one has not.
///
/// Baselines do not count: anybody may compare with the published results of others.
pub(super) fn may_claim(root: &Path, entries: &[Entry], new: &Entry) -> Result<(), SiteError> {
    // What nobody knows the machine of is nobody's.
    if new.machine == crate::machine::UNKNOWN {
        return Ok(());
    }
    let machine = folded(&new.machine);
    // The entry that is replaced counts too, so that its machine stays with whoever it belongs to.
    let alike: Vec<&Entry> = entries.iter().filter(|e| folded(&e.machine) == machine).collect();
    let owners: BTreeSet<&str> = alike.iter().flat_map(|e| signers(e)).collect();
    let stranger = signers(new).find(|s| !owners.is_empty() && !owners.contains(s));
    let Some(stranger) = stranger else { return Ok(()) };
    let folder = alike.iter().rfind(|e| signers(e).next().is_some()).map(|e| root.join("r").join(&e.id));
    Err(SiteError::Machine {
        machine: visible(&new.machine).into_owned(),
        folder: folder.unwrap_or_else(|| root.to_owned()),
        owners: owners.into_iter().map(|o| visible(o).into_owned()).collect::<Vec<_>>().join(" and "),
        signer: visible(stranger).into_owned(),
    })
}

/// Who signed the result of an entry, as far as that was checked.
fn signers(entry: &Entry) -> impl Iterator<Item = &str> {
    entry.data.iter().filter(|d| !d.baseline).filter_map(|d| d.signer.as_deref())
}

/// A machine's name without what a reader does not see or take for a difference.
fn folded(machine: &str) -> String {
    machine.chars().filter(|c| !is_blank(*c)).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_are_one_machine() {
        assert_eq!(folded(" Lab-7\u{200b}\u{ad} "), folded("lab-7"));
        assert_ne!(folded("lab-7"), folded("lab-8"));
    }
}
