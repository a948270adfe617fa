//! What all pages of a site have around them; comparisons bring their own.

use crate::html::Document;
use maud::Markup;

/// What the site's pages add to the style of reports.
const SITE_STYLE: &str = include_str!("site.css");

/// A page without script.
pub(super) fn page(title: &str, feed: Option<&str>, body: &Markup) -> String {
    Document { title, style: SITE_STYLE, feed, ..Document::default() }.page(body)
}
