//! KVM within guests.

use std::path::Path;

/// Whether guests may have KVM of their own: what the host's module says of it.
pub(super) fn found(modules: &Path) -> String {
    let says = |module: &str| {
        let text = edge::read::kernel(modules.join(module).join("parameters/nested")).ok()?;
        Some((module.to_owned(), text.trim().to_owned()))
    };
    match ["kvm_intel", "kvm_amd"].into_iter().find_map(says) {
        Some((module, said)) if matches!(said.as_str(), "Y" | "1") => {
            format!("{module} nested={said}: a guest with cpu_model=host has KVM of its own")
        }
        Some((module, said)) => {
            format!(
                "{module} nested={said}: guests have no KVM of their own (`modprobe -r {module}`, then `modprobe {module} nested=1`)"
            )
        }
        None => {
            "neither kvm_intel nor kvm_amd is loaded; `perfvt help nested` tells what it takes".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_kvm_is_told_with_the_module_and_how_to_turn_it_on() {
        let of = |module: &str, text: &str| {
            let dir = tempfile::tempdir().unwrap();
            std::fs::create_dir_all(dir.path().join(module).join("parameters")).unwrap();
            std::fs::write(dir.path().join(module).join("parameters/nested"), text).unwrap();
            found(dir.path())
        };
        assert!(
            of("kvm_intel", "Y\n").starts_with("kvm_intel nested=Y: a guest with cpu_model=host has KVM")
        );
        assert!(of("kvm_amd", "1\n").starts_with("kvm_amd nested=1: a guest"));
        let off = of("kvm_intel", "N\n");
        assert!(off.contains("no KVM of their own") && off.contains("modprobe kvm_intel nested=1"), "{off}");
        assert!(of("other", "Y\n").starts_with("neither kvm_intel nor kvm_amd"));
    }
}
