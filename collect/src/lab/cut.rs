//! The one place where a common window is cut.

use super::{Failed, Lab, Measured, closed, time_asleep};
use model::{Code, Moment, Phase};
use std::time::Duration;

/// Cuts a window of `length` out of whatever is running: counters at both ends, the host's CPU time every `interval`.
/// Guest counters are read at the ends only, because reading them costs the guest milliseconds.
pub fn window(lab: &mut dyn Lab, length: Duration, interval: Duration) -> Result<Measured, Failed> {
    Ok(cut(lab, length, interval, &mut |_| Ok(false))?.0)
}

/// The same around something that ends by itself: the window closes at the first interval at which `done` says so.
pub fn window_until(
    lab: &mut dyn Lab,
    limit: Duration,
    interval: Duration,
    done: &mut Done<'_>,
) -> Result<Measured, Failed> {
    match cut(lab, limit, interval, done)? {
        (measured, true) => Ok(measured),
        (_, false) => Err(Failed::new(
            Code::Deadline(Phase::Measure),
            format!("it did not end within {} s", limit.as_secs()),
        )),
    }
}

/// Whether what is measured has ended.
pub type Done<'a> = dyn FnMut(&mut dyn Lab) -> Result<bool, Failed> + 'a;

/// Cuts a window that closes after `length`, or when `done` says so, and tells whether it did.
fn cut(
    lab: &mut dyn Lab,
    length: Duration,
    interval: Duration,
    done: &mut Done<'_>,
) -> Result<(Measured, bool), Failed> {
    let asleep = time_asleep();
    let start = lab.snapshot()?;
    let mut samples = vec![start.host_sample()];
    let mut next = interval;
    let mut is_done = false;
    while next < length && !is_done {
        sleep_until(lab, start.at, next);
        if let Some(death) = lab.death() {
            return Err(death);
        }
        samples.push(lab.host_sample()?);
        is_done = done(lab)?;
        next += interval;
    }
    if !is_done {
        sleep_until(lab, start.at, length);
    }
    let end = lab.snapshot()?;
    samples.push(end.host_sample());
    let interface = lab.target().interface;
    Ok((closed((start, end), samples, interface, asleep)?, is_done))
}

fn sleep_until(lab: &mut dyn Lab, start: Moment, after: Duration) {
    let elapsed = Duration::from_nanos(Moment::now().mono_ns.saturating_sub(start.mono_ns));
    lab.sleep(after.saturating_sub(elapsed));
}
