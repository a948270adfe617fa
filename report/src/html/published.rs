//! Where a page stands in a published site: the way back, the data that it was made of, and their hash.

use super::foreign;
use maud::{Markup, html};

/// What a page of a site says about its data. Addresses are relative to the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The index of the site.
    pub index: String,
    /// The page with the facts and files of the hosts.
    pub sysinfo: String,
    /// The page that came with the result.
    pub run_page: Option<String>,
    /// SHA-256 of the samples.
    pub samples: String,
    /// The results to download.
    pub data: Vec<Download>,
}

/// An archive beside the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// Its name.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
    /// SHA-256 of the `SHA256SUMS` in it.
    pub samples: String,
    /// Whose signature of the sums there is.
    pub signature: String,
    /// What of the result is not in it: `2 a symbolic link`.
    pub left_out: Vec<String>,
}

/// The links and sums.
pub(crate) fn provenance(published: &Published) -> Markup {
    html! {
        p.caption {
            a href=(published.index) { "All results" } " · " a href=(published.sysinfo) { "System information" }
            @if let Some(page) = &published.run_page { " · " a href=(page) { "The run's own page" } }
        }
        details {
            summary { "Data to download" }
            p { "Samples of all of them: " code { "sha256:" (published.samples) } }
            @for data in &published.data {
                p {
                    a href=(data.file) { (foreign(&data.file)) } ", " (size(data.bytes)) ", signature: " (foreign(&data.signature))
                    ", left out: " @if data.left_out.is_empty() { "nothing" } @else { (data.left_out.join(", ")) }
                    br; "its SHA-256 " code { (data.sha256) }
                    br; "SHA-256 of the SHA256SUMS in it " code { (data.samples) }
                }
            }
        }
    }
}

/// `1.2 MB`, in powers of ten.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
