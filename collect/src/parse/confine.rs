//! How QEMU is to be confined.

use model::{Params, ParamsError};
use vm::guest::confine::Confine;

/// The key that says it.
pub const CONFINE: &str = "confine";

/// What parameters say. Campaigns of before there was the key have none.
///
/// # Errors
/// Another word, or `auto`, which should have been decided.
pub fn confine(params: &Params) -> Result<Confine, ParamsError> {
    match params.get(CONFINE) {
        None => Ok(Confine::None),
        Some(_) => Ok(Confine::parse(params.choice(CONFINE, &Confine::WORDS)?).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    #[test]
    fn a_campaign_of_before_there_was_a_sandbox_goes_on_without_one() {
        let of = |word: &str| {
            let mut params = Params::new();
            params.set(CONFINE, word, Origin::BuiltIn);
            confine(&params)
        };
        assert_eq!(confine(&Params::new()).unwrap(), Confine::None);
        assert_eq!(of("sandbox").unwrap(), Confine::Sandbox);
        assert_eq!(of("user").unwrap(), Confine::User);
        assert!(of("jail").unwrap_err().to_string().contains("one of none, sandbox, files, user"));
        assert!(
            crate::parameters::guest().any(|known| known.key == CONFINE && known.default == Some("auto"))
        );
    }
}
