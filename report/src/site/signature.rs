//! Who may publish: signatures of a result's `SHA256SUMS`. Making and checking them is the caller's, who starts processes.

use super::SiteError;
use super::data::Copied;
use std::path::Path;

/// Signs and checks the list of a result's sums.
pub trait Signatures {
    /// The signature of a list; `None` when results are not to be signed here.
    fn sign(&self, sums: &[u8]) -> Option<Result<Vec<u8>, String>>;

    /// Whose signature of a list it is; `None` when signatures are not asked for. The error says why nobody's.
    fn verify(&self, sums: &[u8], signature: &[u8]) -> Option<Result<String, String>>;
}

/// Neither signs nor asks for signatures.
#[derive(Clone, Copy, Debug)]
pub struct Unsigned;

impl Signatures for Unsigned {
    fn sign(&self, _: &[u8]) -> Option<Result<Vec<u8>, String>> {
        None
    }

    fn verify(&self, _: &[u8], _: &[u8]) -> Option<Result<String, String>> {
        None
    }
}

/// A signature that goes with a result, and who made it when that was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Signed {
    pub signature: Option<Vec<u8>>,
    pub signer: Option<String>,
}

/// Signs a result where that was asked for, and checks the signature where one is asked for.
///
/// What is checked is the list that was made of the files just now, not the one that came with them.
pub(super) fn signed(
    result: &Path,
    copied: &Copied,
    signatures: &dyn Signatures,
) -> Result<Signed, SiteError> {
    let sums = copied.manifest();
    let failed = |reason: String| SiteError::Signature { path: result.to_owned(), reason };
    let made = signatures.sign(&sums).transpose().map_err(failed)?;
    let fresh = made.is_some();
    let signature = made.or_else(|| copied.signature.clone());
    let checked = signatures.verify(&sums, signature.as_deref().unwrap_or_default());
    let signer = match checked {
        None => None,
        Some(_) if signature.is_none() => {
            let text = "it is not signed, and --allowed-signers asks for it; sign it with publish --sign, and give the unpacked archive";
            return Err(failed(text.to_owned()));
        }
        Some(Ok(signer)) => Some(signer),
        Some(Err(reason)) => {
            let changed = copied.difference().filter(|_| !fresh);
            let hint = changed.map(|file| {
                format!("; it is not as it was signed: {} was changed, added or removed", file.escape_debug())
            });
            return Err(failed(format!("{reason}{}", hint.unwrap_or_default())));
        }
    };
    Ok(Signed { signature, signer })
}
