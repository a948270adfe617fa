//! A client of a network benchmark that runs for a time of its own.

use super::common::{failed, late, said};
use crate::lab::{Client, Failed, Lab, keep};
use model::Phase;
use process::tail;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Packets after which more than a handshake is under way.
const FLOWING: u64 = 50;

/// A client that was started.
pub(super) struct Running {
    client: Box<dyn Client>,
    raw: PathBuf,
    name: &'static str,
}

impl Running {
    /// Starts it and waits until packets flow through the server guest's interface. Its output goes to `NAME.txt` and
    /// `NAME.stderr`.
    pub(super) fn start(
        lab: &mut dyn Lab,
        argv: &[String],
        raw: &Path,
        name: &'static str,
    ) -> Result<Running, Failed> {
        keep(raw, &format!("{name}.argv"), &argv.join("\n"))?;
        let before = packets(lab)?;
        let (out, err) = (raw.join(format!("{name}.txt")), raw.join(format!("{name}.stderr")));
        let mut running = Running { client: lab.start_client(argv, &out, &err)?, raw: raw.to_owned(), name };
        let limit = lab.deadline(Phase::WarmUp);
        let until = Instant::now() + limit;
        while packets(lab)?.saturating_sub(before) < FLOWING {
            if let Some(how) = running.client.ended() {
                return Err(running.end(how, " before packets flowed"));
            }
            if let Some(death) = lab.death() {
                return Err(death);
            }
            if Instant::now() >= until {
                return Err(late(
                    Phase::WarmUp,
                    format!("{name} moved no packets within {} s", limit.as_secs()),
                ));
            }
            lab.sleep(Duration::from_millis(50));
        }
        Ok(running)
    }

    /// Waits until it ends, which it should soon.
    pub(super) fn finish(mut self, lab: &mut dyn Lab) -> Result<(), Failed> {
        let until = Instant::now() + lab.deadline(Phase::Measure);
        loop {
            match self.client.ended() {
                Some(Ok(())) => return Ok(()),
                Some(how) => return Err(self.end(how, "")),
                None if Instant::now() >= until => {
                    return Err(late(Phase::Measure, format!("{} did not end in time", self.name)));
                }
                None => lab.sleep(Duration::from_millis(10)),
            }
        }
    }

    /// An end that should not have been, with what the client said.
    fn end(&self, how: Result<(), String>, when: &str) -> Failed {
        let end = |ending: &str| tail(&self.raw.join(format!("{}.{ending}", self.name)));
        let how = how.err().unwrap_or_else(|| "status 0".into());
        let said = said(&[&end("stderr"), &end("txt")]);
        failed(format!("{} ended{when} with {how}: {said}", self.name))
    }
}

/// Packets that the server guest's interface has moved.
fn packets(lab: &mut dyn Lab) -> Result<u64, Failed> {
    let interface = lab.target().interface;
    let traffic = lab.snapshot()?.guest.net_dev.interface(&interface);
    let traffic = traffic.ok_or_else(|| failed(format!("the guest's counters have no {interface}")))?.value;
    Ok(traffic.rx_packets.saturating_add(traffic.tx_packets))
}
