//! Boots of a host as part of the experiment: which one a guest needs, which one is here, and what is to be done about it. A pure
//! state machine; what it knows is a file of the shard, because the perfvt that asks for a boot ends with it.
//!
//! ```text
//! need (block, environment, kernel) + here (boot id, kernel) ──> Go            this is the boot, or the same one goes on
//!                                                            ──> Boot          ask for one, and end
//!                                                            ──> NotRebooted   it was asked for, and the host is as it was
//!                                                            ──> NoKernel      it was asked for, and the old kernel is back
//!                                                            ──> KernelStays   its own kernel was asked for, and another is there
//! ```
//! A boot serves one need and no other: the environments of a block have a boot of the host each, so that the block is the pair.

use serde::{Deserialize, Serialize};

/// The version that [`Boots::format`] carries.
pub const BOOTS_FORMAT: u32 = 1;
/// How often one boot is asked for: a host that panics once may have had bad luck.
const TRIES: u32 = 2;

/// What a boot of the host is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// Block of the shard's campaign; 0 for the whole of it.
    pub block: u32,
    /// Environment; empty for all.
    pub environment: String,
    /// The kernel's mark ([`crate::kernel::mark`]); absent for the one that the host boots by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
}

impl Need {
    /// A fresh boot for all that a shard measures.
    pub fn of_shard() -> Need {
        Need { block: 0, environment: String::new(), kernel: None }
    }
}

/// The boot that is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Here {
    /// Its boot id.
    pub boot: String,
    /// The mark of its kernel, where perfvt had it booted.
    pub kernel: Option<String>,
}

/// A boot that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Its boot id.
    pub boot: String,
    /// What for.
    pub need: Need,
}

/// A boot that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    /// The boot id of before.
    before: String,
    need: Need,
    tries: u32,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Measure.
    Go,
    /// Boot the host.
    Boot,
    /// The host was asked to boot, and is in the same boot.
    NotRebooted,
    /// The host booted, and not with this kernel: the old one is back.
    NoKernel,
    /// The host booted, and has a kernel of perfvt's still where its own was asked for.
    KernelStays,
}

/// What is known of the boots of a shard's host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boots {
    /// Format version, [`BOOTS_FORMAT`].
    pub format: u32,
    /// Those in which was measured, oldest first.
    pub used: Vec<Used>,
    /// Kernels that do not boot here, by their marks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dead: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked: Option<Asked>,
}

impl Default for Boots {
    fn default() -> Self {
        Boots { format: BOOTS_FORMAT, used: Vec::new(), dead: Vec::new(), asked: None }
    }
}

impl Boots {
    /// What a need and the boot that is here lead to. What was learnt is noted; the caller writes it down before it acts.
    pub fn step(&mut self, need: &Need, here: &Here) -> Step {
        if self.is_dead(need) {
            return Step::NoKernel;
        }
        let of_here = self.used.iter().find(|used| used.boot == here.boot);
        if of_here.is_some_and(|used| used.need == *need) {
            return Step::Go;
        }
        let is_free = of_here.is_none();
        let Some(asked) = self.asked.as_ref().filter(|asked| asked.need == *need) else { return Step::Boot };
        if asked.before == here.boot {
            return if asked.tries < TRIES { Step::Boot } else { Step::NotRebooted };
        }
        if is_free && here.kernel == need.kernel {
            self.used.push(Used { boot: here.boot.clone(), need: need.clone() });
            self.asked = None;
            return Step::Go;
        }
        match &need.kernel {
            _ if asked.tries < TRIES => Step::Boot,
            Some(kernel) => {
                self.dead.push(kernel.clone());
                self.asked = None;
                Step::NoKernel
            }
            None => Step::KernelStays,
        }
    }

    /// A boot is about to be asked for.
    pub fn ask(&mut self, need: &Need, here: &Here) {
        let tries = self.asked.as_ref().filter(|asked| asked.need == *need).map_or(0, |asked| asked.tries);
        self.asked = Some(Asked { before: here.boot.clone(), need: need.clone(), tries: tries + 1 });
    }

    /// That boot was refused, or somebody has looked at why it did not come: it counts as never asked for.
    pub fn forget(&mut self) {
        self.asked = None;
    }

    /// Somebody has looked at why kernels do not boot: they are tried again. Gives whether there were any.
    pub fn forgive(&mut self) -> bool {
        let had_any = !self.dead.is_empty();
        self.dead.clear();
        had_any
    }

    fn is_dead(&self, need: &Need) -> bool {
        need.kernel.as_ref().is_some_and(|kernel| self.dead.contains(kernel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(block: u32, environment: &str, kernel: Option<&str>) -> Need {
        Need { block, environment: environment.into(), kernel: kernel.map(str::to_owned) }
    }

    fn here(boot: u32, kernel: Option<&str>) -> Here {
        Here { boot: format!("boot-{boot}"), kernel: kernel.map(str::to_owned) }
    }

    /// A host that does what a script says: each word is what the next boot brings.
    struct Pretended<'a> {
        here: Here,
        boot: u32,
        script: std::slice::Iter<'a, &'a str>,
        boots: u32,
    }

    impl Pretended<'_> {
        fn of<'a>(script: &'a [&'a str]) -> Pretended<'a> {
            Pretended { here: here(0, None), boot: 0, script: script.iter(), boots: 0 }
        }

        /// `boots` has the kernel that was asked for, `panics` the old one after two boots, `keeps` the one that ran, `stays` none.
        fn reboot(&mut self, need: &Need) {
            self.boots += 1;
            match self.script.next() {
                Some(&"stays") => return,
                Some(&"panics") => {
                    self.boot += 2;
                    self.here = here(self.boot, None);
                    return;
                }
                Some(&"keeps") => {
                    self.boot += 1;
                    self.here.boot = format!("boot-{}", self.boot);
                    return;
                }
                _ => {}
            }
            self.boot += 1;
            self.here = Here { boot: format!("boot-{}", self.boot), kernel: need.kernel.clone() };
        }

        /// As a shard does it, with a state that is read and written each time as its file is.
        fn until_settled(&mut self, boots: &mut Boots, need: &Need) -> Step {
            for _ in 0..9 {
                let text = serde_json::to_string(boots).unwrap();
                *boots = serde_json::from_str(&text).unwrap();
                match boots.step(need, &self.here) {
                    Step::Boot => {
                        boots.ask(need, &self.here);
                        self.reboot(need);
                    }
                    step => return step,
                }
            }
            panic!("it goes on for ever");
        }
    }

    #[test]
    fn each_environment_of_a_block_has_a_boot_of_the_host_of_its_own() {
        let mut host = Pretended::of(&[]);
        let mut boots = Boots::default();
        for (block, environment, kernel) in
            [(1, "head", Some("k")), (1, "base", None), (2, "base", None), (2, "head", Some("k"))]
        {
            assert_eq!(host.until_settled(&mut boots, &need(block, environment, kernel)), Step::Go);
        }
        assert_eq!((host.boots, boots.used.len()), (4, 4));
        let different: std::collections::BTreeSet<_> = boots.used.iter().map(|used| &used.boot).collect();
        assert_eq!(different.len(), 4);
    }

    #[test]
    fn an_interruption_goes_on_in_the_same_boot_and_a_power_cut_has_another() {
        let mut host = Pretended::of(&[]);
        let mut boots = Boots::default();
        let need = need(1, "head", Some("k"));
        host.until_settled(&mut boots, &need);
        assert_eq!((host.until_settled(&mut boots, &need), host.boots), (Step::Go, 1));
        host.here = here(77, None);
        assert_eq!((host.until_settled(&mut boots, &need), host.boots), (Step::Go, 2));
    }

    #[test]
    fn a_kernel_that_panics_twice_does_not_boot_and_is_not_tried_again() {
        let mut host = Pretended::of(&["panics", "panics"]);
        let mut boots = Boots::default();
        assert_eq!(host.until_settled(&mut boots, &need(1, "head", Some("k"))), Step::NoKernel);
        assert_eq!(host.here.kernel, None, "the old one is back");
        assert_eq!(host.until_settled(&mut boots, &need(2, "head", Some("k"))), Step::NoKernel);
        assert_eq!(host.boots, 2, "no boot is spent on it any more");
        assert_eq!(host.until_settled(&mut boots, &need(2, "base", None)), Step::Go);
        // Somebody has looked at it.
        assert!(boots.forgive() && !boots.forgive());
        assert_eq!(host.until_settled(&mut boots, &need(2, "head", Some("k"))), Step::Go);
        // Another file under the same environment is another kernel.
        assert_eq!(host.until_settled(&mut boots, &need(3, "head", Some("mended"))), Step::Go);
    }

    #[test]
    fn a_kernel_that_panics_once_has_another_chance() {
        let mut host = Pretended::of(&["panics", "boots"]);
        assert_eq!(host.until_settled(&mut Boots::default(), &need(1, "head", Some("k"))), Step::Go);
    }

    #[test]
    fn a_host_that_keeps_a_kernel_of_perfvts_is_rebooted_twice_and_not_for_ever() {
        for need in [need(1, "base", None), Need::of_shard()] {
            let mut host = Pretended::of(&["keeps", "keeps", "boots"]);
            host.here = here(0, Some("k"));
            let mut boots = Boots::default();
            assert_eq!(host.until_settled(&mut boots, &need), Step::KernelStays);
            assert_eq!((host.boots, boots.used.len()), (2, 0));
            // Somebody has mended it and lets it go on.
            boots.forget();
            assert_eq!(host.until_settled(&mut boots, &need), Step::Go);
        }
    }

    #[test]
    fn a_host_that_did_not_reboot_is_not_counted_as_fresh() {
        let mut host = Pretended::of(&["stays", "stays"]);
        let mut boots = Boots::default();
        assert_eq!(host.until_settled(&mut boots, &Need::of_shard()), Step::NotRebooted);
        assert!(boots.used.is_empty());
        // Somebody has mended it and lets it go on.
        boots.forget();
        assert_eq!(host.until_settled(&mut boots, &Need::of_shard()), Step::Go);
        assert_eq!((host.boots, boots.used[0].boot.as_str()), (3, "boot-1"));
    }
}
