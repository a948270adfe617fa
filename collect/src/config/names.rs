//! Names of variants, as labels next to each other, and those of guests.

use crate::parameters::{BUILTIN, GUEST_NAME};
use crate::parse::{CACHED, image};
use model::Params;

/// Ends of image files that say what they are, and not whose.
const ENDS: [&str; 3] = [".qcow2", ".raw", ".img"];
/// Letters of a guest's name in the name of a folder.
const LONGEST: usize = 100;

/// What folders of before call every guest, whichever it was.
pub const UNNAMED: &str = BUILTIN;

/// What a guest is called: by its definition, else by its image.
pub fn guest_name(own: &Params) -> String {
    let named = own.get(GUEST_NAME).map(str::trim).filter(|name| !name.is_empty() && *name != BUILTIN);
    let by_image = || {
        let image = image(own)?;
        let last = image.strip_prefix(CACHED).unwrap_or(image).rsplit('/').next()?;
        Some(ENDS.iter().find_map(|end| last.strip_suffix(end)).unwrap_or(last))
    };
    let name = named.or_else(by_image).filter(|name| !name.is_empty()).unwrap_or(BUILTIN);
    name.to_owned()
}

/// The same as a part of the name of a folder.
pub fn guest_folder(own: &Params) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    guest_name(own).chars().map(plain).take(LONGEST).collect()
}

/// The labels of a name, without the variables that they are values of.
pub(super) fn labels(name: &str) -> impl Iterator<Item = &str> {
    name.split('.').map(|label| {
        let inner = label.strip_prefix('(').and_then(|label| label.strip_suffix(')'));
        inner.and_then(|inner| inner.split_once('=')).map_or(label, |(_, label)| label)
    })
}

/// Whether the labels of a name stand next to each other in another one, as a filter would find them.
pub(super) fn carries(name: &str, part: &str) -> bool {
    let joined = |name: &str| labels(name).collect::<Vec<_>>().join(".");
    !part.is_empty() && format!(".{}.", joined(name)).contains(&format!(".{}.", joined(part)))
}

/// `Windows`, `WindowsCustom`, `Win10`: how avocado-vt calls its Windows guests.
pub(super) fn is_windows(label: &str) -> bool {
    let rest = label.strip_prefix("Win");
    rest.is_some_and(|rest| rest.starts_with("dows") || rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    #[test]
    fn labels_are_found_next_to_each_other_with_and_without_their_variable() {
        let name = "netperf.(guest=rhel).(guest=9).(os=LinuxCustom).FooLinux";
        assert!(carries(name, "LinuxCustom.FooLinux") && carries(name, "FooLinux"));
        assert!(carries(name, "rhel.9"));
        assert!(!carries(name, "netperf.FooLinux") && !carries(name, "Foo") && !carries(name, ""));
    }

    #[test]
    fn a_guest_is_called_as_it_is_defined_or_as_its_image() {
        let name = |guest: &str, image: &str| {
            let mut params = Params::new();
            params.set("guest", guest, Origin::BuiltIn);
            params.set("image", image, Origin::BuiltIn);
            guest_folder(&params)
        };
        assert_eq!(name("builtin", ""), "builtin");
        assert_eq!(name("builtin", "perfvt:builtin"), "builtin");
        assert_eq!(name("builtin", "perfvt:debian"), "debian");
        assert_eq!(name("builtin", "/i/foo-linux.qcow2"), "foo-linux");
        assert_eq!(name("LinuxCustom.FooLinux", "/i/foo-linux.qcow2"), "LinuxCustom.FooLinux");
        assert_eq!(name("a b/../c", "/i/x"), "a-b-..-c");
        assert_eq!(name(&"x".repeat(1000), "/i/x").len(), LONGEST);
    }

    #[test]
    fn windows_is_told_by_the_labels_that_avocado_vt_has_for_it() {
        let all = ["Windows", "WindowsCustom", "Win10", "Win2022"];
        assert!(all.into_iter().all(is_windows));
        assert!(!["Winter", "Win", "Linux", "windows"].into_iter().any(is_windows));
    }
}
