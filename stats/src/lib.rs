//! The numbers behind a comparison: pure functions on slices of `f64`, no I/O, no frames.
//!
//! ```text
//!   special ─> tdist ─> ttest (Student, Welch, paired, blocked) ─> ratio (log scale, Fieller, band, TOST)
//!      │         │                          └────> guarded (the same for sides of different size)
//!      │         └────> noncentral ─> power (MDE, boots for an effect)
//!      ├──────────────> ranks, permutation, bootstrap, effect   (beside the verdict, never feeding it)
//!      ├──────────────> exact                                   (failures, constants)
//!      └──────────────> diagnostics, shift, dip                 (warnings)
//!      └──────────────> sequential                            (looks that were repeated)
//!   block ─> order ─> ttest, ratio                              (the place within a block)
//!   tdist ─> history                                           (one series over months: where its level changed)
//!   ttest ─> bisect                                            (the first commit of a range that is slower)
//!   ttest ─> hosts                                             (one test each of several hosts, together)
//!   ttest, ratio ─> session                                     (what sessions add to an error)
//!   session, special ─> moderated                              (what many rows say of the variance of one)
//!   moments (summary of one side), spread (its SD's bounds), weighted (of one boot)        multiple (BH, Holm)     random (seeded draws)
//! ```
//!
//! Conventions that hold everywhere:
//! - Side **A is the baseline, B the candidate**; every function takes `(a, b)` and every estimate is `b - a`
//!   (or `b / a`), so a positive estimate means that B is larger. Good or bad is decided elsewhere.
//! - A value is one replicate. Shares and relative effects are fractions (0.05 is 5 %); levels and
//!   probabilities lie in 0..1.
//! - A statistic that cannot be computed is an [`Unavailable`] with its reason, never NaN and never 0.
//! - Two-sided p-values. Tails are computed as tails (never `1 - cdf`), so that they stay exact down to 1e-300.

mod bisect;
mod block;
mod bootstrap;
mod common;
mod curve;
mod diagnostics;
mod dip;
mod effect;
mod exact;
mod guarded;
mod history;
mod hosts;
mod moderated;
mod moments;
mod multiple;
mod noncentral;
mod order;
mod permutation;
mod power;
mod random;
mod ranks;
mod ratio;
mod sequential;
mod session;
mod shift;
pub mod special;
mod splitmix;
mod spread;
mod tdist;
mod ttest;
mod weighted;

pub use bisect::{
    BISECT_CERTAIN, BISECT_MIN_ROUNDS, BISECT_SESSION_RATIO, BisectBoot, BisectClass, BisectDesign,
    BisectEnd, BisectEnds, BisectForesight, BisectProbes, BisectRange, BisectReading, BisectRun, BisectStop,
    bisect_ends, bisect_ends_bar,
};
pub use block::{Block, complete_blocks};
pub use bootstrap::{BCA_MIN_N, Contrast, bca, bca_interval};
pub use common::{Interval, Unavailable};
pub use diagnostics::{
    FIRST_BOOT_MIN_N, MANN_KENDALL_MIN_N, MannKendall, VARIANCE_RATIO_MIN_N, VarianceRatio, first_boot,
    mann_kendall, spread, variance_ratio,
};
pub use dip::{BIMODALITY_MIN_N, Bimodality, bimodality, dip};
pub use effect::hedges_g;
pub use exact::{constants_p, fisher_exact};
pub use guarded::{guarded_df, guarded_fieller, guarded_welch, guarded_welch_log};
pub use history::{
    CONFIRM_LEVEL, CONFIRM_Q, ConfirmRow, ConfirmSeen, Confirmation, Confirmed, ConfirmedRow, HISTORY_ALPHA,
    HISTORY_ALPHA_MAX, HISTORY_ALPHA_MIN, HISTORY_AUTOCORRELATION, HISTORY_FEWEST, HISTORY_FORMAT,
    HISTORY_WINDOW, HOST_ROW_SHARE, HistoryPoint, HistoryReading, HistoryRule, HistorySegment, HistoryStep,
    Level, Location, confirm, history_rate, history_threshold, lag_one, session_variance_of,
};
pub use hosts::{
    HOSTS_RANDOM_MIN, Heterogeneity, heterogeneity, hosts_fieller, hosts_fixed, hosts_power, hosts_random,
};
pub use moderated::{VariancePrior, variance_prior};
pub use moments::{Moments, geometric_mean, mean, mean_ci, moments};
pub use multiple::{benjamini_hochberg, holm};
pub use noncentral::{noncentral_t_cdf, noncentrality, power};
pub use order::{block_levels, block_share, place_in_block};
pub use permutation::{PERMUTATION_DRAWS, PERMUTATION_EXACT_MAX, Permutation, permutation};
pub use power::{blocks_needed, log_effect_as_fractions, minimum_detectable, replicates_needed};
pub use random::{SplitMix64, seed_from};
pub use ranks::{MANN_WHITNEY_EXACT_MAX, MannWhitney, mann_whitney};
pub use ratio::{
    RatioOfGeometricMeans, band, blocked_log, equivalent, fieller, fieller_blocked,
    fieller_blocked_moderated, fieller_moderated, fieller_student, ratio_of_means, student_log, tost_p,
    welch_log,
};
pub use sequential::{Boundary, CEILING_MAX, FLOOR_MIN, Look};
pub use session::{ErrorPart, SessionVariance, session_fieller, session_variance};
pub use shift::{
    CHANGE_POINT_MIN_N, ChangePoint, Placed, SERIAL_MIN_N, SerialCorrelation, change_point,
    serial_correlation, shift,
};
pub use spread::sd_bound;
pub use tdist::{t_critical, t_quantile, t_sf, t_two_sided_p};
pub use ttest::{Moderation, TTest, blocked, one_sample, paired, student, welch};
pub use weighted::{TimeWeighted, time_weighted};

/// The README's examples are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
