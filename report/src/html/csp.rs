//! The content security policy: nothing is loaded, and only the page's own style and script are applied.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The policy for a page with exactly this style and this script, or none.
pub(crate) fn policy(style: &str, script: Option<&str>) -> String {
    let script = script.map_or("'none'".to_owned(), |s| format!("'{}'", source(s)));
    format!(
        "default-src 'none'; style-src '{}'; script-src {script}; base-uri 'none'; form-action 'none'",
        source(style)
    )
}

/// The same for a page that has pictures in itself.
pub(crate) fn with_pictures(policy: &str) -> String {
    format!("{policy}; img-src data:")
}

/// `sha256-` and the hash in base64, as CSP level 2 writes it.
fn source(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_the_hash_that_browsers_compute() {
        // The example of CSP level 2, section 4.2.5: <script>alert('Hello, world.');</script>
        assert_eq!(source("alert('Hello, world.');"), "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=");
    }
}
