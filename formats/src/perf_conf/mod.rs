//! perf.conf: how each workload's results are found, read and judged.
//!
//! The syntax is the ancestor's (INI as Python's ConfigParser reads it), and so are its four keys; the others are
//! described in docs/perf-conf.md. Layers are applied one after the other, and every value remembers which gave it:
//!
//! ```text
//!   built in  <-  ./perf.conf  <-  --config FILE        (later layers win, key by key)
//! ```

mod conf;
mod effective;
mod infer;
pub(crate) mod ini;
mod layer;
mod metric;
mod refusal;
mod section;
mod suggest;

pub use conf::Conf;
pub use effective::{Effective, Idle, Why, told};
pub use layer::{ConfError, Layer, parse};
pub use metric::{DEFAULT_MIN_EFFECT, MetricConf, MetricFields, Zero, effect};
pub use section::{AvgUpdate, Derived, Origin, Section};
pub use suggest::{closest, likeness};
