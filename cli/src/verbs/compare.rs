//! `perfvt compare`.

use crate::args::{Compare, Format};
use crate::say::unwritten;
use crate::verbs::options::{filter, judge, read, reading};
use crate::{DONE, Error, NOTHING, is_broken_pipe};
use analyze::{CompareOptions, Comparison, Level, compare as analyze_sides, expectations, gate};
use clap::ValueEnum;
use edge::visible;
use edge::write::output;
use report::{Gate, HtmlOptions, JunitOptions, MarkdownOptions, TextOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The page that is written when nobody says otherwise.
const DEFAULT_PAGE: &str = "report.html";
/// What every page of perfvt has in its first bytes; a file without it is somebody else's.
const PAGE_MARK: &str = "<meta name=\"generator\" content=\"perfvt";

/// Compares the sides and writes what was asked for.
pub fn compare(args: &Compare, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    Ok(compared(args, out, err)?.0)
}

/// The same, with the comparison where more than the classic table was wanted.
pub(super) fn compared(
    args: &Compare,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(u8, Option<Comparison>), Error> {
    let outputs = args.outputs.iter().map(|o| parse_output(o)).collect::<Result<Vec<_>, Error>>()?;
    let page = page_path(args);
    if let (Some(path), None) = (&page, &args.html) {
        refuse_foreign(path)?;
    }
    for path in outputs.iter().map(|(_, path)| path).chain(&page) {
        refuse_results(path, args)?;
    }
    let options = options(args, err)?;
    if only_classic(args) {
        return Ok((classic_alone(&options, out, err)?, None));
    }
    let comparison = analyze_sides(&options)?;
    let gate = gate(&comparison, &args.fail_on, args.allow_crashes);
    let render = Renderer { args, options: &options, comparison: &comparison, gate: gate.clone() };
    // Files first: whoever reads standard output may have seen enough before its end.
    for (format, path) in &outputs {
        let mut bytes = Vec::new();
        render.write(*format, &mut bytes)?;
        output(path, &bytes).map_err(|e| unwritten(path, &e))?;
    }
    if let Some(path) = &page {
        let page = render.page()?;
        output(path, page.as_bytes()).map_err(|e| unwritten(path, &e))?;
    }
    let printed = render.write(args.format, out).and_then(|()| match &page {
        Some(path) if args.format == Format::Text => Ok(writeln!(out, "\npage: {}", path.display())?),
        _ => Ok(()),
    });
    match printed {
        Err(error) if !is_broken_pipe(error.as_ref()) => Err(error),
        _ => Ok((exit_code(&comparison, gate.as_ref()), Some(comparison))),
    }
}

/// Whether nothing but the classic table is wanted: of the comparison only what speaks against it is told.
fn only_classic(args: &Compare) -> bool {
    args.format == Format::Classic
        && args.outputs.is_empty()
        && args.html.is_none()
        && args.fail_on.is_empty()
}

fn classic_alone(options: &CompareOptions, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let classic = analyze::classic_text(options)?;
    for warning in &classic.warnings {
        writeln!(err, "warning: {}", warning.text)?;
        if !warning.advice.is_empty() {
            writeln!(err, "  {}", warning.advice)?;
        }
    }
    // The ancestor's table knows nothing of what the sides are; sides that only it can read have nothing more to tell.
    let compared = analyze_sides(options).map(|comparison| comparison.warnings).unwrap_or_default();
    let known = |code: &str| classic.warnings.iter().any(|warning| warning.code == code);
    for warning in compared.iter().filter(|w| w.level == Level::Blocking && !known(w.code)) {
        writeln!(err, "warning: {}: {}", warning.code, visible(&warning.text))?;
    }
    out.write_all(classic.text.as_bytes())?;
    Ok(if classic.compared == 0 { NOTHING } else { DONE })
}

/// A candidate that shares nothing with the baseline was not compared.
fn exit_code(comparison: &Comparison, gate: Option<&Gate>) -> u8 {
    match gate {
        Some(gate) => gate.exit_code,
        None if comparison.summary.iter().any(|s| s.comparable() == 0) => NOTHING,
        None => DONE,
    }
}

fn parse_output(text: &str) -> Result<(Format, PathBuf), Error> {
    let (format, path) = text.split_once('=').ok_or_else(|| format!("--output {text}: want FORMAT=FILE"))?;
    let format = Format::from_str(format, true).map_err(|_| {
        let known = Format::value_variants().iter().filter_map(|f| f.to_possible_value());
        let known = known.map(|f| f.get_name().to_owned()).collect::<Vec<_>>().join(", ");
        format!(
            "--output {text}: unknown format '{format}', want one of {known}; for the page use --html FILE"
        )
    })?;
    Ok((format, PathBuf::from(path)))
}

/// What is compared, and how.
pub(super) fn options(args: &Compare, err: &mut dyn Write) -> Result<CompareOptions, Error> {
    let mut options = reading(&args.reading, args.dirs.clone(), err)?;
    judge(&mut options, &args.judging)?;
    filter(&mut options, &args.filters);
    options.labels = args.labels.clone();
    if let Some(path) = &args.expect {
        options.expectations = expectations(&read(path)?, path, &options.today)?;
    }
    options.command = command(args);
    Ok(options)
}

/// The command line that makes the same comparison, without what only says where it goes.
fn command(args: &Compare) -> Vec<String> {
    let mut words: Vec<String> = vec!["perfvt".into(), "compare".into()];
    words.extend(args.dirs.iter().map(|d| d.display().to_string()));
    let mut flag = |name: &str, value: String| words.extend([name.to_owned(), value]);
    let (reading, judging, filters) = (&args.reading, &args.judging, &args.filters);
    for path in &judging.baseline_from {
        flag("--baseline-from", path.display().to_string());
    }
    let files = [("--config", &reading.config), ("--noise", &judging.noise), ("--expect", &args.expect)];
    for (name, path) in files.into_iter().filter_map(|(name, path)| Some((name, path.as_ref()?))) {
        flag(name, path.display().to_string());
    }
    if !args.labels.is_empty() {
        flag("--labels", args.labels.join(","));
    }
    for (name, values) in [
        ("--only", &filters.only),
        ("--metric", &filters.metrics),
        ("--factor", &judging.factors),
        ("--compare", &judging.compared),
        ("--map", &judging.maps),
    ] {
        values.iter().for_each(|v| flag(name, v.clone()));
    }
    if let Some(workload) = &reading.workload {
        flag("--workload", workload.clone());
    }
    if judging.test != "auto" {
        flag("--test", judging.test.clone());
    }
    if judging.variance != "own" {
        flag("--variance", judging.variance.clone());
    }
    if judging.alpha != 0.05 {
        flag("--alpha", judging.alpha.to_string());
    }
    if judging.correction != "bh" {
        flag("--correction", judging.correction.clone());
    }
    for what in &args.fail_on {
        flag("--fail-on", what.word().into());
    }
    if args.allow_crashes > 0 {
        flag("--allow-crashes", args.allow_crashes.to_string());
    }
    words.extend(
        [(judging.force, "--force"), (judging.strict, "--strict")].iter().filter(|f| f.0).map(|f| f.1.into()),
    );
    words
}

/// Everything that a format needs.
struct Renderer<'a> {
    args: &'a Compare,
    options: &'a CompareOptions,
    comparison: &'a Comparison,
    gate: Option<Gate>,
}

impl Renderer<'_> {
    fn write(&self, format: Format, out: &mut dyn Write) -> Result<(), Error> {
        let text = match format {
            Format::Json => {
                report::json(self.comparison, &mut *out)?;
                return Ok(());
            }
            Format::Text => report::text(self.comparison, &self.text_options()),
            Format::Classic => self.classic()?,
            Format::Markdown => report::markdown(
                self.comparison,
                &MarkdownOptions { gate: self.gate.clone(), ..Default::default() },
            ),
            Format::Junit => {
                let options = match self.args.fail_on.as_slice() {
                    [] => JunitOptions::default(),
                    words => JunitOptions {
                        fail_on: words.to_vec(),
                        allow_crashes: self.args.allow_crashes,
                        gate: self.gate.clone(),
                    },
                };
                report::junit(self.comparison, &options)
            }
            Format::Csv => report::csv(self.comparison),
            Format::Badge => report::badge(self.comparison, self.gate.as_ref()),
        };
        Ok(out.write_all(text.as_bytes())?)
    }

    fn text_options(&self) -> TextOptions {
        TextOptions { width: width(), color: crate::coloured(), all: self.args.all, gate: self.gate.clone() }
    }

    fn classic(&self) -> Result<String, Error> {
        Ok(analyze::classic_text(self.options)?.text)
    }

    fn page(&self) -> Result<String, Error> {
        let history = self.args.history.as_ref().map(|site| report::site::history(site, self.comparison));
        let options = HtmlOptions {
            classic: classic(self.options),
            gate: self.gate.clone(),
            history: history.transpose()?,
            docs: self.args.docs.clone(),
            ..HtmlOptions::default()
        };
        Ok(report::html(self.comparison, &options))
    }
}

/// The ancestor's tables. Without a classic file on both sides (a cell of every repeat is invalid) there are none.
pub(super) fn classic(options: &CompareOptions) -> Vec<report::ClassicTable> {
    let table = |t: analyze::ClassicResult| report::ClassicTable {
        workload: t.workload,
        candidate: t.candidate,
        groups: t.groups,
    };
    analyze::classic_tables(options).unwrap_or_default().into_iter().map(table).collect()
}

#[allow(clippy::disallowed_methods)] // Nothing is written.
/// Columns of the terminal: COLUMNS, else what the terminal says, else 80.
fn width() -> usize {
    let from_env = || std::env::var("COLUMNS").ok()?.parse().ok();
    let from_terminal = || {
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
        (size.ws_col > 0).then_some(usize::from(size.ws_col))
    };
    from_env().or_else(from_terminal).unwrap_or(80)
}

/// Where the page goes: `--html`, nowhere with `--no-html`, else report.html when people read standard output.
fn page_path(args: &Compare) -> Option<PathBuf> {
    match (&args.html, args.no_html) {
        (Some(path), _) => Some(path.clone()),
        (None, false) if args.format == Format::Text => Some(PathBuf::from(DEFAULT_PAGE)),
        _ => None,
    }
}

/// What is compared is not overwritten with what comes of it: a file that is there and lies in a side, unless it is a page of
/// perfvt's.
fn refuse_results(path: &Path, args: &Compare) -> Result<(), Error> {
    let Ok(real) = path.canonicalize() else { return Ok(()) };
    let is_page =
        || edge::read::head(&real, 4096).is_ok_and(|head| String::from_utf8_lossy(&head).contains(PAGE_MARK));
    let sides = args.dirs.iter().chain(&args.judging.baseline_from);
    let inside = |side: &PathBuf| side.canonicalize().is_ok_and(|side| real.starts_with(side));
    if real.is_file() && sides.into_iter().any(inside) && !is_page() {
        let path = path.display();
        return Err(format!(
            "{path} is part of what is compared and is not overwritten; write to another file"
        )
        .into());
    }
    Ok(())
}

/// A page of somebody else's is not overwritten unasked.
fn refuse_foreign(path: &Path) -> Result<(), Error> {
    let foreign = match edge::read::head(path, 4096) {
        Ok(old) => !old.is_empty() && !String::from_utf8_lossy(&old).contains(PAGE_MARK),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    };
    if foreign {
        let path = path.display();
        return Err(format!(
            "{path} was not written by perfvt and is left alone; use --html FILE or --no-html"
        )
        .into());
    }
    Ok(())
}
