//! What is asked of a switch that runs in a process of its own, and what it answers: one JSON document a line.

use crate::line::Shape;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

/// No line of such a talk is longer: a plan of some thousand ports.
const LONGEST_LINE: u64 = 1 << 20;

/// The ports of a switch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What random numbers begin with.
    pub seed: u64,
    /// The ports.
    pub ports: Vec<Port>,
}

/// A port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// Its network: ports of different ones never meet.
    pub network: u32,
    /// What happens to frames on their way to it.
    pub shape: Shape,
}

/// What is asked. The first one is the plan; the switch ends when nobody is there to ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Begin with this.
    Plan(Plan),
    /// What was counted.
    Counters,
    /// Change the link of a port, for what comes from now on.
    Shape {
        /// Which port.
        port: usize,
        /// How it is from now on.
        shape: Shape,
    },
}

/// What it answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What was counted, port by port.
    pub ports: Vec<Counters>,
    /// CPU time of the switch's process in nanoseconds.
    pub cpu_ns: u64,
    /// Why it cannot do what was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What was counted at a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Frames that came from there.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Frames that were delivered there.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Frames to there that the link lost, as it was asked to.
    pub lost: u64,
    /// Frames to there for which there was no room.
    pub dropped: u64,
    /// What came from there and was no frame.
    pub malformed: u64,
}

/// Asks a switch, and waits for its answer; how long is what the stream's timeouts say.
///
/// # Errors
/// It is gone, or answers something else.
pub fn ask(stream: &UnixStream, what: &Ask) -> io::Result<Told> {
    say(stream, what)?;
    let mut line = Vec::new();
    BufReader::new(stream.take(LONGEST_LINE)).read_until(b'\n', &mut line)?;
    Ok(serde_json::from_slice(&line)?)
}

/// One line of a talk.
pub(crate) fn say(mut stream: &UnixStream, what: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// What is asked next; `None` when nobody is there any more.
///
/// # Errors
/// It is no line, or none that is understood.
pub fn asked(stream: &UnixStream) -> io::Result<Option<Ask>> {
    let mut line = Vec::new();
    // One is asked after the other was answered, so nothing that is read ahead belongs to the next.
    BufReader::new(stream.take(LONGEST_LINE)).read_until(b'\n', &mut line)?;
    match line.is_empty() {
        true => Ok(None),
        false => Ok(Some(serde_json::from_slice(&line)?)),
    }
}
