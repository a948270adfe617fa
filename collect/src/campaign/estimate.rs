//! How long a campaign will take, roughly, and how much it will write.

use crate::environment::{EnvironmentSpec, Place, Stage};
use crate::matrix::Environment;
use crate::parse::{is_offline, profiler};
use crate::workload::Workload;
use edge::quoted;
use model::Accel;
use vm::guest::boot_times::boot_took;
use vm::guest::spec::GuestSpec;

/// Raw output, measurements and series of a case, and logs and facts of a boot, bytes.
const CASE_BYTES: f64 = 40e3;
const BOOT_BYTES: f64 = 100e3;

/// What a campaign will take.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Seconds.
    pub seconds: f64,
    /// Seconds of one case in one boot, of those.
    pub case: f64,
    /// Bytes.
    pub bytes: u64,
    /// How long boots of images are taken to be, and why, a sentence for each image.
    pub boots: Vec<String>,
}

/// Seconds of one boot under KVM and under TCG, where nothing is known of the image.
struct Guess {
    kvm: f64,
    tcg: f64,
}

/// The built-in guest.
const BUILTIN: Guess = Guess { kvm: 3.0, tcg: 5.0 };
/// A system, and one whose cloud-init does what it does in a first boot: measured with Debian 12 under TCG on two CPUs, beside
/// other work.
const SYSTEM: Guess = Guess { kvm: 15.0, tcg: 40.0 };
const CLOUD: Guess = Guess { kvm: 30.0, tcg: 150.0 };
/// A system powers itself off.
const OFF: Guess = Guess { kvm: 5.0, tcg: 15.0 };

impl Guess {
    fn under(&self, accel: Accel) -> f64 {
        if accel == Accel::Kvm { self.kvm } else { self.tcg }
    }
}

/// What so many boots of each environment take, with so many cases in each.
pub(super) fn estimate(
    workload: &dyn Workload,
    environments: &[Environment],
    stage: &Stage,
    (boots_each, cases): (u32, usize),
) -> Estimate {
    let (boots_each, cases) = (f64::from(boots_each), cases as f64);
    let mut boots = Vec::new();
    let case = environments.first().map_or(0.0, |e| workload.seconds(&e.params));
    let (mut seconds, mut all) = (0.0, 0.0);
    for (environment, room) in environments.iter().zip(&stage.rooms) {
        let boot = match &room.place {
            Place::Host(_) => BUILTIN.under(stage.accel),
            Place::Guests(spec) => boot(stage, spec, &mut boots),
        };
        // A guest that nobody talks to has one case.
        let again = if is_offline(&environment.params) { boot } else { 0.0 };
        // A profile is one boot more; who reads its key again says what is wrong with it.
        let profiled = profiler(&environment.params).is_ok_and(|profiler| profiler.is_some());
        let boots_of = boots_each + if profiled { 1.0 } else { 0.0 };
        seconds += boots_of * (boot + cases * (case + again));
        all += boots_of;
    }
    Estimate { seconds, case, bytes: (all * (BOOT_BYTES + cases * CASE_BYTES)) as u64, boots }
}

/// A boot of an environment, with those before it; its guests boot together.
fn boot(stage: &Stage, spec: &EnvironmentSpec, told: &mut Vec<String>) -> f64 {
    let of = |guest: &GuestSpec, told: &mut Vec<String>| {
        let earlier = f64::from(guest.earlier_boots);
        let counts = one(stage, guest, guest.earlier_boots > 0, told);
        match guest.earlier_boots {
            0 => counts,
            _ => counts + earlier * (one(stage, guest, false, told) + OFF.under(stage.accel)),
        }
    };
    spec.guests.iter().map(|guest| of(guest, told)).fold(0.0, f64::max)
}

/// One boot of a guest, as its image's last one took, else by guess.
fn one(stage: &Stage, guest: &GuestSpec, later: bool, told: &mut Vec<String>) -> f64 {
    let Some(own) = guest.own() else { return BUILTIN.under(stage.accel) };
    let (seconds, why) = match boot_took(&stage.cache, guest, later) {
        Some(seconds) => (seconds, "as the last one took here"),
        None => {
            let guess = if own.cloud_init.is_some() && !later { CLOUD } else { SYSTEM };
            (guess.under(stage.accel), "a guess: none is known here")
        }
    };
    let (image, _) = own.chain.image();
    let which = if later { "a later boot" } else { "a boot" };
    let sentence =
        format!("{which} of {} counts {seconds:.0} s, {why}", quoted(&image.display().to_string()));
    if !told.contains(&sentence) {
        told.push(sentence);
    }
    seconds
}
