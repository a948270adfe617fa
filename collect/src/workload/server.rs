//! A server of a network benchmark, in the guest.
//!
//! A program that was started does not listen yet, under emulation not for seconds. What a client sends before that is
//! refused, or lost for good over UDP, where sockperf waits for an answer without asking again.

use super::common::{Job, failed, late, said};
use crate::lab::{Failed, Lab};
use model::Phase;
use std::time::{Duration, Instant};

/// What a server waits at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Tcp,
    Udp,
}

impl Transport {
    /// The kernel's table of sockets over IPv4.
    fn table(self) -> &'static str {
        match self {
            Transport::Tcp => "/proc/net/tcp",
            Transport::Udp => "/proc/net/udp",
        }
    }

    /// The state of a socket that waits for anybody: TCP_LISTEN, and for UDP, which has no listening, TCP_CLOSE.
    fn waiting(self) -> &'static str {
        match self {
            Transport::Tcp => "0A",
            Transport::Udp => "07",
        }
    }
}

/// Starts a server, which lives as long as the guest, and waits until it has its port.
///
/// # Errors
/// It ends, or has no port in time, with what it said.
pub(super) fn serve(lab: &mut dyn Lab, argv: &[&str], transport: Transport, port: u16) -> Result<(), Failed> {
    let job = Job::serve(lab, argv)?;
    let name = argv.first().copied().unwrap_or_default();
    let limit = lab.deadline(Phase::Prepare);
    let until = Instant::now() + limit;
    while !waits(&lab.exec(&["cat", transport.table()], lab.soon())?, transport, port) {
        let standing = job.standing(lab)?;
        let said = said(&[&standing.stderr, &standing.stdout]);
        if let Some(status) = standing.status {
            return Err(failed(format!("the server {name} ended with status {status}: {said}")));
        }
        if Instant::now() >= until {
            let seconds = limit.as_secs();
            let reason = format!("the server {name} has no port {port} within {seconds} s: {said}");
            return Err(late(Phase::Prepare, reason));
        }
        lab.sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Whether the kernel's table of sockets has one that waits at this port.
fn waits(table: &str, transport: Transport, port: u16) -> bool {
    let local = format!(":{port:04X}");
    table.lines().skip(1).any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        matches!(words.as_slice(), [_, at, _, state, ..] if at.ends_with(&local) && *state == transport.waiting())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                       0: 00000000:3241 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n   \
                       1: 0F02000A:3242 0202000A:8D2C 01 00000000:00000000 02:00000000 00000000     0        0 2 1\n";

    #[test]
    fn a_port_counts_when_somebody_waits_at_it() {
        assert!(waits(TCP, Transport::Tcp, 0x3241));
        assert!(!waits(TCP, Transport::Tcp, 0x3242), "a connection is no listening");
        assert!(!waits(TCP, Transport::Tcp, 0x41) && !waits("", Transport::Udp, 0x3241));
        let udp = TCP.replace(" 0A ", " 07 ");
        assert!(waits(&udp, Transport::Udp, 0x3241) && !waits(&udp, Transport::Tcp, 0x3241));
    }
}
