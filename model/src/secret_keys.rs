//! Which parameters are secret, by their keys.

use edge::secret::SHOWN;

/// The password of the images that perfvt builds, which everybody knows.
pub const SHIPPED: &str = "perfvt";

/// Words of a key, between underscores, that make it secret.
const WORDS: [&str; 12] = [
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "secret",
    "secrets",
    "token",
    "tokens",
    "proxy",
    "credential",
    "credentials",
    "apikey",
];
/// Keys that are secret without such a word, by their words.
const KEYS: [&[&str]; 2] = [&["user", "data"], &["api", "key"]];
/// What says, right behind such a word, that the value is not the secret itself.
const ABOUT: [&str; 2] = ["file", "prompt"];

/// Whether the value of a key is a secret: `password`, `password_vm2`, `http_proxy` (its URL may hold one), `user_data`.
/// `password_file` is not: it says where the secret is.
///
/// ```
/// assert!(model::secret_keys::is_secret("password_vm2") && !model::secret_keys::is_secret("password_file"));
/// ```
pub fn is_secret(key: &str) -> bool {
    let words: Vec<String> = key.split('_').map(str::to_ascii_lowercase).collect();
    // `password_hash_file` says where one is, too.
    let names_a_file = words.last().is_some_and(|word| word == "file");
    let about = |at: usize| names_a_file || words.get(at).is_some_and(|word| ABOUT.contains(&word.as_str()));
    let secret = |(at, word): (usize, &String)| WORDS.contains(&word.as_str()) && !about(at + 1);
    let named =
        |k: &&[&str]| words.iter().map(String::as_str).take(k.len()).eq(k.iter().copied()) && !about(k.len());
    words.iter().enumerate().any(secret) || KEYS.iter().any(named)
}

/// A word of a command line without the secrets in it: what stands behind `password=` becomes `(set)`, to the word's end.
///
/// ```
/// assert_eq!(model::secret_keys::masked("head:smp=2,password=x"), "head:smp=2,password=(set)");
/// ```
pub fn masked(word: &str) -> String {
    let mut from = 0;
    while let Some(at) = word.get(from..).and_then(|rest| rest.find('=')).map(|at| from + at) {
        let before = word.get(..at).unwrap_or_default();
        let key = before
            .trim_end()
            .rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .next()
            .unwrap_or_default();
        let value = word.get(at + 1..).unwrap_or_default();
        if is_secret(key) && !value.is_empty() {
            return format!("{before}={SHOWN}");
        }
        from = at + 1;
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_secret_by_their_words() {
        for key in [
            "password",
            "password_vm1",
            "PASSWORD",
            "ovirt_passwd",
            "user_data",
            "user_data_vm1",
            "https_proxy",
        ] {
            assert!(is_secret(key), "{key}");
        }
        for key in [
            "password_file",
            "password_hash_file",
            "password_prompt",
            "user",
            "user_database",
            "key",
            "image",
            "password_file_vm1",
        ] {
            assert!(!is_secret(key), "{key}");
        }
    }

    #[test]
    fn a_command_line_is_recorded_without_the_secrets_in_it() {
        let masks = [
            ("password=x", "password=(set)"),
            ("--set=password=x=y", "--set=password=(set)"),
            ("base:password=a,smp=2", "base:password=(set)"),
            ("--set password = x", "--set password =(set)"),
            ("smp=2", "smp=2"),
            ("password=", "password="),
            ("password_file=/x", "password_file=/x"),
            ("--out", "--out"),
        ];
        masks.iter().for_each(|(word, wanted)| assert_eq!(masked(word), *wanted));
    }
}
