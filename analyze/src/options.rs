//! What a user can choose about a comparison.

use crate::{AnalyzeError, Method};
use formats::perf_conf::Conf;
use std::path::PathBuf;
use std::str::FromStr;

/// Which model gives the verdict (statistics.md, "One model per row").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TestChoice {
    /// Blocked when the plan has five complete blocks, else Welch.
    #[default]
    Auto,
    /// Welch, whatever the plan.
    Welch,
    /// Student, pooled variances.
    Student,
    /// Blocked; an error without a plan of at least two complete blocks.
    Blocked,
}

impl TestChoice {
    /// The word of `--test` and of the method box.
    pub fn word(self) -> &'static str {
        match self {
            TestChoice::Auto => "auto",
            TestChoice::Welch => "welch",
            TestChoice::Student => "student",
            TestChoice::Blocked => "blocked",
        }
    }
}

impl FromStr for TestChoice {
    type Err = AnalyzeError;

    fn from_str(text: &str) -> Result<Self, AnalyzeError> {
        Ok(match text {
            "auto" => TestChoice::Auto,
            "welch" => TestChoice::Welch,
            "student" => TestChoice::Student,
            "blocked" => TestChoice::Blocked,
            "mann-whitney" | "mannwhitney" | "wilcoxon" | "permutation" => {
                return Err(AnalyzeError::Option(format!(
                    "test = {text}: a rank or permutation test gives a p but no estimate with an interval, so that it \
                     can say neither EQUIVALENT nor how large a change is; it is shown beside the verdict. \
                     Use auto, welch, student or blocked"
                )));
            }
            _ => {
                return Err(AnalyzeError::Option(format!(
                    "test = {text}: want auto, welch, student or blocked"
                )));
            }
        })
    }
}

/// How the p of a family are corrected for their number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Correction {
    /// Benjamini and Hochberg: the false discovery rate.
    #[default]
    Bh,
    /// Holm: the chance of a single false alarm.
    Holm,
}

impl Correction {
    /// The word of `--correction` and of the method box.
    pub fn word(self) -> &'static str {
        match self {
            Correction::Bh => "bh",
            Correction::Holm => "holm",
        }
    }

    /// The p of a family, adjusted.
    pub(crate) fn adjust(self, p: &[f64]) -> Vec<f64> {
        match self {
            Correction::Bh => stats::benjamini_hochberg(p),
            Correction::Holm => stats::holm(p),
        }
    }
}

impl FromStr for Correction {
    type Err = AnalyzeError;

    fn from_str(text: &str) -> Result<Self, AnalyzeError> {
        match text {
            "bh" => Ok(Correction::Bh),
            "holm" => Ok(Correction::Holm),
            _ => Err(AnalyzeError::Option(format!("correction = {text}: want bh or holm"))),
        }
    }
}

/// Whose variance a row's error has (statistics.md, "Moderated variances").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VarianceChoice {
    /// That of the row's own values.
    #[default]
    Own,
    /// Own variances moderated by what those of the family's rows have in common.
    Moderated,
}

impl VarianceChoice {
    /// The word of `--variance` and of the method box.
    pub fn word(self) -> &'static str {
        match self {
            VarianceChoice::Own => "own",
            VarianceChoice::Moderated => "moderated",
        }
    }
}

impl FromStr for VarianceChoice {
    type Err = AnalyzeError;

    fn from_str(text: &str) -> Result<Self, AnalyzeError> {
        match text {
            "own" => Ok(VarianceChoice::Own),
            "moderated" => Ok(VarianceChoice::Moderated),
            _ => Err(AnalyzeError::Option(format!("variance = {text}: want own or moderated"))),
        }
    }
}

/// What of another tool's files is a replicate (statistics.md, "Replicates"): `--replicate`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Replicate {
    /// The file; the runs of the file where a side has one only, with a warning.
    #[default]
    Auto,
    /// The file; its runs become their mean.
    File,
    /// Each run of each file.
    Run,
    /// Each level of this key of each file; the key then tells no cases apart.
    Column(String),
}

impl Replicate {
    /// Reads the word of `--replicate`: `auto`, `file`, `run`, or the name of a column.
    pub fn parse(text: &str) -> Replicate {
        match text {
            "auto" => Replicate::Auto,
            "file" => Replicate::File,
            "run" => Replicate::Run,
            column => Replicate::Column(column.to_owned()),
        }
    }

    /// What a value belongs to, for messages.
    pub(crate) fn describe(&self) -> String {
        match self {
            Replicate::Auto | Replicate::File => "a file".into(),
            Replicate::Run => "the number of their repeat".into(),
            Replicate::Column(name) => format!("a level of '{name}', which --replicate names"),
        }
    }
}

/// Which cases are shown: `--only`. Alternatives are separated by `,`, conditions that must all hold by `..`.
/// A condition `key=level` looks at one factor; any other text must occur in the case's id, in any letter case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseFilter(Vec<Vec<String>>);

impl std::fmt::Display for CaseFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let alternatives: Vec<String> = self.0.iter().map(|words| words.join("..")).collect();
        f.write_str(&alternatives.join(","))
    }
}

impl CaseFilter {
    /// Reads the text of `--only`; a blank one keeps everything.
    pub fn parse(text: &str) -> CaseFilter {
        let words = |alternative: &str| {
            alternative.split("..").map(|w| w.trim().to_owned()).filter(|w| !w.is_empty()).collect()
        };
        CaseFilter(text.split(',').map(words).filter(|c: &Vec<String>| !c.is_empty()).collect())
    }

    /// Keeps everything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a row of this case is shown. `id` is the row's id.
    pub fn keeps(&self, id: &str, case: &model::Keys) -> bool {
        // As it is encoded, and as reports show it.
        let (id, shown) = (id.to_lowercase(), model::readable(id).to_lowercase());
        let holds = |word: &String| match word.split_once('=') {
            Some((key, level)) => {
                let (key, level) = (key.trim(), level.trim());
                case.get(key).is_some_and(|v| v == level || v == formats::foreign::level(key, level))
            }
            None => id.contains(&word.to_lowercase()) || shown.contains(&word.to_lowercase()),
        };
        self.is_empty() || self.0.iter().any(|alternative| alternative.iter().all(holds))
    }
}

/// Everything that decides what a comparison says.
#[derive(Clone, Debug)]
pub struct CompareOptions {
    /// The baseline and the candidates; a campaign's directory alone compares its environments with the first.
    pub paths: Vec<PathBuf>,
    /// Further directories of the baseline, whose boots are pooled with it (`--baseline-from`).
    pub pooled: Vec<PathBuf>,
    /// Names of the sides in order; sides without one are called after their directories.
    pub labels: Vec<String>,
    /// perf.conf with all its layers.
    pub conf: Conf,
    /// The workload of every file, when inference is not wanted.
    pub workload: Option<String>,
    /// What of another tool's files is a replicate.
    pub replicate: Replicate,
    /// Level of p and q.
    pub alpha: f64,
    /// The model.
    pub test: TestChoice,
    /// Whose variance a row's error has.
    pub variance: VarianceChoice,
    /// The correction.
    pub correction: Correction,
    /// Cases that are shown; what is not shown is judged and counted all the same.
    pub only: CaseFilter,
    /// Canonical metrics that are shown, all when empty.
    pub metrics: Vec<String>,
    /// Judges sides that cannot be compared.
    pub force: bool,
    /// Makes every loss an error.
    pub strict: bool,
    /// Seed of permutation and bootstrap, together with each row's id.
    pub seed: u64,
    /// Differences below this ratio are drawn light.
    pub light_below: f64,
    /// Facts or parameters that are being compared on purpose (`--factor`).
    pub factors: Vec<String>,
    /// Keys that tell no cases apart, because they name what is compared (`--compare`).
    pub compared: Vec<String>,
    /// Levels that are one, as `KEY: a=b` with a of the baseline (`--map`).
    pub maps: Vec<String>,
    /// What is known of how much sessions differ (`--noise`).
    pub noise: Option<crate::Noise>,
    /// Known changes (`--expect`), see [`crate::expectations`].
    pub expectations: Vec<crate::Expectation>,
    /// The day, `YYYY-MM-DD`: until which `expected_until` holds or no longer does; empty: before any.
    pub today: String,
    /// The command line for the method box.
    pub command: Vec<String>,
}

impl CompareOptions {
    /// The defaults of statistics.md for these sides.
    pub fn new(conf: Conf, paths: Vec<PathBuf>) -> CompareOptions {
        CompareOptions {
            paths,
            pooled: Vec::new(),
            labels: Vec::new(),
            conf,
            workload: None,
            replicate: Replicate::Auto,
            alpha: 0.05,
            test: TestChoice::Auto,
            variance: VarianceChoice::Own,
            correction: Correction::Bh,
            only: CaseFilter::default(),
            metrics: Vec::new(),
            force: false,
            strict: false,
            seed: 0,
            light_below: formats::perf_conf::DEFAULT_MIN_EFFECT,
            factors: Vec::new(),
            compared: Vec::new(),
            maps: Vec::new(),
            noise: None,
            expectations: Vec::new(),
            today: String::new(),
            command: Vec::new(),
        }
    }

    /// What a comparison says of how it was judged.
    pub(crate) fn method(&self, forced: bool) -> Method {
        Method {
            test: self.test.word().to_owned(),
            variance: self.variance.word().to_owned(),
            alpha: self.alpha,
            min_effect: formats::perf_conf::DEFAULT_MIN_EFFECT,
            correction: self.correction.word().to_owned(),
            seed: self.seed,
            light_below: self.light_below,
            command: self.command.clone(),
            forced,
        }
    }

    /// The option that has no sensible meaning, if there is one.
    pub(crate) fn check(&self) -> Result<(), AnalyzeError> {
        let inside = |x: f64| x > 0.0 && x < 1.0;
        if !inside(self.alpha) {
            return Err(AnalyzeError::Option(format!(
                "alpha = {}: want a number between 0 and 1, 0.05 for example",
                self.alpha
            )));
        }
        if self.variance == VarianceChoice::Moderated && self.noise.is_some() {
            return Err(AnalyzeError::Option(
                "variance = moderated: with --noise the error has a part that is no variance of the rows; use one of the two"
                    .into(),
            ));
        }
        match &self.workload {
            Some(name) if self.conf.section(name).is_none() => {
                Err(AnalyzeError::Option(format!("workload '{name}' has no section in perf.conf")))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_filter_takes_alternatives_conditions_and_factor_levels() {
        let case: model::Keys = [("size", "64"), ("sessions", "1")].into_iter().collect();
        let id = "netperf/TCP_STREAM/size=64,sessions=1/throughput";
        let keeps = |f: &str| CaseFilter::parse(f).keeps(id, &case);
        assert!(keeps("") && keeps("tcp_stream") && keeps("size=64") && keeps("TCP_RR, size = 64"));
        assert!(keeps("tcp_stream..sessions=1"));
        let spelled: model::Keys = [("size", "4k")].into_iter().collect();
        assert!(CaseFilter::parse("size=4096").keeps("", &spelled), "a size has any spelling");
        assert!(!keeps("size=6") && !keeps("tcp_stream..sessions=2") && !keeps("TCP_RR"));
    }

    #[test]
    fn rank_tests_are_refused_with_the_reason() {
        let error = "mann-whitney".parse::<TestChoice>().unwrap_err().to_string();
        assert!(error.contains("no estimate with an interval"), "{error}");
        assert!("wlech".parse::<TestChoice>().is_err());
        assert_eq!("blocked".parse::<TestChoice>().unwrap(), TestChoice::Blocked);
        let error = "pooled".parse::<VarianceChoice>().unwrap_err().to_string();
        assert!(error.contains("want own or moderated"), "{error}");
    }
}
