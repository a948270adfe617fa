//! Why a request cannot be carried out.

use super::plan;
use crate::config::SelectError;
use crate::matrix::MatrixError;
use crate::testbed::TestbedError;
use model::ParamsError;
use vm::accel::NoKvm;
use vm::guest::image::ImageError;
use vm::guest::network::NetworkError;
use vm::host::topology::TopologyError;
use vm::scenario::Scenario;

/// A request that cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// `--confirm` with one environment.
    #[error("--confirm: there is no alert without two environments to compare; give a second --env")]
    NothingToConfirm,
    /// No such workload.
    #[error("unknown workload '{name}'; known: {known}; `perfvt help workloads` says what each measures")]
    UnknownWorkload {
        /// What was asked for.
        name: String,
        /// All there are.
        known: String,
    },
    /// Neither WORKLOAD nor a configuration.
    #[error("what is to be measured? name a workload ({known}), or a configuration with -c{hint}")]
    Nothing {
        /// All workloads.
        known: String,
        /// A configuration that is there.
        hint: &'static str,
    },
    /// The configuration.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// Flags.
    #[error(transparent)]
    Matrix(#[from] MatrixError),
    /// A parameter.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// `--accel kvm`.
    #[error(transparent)]
    Accel(#[from] NoKvm),
    /// `net=auto`.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// There is no place for images.
    #[error(transparent)]
    Cache(#[from] ImageError),
    /// sysfs.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// Environments that differ in who talks to whom.
    #[error(
        "environment {environment} has scenario={scenario} and the first one {first}; environments of one campaign share \
         the scenario: run two campaigns, and compare their directories"
    )]
    Scenarios {
        /// Which one.
        environment: String,
        /// Its scenario.
        scenario: Scenario,
        /// That of the first environment.
        first: Scenario,
    },
    /// More boots or cases than anybody measures.
    #[error(transparent)]
    Plan(#[from] plan::TooLarge),
    /// What stands around the windows of an environment.
    #[error("environment {environment}: {why}")]
    Around {
        /// Which one.
        environment: String,
        /// What is wrong.
        why: String,
    },
    /// Placement or hardware, in one environment.
    #[error("environment {environment}: {source}")]
    Environment {
        /// Which one.
        environment: String,
        /// What is wrong.
        source: Box<TestbedError>,
    },
}
