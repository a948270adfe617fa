//! What other programs read is held against them: a browser's HTML parser, a GitHub-flavoured Markdown renderer, and
//! Jenkins' schema of JUnit files.
use crate::common;

use analyze::Comparison;
use common::scenarios;
use html5ever::tendril::TendrilSink;
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use report::{HtmlOptions, JunitOptions, MarkdownOptions};
use std::io::Write;
use std::process::{Command, Stdio};

fn all() -> Vec<(&'static str, Comparison)> {
    let long = [("netperf", scenarios::netperf()), ("large", scenarios::large(600))];
    scenarios::small().into_iter().chain(long).collect()
}

fn parse(html: &str) -> RcDom {
    html5ever::parse_document(RcDom::default(), Default::default()).one(html)
}

/// Elements of a name below a node.
fn elements(node: &Handle, name: &str) -> Vec<Handle> {
    let mut found = Vec::new();
    for child in node.children.borrow().iter() {
        if matches!(&child.data, NodeData::Element { name: n, .. } if &*n.local == name) {
            found.push(child.clone());
        }
        found.extend(elements(child, name));
    }
    found
}

/// The text of a node's own.
fn text_of(node: &Handle) -> String {
    let of = |child: &Handle| match &child.data {
        NodeData::Text { contents } => contents.borrow().to_string(),
        _ => String::new(),
    };
    node.children.borrow().iter().map(of).collect()
}

#[test]
fn the_page_parses_without_an_error() {
    for (name, comparison) in all() {
        let options = HtmlOptions { classic: scenarios::classic(), ..HtmlOptions::default() };
        let dom = parse(&report::html(&comparison, &options));
        assert_eq!(dom.errors.borrow().as_slice(), &[] as &[std::borrow::Cow<'static, str>], "{name}");
        let packs = comparison.rows.len().div_ceil(200);
        assert_eq!(elements(&dom.document, "script").len(), 1 + packs, "{name}");
    }
    let broken = parse("<!DOCTYPE html><p><table><b>x</table>");
    assert!(!broken.errors.borrow().is_empty(), "the parser tells errors at all");
}

#[test]
fn the_comment_renders_as_tables_and_folds_and_nothing_foreign_becomes_markup() {
    let mut options = comrak::Options::default();
    (options.extension.table, options.extension.autolink) = (true, true);
    options.extension.strikethrough = true;
    // GitHub lets <details> and <sub> through and cleans the rest; here everything passes, so that it is seen.
    options.render.r#unsafe = true;
    for (name, comparison) in all() {
        let text = report::markdown(&comparison, &MarkdownOptions::default());
        let html = comrak::markdown_to_html(&text, &options);
        let dom = parse(&format!("<!DOCTYPE html><title>x</title>{html}"));
        assert!(dom.errors.borrow().is_empty(), "{name}: {:?}\n{html}", dom.errors.borrow());
        for tag in ["script", "img", "svg", "b", "a", "iframe", "del"] {
            assert_eq!(elements(&dom.document, tag).len(), 0, "{name}: <{tag}> in\n{html}");
        }
        let mut cells = 0;
        for table in elements(&dom.document, "table") {
            let rows = elements(&table, "tr");
            let heads = elements(&rows[0], "th");
            let columns = heads.len();
            assert!(rows[1..].iter().all(|r| elements(r, "td").len() == columns), "{name}: {html}");
            // What each host says of a row has a table of its own.
            if comparison.hosts.is_some() && text_of(&heads[0]) == "host" {
                continue;
            }
            assert!(columns >= 10, "{name}: {columns}");
            cells += rows.len() - 1;
        }
        if !text.contains("left out") {
            assert_eq!(cells, comparison.rows.len(), "{name}: every row is in a table");
        }
    }
}

/// Whether Jenkins' schema takes a JUnit file, and what xmllint says; `None` where that is missing.
pub fn jenkins(text: &str) -> Option<(bool, String)> {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/junit-10.xsd");
    let mut child = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema", schema, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Some((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[test]
fn junit_files_validate_against_jenkins_schema() {
    for (name, comparison) in all() {
        let Some((valid, said)) = jenkins(&report::junit(&comparison, &JunitOptions::default())) else {
            testing::skip("xmllint is not there (libxml2-utils)");
            return;
        };
        assert!(valid, "{name}: {said}");
    }
    let (valid, said) = jenkins("<testsuites skipped=\"0\"/>").unwrap();
    assert!(!valid && said.contains("skipped"), "the schema refuses what it does not know: {said}");
}
