//! The monitor: QMP as far as perfvt speaks it.

use super::arguments::inherited;
use super::faults;
use super::machine::Machine;
use super::moves;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;

/// Columns of eight pixels, half of them white.
const PICTURE: &[u8] = include_bytes!("screen.png");

/// Talks to whoever connects, one after the other.
pub fn serve(machine: &Arc<Machine>, socket: &UnixListener) {
    loop {
        let (stream, _) = socket.accept().unwrap();
        *machine.listener.lock().unwrap() = Some(stream.try_clone().unwrap());
        machine.tell(&json!({"QMP": {"version": version(), "capabilities": ["oob"]}}));
        talk(machine, stream);
    }
}

fn talk(machine: &Arc<Machine>, stream: UnixStream) {
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else { return };
        let command: Value = serde_json::from_str(&line).unwrap();
        let name = command["execute"].as_str().unwrap();
        machine.heard(name);
        let mut reply = match answer(machine, name, &command["arguments"]) {
            Some(value) => json!({"return": value}),
            None => {
                json!({"error": {"class": "CommandNotFound", "desc": format!("The command {name} has not been found")}})
            }
        };
        reply["id"] = command["id"].clone();
        machine.tell(&reply);
        match name {
            "cont" if machine.fault("close-monitor").is_some() => {
                // Both ends of it.
                *machine.listener.lock().unwrap() = None;
                return;
            }
            "quit" | "system_powerdown" if machine.fault("ignore-quit").is_none() => {
                machine.event("SHUTDOWN", json!({"guest": false, "reason": "host-qmp-quit"}));
                faults::end(0);
            }
            _ => {}
        }
    }
}

fn version() -> Value {
    json!({"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": "pretended"})
}

fn answer(machine: &Arc<Machine>, command: &str, arguments: &Value) -> Option<Value> {
    let status = if machine.is_running() { "running" } else { "prelaunch" };
    Some(match command {
        "qmp_capabilities" | "quit" | "system_powerdown" => json!({}),
        "cont" => {
            machine.event("RESUME", json!({}));
            machine.let_go();
            json!({})
        }
        "query-version" => version(),
        "query-kvm" => json!({"enabled": false, "present": true}),
        "query-status" => json!({"status": status, "running": machine.is_running()}),
        "query-cpus-fast" => {
            let one = |(index, thread): (usize, &i32)| json!({"cpu-index": index, "thread-id": thread});
            machine.vcpus.iter().enumerate().map(one).collect()
        }
        "query-iothreads" => {
            let all = machine.arguments.iothreads.iter().zip(&machine.iothreads);
            all.map(|(id, thread)| json!({"id": id, "thread-id": thread})).collect()
        }
        "query-stats" | "query-block" => json!([]),
        "query-mice" => json!([{"name": "tablet", "index": 1, "current": true, "absolute": true}]),
        "set_link" | "send-key" | "input-send-event" => {
            machine.console(&format!("fake-qemu: {command} {arguments}\n"));
            json!({})
        }
        "human-monitor-command" if arguments["command-line"].as_str().unwrap().starts_with("hostfwd_add") => {
            json!("")
        }
        "human-monitor-command" => json!("CPU#0\nRIP=0000000000000000\r\n"),
        "screendump" => {
            std::fs::write(inherited(arguments["filename"].as_str().unwrap()), PICTURE).unwrap();
            json!({})
        }
        _ => return moves::answer(machine, command, arguments),
    })
}
