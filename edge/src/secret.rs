//! Values that cannot be printed or stored.

use std::fmt;

/// What stands for a secret wherever somebody could read it.
pub const SHOWN: &str = "(set)";

/// A secret. `Debug` and `Display` show [`SHOWN`], and there is no way to serialise it: whoever needs the value says so by
/// [`Secret::reveal`], which is easy to search for.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Takes a value in.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// The value itself, for the one place that hands it on.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "" } else { SHOWN })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::new("hunter2");
        assert_eq!(
            format!("{secret} {secret:?} {:?}", Some(&secret)),
            "(set) Secret((set)) Some(Secret((set)))"
        );
        assert_eq!(secret.reveal(), "hunter2");
        assert_eq!(Secret::default().to_string(), "");
    }
}
