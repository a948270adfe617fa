//! Who looks where guests and QEMU spend their time, in a boot of its own behind the judged ones.

use super::given;
use crate::parameters::PROFILER;
use model::{Params, ParamsError};

/// perfvt's own way, by the host's and the guest's perf.
const PERF: &str = "perf";
/// Nobody looks.
const NONE: &str = "none";

/// Who profiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Profiler {
    /// perf.
    Perf,
    /// A program of the user's with its arguments, whose standard output is folded stacks.
    Command(Vec<String>),
}

impl Profiler {
    /// What it is called in files.
    pub fn name(&self) -> String {
        match self {
            Profiler::Perf => PERF.to_owned(),
            Profiler::Command(words) => words.join(" "),
        }
    }
}

/// The profiler, where somebody asked for one.
///
/// # Errors
/// Words whose quotes are not closed.
pub fn profiler(params: &Params) -> Result<Option<Profiler>, ParamsError> {
    match given(params, PROFILER) {
        None | Some(NONE) => Ok(None),
        Some(PERF) => Ok(Some(Profiler::Perf)),
        Some(_) => Ok(Some(Profiler::Command(params.words(PROFILER)?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    #[test]
    fn nobody_profiles_unless_asked_and_words_of_a_command_stay_words() {
        let read = |text: &str| {
            let mut params = Params::new();
            params.set(PROFILER, text, Origin::BuiltIn);
            profiler(&params).map_err(|error| error.to_string())
        };
        assert_eq!((profiler(&Params::new()).unwrap(), read("none"), read(" ")), (None, Ok(None), Ok(None)));
        assert_eq!(read("perf"), Ok(Some(Profiler::Perf)));
        let words = vec!["/x/my profiler".to_owned(), "-F".to_owned(), "49".to_owned()];
        assert_eq!(read("'/x/my profiler' -F 49"), Ok(Some(Profiler::Command(words))));
        assert!(read("perf 'x").unwrap_err().contains("profiler"));
    }
}
