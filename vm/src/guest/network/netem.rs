//! Slow links of taps: the kernel's netem on the way from a tap to its guest, in perfvt's own namespace.

use super::NetworkError;
use super::kind::Link;
use process::deadlines::HOST_ANSWER;
use process::{Namespace, Spec};
use std::sync::Arc;
use switch::Shape;

/// So many packets are on the way to a guest: 16 MiB of the longest ones of an ordinary network.
const ON_THE_WAY: u32 = 11_000;

/// Makes the link of a tap what was asked of it.
pub(super) fn shape(
    namespace: Option<&Arc<Namespace>>,
    tap: &str,
    link: &Link,
    shape: Shape,
) -> Result<(), NetworkError> {
    let args = arguments(tap, shape);
    if shape == Shape::default() {
        return Ok(());
    }
    process::run(Spec::new("tc").args(&args).namespace(namespace), HOST_ANSWER).map(drop).map_err(|error| {
        NetworkError::Refused(format!(
            "{}: the link keys of net=tap need the kernel's netem (module sch_netem) and the program tc, and: {error}; load the \
             module, or use net=switch between guests",
            link.nic
        ))
    })
}

/// The words of `tc` (tc-netem(8)).
fn arguments(tap: &str, shape: Shape) -> Vec<String> {
    let Shape { delay_ns, jitter_ns, loss_ppm, rate } = shape;
    let mut words: Vec<String> =
        ["qdisc", "replace", "dev", tap, "root", "netem", "limit"].map(str::to_owned).into();
    words.push(ON_THE_WAY.to_string());
    if delay_ns > 0 {
        words.extend(["delay".to_owned(), format!("{}us", delay_ns / 1000)]);
        if jitter_ns > 0 {
            words.push(format!("{}us", jitter_ns / 1000));
        }
    }
    if loss_ppm > 0 {
        words.extend(["loss".to_owned(), format!("{}%", f64::from(loss_ppm) / 1e4)]);
    }
    if rate > 0 {
        words.extend(["rate".to_owned(), format!("{rate}bit")]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_told_all_that_was_asked_of_a_link() {
        let all = Shape { delay_ns: 5_000_000, jitter_ns: 300_000, loss_ppm: 5000, rate: 50_000_000 };
        assert_eq!(
            arguments("t0", all).join(" "),
            "qdisc replace dev t0 root netem limit 11000 delay 5000us 300us loss 0.5% rate 50000000bit"
        );
        let late = Shape { delay_ns: 1_000_000, ..Shape::default() };
        assert!(arguments("t0", late).join(" ").ends_with("limit 11000 delay 1000us"));
    }
}
