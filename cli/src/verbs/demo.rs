//! `perfvt demo`: from nothing to the page of a comparison, by the verbs that a user would type.

use crate::args::Demo;
use crate::verbs::guest;
use crate::verbs::typed::typed;
use crate::{DONE, Error, INTERRUPTED, USAGE};
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use vm::guest::image::{Cache, Fetch, ImageError, builtin, can_build, fetch, host_program};

/// The two environments, how often they boot and what is measured come from an A/A pilot: docs/demo.md.
const CAMPAIGN: [&str; 17] = [
    "run",
    "netperf",
    "--env",
    "virtio",
    "--env",
    "e1000:nic_model=e1000",
    "--repeat",
    "5",
    "--set",
    "protocols=TCP_STREAM",
    "--set",
    "sizes=16384,65535",
    "--set",
    "sessions=1",
    "--set",
    "l=3",
    "--allow-unpinned",
];

/// Fetches what the guest is made of where that is missing, measures two environments that really differ, and compares them.
pub fn demo(args: &Demo, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let dir = &args.out;
    if dir.exists() {
        return Err(format!("{} is there already; --out DIR takes another folder", dir.display()).into());
    }
    let cache = Cache::from_env()?;
    if let Err(missing) = parts(&cache) {
        guest::say(err, &format!("fetching the parts of a guest: {missing}"));
        fetch(Fetch::Missing, &mut |line| guest::say(err, line))?;
    }
    guest::say(err, &format!("guest image: {}", builtin(&cache)?.dir.display()));
    edge::write::create_directory(dir).map_err(|e| format!("creating {}: {e}", dir.display()))?;
    let (campaign, page) = (text(&dir.join("campaign"))?, text(&dir.join("report.html"))?);
    let mut words: Vec<&str> = CAMPAIGN.to_vec();
    for set in &args.sets {
        words.extend(["--set", set]);
    }
    words.extend(["--out", &campaign]);
    let collected = step(&words, out, err)?;
    // Interrupted, it can be resumed; cells without a value are compared, and told there.
    if matches!(collected, INTERRUPTED | USAGE) {
        return Ok(collected);
    }
    let compared = step(&["compare", &campaign, "--html", &page], out, err)?;
    Ok(if collected == DONE { compared } else { collected })
}

/// Whether the guest and its client can be made out of what is here.
fn parts(cache: &Cache) -> Result<(), ImageError> {
    can_build(cache, None)?;
    host_program(cache, "netperf").map(drop)
}

/// Does what a command line says.
fn step(words: &[&str], out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let command: Vec<OsString> = ["perfvt"].iter().chain(words).map(OsString::from).collect();
    typed(&command, out, err)
}

/// A path as the word of a command line.
fn text(path: &Path) -> Result<String, Error> {
    let text = path.to_str().ok_or_else(|| format!("{}: the name is no text", path.display()))?;
    // One that begins with a dash would be taken for a flag.
    Ok(if text.starts_with('-') { format!("./{text}") } else { text.to_owned() })
}
