//! How often a guest is booted before the boot that counts.

use super::offline::is_alone;
use crate::parameters::EARLIER_BOOTS;
use model::{Params, ParamsError};

/// More than these tell nothing more.
const MOST: u32 = 9;

/// How often the layer above an image is booted before the boot that counts, by the parameters of that guest. `image` is
/// whether it has one.
///
/// # Errors
/// No number from 0 to 9, or a guest that keeps nothing of an earlier boot.
pub fn earlier_boots(own: &Params, image: bool) -> Result<u32, ParamsError> {
    let wanted = "a number, 0 to 9";
    let boots: u32 = match own.get(EARLIER_BOOTS) {
        None => 0,
        Some(_) => own.number(EARLIER_BOOTS, 0, wanted)?,
    };
    match boots {
        0 => Ok(0),
        _ if !image => Err(own.wrong(
            EARLIER_BOOTS,
            "0, because the built-in guest keeps nothing of an earlier boot; an image does",
        )),
        _ if is_alone(own) => Err(own.wrong(
            EARLIER_BOOTS,
            "0, because channel is none: nobody could tell the guest to power off before it has a job",
        )),
        1..=MOST => Ok(boots),
        _ => Err(own.wrong(EARLIER_BOOTS, wanted)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    fn read(sets: &[(&str, &str)], image: bool) -> Result<u32, String> {
        let mut params = Params::new();
        for (key, value) in sets {
            params.set(*key, *value, Origin::Flag("--set".into()));
        }
        earlier_boots(&params, image).map_err(|error| error.to_string())
    }

    #[test]
    fn an_image_may_have_been_booted_before_and_what_keeps_nothing_may_not() {
        assert_eq!(read(&[], false), Ok(0));
        assert_eq!(read(&[(EARLIER_BOOTS, "0")], false), Ok(0));
        assert_eq!(read(&[(EARLIER_BOOTS, "9")], true), Ok(9));
        for nonsense in ["10", "-1", "yes", "99999999999"] {
            assert!(read(&[(EARLIER_BOOTS, nonsense)], true).unwrap_err().contains("0 to 9"), "{nonsense}");
        }
        assert!(read(&[(EARLIER_BOOTS, "1")], false).unwrap_err().contains("keeps nothing"));
        let alone = [(EARLIER_BOOTS, "1"), ("channel", "none")];
        assert!(read(&alone, true).unwrap_err().contains("channel is none"));
    }
}
