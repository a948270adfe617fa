//! Which commit of a range moved a metric: noisy measurements of some commits, and what they say of all.
//!
//! ```
//! use stats::{BisectBoot, BisectRange};
//! // 4 commits lie between good (0) and bad (5); the third made it 10 % slower.
//! let range = BisectRange::even(5).unwrap();
//! let round = |probe: usize, slow: f64, noise: f64| {
//!     vec![BisectBoot { commit: 0, ln: noise }, BisectBoot { commit: probe, ln: noise * 1.1 + slow }]
//! };
//! let rounds = vec![
//!     round(5, -0.1, 0.001), round(5, -0.1, -0.002), round(2, 0.0, 0.003), round(3, -0.1, 0.001),
//!     round(2, 0.0, -0.001), round(3, -0.1, -0.002),
//! ];
//! let read = range.read(&rounds, 0.1).unwrap();
//! let class = read.likeliest();
//! assert_eq!((class.after, class.upto), (2, 3));
//! assert!(class.share > 0.99);
//! ```
//!
//! A **round** is one boot of each of a few commits, in random order, within one session; the good end is among them. Its
//! boots share what the session adds. Commits are numbered along the range: 0 is the good end, the last is the bad one, and
//! the *culprit* is the first that is bad. What was measured parts the range into **classes** between neighbouring measured
//! commits: no measurement tells the commits of one class apart. For each class the values follow
//! `y = A + b z + u(round) + e`, with z = 1 for commits from the culprit on; A, b and the variance of e are integrated out
//! under the usual flat priors (Box and Tiao, "Bayesian Inference in Statistical Analysis", 1973, 2.7 and 8.2), the variance
//! of u is a given multiple of that of e.

mod ends;
mod foresee;
mod posterior;
mod probe;

pub use ends::{BISECT_MIN_ROUNDS, BisectEnds, bisect_ends, bisect_ends_bar};
pub use foresee::{BisectDesign, BisectEnd, BisectForesight, BisectRun};
pub use posterior::{BisectBoot, BisectClass, BisectRange, BisectReading};
pub use probe::{BISECT_CERTAIN, BisectProbes, BisectStop};

/// How many times the variance between boots that between sessions is, where nothing is known of it.
pub const BISECT_SESSION_RATIO: f64 = 0.1;
