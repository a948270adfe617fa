//! A login on the serial console, for guests that have nothing else.
//!
//! Whoever has logged in types one line, which replaces the shell by a script of ours (`vm/guest/foreign/serial`, in
//! base64): no prompt, no echo and no history is in the way after that. Everything that counts stands in lines that
//! begin with a marker and the number of the request, in base64 and with its length; the typed line never holds the
//! marker itself. The kernel may write into the same console at any time. What it has spoilt is asked for again.

use super::wire::nonsense;
use super::{Channel, ChannelError, Health, Limit, Ready, Reply, Status, Wire, whole_seconds};
use crate::guest::os::Os;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge::Secret;
use process::LONGEST_OUTPUT;
use process::deadlines::{CHANNEL_ANSWER, GRACE};
use regex::Regex;
use std::path::Path;
use std::time::{Duration, Instant};

/// What a shell's prompt ends with unless it is told otherwise.
pub const PROMPT: &str = r"[#$>] ?$";
const SCRIPT: &str = include_str!("../../../guest/foreign/serial");
const MARKER: &str = "@perfvt ";
/// Characters of a text in one line. A terminal in its ordinary mode takes 4095.
const PIECE: usize = 3000;
/// How often the host asks again for what the kernel has spoilt.
const TRIES: usize = 5;
/// After so much silence during the login a newline makes the guest say where it is.
const SILENCE: Duration = GRACE;

/// Who logs in.
#[derive(Clone, Debug)]
pub struct Login {
    /// Name of the user, who must be root for most workloads.
    pub user: String,
    /// Password; empty where none is asked for.
    pub password: Secret,
    /// What the shell's prompt looks like, at the end of what the console shows.
    pub prompt: Regex,
}

/// The host's end of the console.
pub struct SerialChannel {
    wire: Wire,
    login: Login,
    next_id: u64,
}

/// What the console shows at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Screen {
    Login,
    Password,
    Refused,
    Prompt,
    Other,
}

impl Login {
    /// Where a login stands, by what was shown since the last answer.
    fn screen(&self, shown: &str) -> Screen {
        let plain = without_escapes(shown);
        let last = plain.trim_end_matches(['\r', '\n']).rsplit(['\r', '\n']).next().unwrap_or_default();
        let low = last.trim_end().to_ascii_lowercase();
        if low.ends_with("login:") {
            // The refusal stands above the question that follows it.
            let refused = plain.contains("Login incorrect");
            return if refused { Screen::Refused } else { Screen::Login };
        }
        if low.ends_with("password:") {
            return Screen::Password;
        }
        // The kernel's lines end; a prompt does not.
        let is_open = !plain.ends_with('\n');
        if is_open && self.prompt.is_match(last) { Screen::Prompt } else { Screen::Other }
    }
}

/// A text without the escape sequences of terminals (ECMA-48: `ESC [`, parameters, a final letter).
fn without_escapes(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            plain.push(c);
            continue;
        }
        if chars.next() == Some('[') {
            chars.by_ref().find(|c| ('@'..='~').contains(c));
        }
    }
    plain
}

/// The line that is typed into the shell.
fn typed() -> String {
    // Without its comments: the line has to fit into the terminal's.
    let script: Vec<&str> = SCRIPT.lines().filter(|line| !line.starts_with('#')).collect();
    let encoded = STANDARD.encode(script.join("\n"));
    format!(" exec sh -c \"$(echo {encoded} | base64 -d)\"\n")
}

impl SerialChannel {
    /// Connects to the socket on which QEMU has the guest's console.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn connect(path: &Path, login: Login) -> Result<SerialChannel, ChannelError> {
        Ok(Self::over(Wire::connect(path)?, login))
    }

    fn over(wire: Wire, login: Login) -> SerialChannel {
        SerialChannel { wire, login, next_id: 0 }
    }

    fn log_in(&mut self, limit: &Limit<'_>, health: &mut Health<'_>) -> Result<(), ChannelError> {
        let mut heard = Instant::now();
        let (mut before, mut asked) = (0, false);
        loop {
            let shown = self.wire.shown();
            let screen = self.login.screen(&shown);
            asked |= screen == Screen::Login;
            let answer = match screen {
                Screen::Login => format!("{}\n", self.login.user),
                Screen::Password => format!("{}\n", self.login.password.reveal()),
                // A loader or the shell of UEFI has a prompt as well, which nobody has logged in to and which passes.
                Screen::Prompt if asked || heard.elapsed() > SILENCE => break,
                Screen::Prompt => String::new(),
                Screen::Refused => {
                    let user = &self.login.user;
                    return Err(ChannelError::Refused(format!(
                        "the guest refuses the login of {user} on its console; user and password say who logs in"
                    )));
                }
                Screen::Other if heard.elapsed() > SILENCE && !shown.is_empty() => "\n".into(),
                Screen::Other => String::new(),
            };
            if !answer.is_empty() {
                self.wire.forget();
                self.wire.send(answer.as_bytes(), limit, health)?;
                (heard, before) = (Instant::now(), 0);
            }
            self.wire.listen(limit, health)?;
            let now = self.wire.shown().len();
            if now != before {
                (heard, before) = (Instant::now(), now);
            }
        }
        self.wire.forget();
        self.wire.send(typed().as_bytes(), limit, health)
    }

    /// The words of the next line that answers a request; other lines are the kernel's, or of another time.
    fn answer(
        &mut self,
        id: u64,
        limit: &Limit<'_>,
        health: &mut Health<'_>,
    ) -> Result<Vec<String>, ChannelError> {
        loop {
            let line = self.wire.line(limit, health)?;
            let words: Vec<&str> = line.strip_prefix(MARKER).unwrap_or_default().split(' ').collect();
            if let [first, rest @ ..] = words.as_slice()
                && *first == id.to_string()
                && !rest.is_empty()
            {
                return Ok(rest.iter().map(|word| (*word).to_owned()).collect());
            }
        }
    }

    /// Sends a text piece by piece; each is acknowledged before the next, because a console has no flow control.
    fn text(&mut self, text: &str, limit: &Limit<'_>, health: &mut Health<'_>) -> Result<(), ChannelError> {
        let mut verb = "new";
        let mut rest = text;
        while verb == "new" || !rest.is_empty() {
            let piece = rest.get(..PIECE.min(rest.len())).unwrap_or_default();
            for _ in 0..TRIES {
                limit.check(health)?;
                self.next_id += 1;
                let line = format!("{} {verb} {} {piece}\n", self.next_id, piece.len());
                self.wire.send(line.as_bytes(), limit, health)?;
                let soon = Limit::new("text", CHANNEL_ANSWER);
                match self.answer(self.next_id, &soon, health)?.first().map(String::as_str) {
                    Some("ok") => {
                        rest = rest.get(piece.len()..).unwrap_or_default();
                        verb = "add";
                        break;
                    }
                    Some("again") => {}
                    Some("full") => {
                        let stderr = "/run/perfvt: No space left on device".to_owned();
                        let (command, ended) = (limit.what().to_owned(), Status::Refused);
                        return Err(ChannelError::Failed { command, ended, stderr });
                    }
                    other => return Err(nonsense(other.unwrap_or_default().as_bytes())),
                }
            }
            if verb == "new" {
                return Err(nonsense(b"a text that does not arrive on the console"));
            }
        }
        Ok(())
    }

    /// Asks for something that has a result.
    fn request(
        &mut self,
        request: &str,
        limit: &Limit<'_>,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        let mut request = request.to_owned();
        for _ in 0..TRIES {
            self.next_id += 1;
            let line = format!("{} {request}\n", self.next_id);
            self.wire.send(line.as_bytes(), limit, health)?;
            if let Some(reply) = self.result(limit, health)? {
                return Ok(reply);
            }
            request = "send -".into();
        }
        Err(nonsense(b"a result that the kernel's messages spoilt again and again"))
    }

    /// The result of the last request; `None` when something was written into it.
    fn result(&mut self, limit: &Limit<'_>, health: &mut Health<'_>) -> Result<Option<Reply>, ChannelError> {
        let mut head = None;
        let mut encoded = String::new();
        loop {
            let words = self.answer(self.next_id, limit, health)?;
            match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["done", status, out, err] => head = numbers(status, out, err),
                ["b64", text] if encoded.len() <= LONGEST_OUTPUT / 3 * 4 => encoded.push_str(text),
                // The rest comes, and is passed over by whoever asks next.
                ["b64", _] => return Err(ChannelError::TooMuch(limit.what().to_owned())),
                ["end"] => break,
                // A line with more words than it had.
                _ => {}
            }
        }
        let whole = head.and_then(|(status, out, err)| {
            let mut stdout = STANDARD.decode(&encoded).ok()?;
            let fits = stdout.len() == out.checked_add(err)?;
            let stderr = fits.then(|| stdout.split_off(out))?;
            Some(Reply { status: Status::Exit(status), stdout, stderr })
        });
        Ok(whole)
    }
}

fn numbers(status: &str, out: &str, err: &str) -> Option<(i32, usize, usize)> {
    Some((status.parse().ok()?, out.parse().ok()?, err.parse().ok()?))
}

impl Channel for SerialChannel {
    fn wait_ready(&mut self, deadline: Duration, health: &mut Health<'_>) -> Result<Ready, ChannelError> {
        let limit = Limit::new("the login on the console", deadline);
        self.log_in(&limit, health)?;
        let words = self.answer(0, &limit, health)?;
        match words.as_slice() {
            [ready, kernel, uptime] if ready == "ready" => {
                Ok(Ready { kernel: kernel.clone(), uptime: uptime.parse().unwrap_or_default() })
            }
            other => Err(nonsense(other.join(" ").as_bytes())),
        }
    }

    fn exec(
        &mut self,
        argv: &[&str],
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        let what = argv.join(" ");
        let limit = Limit::new(&what, deadline + GRACE);
        self.text(&STANDARD.encode(argv.join("\0")), &limit, health)?;
        let limit = Limit::new(&what, deadline + GRACE);
        let started = Instant::now();
        let reply = self.request(&format!("run {}", whole_seconds(deadline)), &limit, health)?;
        Ok(reply.killed_at(started.elapsed(), deadline))
    }

    fn read(
        &mut self,
        paths: &[&str],
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        self.exec(&[&["cat", "--"], paths].concat(), deadline, health)
    }

    fn counters(
        &mut self,
        paths: &[&str],
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        self.exec(&[Os::Linux.conventions().counters, paths].concat(), deadline, health)
    }

    fn put(
        &mut self,
        path: &str,
        mode: &str,
        content: &[u8],
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        let limit = Limit::new("writing a file", deadline + GRACE);
        self.text(&STANDARD.encode(content), &limit, health)?;
        let new = "/run/perfvt/new";
        let kept = self.request(&format!("keep {new}"), &limit, health)?;
        if kept.status != Status::Exit(0) {
            return Ok(kept);
        }
        let publish = Os::Linux.conventions().publish;
        self.exec(&[publish, &[path, new, mode]].concat(), deadline, health)
    }
}

#[cfg(test)]
#[path = "serial_tests.rs"]
mod tests;
