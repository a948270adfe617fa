//! `site.json`: what a site remembers about itself.

use super::SiteError;
use super::data;
use super::entry::Entry;
use super::uuid::uuid;
use model::store::{self, write_json};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Name of the site's own settings, which also marks a folder as a site.
pub(super) const SITE_FILE: &str = "site.json";
/// The newest version that [`Settings::format`] carries.
///
/// Changelog: 1, the first; 2, the same with `signers`: a perfvt that does not know what it means must not publish there.
const SITE_FORMAT: u32 = 2;

/// What the site is called, and whether it asks for signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Format version: 2 when the site asks for signatures, else 1.
    pub format: u32,
    /// Heading of the index and of the feed.
    pub title: String,
    /// Where the site is served, with a slash at its end; links of the feed are relative without it.
    pub url: Option<String>,
    /// The documentation that pages link to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docs: Option<String>,
    /// Where a commit is shown; `{}` stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_url: Option<String>,
    /// What feed readers know the feed by.
    pub feed: String,
    /// Results were published with allowed signers, so that they must be from then on; absent when they never were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signers: Option<bool>,
}

/// What a publisher says of signatures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checks {
    /// They are checked; the site asks for it from then on.
    Made,
    /// They are not, and nothing was said about it.
    #[default]
    None,
    /// They are not, and that is wanted, this once.
    Waived,
}

/// What is kept of a site when it is opened.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Heading, if it is to change.
    pub title: Option<String>,
    /// Address, if it is to change.
    pub url: Option<String>,
    /// The documentation that pages link to, if it is to change.
    pub docs: Option<String>,
    /// Where a commit is shown, if it is to change; `{}` stands for it.
    pub commit_url: Option<String>,
    /// Whether signatures are checked.
    pub checks: Checks,
}

impl Settings {
    /// Reads the settings of a site, or makes those of a new one, and writes what has changed.
    pub fn open(
        root: &Path,
        kept: &Kept,
        now: i64,
        entries: impl FnOnce() -> Vec<Entry>,
    ) -> Result<Settings, SiteError> {
        let file = root.join(SITE_FILE);
        let old: Option<Settings> =
            file.exists().then(|| store::read_json(&file, SITE_FORMAT)).transpose()?;
        let new = || {
            let seed = data::sha256(format!("{} {now}", root.display()).as_bytes());
            Settings {
                format: 1,
                title: "perfvt results".into(),
                url: None,
                docs: None,
                commit_url: None,
                feed: uuid(&seed),
                signers: None,
            }
        };
        let mut settings = old.clone().unwrap_or_else(new);
        if let Some(title) = &kept.title {
            settings.title.clone_from(title);
        }
        if let Some(url) = &kept.url {
            settings.url = Some(format!("{}/", url.trim_end_matches('/')));
        }
        if let Some(docs) = &kept.docs {
            settings.docs = Some(docs.clone());
        }
        if let Some(commits) = &kept.commit_url {
            settings.commit_url = Some(commits.clone());
        }
        // A site of a perfvt that did not remember: its entries tell.
        let told = || entries().iter().flat_map(|e| &e.data).any(|d| d.signer.is_some());
        if kept.checks == Checks::Made || settings.signers.is_none() && told() {
            settings.signers = Some(true);
        }
        settings.format = if settings.signers == Some(true) { 2 } else { 1 };
        if old.as_ref() != Some(&settings) {
            write_json(&file, &settings)?;
        }
        Ok(settings)
    }
}
