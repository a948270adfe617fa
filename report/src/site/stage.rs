//! A result on its way into the site: in a temporary folder of the site, so that it moves in by one rename.

use super::SiteError;
use super::data::{self, Copied};
use super::error::io;
use super::secrets;
use super::signature::{Signatures, Signed, signed};
use analyze::{Comparison, Loss, Sample, Shown, Side, Warning};
use edge::Scratch;
use std::fs;
use std::path::{Path, PathBuf};

/// Copies of results, and the pages that are made of them. Dropping it removes both.
#[derive(Debug)]
pub struct Stage {
    dir: Scratch,
    site: PathBuf,
    pub(super) parts: Vec<Part>,
}

/// One result.
#[derive(Debug)]
pub(super) struct Part {
    /// Its name, free of anything that could be more than a name.
    pub name: String,
    pub copied: Copied,
    pub signed: Signed,
    /// It is what the result is compared with or judged by.
    pub baseline: bool,
}

impl Stage {
    pub(super) fn new(site: &Path) -> Result<Stage, SiteError> {
        let dir = Scratch::staging(site, "").map_err(io("writing to", site))?;
        let stage = Stage { dir, site: site.to_owned(), parts: Vec::new() };
        for folder in [stage.input(), stage.out()] {
            edge::write::make_directory(&folder).map_err(io("creating", &folder))?;
        }
        Ok(stage)
    }

    /// Where copies lie; what is below is named as in the archives.
    fn input(&self) -> PathBuf {
        self.dir.path().join("in")
    }

    /// Where pages are written.
    pub(super) fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    /// Where the copy of a part lies.
    pub(super) fn folder(&self, part: &Part) -> PathBuf {
        self.input().join(&part.name)
    }

    /// Copies a result, at most `limit` bytes of it, and gives the path of the copy, which is what is to be read.
    ///
    /// # Errors
    /// A result that cannot be read, is too large, has nothing to publish, holds the site, or is not signed as it must be.
    pub fn take(
        &mut self,
        result: &Path,
        limit: u64,
        signatures: &dyn Signatures,
    ) -> Result<PathBuf, SiteError> {
        let real = fs::canonicalize(result).map_err(io("reading", result))?;
        let site = fs::canonicalize(&self.site).map_err(io("reading", &self.site))?;
        if site.starts_with(&real) {
            return Err(SiteError::Inside { site: self.site.clone(), result: result.to_owned() });
        }
        let name = self.free_name(&real);
        let to = self.input().join(&name);
        let copied = data::copy(&real, &to, limit)?;
        secrets::refuse(result, &real, &copied, &to)?;
        let signed = signed(result, &copied, signatures)?;
        self.parts.push(Part { name, copied, signed, baseline: false });
        Ok(match real.file_name() {
            Some(file) if !real.is_dir() => to.join(file),
            _ => to,
        })
    }

    /// The same for what a result is compared with or judged by; it may be anybody's.
    ///
    /// # Errors
    /// As of [`Stage::take`].
    pub fn take_baseline(
        &mut self,
        result: &Path,
        limit: u64,
        signatures: &dyn Signatures,
    ) -> Result<PathBuf, SiteError> {
        let copy = self.take(result, limit, signatures)?;
        if let Some(part) = self.parts.last_mut() {
            part.baseline = true;
        }
        Ok(copy)
    }

    /// The argument's last name with nothing in it but letters, digits, `.`, `_` and `-`; numbered when it is taken.
    fn free_name(&self, path: &Path) -> String {
        let clean: String = (path.file_name().unwrap_or_default().to_string_lossy().chars())
            .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
            .take(80)
            .collect();
        let clean = clean.trim_start_matches(['.', '-']);
        let base = if clean.is_empty() { "result" } else { clean };
        let taken = |name: &str| self.parts.iter().any(|p| p.name == name);
        let numbered = (2..).map(|n| format!("{base}-{n}"));
        std::iter::once(base.to_owned()).chain(numbered).find(|n| !taken(n)).unwrap_or_default()
    }

    /// A path or message about the copies, as of the archives: without the folder that only exists now.
    fn relocated(&self, text: &mut String) {
        let prefix = format!("{}/", self.input().display());
        if text.contains(&prefix) {
            *text = text.replace(&prefix, "");
        }
    }

    /// Makes a comparison of the copies speak of the archives.
    pub(super) fn relocate(&self, comparison: &mut Comparison) {
        for side in std::iter::once(&mut comparison.a).chain(&mut comparison.b) {
            self.relocate_side(side);
        }
        comparison.files.iter_mut().for_each(|f| self.relocated(f));
        let hosts = comparison.hosts.iter_mut().flat_map(|hosts| &mut hosts.each);
        hosts.flat_map(|host| &mut host.shards).for_each(|shard| self.relocated(&mut shard.path));
        comparison.method.command.iter_mut().for_each(|w| self.relocated(w));
        comparison.warnings.iter_mut().for_each(|w| self.relocate_warning(w));
        for row in &mut comparison.rows {
            self.relocate_sample(&mut row.a);
            self.relocate_sample(&mut row.b);
            row.warnings.iter_mut().for_each(|w| self.relocate_warning(w));
        }
    }

    /// Makes a run speak of its archive.
    pub(super) fn relocate_shown(&self, shown: &mut Shown) {
        self.relocate_side(&mut shown.side);
        shown.files.iter_mut().for_each(|f| self.relocated(f));
        shown.warnings.iter_mut().for_each(|w| self.relocate_warning(w));
        shown.rows.iter_mut().for_each(|r| self.relocate_sample(&mut r.sample));
    }

    fn relocate_side(&self, side: &mut Side) {
        self.relocated(&mut side.path);
        side.losses.iter_mut().for_each(|l| self.relocate_loss(l));
    }

    fn relocate_sample(&self, sample: &mut Sample) {
        sample.invalid.iter_mut().for_each(|l| self.relocate_loss(l));
    }

    fn relocate_loss(&self, loss: &mut Loss) {
        self.relocated(&mut loss.place);
        self.relocated(&mut loss.reason);
    }

    fn relocate_warning(&self, warning: &mut Warning) {
        self.relocated(&mut warning.text);
        self.relocated(&mut warning.advice);
    }

    /// An error about the copies, as of the results.
    pub fn message(&self, error: &dyn std::error::Error) -> String {
        let mut text = error.to_string();
        self.relocated(&mut text);
        text
    }
}
