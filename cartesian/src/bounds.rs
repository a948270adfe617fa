//! `k_max`, `k_min` and `k_fixed`: what the values of a variant are held to in the end.

use super::error::CartesianError;
use super::ids::{KeyId, Text};
use super::program::{Bound, Loc, Program};
use super::shown::{cut, escaped, quoted};
use std::cmp::Ordering;
use std::collections::HashMap;

/// A key that asks for a bound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub bound: Bound,
    /// The key that ends in `_max`, `_min` or `_fixed`.
    pub key: KeyId,
    pub value: Text,
    pub loc: Loc,
}

/// Works out which keys change to which values. All comparisons are with the values as they were before.
pub(super) fn changes<'t, 'a>(
    program: &Program,
    variant: &str,
    asked: impl Iterator<Item = &'a Asked>,
    get: impl Fn(KeyId) -> Option<(Text, Loc)>,
    text: impl Fn(Text) -> &'t str,
) -> Result<Vec<(KeyId, Text, Loc)>, CartesianError> {
    let mut changes: Vec<(KeyId, Text, Loc)> = Vec::new();
    let mut places: HashMap<KeyId, usize> = HashMap::new();
    for Asked { bound, key, value, loc } in asked {
        let (target, unwanted) = match bound {
            Bound::Max(target) => (*target, Some(Ordering::Greater)),
            Bound::Min(target) => (*target, Some(Ordering::Less)),
            Bound::Fixed(target) => (*target, None),
        };
        let name =
            |key: KeyId| program.keys.get(key as usize).map_or("", |k| program.text(k.name)).to_owned();
        if let (Some(unwanted), Some((current, origin))) = (unwanted, get(target)) {
            let order = compare(text(current), text(*value)).ok_or_else(|| CartesianError::Bound {
                variant: variant.to_owned(),
                key: name(target),
                value: text(current).to_owned(),
                origin: program.origin(origin),
                bound: format!(
                    "{} = {} ({})",
                    cut(&name(*key)),
                    quoted(text(*value)),
                    escaped(&program.origin(*loc))
                ),
            })?;
            if order != unwanted {
                continue;
            }
        }
        match places.get(&target).and_then(|place| changes.get_mut(*place)) {
            Some(change) => *change = (target, *value, *loc),
            None => {
                places.insert(target, changes.len());
                changes.push((target, *value, *loc));
            }
        }
    }
    Ok(changes)
}

/// Compares two numbers, or two sizes when either has a unit; a size without a unit is in MiB.
fn compare(a: &str, b: &str) -> Option<Ordering> {
    let unit = |c: char| "BbKkMmGgTt".contains(c);
    if a.contains(unit) || b.contains(unit) {
        return bytes(a)?.partial_cmp(&bytes(b)?);
    }
    let whole = |text: &str| text.trim().parse::<i128>().ok();
    Some(whole(a)?.cmp(&whole(b)?))
}

/// A size in bytes, cut to whole ones.
fn bytes(text: &str) -> Option<f64> {
    let last = text.chars().next_back()?;
    let power = match last.to_ascii_uppercase() {
        'B' => Some(0),
        'K' => Some(1),
        'M' => Some(2),
        'G' => Some(3),
        'T' => Some(4),
        _ => None,
    };
    let digits = if power.is_some() { text.get(..text.len() - last.len_utf8())? } else { text };
    let number: f64 = digits.trim().parse().ok()?;
    let bytes = (number * 1024f64.powi(power.unwrap_or(2))).trunc();
    bytes.is_finite().then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_sizes_compare() {
        assert_eq!(compare("9", "10"), Some(Ordering::Less));
        assert_eq!(compare("1G", "1024"), Some(Ordering::Equal));
        assert_eq!(compare("1.5K", "1537B"), Some(Ordering::Less));
        assert_eq!(compare("2g", "1T"), Some(Ordering::Less));
        assert_eq!(compare("-3", "2"), Some(Ordering::Less));
    }

    #[test]
    fn what_is_no_size_does_not_compare() {
        for (a, b) in [("", "1"), ("many", "1"), ("1", "lots"), ("infK", "1"), ("1.5", "2"), ("x", "1M")] {
            assert_eq!(compare(a, b), None, "{a} {b}");
        }
    }
}
