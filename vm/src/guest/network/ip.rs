//! The program `ip` (iproute2).

use process::deadlines::HOST_ANSWER;
use process::{Namespace, ProcessError, Spec};
use serde_json::Value;
use std::sync::Arc;

/// Runs `ip`.
pub(super) fn ip(namespace: Option<&Arc<Namespace>>, args: &[&str]) -> Result<(), ProcessError> {
    process::run(Spec::new("ip").args(args).namespace(namespace), HOST_ANSWER).map(drop)
}

/// What `ip -json` says; nothing where there is no such device.
pub(super) fn ip_json(args: &[&str]) -> Result<Value, ProcessError> {
    let out = process::run(Spec::new("ip").arg("-json").args(args), HOST_ANSWER)?;
    Ok(serde_json::from_slice(&out).unwrap_or(Value::Null))
}
