//! What every page has around it: its head, its style and, where it has one, its script, both named by their hashes in the
//! content security policy.

use super::csp;
use edge::visible;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The style of every page.
const STYLE: &str = include_str!("style.css");

/// The head of a page.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Document<'a> {
    /// Title, not yet made visible.
    pub title: &'a str,
    /// What it says, for the preview of a link to it; empty: none.
    pub about: &'a str,
    /// Version of the perfvt that made it; empty: not said.
    pub version: &'a str,
    /// What it adds to the style of every page.
    pub style: &'a str,
    /// Its script.
    pub script: Option<&'a str>,
    /// The feed beside it.
    pub feed: Option<&'a str>,
    /// Whether it has pictures in itself (`data:`).
    pub pictures: bool,
}

impl Document<'_> {
    /// The page with this body. Equal input gives equal bytes.
    pub fn page(&self, body: &Markup) -> String {
        let style = dense(&lean(&format!("{STYLE}{}", self.style)));
        let script = self.script.map(|script| tight(&lean(script)));
        let script = script.as_deref();
        let policy = csp::policy(&style, script);
        let policy = if self.pictures { csp::with_pictures(&policy) } else { policy };
        let generator = format!("perfvt {}", visible(self.version));
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="generator" content=(generator.trim_end());
                    title { (visible(self.title)) }
                    @if !self.about.is_empty() {
                        meta property="og:title" content=(visible(self.title));
                        meta property="og:description" content=(visible(self.about));
                    }
                    @if let Some(href) = self.feed { link rel="alternate" type="application/atom+xml" href=(href); }
                    style { (PreEscaped(style)) }
                    @if let Some(script) = script { script { (PreEscaped(script)) } }
                }
                body { (body) }
            }
        };
        page.into_string()
    }
}

/// A style or script without indentation, empty lines and lines of comment: they are a good part of a small page.
fn lean(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let told = |line: &&str| line.starts_with("//") || line.starts_with("/*") && line.ends_with("*/");
    let mut out = String::with_capacity(text.len());
    for line in lines.filter(|line| !told(line)) {
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Rules of a style without the spaces and lines that only readers of the source need.
fn dense(style: &str) -> String {
    let spaces = [
        ("; }", "}"),
        (" { ", "{"),
        (" {\n", "{"),
        ("; ", ";"),
        (": ", ":"),
        (", ", ","),
        (" > ", ">"),
        ("\n", ""),
    ];
    spaces.into_iter().fold(style.to_owned(), |style, (wide, narrow)| style.replace(wide, narrow))
}

/// A script without the spaces and ends of lines that only readers of the source need. None of its strings has what is taken
/// out, and statements end in a semicolon or brace.
fn tight(script: &str) -> String {
    let around = [
        " => ", " === ", " !== ", " = ", " && ", " || ", " + ", " - ", " < ", " > ", " ? ", " : ", ") {",
        ", ", "{ ", " }",
    ];
    let script = around
        .into_iter()
        .fold(script.to_owned(), |script, wide| script.replace(wide, &wide.replace(' ', "")));
    [";\n", "{\n", ",\n", "(\n"].into_iter().fold(script, |script, end| script.replace(end, end.trim_end()))
}

/// Links to the sections of a page, by their identifiers, and to the documentation, if the page knows of one.
pub(crate) fn contents<'a>(
    sections: impl IntoIterator<Item = (&'a str, &'a str)>,
    docs: Option<&str>,
) -> Markup {
    let is_web = |docs: &str| docs.starts_with("https://") || docs.starts_with("http://");
    html! {
        nav aria-label="Sections" {
            @for (id, name) in sections { a href={ "#" (id) } { (name) } " " }
            @match docs {
                Some(docs) if is_web(docs) => a.docs href=(docs) rel="noreferrer" { "Documentation" },
                Some(other) => span.docs { "Documentation: " (super::foreign(other)) },
                None => {}
            }
        }
    }
}
