//! The details of rows inside the page, packed: they are many times as long as everything else, and one or two of them are read.
//! The script unpacks those of a row when it is opened.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use maud::{Markup, PreEscaped, html};
use std::io::Write;

/// So many rows are packed together: what is opened first is unpacked in a few milliseconds.
pub(super) const ROWS: usize = 200;
/// Between the details of two rows. No text has it: what is invisible is shown as something else.
const BETWEEN: &[u8] = b"\x1e";

/// Elements that hold the details of rows in this order; the browser neither runs nor shows them.
pub(super) fn packs(details: impl Iterator<Item = Markup>) -> Markup {
    let mut details = details.peekable();
    html! {
        @while details.peek().is_some() {
            script.pack type="application/gzip" { (PreEscaped(pack(details.by_ref().take(ROWS)))) }
        }
    }
}

fn pack(details: impl Iterator<Item = Markup>) -> String {
    let mut packed = GzEncoder::new(Vec::new(), Compression::new(9));
    for (i, one) in details.enumerate() {
        // A Vec takes every byte.
        let _ = packed.write_all(if i > 0 { BETWEEN } else { b"" });
        let _ = packed.write_all(one.0.as_bytes());
    }
    STANDARD.encode(packed.finish().unwrap_or_default())
}
