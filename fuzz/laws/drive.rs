//! What must hold for any bytes that are read as a script of a drive.

use collect::drive::{Script, Step};

/// Panics when the law is broken.
pub fn holds(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let machines = ["vm1", "vm2", "a-b"].map(String::from);
    let script = match Script::parse("fuzz.drive", &text, &machines) {
        Ok(script) => script,
        Err(error) => {
            assert!((1..=text.lines().count()).contains(&error.line) && !error.why.is_empty());
            assert_eq!(error.why, edge::visible(&error.why), "what moves a cursor stands in no error");
            return;
        }
    };
    let mut last = 0;
    for step in &script.steps {
        assert!(step.line > last && step.line <= text.lines().count());
        last = step.line;
        assert_eq!(step.text, edge::visible(&step.text));
        // What is shown can be done again, and is shown the same.
        let again = Step::parse(step.line, &step.text, &machines).expect("what is shown is a step");
        assert_eq!(again.expect("it says something").text, step.text);
    }
}
