//! Whether KVM really executes guests here.
//!
//! That `/dev/kvm` opens, and even that a vCPU can be created, proves nothing: some modules emulate every kernel
//! instruction at less than a million a second, and no Linux guest ever starts. So a few instructions are executed
//! through the KVM API and timed. `KVM_RUN` may never return, so the probe runs in a process of its own, which
//! [`probe`] starts from the same executable.

use kvm_bindings::kvm_userspace_memory_region;
use kvm_ioctls::{Kvm, VcpuExit};
use model::Accel;
use process::Spec;
use std::path::Path;
use std::time::{Duration, Instant};

/// Instructions a second above which a KVM is worth its name. A KVM that emulates reaches about a million, hardware
/// more than a thousand million, and KVM in a guest that is itself emulated some 50 million.
pub const MIN_RATE: f64 = 10e6;

/// The hidden first argument with which perfvt runs the probe in a process of its own.
pub const PROBE_VERB: &str = "__probe-kvm";

/// `--accel kvm` where KVM does not execute.
#[derive(Debug, thiserror::Error)]
#[error("cannot use KVM: {0}; --accel auto or tcg runs without it")]
pub struct NoKvm(pub String);

/// What was asked for, made into what will be used, and the warning that goes with a fallback.
pub fn resolve(
    asked: &str,
    probe: impl FnOnce() -> Result<f64, String>,
) -> Result<(Accel, Option<String>), NoKvm> {
    match asked {
        "tcg" => Ok((Accel::Tcg, Some(tcg_warning("as asked for")))),
        _ => match (probe(), asked) {
            (Ok(_), _) => Ok((Accel::Kvm, None)),
            (Err(reason), "kvm") => Err(NoKvm(reason)),
            (Err(reason), _) => Ok((Accel::Tcg, Some(tcg_warning(&format!("because {reason}"))))),
        },
    }
}

fn tcg_warning(why: &str) -> String {
    format!(
        "guests ran under TCG (emulation), {why}: the numbers compare with one another, not with those of real guests"
    )
}

/// Runs the probe in a child of `executable` (perfvt itself). The rate in instructions a second, or the reason
/// why KVM is of no use.
pub fn probe(executable: &Path) -> Result<f64, String> {
    if !Path::new("/dev/kvm").exists() {
        return Err("there is no /dev/kvm".into());
    }
    let out = process::run(Spec::new(executable).arg(PROBE_VERB), Duration::from_millis(800)).map_err(
        |e| match e {
            process::ProcessError::Deadline { .. } => {
                "a guest of six bytes did not end within 0.8 s".to_owned()
            }
            process::ProcessError::Failed { stderr, .. } if !stderr.is_empty() => stderr,
            other => other.to_string(),
        },
    )?;
    let rate: f64 =
        String::from_utf8_lossy(&out).trim().parse().map_err(|_| "the probe printed no rate".to_owned())?;
    judge(rate)
}

fn judge(rate: f64) -> Result<f64, String> {
    if rate >= MIN_RATE {
        return Ok(rate);
    }
    Err(format!(
        "/dev/kvm executes only {:.1} million instructions a second, so it emulates (at least {:.0} million are wanted)",
        rate / 1e6,
        MIN_RATE / 1e6
    ))
}

/// A page of guest memory.
#[repr(align(4096))]
struct Page([u8; 4096]);

/// Executes 65,537 instructions in real mode and gives the rate, the better of two runs. Blocks for as long as
/// `KVM_RUN` does: only for the probe's own process.
pub fn measure_here() -> Result<f64, String> {
    let first = run_once()?;
    Ok(first.max(run_once()?))
}

#[allow(unsafe_code)]
fn run_once() -> Result<f64, String> {
    // mov cx, 0xffff; here: loop here; hlt
    const CODE: [u8; 6] = [0xb9, 0xff, 0xff, 0xe2, 0xfe, 0xf4];
    let mut page = Box::new(Page([0; 4096]));
    page.0[..CODE.len()].copy_from_slice(&CODE);
    let kvm = Kvm::new().map_err(|e| format!("opening /dev/kvm: {e}"))?;
    let vm = kvm.create_vm().map_err(|e| format!("creating a virtual machine: {e}"))?;
    let region = kvm_userspace_memory_region {
        slot: 0,
        flags: 0,
        guest_phys_addr: 0x1000,
        memory_size: 4096,
        userspace_addr: (&raw const *page) as u64,
    };
    // SAFETY: the page is aligned, of the size given, and outlives the virtual machine.
    unsafe { vm.set_user_memory_region(region) }.map_err(|e| format!("giving the guest memory: {e}"))?;
    let mut vcpu = vm.create_vcpu(0).map_err(|e| format!("creating a vCPU: {e}"))?;
    let mut sregs = vcpu.get_sregs().map_err(|e| format!("reading registers: {e}"))?;
    (sregs.cs.base, sregs.cs.selector) = (0, 0);
    vcpu.set_sregs(&sregs).map_err(|e| format!("setting registers: {e}"))?;
    let mut regs = vcpu.get_regs().map_err(|e| format!("reading registers: {e}"))?;
    (regs.rip, regs.rflags) = (0x1000, 2);
    vcpu.set_regs(&regs).map_err(|e| format!("setting registers: {e}"))?;
    let start = Instant::now();
    match vcpu.run() {
        Ok(VcpuExit::Hlt) => Ok(65_537.0 / start.elapsed().as_secs_f64().max(1e-9)),
        Ok(other) => Err(format!("a guest of six bytes left with {other:?}")),
        Err(e) => Err(format!("running a guest of six bytes: {e}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_falls_back_aloud_and_kvm_does_not() {
        let (accel, warning) = resolve("auto", || Err("there is no /dev/kvm".into())).unwrap();
        assert_eq!(accel, Accel::Tcg);
        assert!(warning.unwrap().contains("there is no /dev/kvm"));
        let error = resolve("kvm", || Err("there is no /dev/kvm".into())).unwrap_err().to_string();
        assert_eq!(error, "cannot use KVM: there is no /dev/kvm; --accel auto or tcg runs without it");
        assert_eq!(resolve("kvm", || Ok(2e9)).unwrap(), (Accel::Kvm, None));
    }

    #[test]
    fn a_rate_of_emulation_is_not_kvm() {
        assert!(judge(0.9e6).unwrap_err().contains("0.9 million"));
        assert!(judge(1.5e9).is_ok());
    }
}
