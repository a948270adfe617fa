//! A workload that is made of functions: what it measures is a test's own, the rest says that there is nothing.

use collect::lab::{Failed, Lab};
use collect::workload::{Known, Needs, Outcome, Workload};
use model::{Case, Params, ParamsError};
use std::path::Path;

/// See [`Workload`] for what the functions do.
pub struct Stub {
    pub name: &'static str,
    /// The only metric.
    pub metric: &'static str,
    /// How long a case takes, in seconds.
    pub seconds: f64,
    pub prepare: fn(&mut dyn Lab, &Params) -> Result<(), Failed>,
    pub measure: fn(&mut dyn Lab, &Case, &Params, &Path) -> Result<(), Failed>,
    pub parse: fn(&Case, &Path) -> Result<Outcome, Failed>,
}

impl Stub {
    /// A workload that needs no preparation.
    pub const fn new(
        name: &'static str,
        metric: &'static str,
        measure: fn(&mut dyn Lab, &Case, &Params, &Path) -> Result<(), Failed>,
        parse: fn(&Case, &Path) -> Result<Outcome, Failed>,
    ) -> Stub {
        Stub { name, metric, seconds: 0.0, prepare: |_, _| Ok(()), measure, parse }
    }
}

impl Workload for Stub {
    fn name(&self) -> &'static str {
        self.name
    }

    fn measures(&self) -> &'static str {
        "what a test says"
    }
    fn parameters(&self) -> &'static [Known] {
        &[]
    }
    fn cases(&self, _: &Params) -> Result<Vec<Case>, ParamsError> {
        Ok(Vec::new())
    }
    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }
    fn metrics(&self, _: &str, _: &Params, _: bool) -> Vec<String> {
        vec![self.metric.into()]
    }
    fn needs(&self, _: &Params) -> Needs {
        Needs::default()
    }
    fn seconds(&self, _: &Params) -> f64 {
        self.seconds
    }
    fn session_length(&self, _: &Params) -> String {
        "1".into()
    }
    fn rhs_name(&self, _: f64) -> String {
        format!("{}-result.RHS", self.name)
    }
    fn prepare(&self, lab: &mut dyn Lab, params: &Params) -> Result<(), Failed> {
        (self.prepare)(lab, params)
    }
    fn measure(&self, lab: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed> {
        (self.measure)(lab, case, params, raw)
    }
    fn parse(&self, case: &Case, _: &Params, raw: &Path) -> Result<Outcome, Failed> {
        (self.parse)(case, raw)
    }
}
