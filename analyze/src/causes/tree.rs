//! Stacks of one or two profiles as a tree of frames with shares, and the functions whose own share moved.

use crate::{Flame, FlameFrame, FlameSource, FunctionMoved};
use formats::folded::Folded;
use std::collections::BTreeMap;

/// A frame is drawn when it has this share of its source's samples, on the mean of both sides.
const NARROWEST: f64 = 0.005;
/// So many functions are listed.
const LISTED: usize = 10;
/// So many frames at most, so that nobody's profile takes all memory; what is called below counts for its caller.
const MOST_FRAMES: usize = 1_000_000;

/// The stacks of one source.
pub(super) struct Counted {
    pub of: String,
    /// Of the baseline and of the candidate.
    pub sides: [Folded; 2],
}

#[derive(Default)]
struct Node {
    /// Samples in it and in what it called.
    all: [u64; 2],
    called: BTreeMap<String, Node>,
}

/// Lays the sides over each other; `differs`: there are two.
pub(super) fn flame_of(counted: &[Counted], differs: bool) -> Flame {
    let mut flame = Flame::default();
    let mut left = MOST_FRAMES;
    for source in counted {
        let samples = source.sides.each_ref().map(Folded::samples);
        let mut root = Node { all: samples, ..Node::default() };
        for (side, folded) in source.sides.iter().enumerate() {
            for (frames, count) in folded.stacks() {
                root.add(frames, (side, count), &mut left);
            }
        }
        let shares = Shares { samples, differs };
        let mut drawn = Drawn::default();
        root.draw(&source.of, 0, &shares, &mut drawn);
        flame.frames.append(&mut drawn.frames);
        flame.hidden += drawn.hidden;
        flame.hidden_share = flame.hidden_share.max(drawn.hidden_share);
        let [a, b] = samples;
        flame.sources.push(FlameSource { of: source.of.clone(), a, b });
        if differs {
            flame.moved.extend(moved(source, &shares));
        }
    }
    let by = |f: &FunctionMoved| (f.b - f.a).abs();
    flame.moved.sort_by(|x, y| by(y).total_cmp(&by(x)).then_with(|| (&x.of, &x.name).cmp(&(&y.of, &y.name))));
    flame.moved.truncate(LISTED);
    flame
}

/// What samples are shares of.
struct Shares {
    samples: [u64; 2],
    differs: bool,
}

impl Shares {
    fn of(&self, counts: [u64; 2]) -> [f64; 2] {
        let [a, b] = self.samples;
        let share = |count: u64, of: u64| if of == 0 { 0.0 } else { count as f64 / of as f64 };
        [share(counts[0], a), share(counts[1], b)]
    }

    /// How wide a frame is drawn: on the mean of both, so that what came and what went are both seen.
    fn width(&self, counts: [u64; 2]) -> f64 {
        let [a, b] = self.of(counts);
        if self.differs { f64::midpoint(a, b) } else { a }
    }
}

/// What a source comes to.
#[derive(Default)]
struct Drawn {
    frames: Vec<FlameFrame>,
    hidden: usize,
    hidden_share: f64,
}

impl Node {
    fn add<'f>(
        &mut self,
        frames: impl Iterator<Item = &'f str>,
        (side, count): (usize, u64),
        left: &mut usize,
    ) {
        let mut node = self;
        for frame in frames {
            if !node.called.contains_key(frame) {
                if *left == 0 {
                    return;
                }
                *left -= 1;
            }
            node = node.called.entry(frame.to_owned()).or_default();
            if let Some(all) = node.all.get_mut(side) {
                *all = all.saturating_add(count);
            }
        }
    }

    /// The frame and what it called, those that are too narrow as a sum.
    fn draw(&self, name: &str, depth: u32, shares: &Shares, to: &mut Drawn) {
        let [a, b] = shares.of(self.all);
        to.frames.push(FlameFrame { depth, name: name.to_owned(), a, b });
        for (name, called) in &self.called {
            let width = shares.width(called.all);
            if width < NARROWEST {
                to.hidden += 1;
                to.hidden_share += width;
            } else {
                called.draw(name, depth.saturating_add(1), shares, to);
            }
        }
    }
}

/// Functions whose own share is another on both sides.
fn moved(source: &Counted, shares: &Shares) -> Vec<FunctionMoved> {
    let mut own: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    for (side, folded) in source.sides.iter().enumerate() {
        for (frames, count) in folded.stacks() {
            let Some(innermost) = frames.last() else { continue };
            if let Some(known) = own.entry(innermost).or_default().get_mut(side) {
                *known = known.saturating_add(count);
            }
        }
    }
    let [na, nb] = shares.samples.map(|n| n as f64);
    let function = |(name, counts): (&str, [u64; 2])| {
        let [a, b] = shares.of(counts);
        // The standard error of a difference of two shares of independent samples.
        let of = |share: f64, n: f64| if n > 0.0 { share * (1.0 - share) / n } else { 0.0 };
        let error = (of(a, na) + of(b, nb)).max(0.0).sqrt();
        FunctionMoved { of: source.of.clone(), name: name.to_owned(), a, b, counting: 1.96 * error }
    };
    own.into_iter().map(function).filter(|f| f.a != f.b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(of: &str, a: &str, b: &str) -> Counted {
        Counted { of: of.into(), sides: [a, b].map(|text| Folded::read(text.as_bytes())) }
    }

    #[test]
    fn shares_are_of_each_sides_own_samples_and_what_moved_most_stands_first() {
        let host =
            counted("host", "cpu;run;exit 60\ncpu;run;spin 40\n", "cpu;run;exit 60\ncpu;run;new;spin 140\n");
        let flame = flame_of(&[host], true);
        let shown: Vec<(u32, &str, f64, f64)> =
            flame.frames.iter().map(|f| (f.depth, f.name.as_str(), f.a, f.b)).collect();
        assert_eq!(
            shown,
            [
                (0, "host", 1.0, 1.0),
                (1, "cpu", 1.0, 1.0),
                (2, "run", 1.0, 1.0),
                (3, "exit", 0.6, 0.3),
                (3, "new", 0.0, 0.7),
                (4, "spin", 0.0, 0.7),
                (3, "spin", 0.4, 0.0),
            ]
        );
        let [first, second] = flame.moved.as_slice() else { panic!("{:?}", flame.moved) };
        // 0.4 to 0.7 wherever it was called from, as much as the other lost.
        assert_eq!((first.name.as_str(), first.a, first.b), ("exit", 0.6, 0.3));
        assert_eq!((second.name.as_str(), second.a, second.b), ("spin", 0.4, 0.7));
        assert!((first.counting - 1.96 * (0.6 * 0.4 / 100.0 + 0.3 * 0.7 / 200.0_f64).sqrt()).abs() < 1e-12);
        assert_eq!((flame.sources[0].a, flame.sources[0].b, flame.hidden), (100, 200, 0));
    }

    #[test]
    fn frames_that_are_too_narrow_are_counted_with_their_share() {
        let one = counted("vm1", "a;b 996\na;c 3\nd;e;f 1\n", "");
        let flame = flame_of(&[one], false);
        let names: Vec<&str> = flame.frames.iter().map(|f| f.name.as_str()).collect();
        assert_eq!((names, flame.hidden), (vec!["vm1", "a", "b"], 2));
        assert!((flame.hidden_share - 0.004).abs() < 1e-12 && flame.moved.is_empty());
    }

    #[test]
    fn no_samples_are_no_shares_and_no_nan() {
        let flame = flame_of(&[counted("host", "", "a 1\n")], true);
        assert!(flame.frames.iter().all(|f| f.a == 0.0 && f.b.is_finite()));
        assert_eq!(flame_of(&[], true), Flame::default());
        let flame = flame_of(&[counted("host", "", "")], false);
        assert_eq!(flame.frames.len(), 1);
    }
}
