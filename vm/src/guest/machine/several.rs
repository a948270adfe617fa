//! Several guests that boot together, and what is left of them when one does not come up.

use super::start::{Going, Placed, Spawned, Unready};
use super::{BootSpec, GuestError, Machine};
use std::time::{Duration, Instant};

/// How long those may take that boot beside one that did not come up: what they have said already is read, and no more.
const ALREADY: Duration = Duration::from_millis(200);

/// Guests that did not all come up.
pub struct NotUp {
    /// What went wrong first.
    pub error: GuestError,
    /// All of them, as they are, in the order of their specs: one that never got ready takes no commands, and says why.
    /// None where they were not even let go.
    pub machines: Vec<Machine>,
}

impl NotUp {
    fn before_any_ran(error: GuestError) -> Box<NotUp> {
        Box::new(NotUp { error, machines: Vec::new() })
    }
}

impl Machine {
    /// Boots several guests at a time: all are placed before any runs. One that fails takes the others with it.
    pub fn boot_all(specs: &[BootSpec<'_>]) -> Result<Vec<Machine>, GuestError> {
        Self::boot_all_or_rest(specs).map_err(|not_up| not_up.error)
    }

    /// The same, with what is left of them where one fails.
    ///
    /// # Errors
    /// As for [`Machine::boot_all`].
    pub fn boot_all_or_rest(specs: &[BootSpec<'_>]) -> Result<Vec<Machine>, Box<NotUp>> {
        // Where there are several, which one it was is the first question.
        let named = |spec: &BootSpec<'_>, error| match specs.len() {
            1 => error,
            _ => GuestError::One { name: spec.guest.name.clone(), source: Box::new(error) },
        };
        let placed = Self::place_all(specs).map_err(NotUp::before_any_ran)?;
        let going = placed
            .into_iter()
            .zip(specs)
            .map(|(placed, spec)| placed.let_go(spec).map_err(|error| named(spec, error)));
        let going = going.collect::<Result<Vec<Going>, _>>().map_err(NotUp::before_any_ran)?;
        let mut first = None;
        let mut machines = Vec::new();
        for (mut going, spec) in going.into_iter().zip(specs) {
            if first.is_some() {
                going.is_late_at(Instant::now() + ALREADY);
            }
            machines.push(going.ready(spec).unwrap_or_else(|unready| {
                let Unready { error, machine } = *unready;
                first.get_or_insert_with(|| named(spec, error));
                machine
            }));
        }
        match first {
            None => Ok(machines),
            Some(error) => Err(Box::new(NotUp { error, machines })),
        }
    }

    fn place_all(specs: &[BootSpec<'_>]) -> Result<Vec<Placed>, GuestError> {
        specs.iter().map(|spec| Spawned::start(spec)?.place(spec)).collect()
    }

    /// Starts guests as [`Machine::boot_all`] does, placed and plugged, and ends them without ever letting them go. Gives
    /// QEMU's version and the seconds from exec to its end.
    pub fn rehearse(specs: &[BootSpec<'_>]) -> Result<(String, f64), GuestError> {
        let started = Instant::now();
        let mut version = String::from("of unknown version");
        for placed in Self::place_all(specs)? {
            version = placed.leave()?.unwrap_or(version);
        }
        Ok((version, started.elapsed().as_secs_f64()))
    }
}
