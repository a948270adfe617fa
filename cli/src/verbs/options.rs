//! What the verbs that read results have in common: from flags to what `analyze` takes.

use crate::Error;
use crate::args::{Filters, Judging, Reading};
use analyze::{CaseFilter, CompareOptions, Noise};
use formats::perf_conf::{Conf, told};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The version that the JSON of `show`, `explain` and `plan` carries.
///
/// Changelog: 1, the first; 2, boots, power and `mde` of a plan are ranges.
const PLAIN_SCHEMA: u32 = 2;

/// The defaults for these sides, read in this way.
pub fn reading(args: &Reading, paths: Vec<PathBuf>, err: &mut dyn Write) -> Result<CompareOptions, Error> {
    let mut options = CompareOptions::new(conf(args, err)?, paths);
    options.workload = args.workload.clone();
    options.today = today();
    options.replicate = analyze::Replicate::parse(&args.replicate);
    Ok(options)
}

/// The day on which expectations expire or do not, in UTC so that it is the same everywhere.
pub fn today() -> String {
    analyze::day(jiff::Timestamp::now().as_second())
}

/// Adds how a comparison is judged.
pub fn judge(options: &mut CompareOptions, args: &Judging) -> Result<(), Error> {
    options.pooled = args.baseline_from.clone();
    options.factors = args.factors.clone();
    options.compared = args.compared.clone();
    options.maps = args.maps.clone();
    options.test = args.test.parse()?;
    options.variance = args.variance.parse()?;
    options.alpha = args.alpha;
    options.correction = args.correction.parse()?;
    options.force = args.force;
    options.strict = args.strict;
    if let Some(path) = &args.noise {
        options.noise = Some(Noise::read(path)?);
    }
    Ok(())
}

/// Adds which rows are shown.
pub fn filter(options: &mut CompareOptions, args: &Filters) {
    options.only = CaseFilter::parse(&args.only.join(","));
    options.metrics = args.metrics.clone();
}

/// Refuses filters that leave nothing of what is there.
pub fn refuse_empty(rows: usize, args: &Filters) -> Result<(), Error> {
    let words = |name: &str, values: &[String]| -> Vec<String> {
        values.iter().map(|v| format!("{name} {v}")).collect()
    };
    let given = [words("--only", &args.only), words("--metric", &args.metrics)].concat();
    match (rows, given.is_empty()) {
        (0, false) => {
            Err(format!("no row is left by {}; without them all are shown", given.join(" ")).into())
        }
        _ => Ok(()),
    }
}

/// The text of a file.
pub fn read(path: &Path) -> Result<String, Error> {
    edge::read_text(path, edge::read::CONFIG).map_err(|e| format!("reading {}: {e}", path.display()).into())
}

/// Writes something for programs, under the version of its form.
pub fn write_json(content: &impl Serialize, out: &mut dyn Write) -> Result<(), Error> {
    /// The members of `content` behind its version.
    #[derive(Serialize)]
    struct Versioned<'a, T> {
        schema_version: u32,
        perfvt: &'static str,
        #[serde(flatten)]
        content: &'a T,
    }
    let versioned = Versioned { schema_version: PLAIN_SCHEMA, perfvt: env!("CARGO_PKG_VERSION"), content };
    let mut buffered = std::io::BufWriter::new(&mut *out);
    model::json::write(&mut buffered, &versioned)?;
    writeln!(buffered)?;
    Ok(buffered.flush()?)
}

/// The defaults of every verb, without sides: what a campaign judges itself by.
pub fn defaults() -> Result<CompareOptions, Error> {
    let layers = local_layer()?;
    let conf = Conf::with_layers(layers.iter().map(|(name, text)| (name.as_str(), text.as_str())))?;
    Ok(CompareOptions::new(conf, Vec::new()))
}

/// ./perf.conf, when there is one.
fn local_layer() -> Result<Vec<(String, String)>, Error> {
    let local = Path::new("perf.conf");
    Ok(if local.is_file() { vec![("perf.conf".into(), read(local)?)] } else { Vec::new() })
}

/// Whether a path leads to ./perf.conf, which is read anyway: a second time it would override itself.
fn is_local(path: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    real(path).is_some_and(|path| Some(path) == real(Path::new("perf.conf")))
}

/// perf.conf in layers: built in, ./perf.conf, --config.
fn conf(args: &Reading, err: &mut dyn Write) -> Result<Conf, Error> {
    let conf = layered(args.config.as_deref(), err)?;
    if args.verbose {
        writeln!(err, "configuration: built in")?;
        let local = Path::new("perf.conf");
        let config = args.config.as_deref().filter(|path| !is_local(path));
        for path in local.is_file().then_some(local).into_iter().chain(config) {
            writeln!(err, "configuration: {}", path.display())?;
        }
        for section in conf.sections() {
            for (option, origin) in section.origins().filter(|(_, origin)| !origin.is_builtin()) {
                writeln!(err, "  [{}] {option}: {origin}", section.name)?;
            }
        }
    }
    Ok(conf)
}

/// The same for a file. What has no effect is told.
pub fn layered(file: Option<&Path>, err: &mut dyn Write) -> Result<Conf, Error> {
    let mut layers = local_layer()?;
    if let Some(path) = file.filter(|path| !is_local(path)) {
        layers.push((path.display().to_string(), read(path)?));
    }
    let conf = Conf::with_layers(layers.iter().map(|(name, text)| (name.as_str(), text.as_str())))?;
    for sentence in told(&conf.idle()) {
        writeln!(err, "warning: {sentence}")?;
    }
    Ok(conf)
}
