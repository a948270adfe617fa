//! What all pages of a site have around them; comparisons bring their own.

use crate::html::{STYLE, policy};
use edge::visible;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// What the site's pages add to the style of reports.
const SITE_STYLE: &str = include_str!("site.css");

/// A page without script.
pub(super) fn page(title: &str, feed: Option<&str>, body: Markup) -> String {
    let style = format!("{STYLE}{SITE_STYLE}");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy(&style, None));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content="perfvt";
                title { (visible(title)) }
                @if let Some(href) = feed { link rel="alternate" type="application/atom+xml" href=(href); }
                style { (PreEscaped(style)) }
            }
            body { (body) }
        }
    };
    page.into_string()
}
