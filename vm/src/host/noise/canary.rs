//! A fixed probe of the host alone. When it changes, the host has: what the guests then show is not theirs.

use crate::host::placement::pin_thread;
use model::CpuId;
use model::noise::Canary;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Instant;

/// Steps of arithmetic: some 20 ms.
const STEPS: u64 = 20_000_000;
/// Copied three times: more than most caches hold.
const BYTES: usize = 32 << 20;
/// Round trips of one byte over the loopback.
const TRIPS: usize = 500;

/// Runs the probe on one CPU, in a thread of its own; takes about a tenth of a second. What cannot be had is absent.
pub fn canary(cpu: Option<CpuId>) -> Canary {
    let probe = move || {
        if let Some(cpu) = cpu {
            // Without its CPU the probe would measure the scheduler.
            let thread = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
            pin_thread(thread, &[cpu]).ok()?;
        }
        Some(Canary {
            cpu: cpu.map(|c| c.0),
            arithmetic_ns: arithmetic(),
            copy_ns: copy(),
            loopback_ns: loopback(),
        })
    };
    std::thread::spawn(probe).join().ok().flatten().unwrap_or_default()
}

fn time(work: impl FnOnce()) -> Option<u64> {
    let start = Instant::now();
    work();
    u64::try_from(start.elapsed().as_nanos()).ok()
}

/// A chain of multiplications, each of which needs the one before.
fn arithmetic() -> Option<u64> {
    time(|| {
        let mut x = std::hint::black_box(1u64);
        for step in 0..STEPS {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step);
        }
        std::hint::black_box(x);
    })
}

fn copy() -> Option<u64> {
    let from = vec![1u8; BYTES];
    let mut to = vec![0u8; BYTES];
    time(|| {
        for _ in 0..3 {
            to.copy_from_slice(std::hint::black_box(&from));
            std::hint::black_box(&mut to);
        }
    })
}

fn loopback() -> Option<u64> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    let mut near = TcpStream::connect(listener.local_addr().ok()?).ok()?;
    let (mut far, _) = listener.accept().ok()?;
    near.set_nodelay(true).ok()?;
    far.set_nodelay(true).ok()?;
    let start = Instant::now();
    let mut byte = [0];
    for _ in 0..TRIPS {
        near.write_all(&byte).and_then(|()| far.read_exact(&mut byte)).ok()?;
        far.write_all(&byte).and_then(|()| near.read_exact(&mut byte)).ok()?;
    }
    u64::try_from(start.elapsed().as_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probe_gives_three_times_on_the_cpu_that_it_was_given() {
        let cpu = crate::host::topology::Topology::here().unwrap().cpus()[0];
        let canary = canary(Some(cpu));
        assert_eq!(canary.cpu, Some(cpu.0));
        for time in [canary.arithmetic_ns, canary.copy_ns, canary.loopback_ns] {
            assert!(time.is_some_and(|ns| ns > 10_000), "{canary:?}");
        }
    }
}
