//! Why a configuration says nothing that can be run.

use cartesian::{CartesianError, Culprit};
use edge::quoted;
use edge::text::cut;

/// Repeats of one configuration.
pub const MAX_REPEATS: usize = 10_000;
/// Keys of one variant, and of all repeats together.
pub(super) const MAX_KEYS: usize = 10_000;
/// Environments of one campaign.
pub const MAX_ENVIRONMENTS: usize = 100;

/// A configuration that gives no environment, or too many.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// The configuration itself.
    #[error(transparent)]
    Cartesian(#[from] CartesianError),
    /// Filters left nothing.
    #[error("{what}: no variant is left{}", culprits.iter().map(|c| format!("\n    {c}")).collect::<String>())]
    Nothing {
        /// The configuration, and the environment.
        what: String,
        /// The filters that did it.
        culprits: Vec<Culprit>,
    },
    /// Neither WORKLOAD nor a configuration that leaves one.
    #[error(
        "{what} leaves several workloads ({workloads}), and a campaign measures one: name it, as in `perfvt run {first} ..`, or in the configuration, `type = {first}`"
    )]
    Workloads {
        /// The configuration, and the environment.
        what: String,
        /// Their names.
        workloads: String,
        /// One of them.
        first: String,
    },
    /// Several variants where one is wanted.
    #[error(
        "{what} leaves several variants where an environment takes one: {labels}; take one with `--only {first}`, compare them with `--env @{first} --env @..`, or call them repeat1, repeat2, .. when they are to be repeats"
    )]
    Variants {
        /// The configuration, and the environment.
        what: String,
        /// What tells them apart.
        labels: String,
        /// One of these.
        first: String,
    },
    /// More than anybody boots.
    #[error(
        "{what}: more than {MAX_REPEATS} variants called repeats, or very many keys in them; --repeat N says how often to boot"
    )]
    TooManyRepeats {
        /// The configuration, and the environment.
        what: String,
    },
    /// A variant that nothing is done with in reasonable time.
    #[error("{what}: {variant} has more than {MAX_KEYS} keys")]
    TooManyKeys {
        /// The configuration, and the environment.
        what: String,
        /// The variant.
        variant: String,
    },
    /// More than anybody compares.
    #[error(
        "--env {text} makes more than {MAX_ENVIRONMENTS} environments; take fewer with --only, or name them one by one"
    )]
    TooManyEnvironments {
        /// The flag.
        text: String,
    },
    /// Variants called repeats that differ.
    #[error(
        "{what}: the repeats of {variant} differ in {difference}; repeats are boots of the same environment: give such variants another name than repeat"
    )]
    Repeats {
        /// The configuration, and the environment.
        what: String,
        /// The variant.
        variant: String,
        /// The key with both values and their origins.
        difference: String,
    },
    /// Environments whose variants have not the same number of repeats.
    #[error(
        "{a} has {n} repeats and {b} has {m}: environments of one campaign are booted equally often; --repeat says how often"
    )]
    Unequal {
        /// An environment.
        a: String,
        /// Its repeats.
        n: String,
        /// Another one.
        b: String,
        /// Its repeats.
        m: String,
    },
    /// Environments that measure different things.
    #[error(
        "environment {a} measures {workload}, {b} {other}; environments of one campaign measure the same workload"
    )]
    DifferentWorkloads {
        /// An environment.
        a: String,
        /// Its workload.
        workload: String,
        /// Another one.
        b: String,
        /// Its workload.
        other: String,
    },
    /// `--env @x`.
    #[error("--env @{}: no block of variants and no variant is called {}{}", cut(name), quoted(name), similar.as_ref().map(|s| format!(", did you mean {}?", quoted(s))).unwrap_or_default())]
    NoBlock {
        /// What was asked for.
        name: String,
        /// What was probably meant.
        similar: Option<String>,
    },
    /// A base whose workloads are not in this perfvt cannot happen; a configuration may set the key itself.
    #[error("{origin}: unknown workload {}; known: {known}", quoted(name))]
    UnknownWorkload {
        /// Where it was set.
        origin: String,
        /// Its name.
        name: String,
        /// All there are.
        known: String,
    },
}
