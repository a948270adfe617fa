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
            " · Samples " code { "sha256:" (published.samples) }
        }
        details {
            summary { "Data to download" }
            div.scroll tabindex="0" role="region" aria-label="Data to download" {
                table.facts {
                    thead {
                        tr {
                            th scope="col" { "Archive" } th.num scope="col" { "Size" } th scope="col" { "SHA-256" }
                            th scope="col" { "Its samples: SHA-256 of the SHA256SUMS in it" } th scope="col" { "Signature" } th scope="col" { "Left out" }
                        }
                    }
                    tbody {
                        @for data in &published.data {
                            tr {
                                th scope="row" { a href=(data.file) { (foreign(&data.file)) } }
                                td.num { (size(data.bytes)) }
                                td { code { (data.sha256) } }
                                td { code { (data.samples) } }
                                td { (foreign(&data.signature)) }
                                td { @if data.left_out.is_empty() { "nothing" } @else { (data.left_out.join(", ")) } }
                            }
                        }
                    }
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
