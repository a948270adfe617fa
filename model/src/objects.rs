//! Keys of single objects: `mem_vm2` is `mem` for the object `vm2`.

use crate::params::{Param, Params, ParamsError};

/// Parameters that describe several objects of one kind.
impl Params {
    /// The objects that a key lists (`nics = nic1 nic2`), each once, in order. None when the key is not set.
    pub fn objects(&self, key: &str) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for name in self.get(key).unwrap_or("").split_whitespace() {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        all
    }

    /// The parameters as one object sees them: `k_NAME` stands in for `k`, with the origin of `k_NAME`. Keys of other
    /// objects stay as they are. Of several keys that come to the same, `k_NAME_NAME` and `k_NAME`, the one with
    /// the longest suffix counts, whatever their order.
    pub fn object_params(&self, name: &str) -> Params {
        let suffix = format!("_{name}");
        let mut special: Vec<(&str, usize, &Param)> = Vec::new();
        for param in self.iter() {
            let key = stripped(&param.key, &suffix);
            if key.len() < param.key.len() {
                special.push((key, param.key.len(), param));
            }
        }
        // Stable, so that equals keep the order of the keys.
        special.sort_by_key(|(_, length, _)| *length);
        let mut params = self.clone();
        for (key, _, param) in special {
            params.put(param.renamed(key));
        }
        params
    }

    /// The value of a key for one object, without the copy that [`Params::object_params`] makes.
    ///
    /// # Errors
    /// When the key is set neither for the object nor for all.
    pub fn object_text(&self, key: &str, name: &str) -> Result<&str, ParamsError> {
        match self.get(&format!("{key}_{name}")) {
            Some(value) => Ok(value),
            None => self.text(key),
        }
    }
}

/// A key without the suffix, however often it stands at the end.
fn stripped<'a>(key: &'a str, suffix: &str) -> &'a str {
    let mut key = key;
    while let Some(shorter) = key.strip_suffix(suffix) {
        key = shorter;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Origin;

    fn params(pairs: &[(&str, &str)]) -> Params {
        let mut params = Params::new();
        for (line, (key, value)) in (1..).zip(pairs) {
            params.set(*key, *value, Origin::File { path: "t.cfg".into(), line });
        }
        params
    }

    #[test]
    fn objects_come_once_and_in_order() {
        let p = params(&[("nics", "nic2 nic1  nic2")]);
        assert_eq!(p.objects("nics"), ["nic2", "nic1"]);
        assert!(p.objects("disks").is_empty());
    }

    #[test]
    fn the_value_for_one_object_overrides_the_general_one_in_any_order() {
        let p = params(&[("mem_vm1", "512"), ("vms", "vm1 my_vm1"), ("mem_my_vm1", "64"), ("mem", "128")]);
        let vm1 = p.object_params("vm1");
        assert_eq!(vm1.get("mem"), Some("512"));
        assert_eq!(vm1.param("mem").unwrap().origin.to_string(), "t.cfg:1");
        assert_eq!(p.object_params("my_vm1").get("mem"), Some("64"));
        assert_eq!(p.object_params("vm3").get("mem"), Some("128"));
        assert_eq!(p.object_text("mem", "vm1"), Ok("512"));
        assert_eq!(p.object_text("mem", "vm3"), Ok("128"));
    }

    #[test]
    fn the_example_of_the_languages_manual() {
        let vms = [
            ("vms", "vm1 second_vm another_vm"),
            ("mem", "128"),
            ("mem_vm1", "512"),
            ("mem_second_vm", "1024"),
        ];
        let p = params(&vms);
        let mem = p.objects("vms").into_iter().map(|vm| p.object_params(vm).number("mem", 1, "MiB"));
        assert_eq!(mem.collect::<Result<Vec<u32>, _>>(), Ok(vec![512, 1024, 128]));
    }

    #[test]
    fn objects_within_objects_are_asked_one_after_the_other() {
        let p = params(&[("mac", "a"), ("mac_nic2", "b"), ("mac_nic2_vm1", "c")]);
        assert_eq!(p.object_params("vm1").object_params("nic2").get("mac"), Some("c"));
        assert_eq!(p.object_params("nic2").get("mac"), Some("b"));
    }

    #[test]
    fn the_longest_suffix_counts() {
        let p = params(&[("k_a_a", "two"), ("k_a", "one")]);
        assert_eq!(p.object_params("a").get("k"), Some("two"));
        assert_eq!(params(&[("k_a10_a1", "x")]).object_params("a1").get("k_a10"), Some("x"));
    }
}
