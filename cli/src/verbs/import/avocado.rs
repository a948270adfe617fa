//! `perfvt import-avocado`: a report for those who come from Avocado-VT.

use crate::verbs::dry_run::for_a_shell;
use crate::verbs::options::write_json;
use crate::{DONE, Error};
use collect::config::survey::{Said, Survey, survey};
use edge::visible;
use model::counted;
use std::io::Write;
use std::path::Path;

/// Of many of a kind, those that are shown.
const SHOWN: usize = 10;

/// Tells what of a tree works, what is mapped, and what is not supported.
pub fn avocado(root: &Path, json: bool, out: &mut dyn Write) -> Result<u8, Error> {
    let survey = survey(root).map_err(|e| format!("looking through {}: {e}", root.display()))?;
    if json {
        write_json(&survey, out)?;
        return Ok(DONE);
    }
    let mut report = Report { root, out };
    report.works(&survey)?;
    report.mapped(&survey)?;
    report.lacks(&survey)?;
    writeln!(report.out, "\nNothing was written, nothing fetched. --json has every entry.")?;
    Ok(DONE)
}

/// The report as it is written.
struct Report<'a> {
    root: &'a Path,
    out: &'a mut dyn Write,
}

impl Report<'_> {
    /// A file of the tree, as a shell takes it.
    fn word(&self, file: &Path) -> String {
        for_a_shell(self.root.join(file).to_string_lossy().into_owned())
    }

    /// Entries of one kind: the first ones, and how many more there are.
    fn entries<T>(&mut self, kind: &str, all: &[T], line: impl Fn(&Self, &T) -> String) -> Result<(), Error> {
        if all.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "  {kind}")?;
        for one in all.iter().take(SHOWN) {
            let line = line(self, one);
            // Of what spans lines, the first says what is wrong; the others show the place.
            writeln!(self.out, "    {}", visible(line.lines().next().unwrap_or_default()))?;
        }
        if let Some(more) = all.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            writeln!(self.out, "    and {more} more")?;
        }
        Ok(())
    }

    fn command(&mut self, words: &str) -> Result<(), Error> {
        Ok(writeln!(self.out, "      {}", visible(words))?)
    }

    fn works(&mut self, survey: &Survey) -> Result<(), Error> {
        writeln!(self.out, "Works as it is")?;
        self.entries("results: each folder is a side", &survey.results, |of, one| {
            let lost = match one.losses {
                0 => String::new(),
                losses => format!(", {} that hold no values", counted(losses, "line")),
            };
            let (files, rows) = (counted(one.files, "file"), counted(one.rows, "row"));
            format!("{}: {files}, {rows}{lost}", of.root.join(&one.folder).display())
        })?;
        match survey.results.as_slice() {
            [] => {}
            [one] => self.command(&format!("perfvt show {}", self.word(&one.folder)))?,
            [one, other, ..] => {
                let words = format!("perfvt compare {} {}", self.word(&one.folder), self.word(&other.folder));
                self.command(&words)?;
            }
        }
        self.entries("how results are judged", &survey.perf_conf, |of, one| {
            format!("perfvt list --perf-conf {}", of.word(&one.file))
        })?;
        let runs: Vec<_> = survey.configurations.iter().filter(|one| !one.workloads.is_empty()).collect();
        self.entries("configurations with tests that perfvt has", &runs, |of, one| {
            format!("perfvt run -c {} --dry-run    ({})", of.word(&one.file), one.workloads.join(", "))
        })?;
        let there: Vec<_> = survey.guests.iter().filter(|one| one.missing.is_none()).collect();
        self.entries("guests", &there, |_, one| format!("{} ({})", one.name, one.file.display()))?;
        if let Some(first) = there.first() {
            self.command(&format!("perfvt list {} --guests", self.word(&first.file)))?;
        }
        let folders: Vec<_> = survey.providers.iter().filter(|one| !one.fetched).collect();
        self.entries("test providers that are folders", &folders, |_, one| {
            format!("{}: {}", one.name, one.uri)
        })?;
        if survey.keys.same > 0 {
            writeln!(self.out, "  {} of perfvt's own name", counted(survey.keys.same, "key"))?;
        }
        if survey.results.is_empty() && runs.is_empty() && there.is_empty() && survey.keys.same == 0 {
            writeln!(self.out, "  nothing: no RHS file, no test that perfvt has, no guest")?;
        }
        Ok(())
    }

    fn mapped(&mut self, survey: &Survey) -> Result<(), Error> {
        let keys = &survey.keys;
        if keys.mapped.is_empty() && keys.otherwise.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "\nMapped")?;
        self.said("understood under their old names", &keys.mapped)?;
        self.said("not understood, and here said otherwise", &keys.otherwise)
    }

    /// Keys with their places; all of them, because each is work for somebody.
    fn said(&mut self, kind: &str, all: &[Said]) -> Result<(), Error> {
        if all.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "  {kind}")?;
        for one in all {
            let here = one.here.as_deref().unwrap_or("nothing");
            writeln!(self.out, "    {}: {} -> {here}", place(one), visible(&one.said))?;
        }
        Ok(())
    }

    fn lacks(&mut self, survey: &Survey) -> Result<(), Error> {
        writeln!(self.out, "\nNot supported, and why")?;
        let keys = &survey.keys;
        self.entries(
            "tests that perfvt has no workload for (`perfvt list --workloads`)",
            &keys.tests,
            |_, one| format!("{}: type = {}", place(one), one.said),
        )?;
        let unknown = format!(
            "{} that perfvt does not know, for ${{KEY}} and filters only",
            counted(keys.unknown.len(), "key")
        );
        self.entries(&unknown, &keys.unknown, |_, one| format!("{}: {}", place(one), one.said))?;
        let missing: Vec<_> = survey.guests.iter().filter(|one| one.missing.is_some()).collect();
        self.entries(
            "guests whose image is missing: put it there, or set image = PATH",
            &missing,
            |_, one| {
                let image = one.missing.as_deref().unwrap_or_default();
                format!("{} ({}): {image}", one.name, one.file.display())
            },
        )?;
        let fetched: Vec<_> = survey.providers.iter().filter(|one| one.fetched).collect();
        self.entries(
            "test providers in git: nothing is fetched unasked; with their .ini in ~/.config/perfvt/test-providers.d:",
            &fetched,
            |_, one| format!("perfvt provider update {}    ({}: {})", one.name, one.file.display(), one.uri),
        )?;
        let idle: Vec<String> = survey.perf_conf.iter().flat_map(|one| one.idle.iter().cloned()).collect();
        self.entries("perf.conf: what has no effect", &idle, |_, one| one.clone())?;
        self.entries("not read", &survey.unread, |_, (file, why)| {
            // Errors about a line name their file.
            if why.contains(&format!("{file}:")) { why.clone() } else { format!("{file}: {why}") }
        })?;
        let none =
            keys.tests.is_empty() && keys.unknown.is_empty() && missing.is_empty() && fetched.is_empty();
        if none && idle.is_empty() && survey.unread.is_empty() {
            writeln!(self.out, "  nothing")?;
        }
        Ok(())
    }
}

/// The first place, and how many others there are.
fn place(one: &Said) -> String {
    let at = visible(&one.at);
    if one.places > 1 { format!("{at} and {} more", one.places - 1) } else { at.into_owned() }
}
