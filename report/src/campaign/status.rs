//! How a campaign stands, on a terminal.

use super::{Story, clock, duration};
use edge::visible;
use model::counted;
use model::journal::{AddedFor, State};
use model::{Cells, Rule, Standing};
use serde_json::{Value, json};
use std::fmt::Write;

/// Whether somebody works on a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Life {
    /// The process that holds its lock, in words.
    Held(String),
    /// The same, and it measures nothing but keeps the guest of a boot that failed.
    Keeps {
        /// The process, in words.
        holder: String,
        /// The boot.
        boot: String,
        /// Why it failed.
        reason: String,
    },
    /// Nobody does.
    Free,
}

impl Life {
    fn holder(&self) -> Option<&str> {
        match self {
            Life::Held(holder) | Life::Keeps { holder, .. } => Some(holder),
            Life::Free => None,
        }
    }

    fn kept_guest(&self) -> Option<Value> {
        match self {
            Life::Keeps { boot, reason, .. } => Some(json!({"boot": boot, "reason": reason})),
            Life::Held(_) | Life::Free => None,
        }
    }
}

/// One word for it, and a sentence about what to do.
fn word(state: &State, standing: &Standing, life: &Life) -> (&'static str, Option<&'static str>) {
    const RESUME: Option<&str> = Some("perfvt resume goes on with what is left");
    match life {
        Life::Held(_) | Life::Keeps { .. } => ("running", None),
        Life::Free if state.finished.is_some() && standing.cells.pending() == 0 => ("finished", None),
        Life::Free if state.span.is_none() => ("planned", Some("perfvt resume begins it")),
        Life::Free if state.interrupted => ("interrupted", RESUME),
        Life::Free => ("stopped", RESUME),
    }
}

/// The whole as text, or as JSON.
pub fn status(story: &Story<'_>, life: &Life, now_unix_ns: u64, as_json: bool) -> String {
    let state = story.state();
    let standing = Standing::of(story.file, &state);
    if as_json {
        let mut text = format!("{:#}", json(story, &state, &standing, life, now_unix_ns));
        text.push('\n');
        return text;
    }
    text(story, &state, &standing, life, now_unix_ns)
}

fn since(state: &State, now_unix_ns: u64) -> f64 {
    now_unix_ns.saturating_sub(state.current_since) as f64 * 1e-9
}

fn json(story: &Story<'_>, state: &State, standing: &Standing, life: &Life, now: u64) -> Value {
    let current = state.current.as_ref().filter(|_| *life != Life::Free).map(|(boot, case)| {
        let of = state.boots.get(boot);
        json!({
            "boot": boot,
            "environment": of.map(|b| &b.environment),
            "repeat": of.map(|b| b.repeat),
            "attempt": of.map(|b| b.attempt),
            "case": case,
            "seconds": since(state, now),
        })
    });
    json!({
        "format": 1,
        "campaign": story.file.id,
        "state": word(state, standing, life).0,
        "holder": life.holder(),
        "kept_guest": life.kept_guest(),
        "first_unix_ns": state.span.map(|s| s.0),
        "last_unix_ns": state.span.map(|s| s.1),
        "current": current,
        "cells": standing.cells,
        "environments": standing.environments,
        "invalid": standing.invalid,
        "again": standing.again,
        "failed_boots": standing.failed_boots,
        "waited_seconds": standing.waited_seconds,
        "remaining_seconds": standing.remaining_seconds,
        "settled": state.settled,
        "rule": story.file.rule,
        "looked": state.looked,
        "alpha_spent": state.alpha_spent,
        "half_widths": state.half_widths,
        "stopped": state.stopped.as_ref().map(|(block, reason)| json!({"block": block, "reason": reason})),
        "added": state.added,
        "joined": state.joined,
    })
}

fn text(story: &Story<'_>, state: &State, standing: &Standing, life: &Life, now: u64) -> String {
    let mut out = String::new();
    let (word, advice) = word(state, standing, life);
    let done = |cells: &Cells| {
        let ended = cells.valid + cells.invalid;
        format!(
            "{ended} of {} ended, {} valid, {} invalid",
            counted(cells.planned as usize, "cell"),
            cells.valid,
            cells.invalid
        )
    };
    // Writing to a String cannot fail; so below.
    let mut say = |line: String| {
        let _ = writeln!(out, "{}", visible(&line));
    };
    say(format!("{} {}: {word}", story.file.workload, story.file.id));
    if let Some(holder) = life.holder() {
        say(format!("  by {holder}"));
    }
    if let Life::Keeps { boot, reason, .. } = life {
        say(format!("  boot {boot} failed, and its guest is kept: {reason}"));
    }
    say(format!("  {}", done(&standing.cells)));
    if standing.environments.len() > 1 {
        for (name, cells) in &standing.environments {
            say(format!("    {name}: {}", done(cells)));
        }
    }
    for (code, n) in &standing.invalid {
        say(format!("  {} invalid: {code}", counted(*n as usize, "cell")));
    }
    for (code, n) in &standing.again {
        say(format!("  {} taken again: {code}", counted(*n as usize, "sample")));
    }
    if standing.failed_boots > 0 {
        say(format!("  {} failed", counted(standing.failed_boots as usize, "boot")));
    }
    stopping(&story.file.rule, state).into_iter().for_each(&mut say);
    if standing.waited_seconds > 0.0 {
        say(format!("  waited {} for a quiet host", duration(standing.waited_seconds)));
    }
    if let Some((first, last)) = state.span {
        say(format!("  first event {} UTC, last {} UTC", clock(first), clock(last)));
    }
    if let (Life::Held(_), Some((boot, case))) = (life, &state.current) {
        let of =
            state.boots.get(boot).map_or(boot.clone(), |b| format!("{} boot {}", b.environment, b.repeat));
        let what = case.as_deref().unwrap_or("booting, or between cases");
        say(format!("  now {of}: {what}, for {}", duration(since(state, now))));
    }
    if let Some(seconds) = standing.remaining_seconds.filter(|s| *s > 0.0) {
        say(format!("  about {} left", duration(seconds)));
    }
    if let Some(advice) = advice {
        say(format!("  {advice}"));
    }
    out
}

/// What the stopping rule has come to, and what came to the plan after it.
fn stopping(rule: &Rule, state: &State) -> Vec<String> {
    let mut lines = Vec::new();
    if let (Rule::Until { half_width, .. }, Some(block)) = (rule, state.looked) {
        let spent = state.alpha_spent.map_or(String::new(), |spent| format!(", {spent:.4} of 0.05 spent"));
        lines.push(format!("  stopping rule: looked after block {block}{spent}"));
        lines.push(format!("    {} settled", counted(state.settled.len(), "case")));
        let open = state.half_widths.iter().filter(|(case, _)| !state.settled.contains_key(*case));
        for (case, width) in open {
            let width = width.map_or("no interval yet".to_owned(), |w| format!("±{:.1} %", 100.0 * w));
            lines.push(format!(
                "    open, {width} of ±{:.1} % wanted: {}",
                100.0 * half_width,
                model::readable(case)
            ));
        }
    }
    if let Some((block, reason)) = &state.stopped {
        lines.push(format!("  nothing of the plan is measured after block {block}: {reason}"));
    }
    for added in &state.added {
        let why = match added.reason {
            AddedFor::Repeat => "more boots were asked for",
            AddedFor::Confirm => "alerts are measured again",
        };
        let blocks = counted(added.blocks as usize, "block");
        lines.push(format!("  {blocks} added from block {} on: {why}", added.block));
    }
    for file in &state.joined {
        lines.push(format!("  joined: {file}"));
    }
    lines
}
