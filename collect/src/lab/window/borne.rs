//! What neighbours do while others are measured: facts of a window, which nothing judges.

use crate::lab::Failed;
use model::Code;
use serde::{Deserialize, Serialize};

/// The unit of what is counted in nanoseconds of a CPU.
pub const CPU_TIME: &str = "ns/s";

/// What the load of a neighbour has done by one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Borne {
    /// The neighbour's guest.
    pub name: String,
    /// Its load.
    pub load: String,
    /// What its rate is measured in.
    pub unit: String,
    /// How much it has done since its guest began.
    pub done: u64,
    /// When that was counted, by the host's monotonic clock.
    pub at_ns: u64,
    /// When it was first seen to work for this case.
    pub began_ns: u64,
}

/// The rate of each neighbour between two moments, a line each, and the time between the first and the last that began; nothing where
/// there is none.
///
/// # Errors
/// One of them has done nothing.
pub fn borne(start: &[Borne], end: &[Borne]) -> Result<Option<String>, Failed> {
    if end.is_empty() {
        return Ok(None);
    }
    let mut text = String::new();
    for after in end {
        let Some(before) = start.iter().find(|before| before.name == after.name) else { continue };
        let done = after.done.saturating_sub(before.done);
        let seconds = after.at_ns.saturating_sub(before.at_ns) as f64 * 1e-9;
        let Borne { name, load, unit, .. } = after;
        // What computes is seen to run by its guest.
        if done == 0 && unit != CPU_TIME || seconds <= 0.0 {
            let idle = format!("the load {load} of the neighbour {name} did nothing within the window");
            return Err(Failed::new(Code::NeighbourIdle, idle));
        }
        let rate = done as f64 / seconds;
        let (rate, unit) = if unit == CPU_TIME { (rate * 1e-9, "CPUs") } else { (rate, unit.as_str()) };
        text.push_str(&format!("{name} {load} {rate:.4} {unit}\n"));
    }
    let began = || end.iter().map(|borne| borne.began_ns);
    let spread = began().max().unwrap_or_default() - began().min().unwrap_or_default();
    text.push_str(&format!("loads began within {:.1} ms\n", spread as f64 * 1e-6));
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &str, unit: &str, done: u64, second: u64, began_ms: u64) -> Borne {
        Borne {
            name: name.into(),
            load: "fio".into(),
            unit: unit.into(),
            done,
            at_ns: second * 1_000_000_000,
            began_ns: began_ms * 1_000_000,
        }
    }

    #[test]
    fn the_rate_of_a_neighbour_is_that_of_its_own_time_and_one_that_did_nothing_spoils_the_window() {
        let start = [at("vm3", "requests/s", 100, 10, 20), at("vm4", "ns/s", 0, 10, 50)];
        let end = [at("vm3", "requests/s", 600, 15, 20), at("vm4", "ns/s", 10_000_000_000, 20, 50)];
        let text = borne(&start, &end).unwrap().unwrap();
        assert_eq!(text, "vm3 fio 100.0000 requests/s\nvm4 fio 1.0000 CPUs\nloads began within 30.0 ms\n");
        let failed = borne(&start, &[start[0].clone()]).unwrap_err();
        assert_eq!(failed.code, Code::NeighbourIdle);
        assert!(failed.to_string().contains("the neighbour vm3 did nothing"), "{failed}");
        assert_eq!(borne(&[], &[]).unwrap(), None);
    }
}
