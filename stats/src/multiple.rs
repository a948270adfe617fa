//! Multiplicity: adjusted p-values of one family.
//!
//! Both functions keep the order of their input. A p that is NaN counts as 1, which can only make the others'
//! adjustment more careful; nothing in this crate produces one.

/// Benjamini and Hochberg's (1995) adjusted p-values, "q": `min over j >= i of p(j) m / j`, at most 1.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let m = p.len() as f64;
    let mut q = vec![1.0; p.len()];
    let mut smallest: f64 = 1.0;
    for (rank, (index, p)) in ascending(p).into_iter().enumerate().rev() {
        smallest = smallest.min(p * (m / (rank + 1) as f64));
        if let Some(slot) = q.get_mut(index) {
            *slot = smallest;
        }
    }
    q
}

/// Holm's (1979) step-down adjusted p-values: `max over j <= i of (m - j + 1) p(j)`, at most 1.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![1.0; p.len()];
    let mut largest: f64 = 0.0;
    for (rank, (index, value)) in ascending(p).into_iter().enumerate() {
        largest = largest.max(value * (p.len() - rank) as f64).min(1.0);
        if let Some(slot) = adjusted.get_mut(index) {
            *slot = largest;
        }
    }
    adjusted
}

/// Index and value in ascending order of the value.
fn ascending(p: &[f64]) -> Vec<(usize, f64)> {
    let mut order: Vec<(usize, f64)> =
        p.iter().map(|p| if p.is_nan() { 1.0 } else { p.clamp(0.0, 1.0) }).enumerate().collect();
    order.sort_by(|x, y| x.1.total_cmp(&y.1));
    order
}
