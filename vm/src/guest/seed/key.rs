//! A key pair of one boot, for a guest that is entered by ssh and gets its key by its seed.

use super::SeedError;
use edge::read::CONFIG;
use process::{PrivateFolder, private_folder};
use std::path::{Path, PathBuf};

/// Both halves of a key; they are gone with this.
#[derive(Debug)]
pub struct KeyPair {
    private: PathBuf,
    public: String,
    _folder: PrivateFolder,
}

impl KeyPair {
    /// Makes one, in a private folder of its own.
    ///
    /// # Errors
    /// No room, or a host without ssh-keygen.
    pub fn make() -> Result<KeyPair, SeedError> {
        let failed = |source| SeedError::Host { folder: std::env::temp_dir(), source };
        let folder = private_folder().map_err(failed)?;
        let private = folder.path().join("key");
        crate::ssh::keygen(&private).map_err(SeedError::Key)?;
        let public = edge::read_text(private.with_extension("pub"), CONFIG);
        let public = public.map_err(|error| failed(std::io::Error::other(error.to_string())))?;
        Ok(KeyPair { private, public, _folder: folder })
    }

    /// Where the private half is.
    pub fn private(&self) -> &Path {
        &self.private
    }

    /// The public half, as a line of `authorized_keys`.
    pub fn public(&self) -> &str {
        &self.public
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn each_boot_has_a_key_of_its_own_that_nobody_else_reads_and_that_is_gone_with_it() {
        let made = match KeyPair::make() {
            Ok(made) => made,
            Err(error) => return testing::skip(format!("ssh-keygen makes no key: {error}")),
        };
        assert!(made.public().starts_with("ssh-ed25519 "), "{}", made.public());
        let path = made.private().to_owned();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_ne!(KeyPair::make().unwrap().public(), made.public());
        drop(made);
        assert!(!path.exists());
    }
}
