//! `perfvt farm`: one comparison on several hosts, by way of Slurm.

mod hosts;
mod look;
mod prune;
mod shard;
mod steer;
mod submit;
mod timer;

use crate::args::{Farm as Args, FarmVerb};
use crate::{DONE, Error};
use serde::Serialize;
use std::io::Write;

/// Does what was asked.
pub fn farm(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    match &args.verb {
        FarmVerb::Hosts => hosts::hosts(args.json, out),
        FarmVerb::Submit(submit) => submit::submit(submit, args.json, out, err),
        FarmVerb::Status { dir } => look::status(dir, args.json, out),
        FarmVerb::Gather { dir, wait, patience } => {
            look::gather(dir, wait.then_some(*patience), args.json, out, err)
        }
        FarmVerb::Cancel { dir, now, shards } => steer::cancel(dir, *now, shards, (args.json, out), err),
        FarmVerb::Retry { dir, shards } => steer::retry(dir, shards, (args.json, out), err),
        FarmVerb::Move { dir, shard, host } => steer::give(dir, *shard, host, args.json, out),
        FarmVerb::Timer(timer) => timer::timer(timer, args.json, out),
        FarmVerb::Prune(prune) => prune::prune(prune, args.json, out),
        FarmVerb::Shard { dir, shard } => shard::shard(dir, *shard, out, err),
    }
}

/// Writes something for programs.
fn json<T: Serialize>(value: &T, out: &mut dyn Write) -> Result<u8, Error> {
    model::json::write_pretty(&mut *out, value)?;
    writeln!(out)?;
    Ok(DONE)
}

/// A path as a shell takes it.
fn shown(path: &std::path::Path) -> String {
    report::command_line::command_line(&[path.display().to_string()])
}
