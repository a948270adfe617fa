//! The verbs: what a line can say, in one table. Help, completion and the document are made of it.

use super::cut::Cut;
use super::sight;
use super::words::join;
use edge::quoted;
use formats::perf_conf::closest;
use regex::Regex;
use std::path::PathBuf;
use std::time::Duration;
use vm::guest::keyboard;

/// What a step does.
#[derive(Clone, Debug)]
pub enum Act {
    /// Something of all guests or of none.
    Global(Global),
    /// Something with one guest: its place among the names, and what.
    On(usize, Verb),
}

/// What is no guest's own.
#[derive(Clone, Debug)]
pub enum Global {
    /// Boots all that do not run, together.
    StartAll,
    /// Waits.
    Sleep(Duration),
    /// Says something in the journal.
    Log(String),
    /// Begins a test of its own within the script.
    Subtest(String),
    /// Ends it.
    End,
}

/// What is done with one guest.
#[derive(Clone, Debug)]
pub enum Verb {
    /// Boots it.
    Start,
    /// Runs a command, whatever comes of it.
    Execute(Vec<String>),
    /// Runs a command that must end with status 0.
    Succeed(Vec<String>),
    /// Runs a command that must not.
    Fail(Vec<String>),
    /// Runs a command again and again until it ends with status 0.
    WaitUntilSucceeds(Vec<String>),
    /// The same until it does not.
    WaitUntilFails(Vec<String>),
    /// Waits until a unit of systemd is active.
    WaitForUnit(String),
    /// Waits until somebody listens at a TCP port.
    WaitForOpenPort(u16),
    /// Waits for a line on the serial console.
    WaitForConsoleText(Regex),
    /// Presses keys together.
    SendKey(Vec<String>),
    /// Types a text, with the keys of each character.
    SendChars(Vec<Vec<String>>),
    /// Takes a picture of the screen.
    Screendump(PathBuf),
    /// Does something with what the screen shows.
    Seen(Seen),
    /// Reads the registers of its vCPUs.
    Registers,
    /// Pulls the cable of a network card, or of all, or plugs it in.
    Links(bool, Option<String>),
    /// Saves what it is at this moment into a file.
    SaveState(PathBuf),
    /// Writes its memory to a file for debuggers.
    DumpMemory(PathBuf),
    /// Starts it from there, where it does not run.
    RestoreState(PathBuf),
    /// Cuts its power.
    Crash,
    /// Has it power itself off.
    Shutdown,
    /// The same, and starts it again with the same disks.
    Reboot,
    /// Copies a file of this host into it.
    CopyTo(PathBuf, String),
    /// Copies a file out of it.
    CopyFrom(String, PathBuf),
    /// Leads a port of this host's loopback to a port of it.
    ForwardPort(u16, u16),
}

/// What is done with a screen.
#[derive(Clone, Debug)]
pub enum Seen {
    /// Waits until it says something.
    WaitForText(Regex),
    /// Waits until a needle of a tag is on it.
    AssertScreen(String),
    /// Looks once whether there is one.
    CheckScreen(String),
    /// Clicks.
    Click(Spot),
    /// Brings the pointer to a place.
    MoveTo(u32, u32),
    /// Types a text, with the keys of each character, and sees it.
    TypeString(String, Vec<Vec<String>>),
    /// Makes a needle of a part of it.
    NeedleFrom(Cut),
}

/// Where a click goes.
#[derive(Clone, Debug)]
pub enum Spot {
    /// To a needle of this tag.
    Tag(String),
    /// To a place.
    At(u32, u32),
}

impl Verb {
    /// Whether its words are a command of the guest's.
    pub(super) fn is_command(&self) -> bool {
        matches!(
            self,
            Verb::Execute(_)
                | Verb::Succeed(_)
                | Verb::Fail(_)
                | Verb::WaitUntilSucceeds(_)
                | Verb::WaitUntilFails(_)
        )
    }
}

/// A verb as people know it.
#[derive(Debug)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// Whether the name of a machine stands before it.
    pub of_machine: bool,
    /// What stands behind it.
    pub arguments: &'static str,
    /// Seconds that it may take unless the line says otherwise; 0: what a boot, a transfer or itself may take.
    pub seconds: u64,
    /// One line for people.
    pub help: &'static str,
    make: fn(&[String]) -> Result<Made, String>,
}

/// What words made of a verb.
enum Made {
    Global(Global),
    Verb(Verb),
}

/// How long a command, or what is waited for, may take.
const LONG: u64 = 300;
/// How long a command may be waited for that has next to nothing to do.
pub(super) const SHORT: u64 = 60;
/// The longest deadline, and the longest sleep: a day.
const LONGEST: f64 = 86_400.0;

macro_rules! verbs {
    ($($name:literal $machine:literal $arguments:literal $seconds:ident $help:literal $make:expr;)*) => {
        /// All of them.
        pub const VERBS: &[Known] = &[$(Known {
            name: $name, of_machine: $machine, arguments: $arguments, seconds: $seconds, help: $help, make: $make,
        },)*];
    };
}

/// See [`Known::seconds`].
const OWN: u64 = 0;

verbs! {
    "start_all" false "" OWN "boot all machines that do not run, together" |w| none(w, Made::Global(Global::StartAll));
    "sleep" false "SECONDS" OWN "wait" |w| Ok(Made::Global(Global::Sleep(seconds(one(w, "SECONDS")?)?)));
    "log" false "TEXT" OWN "say something, also in the journal" |w| Ok(Made::Global(Global::Log(w.join(" "))));
    "subtest" false "NAME" OWN "what follows is a test of that name, until the next subtest or `end`"
        |w| Ok(Made::Global(Global::Subtest(w.join(" ")).named()?));
    "end" false "" OWN "the subtest ends here" |w| none(w, Made::Global(Global::End));
    "start" true "" OWN "boot it" |w| none(w, Made::Verb(Verb::Start));
    "execute" true "COMMAND.." LONG "run a command; never fails, and gives status and output"
        |w| command(w, Verb::Execute);
    "succeed" true "COMMAND.." LONG "run a command, which must end with status 0" |w| command(w, Verb::Succeed);
    "fail" true "COMMAND.." LONG "run a command, which must end with another status" |w| command(w, Verb::Fail);
    "wait_until_succeeds" true "COMMAND.." LONG "run a command until it ends with status 0"
        |w| command(w, Verb::WaitUntilSucceeds);
    "wait_until_fails" true "COMMAND.." LONG "run a command until it ends with another status"
        |w| command(w, Verb::WaitUntilFails);
    "wait_for_unit" true "UNIT" LONG "wait until a unit of systemd is active; not in the built-in guest, which has none"
        |w| Ok(Made::Verb(Verb::WaitForUnit(one(w, "UNIT")?.to_owned())));
    "wait_for_open_port" true "PORT" LONG "wait until somebody in it listens at a TCP port"
        |w| Ok(Made::Verb(Verb::WaitForOpenPort(port(one(w, "PORT")?)?)));
    "wait_for_console_text" true "REGEX" LONG "wait for a line on its serial console, behind the one that was waited for last"
        |w| Ok(Made::Verb(Verb::WaitForConsoleText(pattern(w)?)));
    "send_key" true "KEYS" SHORT "press keys together: ret, ctrl-alt-delete"
        |w| Ok(Made::Verb(Verb::SendKey(keyboard::together(one(w, "KEYS")?)?)));
    "send_chars" true "TEXT" LONG "type a text on its keyboard (US); \\n is the return key" |w| Ok(Made::Verb(Verb::SendChars(typed(w)?)));
    "screendump" true "FILE" SHORT "take a picture of its screen: a PNG, or a PPM if FILE ends in .ppm"
        |w| Ok(Made::Verb(Verb::Screendump(one(w, "FILE")?.into())));
    "wait_for_text" true "REGEX" LONG "wait until its screen says so: serial console, VGA text, or a picture that tesseract reads"
        |w| Ok(Made::Verb(Verb::Seen(Seen::WaitForText(pattern(w)?))));
    "assert_screen" true "TAG" SHORT "wait until a needle with this tag is on its screen"
        |w| Ok(Made::Verb(Verb::Seen(Seen::AssertScreen(one(w, "TAG")?.to_owned()))));
    "check_screen" true "TAG" SHORT "look once whether one is; never fails, and its status is 0 or 1"
        |w| Ok(Made::Verb(Verb::Seen(Seen::CheckScreen(one(w, "TAG")?.to_owned()))));
    "click" true "TAG or X,Y" SHORT "click on a needle with this tag, or at a place"
        |w| Ok(Made::Verb(Verb::Seen(Seen::Click(spot(one(w, "TAG or X,Y")?)))));
    "move_to" true "X,Y" SHORT "bring its pointer to a place" |w| {
        let word = one(w, "X,Y")?;
        let (x, y) = sight::place(word).ok_or_else(|| format!("{} is no place: want X,Y in pixels", quoted(word)))?;
        Ok(Made::Verb(Verb::Seen(Seen::MoveTo(x, y))))
    };
    "type_string" true "TEXT" LONG "type a text, and see it on the screen before \\n, the return key"
        |w| Ok(Made::Verb(Verb::Seen(Seen::TypeString(unescaped(w), typed(w)?))));
    "needle_from" true "X,Y,WIDTH,HEIGHT NAME [without=X,Y,WIDTH,HEIGHT..] [TAG..]" SHORT
        "make a needle of a part of its screen; what changes in it is not looked at, nor what it is to be without"
        |w| Ok(Made::Verb(Verb::Seen(Seen::NeedleFrom(Cut::parse(w)?))));
    "registers" true "" SHORT "read the registers of its vCPUs" |w| none(w, Made::Verb(Verb::Registers));
    "dump_memory" true "FILE" LONG "write its memory to a file for crash(8), packed (kdump-zlib); it goes on"
        |w| Ok(Made::Verb(Verb::DumpMemory(one(w, "FILE")?.into())));
    "block" true "[NIC]" SHORT "pull the cables of all its network cards, or of one" |w| links(w, false);
    "unblock" true "[NIC]" SHORT "plug them in again" |w| links(w, true);
    "save_state" true "FILE" LONG "save its memory, and the disks that it writes, as they are now; it goes on"
        |w| Ok(Made::Verb(Verb::SaveState(one(w, "FILE")?.into())));
    "restore_state" true "FILE" OWN "start it from there, for debugging alone; it must not run"
        |w| Ok(Made::Verb(Verb::RestoreState(one(w, "FILE")?.into())));
    "crash" true "" SHORT "cut its power" |w| none(w, Made::Verb(Verb::Crash));
    "shutdown" true "" SHORT "have it power itself off" |w| none(w, Made::Verb(Verb::Shutdown));
    "reboot" true "" OWN "shut it down, and start it again with the same disks" |w| none(w, Made::Verb(Verb::Reboot));
    "copy_to" true "FILE PATH" OWN "copy a file of this host to a path in it, 16 MiB at most" |w| {
        let [file, path] = two(w, "FILE PATH")?;
        Ok(Made::Verb(Verb::CopyTo(file.into(), path.clone())))
    };
    "copy_from" true "PATH FILE" LONG "copy a file out of it, 16 MiB at most" |w| {
        let [path, file] = two(w, "PATH FILE")?;
        Ok(Made::Verb(Verb::CopyFrom(path.clone(), file.into())))
    };
    "forward_port" true "HOST_PORT PORT" SHORT "lead a port of this host's loopback to a port of it (net=user)" |w| {
        let [host, guest] = two(w, "HOST_PORT PORT")?;
        Ok(Made::Verb(Verb::ForwardPort(port(host)?, port(guest)?)))
    };
}

impl Global {
    /// A subtest has a name.
    fn named(self) -> Result<Global, String> {
        match &self {
            Global::Subtest(name) if name.trim().is_empty() => Err("want a NAME behind it".into()),
            _ => Ok(self),
        }
    }
}

/// A verb with its words, and the seconds that it may take.
pub(super) fn make(machine: Option<usize>, name: &str, words: &[String]) -> Result<(Act, u64), String> {
    let known = VERBS.iter().find(|known| known.name == name && known.of_machine == machine.is_some());
    let known = known.ok_or_else(|| unknown(machine, name))?;
    let made = (known.make)(words).map_err(|why| format!("{name}: {why}"))?;
    match (made, machine) {
        (Made::Global(global), _) => Ok((Act::Global(global), known.seconds)),
        (Made::Verb(verb), Some(machine)) => Ok((Act::On(machine, verb), known.seconds)),
        (Made::Verb(_), None) => Err(unknown(machine, name)),
    }
}

/// Whether a word is a verb that stands alone.
pub(super) fn is_global(name: &str) -> bool {
    VERBS.iter().any(|known| known.name == name && !known.of_machine)
}

fn unknown(machine: Option<usize>, name: &str) -> String {
    if let Some(known) = VERBS.iter().find(|known| known.name == name) {
        return if known.of_machine {
            format!("{name} is done with a machine: MACHINE {name} {}", known.arguments).trim_end().to_owned()
        } else {
            format!("{name} is no machine's: leave out its name")
        };
    }
    let near = closest(name, VERBS.iter().filter(|k| k.of_machine == machine.is_some()).map(|k| k.name));
    let other = match (near, machine) {
        (Some(near), _) => format!(", did you mean '{near}'?; `perfvt help drive.md` has all"),
        (None, Some(_)) => {
            "; a command of the guest is MACHINE succeed COMMAND.., and `perfvt help drive.md` has all verbs"
                .to_owned()
        }
        (None, None) => "; `perfvt help drive.md` has all".to_owned(),
    };
    format!("there is no verb {}{other}", quoted(name))
}

/// One line for each verb.
pub fn help() -> String {
    let line = |known: &Known| {
        let machine = if known.of_machine { "MACHINE " } else { "" };
        format!("{:<44}{}\n", format!("{machine}{} {}", known.name, known.arguments), known.help)
    };
    VERBS.iter().map(line).collect()
}

/// A number of seconds as a deadline or a sleep has it.
pub(super) fn seconds(word: &str) -> Result<Duration, String> {
    let number: Option<f64> = word.parse().ok();
    number
        .filter(|n| (0.0..=LONGEST).contains(n))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| format!("{} is no number of seconds from 0 to {LONGEST}", quoted(word)))
}

fn none(words: &[String], made: Made) -> Result<Made, String> {
    if words.is_empty() {
        Ok(made)
    } else {
        Err(format!("want nothing behind it, not {}", quoted(&join(words))))
    }
}

fn one<'w>(words: &'w [String], what: &str) -> Result<&'w str, String> {
    match words {
        [word] if !word.is_empty() => Ok(word),
        _ => Err(format!("want {what} behind it, not {}", quoted(&join(words)))),
    }
}

fn two<'w>(words: &'w [String], what: &str) -> Result<&'w [String; 2], String> {
    let both: Option<&[String; 2]> = words.try_into().ok();
    both.filter(|both| both.iter().all(|word| !word.is_empty()))
        .ok_or_else(|| format!("want {what} behind it, not {}", quoted(&join(words))))
}

fn spot(word: &str) -> Spot {
    sight::place(word).map_or_else(|| Spot::Tag(word.to_owned()), |(x, y)| Spot::At(x, y))
}

fn links(words: &[String], up: bool) -> Result<Made, String> {
    let nic = if words.is_empty() { None } else { Some(one(words, "nothing or a NIC")?.to_owned()) };
    Ok(Made::Verb(Verb::Links(up, nic)))
}

fn command(words: &[String], verb: fn(Vec<String>) -> Verb) -> Result<Made, String> {
    if words.first().is_none_or(String::is_empty) {
        return Err("want a COMMAND behind it".into());
    }
    // A word with a NUL would be two in the guest.
    if words.iter().any(|word| word.contains('\0')) {
        return Err("a word of a command has no NUL byte".into());
    }
    Ok(Made::Verb(verb(words.to_vec())))
}

fn port(word: &str) -> Result<u16, String> {
    let number: Option<u16> = word.parse().ok();
    number.filter(|port| *port > 0).ok_or_else(|| format!("{} is no port, want 1 to 65535", quoted(word)))
}

/// The largest program that a pattern may become.
const LARGEST_PATTERN: usize = 1 << 20;

fn pattern(words: &[String]) -> Result<Regex, String> {
    let text = words.join(" ");
    if text.is_empty() {
        return Err("want a REGEX behind it".into());
    }
    let built = regex::RegexBuilder::new(&text).size_limit(LARGEST_PATTERN).build();
    built.map_err(|error| {
        let why = error.to_string();
        let why = why.lines().next_back().unwrap_or_default().trim_start_matches("error: ");
        format!(
            "{} is no regular expression: {why}; a backslash before . ( ) [ ] * + ? makes it a character",
            quoted(&text)
        )
    })
}

/// The longest text that is typed.
const LONGEST_TEXT: usize = 4096;

fn unescaped(words: &[String]) -> String {
    words.join(" ").replace("\\n", "\n").replace("\\t", "\t")
}

fn typed(words: &[String]) -> Result<Vec<Vec<String>>, String> {
    let text = unescaped(words);
    if text.is_empty() || text.len() > LONGEST_TEXT {
        return Err(format!(
            "want a TEXT behind it, of at most {LONGEST_TEXT} characters; copy_to takes whole files"
        ));
    }
    text.chars().map(keyboard::keys_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(machine: Option<usize>, line: &str) -> Result<(Act, u64), String> {
        let words = super::super::words::split(line).unwrap();
        make(machine, &words[0], &words[1..])
    }

    #[test]
    fn arguments_of_the_wrong_kind_are_refused_with_what_is_wanted() {
        for (line, part) in [
            ("start x", "want nothing behind it, not 'x'"),
            ("succeed", "want a COMMAND"),
            ("succeed ''", "want a COMMAND"),
            ("wait_for_unit", "want UNIT"),
            ("wait_for_open_port 70000", "'70000' is no port"),
            ("wait_for_open_port 0", "'0' is no port"),
            ("wait_for_console_text '('", "is no regular expression: unclosed group"),
            ("wait_for_console_text", "want a REGEX"),
            ("send_key enter", "no key is called 'enter'"),
            ("send_chars é", "no key of a US keyboard"),
            ("copy_to a", "want FILE PATH"),
            ("needle_from 0,0,9,9 x without=1,2", "'1,2' is no rectangle"),
            ("forward_port 1 x", "'x' is no port"),
            ("suceed true", "did you mean 'succeed'?"),
            ("sleep 1", "leave out its name"),
        ] {
            let error = of(Some(0), line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
        for (line, part) in [
            ("sleep -1", "no number of seconds"),
            ("sleep 1e9", "no number of seconds"),
            ("sleep nan", "no number of seconds"),
            ("subtest ' '", "want a NAME"),
            ("succeed true", "MACHINE succeed COMMAND"),
            ("strat_all", "did you mean 'start_all'?"),
        ] {
            let error = of(None, line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn every_verb_stands_once_in_the_table_and_in_the_help() {
        for (at, known) in VERBS.iter().enumerate() {
            assert!(VERBS.iter().skip(at + 1).all(|other| other.name != known.name), "{}", known.name);
            assert!(help().contains(known.help));
        }
    }

    #[test]
    fn the_document_has_a_row_for_each_verb() {
        let document = include_str!("../../../docs/drive.md");
        for known in VERBS {
            let machine = if known.of_machine { "MACHINE " } else { "" };
            let line = format!("{machine}{} {}", known.name, known.arguments);
            let seconds = if known.seconds == 0 { String::new() } else { known.seconds.to_string() };
            let row = format!("| `{}` | {} | {seconds} |\n", line.trim_end(), known.help);
            assert!(document.contains(&row), "{row}");
        }
    }
}
