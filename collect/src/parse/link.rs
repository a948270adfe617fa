//! What a link does to packets on their way to a NIC: `link_delay`, `link_jitter`, `link_loss` and `link_rate`.

use super::error::{LayoutError, refused};
use super::given;
use crate::parameters::without_objects;
use model::{Params, ParamsError};
use std::path::PathBuf;
use std::time::Duration;
use vm::guest::network::{Kind, Shape};

/// The keys.
const KEYS: [&str; 4] = ["link_delay", "link_jitter", "link_loss", "link_rate"];
/// Nothing is on its way for longer.
const LONGEST_NS: f64 = 10e9;
/// No link is faster.
const FASTEST: f64 = 1e12;

/// The link of a NIC, by its own parameters.
///
/// # Errors
/// A value of the wrong kind, or a network that has no such links.
pub(super) fn shape(of_nic: &Params, nic: &str, kind: Kind) -> Result<Shape, LayoutError> {
    if let Some(key) = KEYS.into_iter().find(|key| given(of_nic, key).is_some())
        && !kind.is_shaped()
    {
        let kind = kind.word();
        return Err(refused(format!("{key} of {nic} needs net=switch, vde or tap, and net is {kind}")));
    }
    let delay_ns = time(of_nic, "link_delay")?;
    let jitter_ns = time(of_nic, "link_jitter")?;
    if jitter_ns > delay_ns {
        return Err(of_nic.wrong("link_jitter", "no more than link_delay: it varies to either side").into());
    }
    Ok(Shape { delay_ns, jitter_ns, loss_ppm: loss(of_nic)?, rate: rate(of_nic, "link_rate")? })
}

/// Refuses keys of links that are said of a network card that no machine has: they would do nothing, and nobody would notice. Machines are
/// given by name, with the number of their cards.
///
/// # Errors
/// Such a key, with what was meant where that can be told.
pub(super) fn refuse_strangers(params: &Params, machines: &[(&str, usize)]) -> Result<(), LayoutError> {
    for param in params.iter() {
        let stem = without_objects(&param.key);
        let Some(behind) = param.key.strip_prefix(stem).filter(|_| KEYS.contains(&stem)) else { continue };
        let names: Vec<&str> = behind.split('_').filter(|name| !name.is_empty()).collect();
        let (cards, hosts): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| name.starts_with("nic"));
        let wanted = match (cards.as_slice(), hosts.as_slice()) {
            ([card], [host]) if names.first() == Some(host) => {
                format!("the card before the machine: {stem}_{card}_{host}")
            }
            (cards, hosts) if cards.len() > 1 || hosts.len() > 1 => {
                "one card and one machine at its end at most, as in link_delay_nic2_vm1".to_owned()
            }
            (cards, hosts) => {
                let of = |host: &&str| machines.iter().find(|(name, _)| name == host);
                let most = match hosts.first() {
                    Some(host) => match of(host) {
                        Some((_, cards)) => *cards,
                        None => {
                            let all: Vec<&str> = machines.iter().map(|(name, _)| *name).collect();
                            return Err(params
                                .wrong(&param.key, &format!("one of the machines: {}", all.join(", ")))
                                .into());
                        }
                    },
                    None => machines.iter().map(|(_, cards)| *cards).max().unwrap_or_default(),
                };
                let number = cards.first().and_then(|card| card.strip_prefix("nic")?.parse::<usize>().ok());
                match number {
                    Some(number) if number > most => {
                        let whose = hosts.first().map(|host| format!(" of {host}")).unwrap_or_default();
                        format!("a card that is there, nic1 to nic{most}{whose}")
                    }
                    _ => continue,
                }
            }
        };
        return Err(params.wrong(&param.key, &wanted).into());
    }
    Ok(())
}

/// The folder of the switch of VDE that a NIC is plugged into; `None` is one of perfvt's own.
///
/// # Errors
/// It is said of a network that is none of VDE's.
pub(super) fn vde(of_nic: &Params, kind: Kind) -> Result<Option<PathBuf>, LayoutError> {
    match given(of_nic, "vde") {
        None => Ok(None),
        Some(folder) if kind == Kind::Vde => Ok(Some(PathBuf::from(folder))),
        Some(_) => Err(of_nic.wrong("vde", "net=vde beside it, which alone is plugged in there").into()),
    }
}

/// A number with what stands behind it.
fn split(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let number: f64 = number.parse().ok()?;
    number.is_finite().then_some((number, unit.trim()))
}

/// A time in nanoseconds; 0 where it is not set.
pub(super) fn time(of_nic: &Params, key: &str) -> Result<u64, ParamsError> {
    let Some(text) = given(of_nic, key) else { return Ok(0) };
    let nanoseconds = split(text).and_then(|(number, unit)| {
        let factor = match unit {
            "us" => 1e3,
            "" | "ms" => 1e6,
            "s" => 1e9,
            _ => return None,
        };
        Some(number * factor).filter(|ns| *ns <= LONGEST_NS)
    });
    let wanted = "a time of at most 10 s, such as 5ms, 300us or 1s; a number alone is milliseconds";
    nanoseconds.map(|ns| ns.round() as u64).ok_or_else(|| of_nic.wrong(key, wanted))
}

/// A time that a key names; none at all where it is not set.
///
/// # Errors
/// A value of the wrong kind.
pub fn duration(params: &Params, key: &str) -> Result<Duration, ParamsError> {
    time(params, key).map(Duration::from_nanos)
}

/// Bits a second that a key names; 0 is no bound.
///
/// # Errors
/// A value of the wrong kind.
pub fn bit_rate(params: &Params, key: &str) -> Result<u64, ParamsError> {
    if given(params, key) == Some("0") { Ok(0) } else { rate(params, key) }
}

fn loss(of_nic: &Params) -> Result<u32, ParamsError> {
    let Some(text) = given(of_nic, "link_loss") else { return Ok(0) };
    let percent = split(text).filter(|(number, unit)| matches!(*unit, "" | "%") && *number < 100.0);
    let wanted = "a part of the packets in percent, from 0 to less than 100, such as 1 or 0.5%";
    percent.map(|(number, _)| (number * 1e4).round() as u32).ok_or_else(|| of_nic.wrong("link_loss", wanted))
}

/// Bits a second; 0 where they are not set.
pub(super) fn rate(of_nic: &Params, key: &str) -> Result<u64, ParamsError> {
    let Some(text) = given(of_nic, key) else { return Ok(0) };
    let bits = split(text).and_then(|(number, unit)| {
        let factor = match unit.strip_suffix("bit").unwrap_or(unit) {
            "" => 1.0,
            "k" | "K" => 1e3,
            "m" | "M" => 1e6,
            "g" | "G" => 1e9,
            _ => return None,
        };
        // Slower than this, one packet takes longer than anybody waits.
        Some(number * factor).filter(|bits| (1e4..=FASTEST).contains(bits))
    });
    let wanted = "bits a second, 10k to 1000G, such as 50M or 1G";
    bits.map(|bits| bits.round() as u64).ok_or_else(|| of_nic.wrong(key, wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    fn with(set: &[(&str, &str)], kind: Kind) -> Result<Shape, String> {
        let mut params = Params::new();
        for (key, value) in set {
            params.set(*key, *value, Origin::BuiltIn);
        }
        shape(&params, "nic1", kind).map_err(|error| error.to_string())
    }

    #[test]
    fn times_parts_and_rates_are_read_with_their_units() {
        let set =
            [("link_delay", "5ms"), ("link_jitter", "300us"), ("link_loss", "0.5%"), ("link_rate", "50Mbit")];
        let shape = Shape { delay_ns: 5_000_000, jitter_ns: 300_000, loss_ppm: 5000, rate: 50_000_000 };
        assert_eq!(with(&set, Kind::Switch), Ok(shape));
        let plain = [("link_delay", "2.5"), ("link_loss", "1"), ("link_rate", "1G")];
        let shape = Shape { delay_ns: 2_500_000, loss_ppm: 10_000, rate: 1_000_000_000, ..Shape::default() };
        assert_eq!(with(&plain, Kind::Switch), Ok(shape));
        assert_eq!(with(&[("link_delay", " ")], Kind::User), Ok(Shape::default()));
    }

    #[test]
    fn a_key_of_a_card_that_nobody_has_is_refused_with_what_was_meant() {
        let says = |key: &str| {
            let mut params = Params::new();
            params.set(key, "5ms", Origin::BuiltIn);
            refuse_strangers(&params, &[("vm1", 1), ("vm2", 2)]).map_err(|error| error.to_string())
        };
        for key in
            ["link_delay", "link_delay_nic2", "link_delay_vm1", "link_loss_nic2_vm2", "mem_vm9", "mtu_nic7"]
        {
            assert_eq!(says(key), Ok(()), "{key}");
        }
        for (key, text) in [
            ("link_delay_vm2_nic2", "link_delay_nic2_vm2"),
            ("link_delay_nic2_vm9", "one of the machines: vm1, vm2"),
            ("link_delay_nic2_vm1", "nic1 to nic1 of vm1"),
            ("link_loss_nic3", "nic1 to nic2"),
            ("link_rate_vm1_vm2", "one card and one machine"),
        ] {
            let said = says(key).unwrap_err();
            assert!(said.contains(text), "{key}: {said}");
        }
    }

    #[test]
    fn what_no_link_does_is_refused_with_what_would_do() {
        for (key, value, text) in [
            ("link_delay", "11s", "at most 10 s"),
            ("link_delay", "-1", "such as 5ms"),
            ("link_delay", "5 minutes", "such as 5ms"),
            ("link_delay", "NaN", "such as 5ms"),
            ("link_delay", ".", "such as 5ms"),
            ("link_jitter", "1ms", "no more than link_delay"),
            ("link_loss", "100", "less than 100"),
            ("link_loss", "1/2", "in percent"),
            ("link_rate", "1", "10k to 1000G"),
            ("link_rate", "5T", "such as 50M"),
            ("link_rate", "0", "10k to 1000G"),
        ] {
            let error = with(&[(key, value)], Kind::Switch).unwrap_err();
            assert!(error.contains(text) && error.contains(key), "{error}");
        }
        let error = with(&[("link_loss", "1")], Kind::Stream).unwrap_err();
        assert_eq!(error, "link_loss of nic1 needs net=switch, vde or tap, and net is stream");
    }
}
