//! A guest that moves from one of these programs to another: over TCP, one byte, behind which it runs there. And its network card,
//! which answers echoes while it runs.

use super::faults;
use super::machine::Machine;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What a QEMU of version 7.2 knows of what perfvt asks for; the fault `knows=NAME` adds one.
const KNOWN: [&str; 4] = ["postcopy-ram", "multifd", "xbzrle", "auto-converge"];

/// The state of a move.
#[derive(Default)]
pub struct Moves {
    on: Mutex<BTreeSet<String>>,
    parameters: Mutex<Value>,
    told: Mutex<Value>,
    cancelled: AtomicBool,
}

/// A number behind a fault's name, in milliseconds.
fn ms(machine: &Machine, name: &str, usual: u64) -> Duration {
    let value = machine.fault(name).map_or(usual, |fault| fault.value.parse().unwrap());
    Duration::from_millis(value)
}

/// What the monitor is answered; `None` where it asks something else.
pub fn answer(machine: &Arc<Machine>, command: &str, arguments: &Value) -> Option<Value> {
    let moves = &machine.moves;
    let uri = || arguments["uri"].as_str().unwrap().to_owned();
    Some(match command {
        "query-migrate-capabilities" => {
            let on = moves.on.lock().unwrap();
            let more = machine.fault("knows").map(|fault| fault.value.as_str());
            let all = KNOWN.into_iter().chain(more);
            all.map(|name| json!({"capability": name, "state": on.contains(name)})).collect()
        }
        "migrate-set-capabilities" => {
            let mut on = moves.on.lock().unwrap();
            for one in arguments["capabilities"].as_array().unwrap() {
                let name = one["capability"].as_str().unwrap().to_owned();
                if one["state"] == true {
                    on.insert(name)
                } else {
                    on.remove(&name)
                };
            }
            json!({})
        }
        "migrate-set-parameters" => {
            *moves.parameters.lock().unwrap() = arguments.clone();
            json!({})
        }
        "query-migrate-parameters" => moves.parameters.lock().unwrap().clone(),
        "query-migrate" => moves.told.lock().unwrap().clone(),
        "migrate-incoming" => {
            let listener = TcpListener::bind(uri().strip_prefix("tcp:").unwrap()).unwrap();
            let port = listener.local_addr().unwrap().port().to_string();
            *moves.told.lock().unwrap() = json!({"status": "setup", "socket-address": [{"port": port}]});
            let machine = Arc::clone(machine);
            std::thread::spawn(move || take(&machine, &listener));
            json!({})
        }
        "migrate" => {
            let to = TcpStream::connect(uri().strip_prefix("tcp:").unwrap()).unwrap();
            tell(machine, "active", Duration::ZERO);
            let machine = Arc::clone(machine);
            std::thread::spawn(move || go(&machine, to));
            json!({})
        }
        "migrate_cancel" => {
            moves.cancelled.store(true, Ordering::Relaxed);
            json!({})
        }
        _ => return None,
    })
}

fn tell(machine: &Machine, status: &str, total: Duration) {
    let stands = ms(machine, "stands", 20).as_millis() as u64;
    *machine.moves.told.lock().unwrap() = json!({
        "status": status, "total-time": total.as_millis() as u64, "downtime": stands,
        "ram": {"transferred": 50_000_000, "remaining": 1_000_000, "mbps": 400.0, "dirty-sync-count": 3,
                "dirty-pages-rate": 5000}
    });
}

/// The source: it sends for a while, stands, and is done; or goes on until it is cancelled.
fn go(machine: &Machine, mut to: TcpStream) {
    let begun = Instant::now();
    let until = begun + ms(machine, "moves-in", 60);
    let endless = machine.fault("endless").is_some();
    while endless || Instant::now() < until {
        if machine.moves.cancelled.load(Ordering::Relaxed) {
            return tell(machine, "cancelled", begun.elapsed());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    machine.stop();
    machine.event("STOP", json!({}));
    std::thread::sleep(ms(machine, "stands", 20));
    to.write_all(b"!").unwrap();
    tell(machine, "completed", begun.elapsed());
}

/// The destination: one that hears nothing more ends as QEMU does whose source has cancelled.
fn take(machine: &Machine, listener: &TcpListener) {
    let (mut from, _) = listener.accept().unwrap();
    if !matches!(from.read(&mut [0]), Ok(1)) {
        faults::end(1);
    }
    machine.let_go();
    machine.event("RESUME", json!({}));
    machine.arguments.cables.iter().for_each(|cable| announce(machine, *cable));
}

/// Tells the network where the guest is now, by reverse ARP as QEMU does.
fn announce(machine: &Machine, cable: RawFd) {
    let mut frame = [&[0xff; 6][..], &mac(machine), &[0x80, 0x35]].concat();
    frame.resize(60, 0);
    let _ = send(end(cable), &frame, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
}

/// The end of a cable.
#[allow(unsafe_code)]
fn end(cable: RawFd) -> BorrowedFd<'static> {
    // SAFETY: perfvt opened it for this program, and it stays open.
    unsafe { BorrowedFd::borrow_raw(cable) }
}

/// Answers ARP and echoes on a cable while the guest runs. With the fault `deaf-behind-move` one that has moved here answers none.
pub fn card(machine: &Machine, cable: RawFd) {
    let cable = end(cable);
    let mut buffer = [0; 2048];
    loop {
        let soon = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
        let ready = poll(&mut [PollFd::new(&cable, PollFlags::IN)], Some(&soon));
        if !machine.is_running() {
            std::thread::sleep(Duration::from_micros(200));
            continue;
        }
        let Ok(1) = ready else { continue };
        let Ok((_, length)) = recv(cable, &mut buffer[..], RecvFlags::DONTWAIT) else { continue };
        let deaf = machine.arguments.moves_in && machine.fault("deaf-behind-move").is_some();
        if let Some(frame) = reply(&buffer[..length], mac(machine)).filter(|_| !deaf && machine.is_running())
        {
            // Who is not there hears nothing.
            let _ = send(cable, &frame, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
        }
    }
}

fn mac(machine: &Machine) -> [u8; 6] {
    let mut mac = [2; 6];
    let text = machine.arguments.macs.first().map_or("", String::as_str);
    for (byte, part) in mac.iter_mut().zip(text.split(':')) {
        *byte = u8::from_str_radix(part, 16).unwrap();
    }
    mac
}

/// The answer to a question of ARP (RFC 826) or an echo (RFC 792), whoever is asked: there is nobody else.
fn reply(frame: &[u8], own: [u8; 6]) -> Option<Vec<u8>> {
    let mut reply = frame.to_vec();
    reply.get_mut(..6)?.copy_from_slice(&frame[6..12]);
    reply.get_mut(6..12)?.copy_from_slice(&own);
    match (frame.get(12..14)?, frame.get(20..22)?) {
        ([8, 6], [0, 1]) if frame.len() >= 42 => {
            reply[21] = 2;
            reply[22..28].copy_from_slice(&own);
            reply[28..32].copy_from_slice(&frame[38..42]);
            reply[32..42].copy_from_slice(&frame[22..32]);
        }
        // A sum over both addresses stays what it was; that of the message does by eight more in its type.
        ([8, 0], _) if frame.get(23) == Some(&1) && frame.get(34) == Some(&8) => {
            reply[26..30].copy_from_slice(&frame[30..34]);
            reply[30..34].copy_from_slice(&frame[26..30]);
            reply[34] = 0;
            let sum = u32::from(u16::from_be_bytes([frame[36], frame[37]])) + 0x0800;
            reply[36..38].copy_from_slice(&((sum & 0xffff) as u16 + (sum >> 16) as u16).to_be_bytes());
        }
        _ => return None,
    }
    Some(reply)
}
