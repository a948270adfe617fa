//! What a build was configured to be: symbols of Kconfig and of configure, in one form.

use std::collections::{BTreeMap, BTreeSet};

/// A line of a configuration: a symbol, and its value or none. `CONFIG_X=y` and `# CONFIG_X is not set` of Kconfig and of QEMU's
/// `config-*.mak`, `#define CONFIG_X 1` and `#undef CONFIG_X` of its `config-host.h`.
pub(super) fn symbol(line: &str) -> Option<(&str, Option<&str>)> {
    let line = line.trim();
    let (name, value) = if let Some(rest) = line.strip_prefix("# ") {
        (rest.strip_suffix(" is not set")?, None)
    } else if let Some(rest) = line.strip_prefix("#undef ") {
        (rest, None)
    } else if let Some(rest) = line.strip_prefix("#define ") {
        let (name, value) = rest.split_once(' ').unwrap_or((rest, "1"));
        (name, Some(value))
    } else {
        let (name, value) = line.split_once('=')?;
        (name, if value == "n" { None } else { Some(value) })
    };
    name.starts_with("CONFIG_").then_some((name, value))
}

/// The symbols of a text that are set, by name.
fn set(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(symbol).filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The symbols of a text that are set, a line `CONFIG_X=value` each, by name.
pub(crate) fn symbols(text: &str) -> String {
    set(text).iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

/// Symbols whose value is another one in the second configuration than in the first: `CONFIG_X: y became m`.
pub fn changed_symbols(first: &str, second: &str) -> Vec<String> {
    let (first, second) = (set(first), set(second));
    let names: BTreeSet<&str> = first.keys().chain(second.keys()).copied().collect();
    let value = |of: &BTreeMap<&str, &str>, name: &str| of.get(name).copied().unwrap_or("not set").to_owned();
    let pairs = names.into_iter().map(|name| (name, value(&first, name), value(&second, name)));
    pairs
        .filter(|(_, old, new)| old != new)
        .map(|(name, old, new)| format!("{name}: {old} became {new}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_that_changed_by_themselves_are_told() {
        let told = changed_symbols(
            "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=1\n",
            "CONFIG_A=m\nCONFIG_B=y\nCONFIG_C=1\n",
        );
        assert_eq!(told, ["CONFIG_A: y became m", "CONFIG_B: not set became y"]);
    }

    #[test]
    fn what_configure_writes_is_the_same_symbols() {
        let header = "/* generated */\n#undef CONFIG_NETTLE\n#define CONFIG_LINUX_AIO 1\n#define CONFIG_LINUX\n#define HAVE_X 1\n";
        assert_eq!(symbols(header), "CONFIG_LINUX=1\nCONFIG_LINUX_AIO=1\n");
        assert_eq!(symbols("CONFIG_VIRTIO_NET=y\nCONFIG_OFF=n\nSRC_PATH=/x\n"), "CONFIG_VIRTIO_NET=y\n");
    }
}
