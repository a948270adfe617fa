//! What the host did to the samples of each side: where a guest makes the noise that its own samples are refused for, the samples
//! that are left are a choice.

use super::{Finding, Page};
use crate::input::repeat::Watch;
use crate::pairing::Pairing;
use crate::replicates::Replicates;
use crate::warnings::note;

/// Samples that were taken again, and waits for a quiet host, by side; a boot is one value.
pub(super) fn findings(page: &Page<'_>, pairing: &Pairing) -> Vec<Finding> {
    let of = |side: &Replicates| -> Vec<Watch> {
        let files = page.files.get(side.files.clone()).unwrap_or_default();
        files.iter().map(|file| file.watch).filter(|watch| watch.samples > 0).collect()
    };
    let (a, b) = (of(&pairing.a), of(&pairing.b));
    let labels = (page.label(pairing.candidate + 1), page.label(0));
    let share = |watches: &[Watch]| -> Vec<f64> {
        watches.iter().map(|w| w.again as f64 / (w.samples + w.again) as f64).collect()
    };
    // Waits are short or very long.
    let waits = |watches: &[Watch]| -> Vec<f64> {
        watches.iter().map(|w| (w.waited_s / (w.samples + w.again) as f64).ln_1p()).collect()
    };
    let sum = |watches: &[Watch]| {
        let all = watches.iter().fold(Watch::default(), |sum, w| Watch {
            samples: sum.samples + w.samples,
            again: sum.again + w.again,
            waited_s: sum.waited_s + w.waited_s,
        });
        (all, all.samples + all.again)
    };
    let ((of_a, all_a), (of_b, all_b)) = (sum(&a), sum(&b));
    let mut out = Vec::new();
    if let Some(p) = differ(&share(&a), &share(&b)) {
        let text = format!(
            "{} of {all_b} samples of {} were taken again because the host was not quiet, of {} {} of {all_a} (p = {p:.2e})",
            of_b.again, labels.0, labels.1, of_a.again
        );
        let advice = "what the guest under test does may be the noise itself, so that what is left of its samples is a choice; \
                      compare with noise=warn";
        out.push(Finding { p, told: note("retakes", text, advice, of_a.again + of_b.again) });
    }
    if let Some(p) = differ(&waits(&a), &waits(&b)) {
        let text = format!(
            "{:.0} s were waited for a quiet host before samples of {}, {:.0} s before those of {} (p = {p:.2e})",
            of_b.waited_s, labels.0, of_a.waited_s, labels.1
        );
        let advice =
            "one side was measured under other conditions: find what disturbs the host while it runs";
        out.push(Finding { p, told: note("waits", text, advice, all_a + all_b) });
    }
    out
}

/// p of a difference of the means over boots; where nothing varies, of two different constants.
fn differ(a: &[f64], b: &[f64]) -> Option<f64> {
    let constant = |side: &[f64]| side.windows(2).all(|pair| pair.first() == pair.last());
    if a.len() < 2 || b.len() < 2 || (constant(a) && constant(b) && a.first() == b.first()) {
        return None;
    }
    match stats::guarded_welch(a, b) {
        Ok(test) => Some(test.p),
        Err(_) if constant(a) && constant(b) => Some(stats::constants_p(a.len(), b.len())),
        Err(_) => None,
    }
}
