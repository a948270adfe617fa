//! An agent of the tests' own.

#![allow(clippy::unwrap_used)]

use super::{QgaChannel, Wire};
use crate::guest::os::Os;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};

/// Files that an agent was given, and the requests that it got.
#[derive(Default)]
pub struct Seen {
    /// The files by their paths.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The requests in their order.
    pub requests: Vec<Value>,
    handles: Vec<(String, usize)>,
}

type Script = dyn Fn(&str, &Value) -> Option<Value> + Send;

/// Files as the agent has them, at most seven bytes at a time.
fn file_request(seen: &mut Seen, command: &str, arguments: &Value) -> Option<Value> {
    let handle = || usize::try_from(arguments["handle"].as_u64()?).ok()?.checked_sub(1000);
    match command {
        "guest-file-open" => {
            let path = arguments["path"].as_str()?.to_owned();
            if arguments["mode"] == "wb" {
                seen.files.insert(path.clone(), Vec::new());
            } else if !seen.files.contains_key(&path) {
                return Some(
                    json!({"error": {"class": "GenericError", "desc": format!("failed to open file '{path}'")}}),
                );
            }
            seen.handles.push((path, 0));
            Some(json!({"return": 1000 + seen.handles.len() - 1}))
        }
        "guest-file-write" => {
            let (path, _) = seen.handles.get(handle()?)?.clone();
            let content = STANDARD.decode(arguments["buf-b64"].as_str()?).ok()?;
            let count = content.len().min(70_000);
            seen.files.get_mut(&path)?.extend(&content[..count]);
            Some(json!({"return": {"count": count, "eof": false}}))
        }
        "guest-file-read" => {
            let (path, at) = seen.handles.get(handle()?)?.clone();
            let content = seen.files.get(&path)?;
            let end = content.len().min(at + 7);
            let piece = content[at..end].to_vec();
            let is_end = end == content.len();
            seen.handles.get_mut(handle()?)?.1 = end;
            Some(json!({"return": {"count": piece.len(), "buf-b64": STANDARD.encode(piece), "eof": is_end}}))
        }
        "guest-file-close" => Some(json!({"return": {}})),
        _ => None,
    }
}

/// An agent that has files, syncs and names its system by itself, and asks the script for everything else. Where the script
/// says nothing it is silent; `null` makes it die.
pub fn agent(
    os: Os,
    script: impl Fn(&str, &Value) -> Option<Value> + Send + 'static,
) -> (QgaChannel, Arc<Mutex<Seen>>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let shared = Arc::clone(&seen);
    let script: Box<Script> = Box::new(script);
    std::thread::spawn(move || {
        let mut out = theirs.try_clone().unwrap();
        let mut input = BufReader::new(theirs);
        let mut line = Vec::new();
        while input.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            let begin = usize::from(line[0] == 0xff);
            let request: Value = serde_json::from_slice(&line[begin..]).unwrap();
            line.clear();
            let command = request["execute"].as_str().unwrap().to_owned();
            let arguments = request["arguments"].clone();
            shared.lock().unwrap().requests.push(request);
            if command == "guest-sync-delimited" {
                let id = arguments["id"].as_u64().unwrap();
                // Behind what is left of an answer to somebody else.
                out.write_all(b"{\"return\": {\"pid\": 7\xff").unwrap();
                writeln!(out, "{}", json!({"return": id})).unwrap();
                continue;
            }
            let of_files = file_request(&mut shared.lock().unwrap(), &command, &arguments);
            let answer = of_files.or_else(|| script(&command, &arguments));
            match answer {
                Some(Value::Null) => return,
                Some(answer) => writeln!(out, "{answer}").unwrap(),
                None => {}
            }
        }
    });
    (QgaChannel::over(Wire::over(ours), os), seen)
}

/// What the agent says of a command that has ended.
pub fn ended(code: i64, out: &[u8], err: &[u8]) -> Value {
    let (out, err) = (STANDARD.encode(out), STANDARD.encode(err));
    json!({"return": {"exited": true, "exitcode": code, "out-data": out, "err-data": err}})
}
