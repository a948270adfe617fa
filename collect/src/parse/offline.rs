//! A guest that nobody talks to: whether keys ask for one, and how large the disk for its results is.

use super::{guests, image};
use model::{Params, ParamsError, bytes};
use vm::guest::way::Way;

/// The key of the disk's size.
pub const OUTPUT_SIZE: &str = "output_size";
/// The smallest and the largest disk, in MiB.
const SIZES: std::ops::RangeInclusive<u64> = 1..=1024;

/// Whether nobody talks to the guest with these parameters, which are its own.
pub(super) fn is_alone(own: &Params) -> bool {
    own.get("channel").and_then(|word| Way::parse(word.trim())).is_some_and(Way::is_offline)
}

/// The bytes of the disk for the results of a guest that nobody talks to; `None` for others.
///
/// # Errors
/// A size that no such disk has.
pub fn output(own: &Params) -> Result<Option<u64>, ParamsError> {
    let size = own.get(OUTPUT_SIZE).and_then(bytes).filter(|size| size.is_multiple_of(1 << 20));
    let size = size.filter(|size| SIZES.contains(&(size >> 20)));
    match (is_alone(own), size) {
        (false, _) => Ok(None),
        (true, Some(size)) => Ok(Some(size)),
        (true, None) => {
            Err(own.wrong(OUTPUT_SIZE, "a size of whole MiB, 1M to 1G, with room for all results of a case"))
        }
    }
}

/// Whether nobody talks to one of the guests that parameters describe.
pub fn is_offline(params: &Params) -> bool {
    guests(params).is_ok_and(|all| all.iter().any(|guest| is_alone(&params.object_params(guest))))
}

/// Refuses what cannot be done where nobody talks to a guest: others beside it, and what is told to it.
///
/// # Errors
/// The key that stands in the way.
pub fn refuse_talk(params: &Params) -> Result<(), ParamsError> {
    let all = guests(params)?;
    let Some(guest) = all.iter().find(|guest| is_alone(&params.object_params(guest))) else { return Ok(()) };
    let own = params.object_params(guest);
    if all.len() > 1 {
        let wanted = "a way into the guest, because it is one of several; none is for a guest alone";
        return Err(own.wrong("channel", wanted));
    }
    let nothing =
        [("prepare", ""), ("after", ""), ("build_on", "host"), ("irq_vcpus", ""), ("server_vcpus", "")];
    for (key, nothing) in nothing {
        let value = own.get(key).unwrap_or_default().trim();
        if !value.is_empty() && value != nothing {
            return Err(own.wrong(key, "it left out, because channel is none: nothing is told to the guest"));
        }
    }
    if image(&own).is_some() && own.get("cloud_init") != Some("yes") {
        return Err(own.wrong("channel", "cloud_init = yes beside it, which begins the job in the guest"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    fn params(set: &[(&str, &str)]) -> Params {
        let mut params = Params::new();
        for known in crate::parameters::guest() {
            if let Some(default) = known.default {
                params.set(known.key, default, Origin::BuiltIn);
            }
        }
        for (key, value) in set {
            params.set(*key, *value, Origin::Flag("--set".into()));
        }
        params
    }

    #[test]
    fn the_disk_for_results_has_the_size_that_is_asked_for() {
        let of = |set: &[(&str, &str)]| output(&params(set));
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&[("channel", "none")]), Ok(Some(64 << 20)));
        assert_eq!(of(&[("channel", "none"), (OUTPUT_SIZE, "2M")]), Ok(Some(2 << 20)));
        for size in ["", "0", "1500", "2G", "much", "-1M"] {
            let error = of(&[("channel", "none"), (OUTPUT_SIZE, size)]).unwrap_err().to_string();
            assert!(error.contains("1M to 1G"), "{size}: {error}");
        }
        assert!(is_offline(&params(&[("channel", "none")])) && !is_offline(&params(&[("channel", "ssh")])));
    }

    #[test]
    fn what_would_have_to_be_told_to_the_guest_is_refused() {
        let error = |set: &[(&str, &str)]| {
            refuse_talk(&params(&[&[("channel", "none")], set].concat())).unwrap_err().to_string()
        };
        assert_eq!(refuse_talk(&params(&[("channel", "none")])), Ok(()));
        assert_eq!(refuse_talk(&params(&[("prepare", "/x")])), Ok(()));
        assert!(error(&[("prepare", "/x")]).starts_with("parameter 'prepare' is '/x'"));
        assert!(error(&[("irq_vcpus", "0")]).contains("nothing is told to the guest"));
        assert!(error(&[("scenario", "guest_guest")]).contains("one of several"));
        assert!(error(&[("image", "/x.qcow2")]).contains("cloud_init = yes beside it"));
        assert_eq!(
            refuse_talk(&params(&[("channel", "none"), ("image", "/x.qcow2"), ("cloud_init", "yes")])),
            Ok(())
        );
    }
}
