//! What one netperf session prints: no panic; intervals are finite and in order of their lines; a mean over the whole
//! session lies between the smallest and the largest rate; output that is still growing is read as far as it goes.

use formats::netperf::parse_session;

/// Checks one input.
pub fn holds(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(session) = parse_session(&text) else { return };
    assert!(session.intervals.windows(2).all(|w| w[0].line < w[1].line));
    let rates: Vec<f64> = session.intervals.iter().map(|i| i.rate).collect();
    assert!(rates.iter().all(|r| r.is_finite() && *r >= 0.0));
    if let (Some(start), Some(end)) = (session.first_start(), session.last_end())
        && let Some(mean) = session.mean_rate(start, end)
    {
        let low = rates.iter().copied().fold(f64::INFINITY, f64::min);
        let high = rates.iter().copied().fold(0.0, f64::max);
        assert!(mean >= low * (1.0 - 1e-9) && mean <= high * (1.0 + 1e-9), "{low} {mean} {high}");
    }
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    assert_eq!(parse_session(whole).as_ref(), Ok(&session));
}
