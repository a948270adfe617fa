//! Signatures of results by `ssh-keygen -Y`: made with a key, checked against a file of allowed signers (ssh-keygen(1),
//! "ALLOWED SIGNERS").

use process::{ProcessError, Spec, private_folder, run};
use report::site::Signatures;
use std::path::PathBuf;
use std::time::Duration;

/// What is signed: a signature that was made for something else does not count.
const NAMESPACE: &str = "perfvt-result";
/// A key on a token waits for a finger.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `perfvt publish` was told about signatures.
#[derive(Clone, Debug, Default)]
pub struct SshKeys {
    /// The key to sign with; a public one stands for its private half in ssh-agent.
    pub key: Option<PathBuf>,
    /// Who may publish.
    pub allowed: Option<PathBuf>,
}

impl Signatures for SshKeys {
    fn sign(&self, sums: &[u8]) -> Option<Result<Vec<u8>, String>> {
        let key = self.key.as_ref()?;
        // ssh-keygen would wait for a FIFO, and read a file of any size.
        if let Err(error) = edge::read(key, edge::read::CONFIG) {
            return Some(Err(format!("reading {}: {error}", key.display())));
        }
        let spec = keygen("sign").arg("-f").arg(key).args(["-n", NAMESPACE]).input(sums);
        Some(run(spec, PATIENCE).map_err(|error| {
            let text = error.to_string();
            // ssh-keygen cannot ask for one: it runs in the background, where a terminal does not answer.
            if matches!(error, ProcessError::Deadline { .. }) || text.contains("passphrase") {
                format!(
                    "{}; load a key with a passphrase into ssh-agent, and give its public half",
                    text.trim_end()
                )
            } else {
                text
            }
        }))
    }

    fn verify(&self, sums: &[u8], signature: &[u8]) -> Option<Result<String, String>> {
        let allowed = self.allowed.as_ref()?;
        Some(
            verified(allowed, sums, signature)
                .map_err(|reason| format!("it is not signed by anybody in {}: {reason}", allowed.display())),
        )
    }
}

/// `ssh-keygen -Y DOING`.
fn keygen(doing: &str) -> Spec {
    Spec::new("ssh-keygen").args(["-Y", doing])
}

/// The first principal of the allowed signers whose signature it is.
fn verified(allowed: &std::path::Path, sums: &[u8], signature: &[u8]) -> Result<String, String> {
    let text = |e: &dyn std::fmt::Display| e.to_string();
    let folder = private_folder().map_err(|e| text(&e))?;
    let file = folder.path().join("signature");
    edge::write::write(&file, signature).map_err(|e| text(&e))?;
    let find = keygen("find-principals").arg("-s").arg(&file).arg("-f").arg(allowed);
    let found = run(find, PATIENCE).map_err(|e| text(&e))?;
    let found = String::from_utf8_lossy(&found).into_owned();
    let mut reason = "ssh-keygen names no principal".to_owned();
    for principal in found.lines().filter(|l| !l.is_empty()) {
        let verify = keygen("verify").arg("-s").arg(&file).arg("-f").arg(allowed);
        match run(verify.args(["-n", NAMESPACE, "-I", principal]).input(sums), PATIENCE) {
            Ok(_) => return Ok(principal.to_owned()),
            Err(error) => reason = text(&error),
        }
    }
    Err(reason)
}
