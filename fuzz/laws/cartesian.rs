//! What must hold for any bytes that are read as a Cartesian configuration.

use cartesian::{Config, Limits, Loader, NoFiles, Options};

/// Variants that are looked at.
const VARIANTS: usize = 100;

fn read(text: &str, compat: bool) -> Option<Config> {
    // Small, so that a value that doubles itself is an error before it is slow.
    let limits = Limits { values: 1 << 16, work: 1 << 20, ..Limits::default() };
    let mut loader = Loader::with_files(Options { compat, limits, ..Options::default() }, &NoFiles);
    let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
    match loader.text("fuzz.cfg", text) {
        Err(error) => {
            let said = error.to_string();
            assert!(said.starts_with("fuzz.cfg:") || said.starts_with("reading fuzz.cfg:"), "{said}");
            None
        }
        Ok(_) => {
            let config = loader.finish();
            for warning in config.warnings() {
                assert!(!warning.text.is_empty() && warning.place.column >= 1 && warning.place.line >= 1);
                // Python sees line ends where Rust sees none.
                assert!(
                    warning.place.line <= lines
                        || text.contains([
                            '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}',
                            '\u{2029}'
                        ])
                );
            }
            Some(config)
        }
    }
}

/// The first variants as JSON, and the names that go with them; `None` after an error.
fn expand(config: &Config) -> Option<(String, Vec<String>)> {
    let (mut json, mut names) = (Vec::new(), Vec::new());
    let mut expansion = config.expand();
    while names.len() < VARIANTS {
        match expansion.next_dict() {
            Ok(Some(dict)) => {
                names.push(dict.named.name.to_owned());
                assert!(dict.iter().all(|entry| entry.line >= 1));
                dict.write_json(&mut json);
            }
            Ok(None) => break,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                return None;
            }
        }
    }
    Some((String::from_utf8(json).expect("JSON is text"), names))
}

/// Panics when the law is broken.
pub fn holds(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Some(config) = read(&text, false) else { return };
    let _ = read(&text, true);
    // What takes long is given up after so many steps, so that nothing need be left out.
    let joins = text.matches("join ").count();
    let Some((json, names)) = expand(&config) else { return };
    assert_eq!(json.lines().count(), names.len());
    // Names alone are those of the dictionaries.
    let mut expansion = config.expand();
    for name in &names {
        let next = expansion.next_name().expect("a dictionary of it was built");
        assert_eq!(next.map(|named| named.name), Some(name.as_str()));
    }
    if names.is_empty() {
        let none = expansion.next_name().expect("the end was found").is_none();
        assert!(none && !expansion.emptied_by().is_empty() || joins > 0);
    }
    // Line ends of Windows change nothing, unless a carriage return already stood somewhere odd.
    if !text.contains('\r') {
        let other = read(&text.replace('\n', "\r\n"), false).and_then(|config| expand(&config));
        assert!(other.is_some_and(|(other, _)| other == json));
    }
}
