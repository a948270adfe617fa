//! `perfvt drive --json`: a request a line, a reply a line, for programs in any language.

use super::steps::Steps;
use crate::Error;
use collect::drive::Step;
use model::drive::{Record, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::{BufRead, Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

/// The longest request.
const LONGEST: u64 = 1 << 20;
/// How often a signal is looked for while nothing is asked.
const LOOK: Duration = Duration::from_millis(50);

/// What is asked for: a line as in a script, or its words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    line: Option<String>,
    machine: Option<String>,
    verb: Option<String>,
    #[serde(default)]
    args: Vec<String>,
    deadline: Option<f64>,
}

/// The answer to one request.
#[derive(Serialize)]
struct Reply<'a> {
    id: &'a Value,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    machines: Option<&'a [String]>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    record: Option<&'a Record>,
}

/// What a request comes to.
enum Asked {
    /// The names of the machines.
    Machines,
    /// No more.
    Quit,
    /// A step; `None` where the line is empty or a comment.
    Step(Option<Box<Step>>),
}

/// Why no more is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Whoever asked said so.
    Quit,
    /// The requests have ended.
    Silently,
    /// A signal asked for an end.
    Asked,
}

impl Left {
    /// What came of the whole.
    pub fn verdict(self) -> Verdict {
        if self == Left::Asked { Verdict::Interrupted } else { Verdict::Passed }
    }
}

/// Answers until no more is asked, or a signal comes.
pub fn drive(
    engine: &mut dyn Steps,
    input: impl BufRead + Send + 'static,
    out: &mut dyn Write,
) -> Result<(Left, Vec<Record>), Error> {
    let requests = requests(input);
    let mut records = Vec::new();
    let mut number = 0;
    loop {
        let line = match requests.recv_timeout(LOOK) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) if engine.stopped() => return Ok((Left::Asked, records)),
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return Ok((Left::Silently, records)),
        };
        number += 1;
        let (id, request) = match line {
            Ok(line) => read(&line),
            Err(why) => (Value::Null, Err(why)),
        };
        let asked = request.and_then(|request| asked(request, number, engine.names()));
        let mut reply = Reply { id: &id, ok: true, error: None, machines: None, record: None };
        match asked {
            Err(why) => {
                (reply.ok, reply.error) = (false, Some(why));
                answer(out, &reply)?;
            }
            Ok(Asked::Machines) => {
                reply.machines = Some(engine.names());
                answer(out, &reply)?;
            }
            Ok(Asked::Quit) => {
                engine.quit()?;
                answer(out, &reply)?;
                return Ok((Left::Quit, records));
            }
            Ok(Asked::Step(None)) => answer(out, &reply)?,
            Ok(Asked::Step(Some(step))) => {
                let record = engine.step(&step)?;
                reply.ok = record.result == Verdict::Passed;
                reply.record = Some(&record);
                answer(out, &reply)?;
                records.push(record);
            }
        }
    }
}

/// Requests as they come, read by a thread so that a signal is heard while there are none.
fn requests(mut input: impl BufRead + Send + 'static) -> Receiver<Result<Vec<u8>, String>> {
    let (tell, told) = sync_channel(0);
    std::thread::spawn(move || {
        loop {
            let mut line = Vec::new();
            let read = input.by_ref().take(LONGEST).read_until(b'\n', &mut line);
            let request = match read {
                Ok(0) => return,
                Ok(_) if line.len() as u64 == LONGEST && line.last() != Some(&b'\n') => {
                    Err(format!("a request has {} MiB at most; copy_to takes whole files", LONGEST >> 20))
                }
                Ok(_) if line.trim_ascii().is_empty() => continue,
                Ok(_) => Ok(line),
                Err(error) => Err(format!("reading a request: {error}")),
            };
            let ends = request.is_err();
            if tell.send(request).is_err() || ends {
                return;
            }
        }
    });
    told
}

/// A request, and its id also where nothing else of it can be understood: whoever asked waits for a reply of that id.
fn read(line: &[u8]) -> (Value, Result<Request, String>) {
    let wrong = |error: String| {
        format!(
            "this is no request: {error}; want {{\"line\": \"vm1 succeed uname\"}} or {{\"machine\": \"vm1\", \"verb\": \"succeed\", \
             \"args\": [\"uname\"]}}"
        )
    };
    let mut value: Value = match serde_json::from_slice(line) {
        Ok(value) => value,
        Err(error) => return (Value::Null, Err(wrong(error.to_string()))),
    };
    let Some(members) = value.as_object_mut() else {
        return (Value::Null, Err(wrong("it is no object".to_owned())));
    };
    let id = members.remove("id").unwrap_or_default();
    // Ports and counts are numbers in most languages, and words here.
    for word in members.get_mut("args").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Number(number) = word {
            *word = Value::String(number.to_string());
        }
    }
    (id, serde_json::from_value(value).map_err(|error| wrong(error.to_string())))
}

/// What is asked, out of what was written.
fn asked(request: Request, number: usize, names: &[String]) -> Result<Asked, String> {
    let Request { line, machine, verb, args, deadline, .. } = request;
    match (line, verb) {
        (Some(line), None) if machine.is_none() && args.is_empty() && deadline.is_none() => {
            if line.contains('\n') {
                return Err("a line has no line end in it; send a request for each".into());
            }
            Ok(Asked::Step(Step::parse(number, &line, names)?.map(Box::new)))
        }
        (None, Some(verb)) if machine.is_none() && verb == "machines" => Ok(Asked::Machines),
        (None, Some(verb)) if machine.is_none() && verb == "quit" => Ok(Asked::Quit),
        (None, Some(verb)) => {
            let deadline =
                deadline.into_iter().flat_map(|seconds| ["deadline".to_owned(), seconds.to_string()]);
            let words: Vec<String> = deadline.chain(machine).chain([verb]).chain(args).collect();
            Ok(Asked::Step(Some(Box::new(Step::of_words(number, &words, names)?))))
        }
        _ => Err("want either a line, or a verb with its machine, args and deadline".into()),
    }
}

fn answer(out: &mut dyn Write, reply: &Reply<'_>) -> Result<(), Error> {
    model::json::write(&mut *out, reply)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Asked, String> {
        asked(read(text.as_bytes()).1?, 1, &["vm1".to_owned()])
    }

    #[test]
    fn a_request_that_is_wrong_is_answered_under_its_id() {
        let (id, request) = read(br#"{"id": 5, "verb": "start_all", "deadline": "soon"}"#);
        assert_eq!(id, 5);
        assert!(request.unwrap_err().contains("this is no request"));
    }

    #[test]
    fn a_request_is_a_line_or_its_words_and_nothing_else() {
        for text in [
            r#"{"line": "vm1 succeed uname"}"#,
            r#"{"machine": "vm1", "verb": "succeed", "args": ["echo", "a > b", "$x"], "deadline": 2.5}"#,
            r#"{"id": 7, "verb": "start_all"}"#,
            r#"{"machine": "vm1", "verb": "wait_for_open_port", "args": [80]}"#,
        ] {
            assert!(matches!(of(text), Ok(Asked::Step(Some(_)))), "{text}");
        }
        assert!(matches!(of(r##"{"line": "# nothing"}"##), Ok(Asked::Step(None))));
        assert!(matches!(of(r#"{"verb": "machines"}"#), Ok(Asked::Machines)));
        for (text, part) in [
            ("x", "this is no request"),
            ("[1]", "it is no object"),
            ("{}", "want either a line, or a verb"),
            (r#"{"line": "vm1 start", "verb": "start"}"#, "want either"),
            (r#"{"verb": "succeed", "args": ["true"]}"#, "whose name stands before it"),
            (r#"{"line": "start_all\nvm1 start"}"#, "no line end"),
            (r#"{"machine": "vm1", "verb": "sucseed"}"#, "did you mean 'succeed'"),
            (r#"{"machine": "vm1", "verb": "succeed", "argv": []}"#, "unknown field"),
            (r#"{"verb": "start_all", "deadline": -1}"#, "no number of seconds"),
        ] {
            let error = of(text).err().unwrap();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
