//! What a load did, piece by piece, and when it was done as before.

use vm::guest::network::Carried;

/// A load that is done as before does nine tenths of what it did, for so long.
const AS_BEFORE: f64 = 0.9;
const FOR_NS: u64 = 200_000_000;
/// How finely it is looked for that.
const STEP_NS: u64 = 10_000_000;

/// A part of what a load did, by this host's time of day.
pub(super) struct Piece {
    pub(super) from_ns: u64,
    pub(super) to_ns: u64,
    pub(super) amount: f64,
}

impl Piece {
    pub(super) fn of(carried: &Carried) -> Piece {
        Piece { from_ns: carried.from_ns, to_ns: carried.to_ns, amount: carried.bytes as f64 }
    }

    /// The same where the clock by which it is told stood from a moment on: what is behind that comes later by so much.
    pub(super) fn around(self, stop_ns: u64, stood_ns: u64) -> Vec<Piece> {
        let Piece { from_ns, to_ns, .. } = self;
        let part = |from_ns: u64, to_ns: u64, later: u64| Piece {
            from_ns: from_ns.saturating_add(later),
            to_ns: to_ns.saturating_add(later),
            amount: self.within(from_ns, to_ns),
        };
        if to_ns <= stop_ns {
            vec![self]
        } else if from_ns >= stop_ns {
            vec![part(from_ns, to_ns, stood_ns)]
        } else {
            vec![part(from_ns, stop_ns, 0), part(stop_ns, to_ns, stood_ns)]
        }
    }

    /// What of it was done between two moments.
    fn within(&self, from_ns: u64, to_ns: u64) -> f64 {
        let length = self.to_ns.saturating_sub(self.from_ns);
        if length == 0 {
            return if (from_ns..to_ns).contains(&self.from_ns) { self.amount } else { 0.0 };
        }
        let common = self.to_ns.min(to_ns).saturating_sub(self.from_ns.max(from_ns));
        self.amount * common as f64 / length as f64
    }
}

/// How much was done between two moments.
pub(super) fn done(pieces: &[Piece], from_ns: u64, to_ns: u64) -> f64 {
    // They are in the order of their ends.
    let first = pieces.partition_point(|piece| piece.to_ns < from_ns);
    let some = pieces.iter().skip(first).take_while(|piece| piece.from_ns < to_ns);
    some.map(|piece| piece.within(from_ns, to_ns)).sum()
}

/// When the load was done as before again, from when the guest went on. Behind the last piece nothing was done.
pub(super) fn recovered(pieces: &[Piece], before: f64, (resume_ns, watched_ns): (u64, u64)) -> Option<u64> {
    let until_ns = pieces.last()?.to_ns.min(watched_ns);
    let mut steps = (resume_ns..until_ns).step_by(STEP_NS as usize);
    let wanted = AS_BEFORE * before * FOR_NS as f64;
    steps.find(|from| done(pieces, *from, from.saturating_add(FOR_NS)) >= wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_looks_behind_the_last_piece_for_a_load_that_is_done_as_before() {
        let piece = |second: u64, amount: f64| Piece {
            from_ns: second * 1_000_000_000,
            to_ns: (second + 1) * 1_000_000_000,
            amount,
        };
        let pieces = [piece(1, 100.0), piece(2, 10.0), piece(3, 95.0)];
        let found =
            |before: f64, watched_ns: u64| recovered(&pieces, before * 1e-9, (2_000_000_000, watched_ns));
        assert_eq!(found(100.0, u64::MAX), Some(2_990_000_000));
        // One that never comes to that is looked for in two seconds, not in five hundred years.
        assert_eq!(found(200.0, u64::MAX), None);
        assert_eq!(found(100.0, 2_500_000_000), None);
        assert_eq!(recovered(&[], 1.0, (0, u64::MAX)), None);
    }
}
