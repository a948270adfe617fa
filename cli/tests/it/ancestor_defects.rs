//! The defects of regression.py that concern its command and its page; the others stand in
//! `analyze/tests/ancestor_defects.rs`.
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Two sides of three repeats; names and header lines hold what HTML would take for its own.
fn sides() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (side, level) in [("a", 100.0), ("b", 80.0)] {
        for repeat in 1..=3 {
            let folder = root.path().join(format!("{side}/job.repeat{repeat}.netperf.x/results"));
            fs::create_dir_all(&folder).unwrap();
            let value = level + f64::from(repeat);
            let text = format!(
                "### guest-kernel-ver : <script>alert({repeat})</script>\nCategory:</table><b>\n\
                 size|sessions|throughput|same\n64|1|{value:.2}|7\n128|1|{:.2}|7\n",
                2.0 * value
            );
            fs::write(folder.join("netperf.RHS"), text).unwrap();
        }
    }
    root
}

fn perfvt(root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perfvt"));
    command.current_dir(root).args(["compare", "--no-html"]);
    command
}

#[test]
fn defect_11_every_documented_word_is_understood_and_any_other_is_a_path() {
    let root = sides();
    let output = perfvt(root.path()).args(["db", "17", "18"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(said.contains("reading db: No such file"), "{said}");
}

#[test]
fn defect_13_nothing_must_be_installed_for_a_p_value() {
    let root = sides();
    let output = perfvt(root.path())
        .args(["a", "b", "--format", "classic"])
        .env_clear()
        .env("PATH", "")
        .output()
        .unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(table.contains("-|Significance|-1.000|-\n"), "{table}");
}

/// Elements that have no end.
const VOID: [&str; 8] = ["meta", "link", "br", "hr", "img", "input", "wbr", "col"];

/// The start and end tags of a page, without the text of scripts and styles.
fn tags(page: &str) -> Vec<String> {
    let (mut out, mut rest) = (Vec::new(), page);
    while let Some(start) = rest.find('<') {
        let text = &rest[start + 1..];
        let (mut quote, mut end) = (None, 0);
        for (at, c) in text.char_indices() {
            match (quote, c) {
                (None, '>') => {
                    end = at;
                    break;
                }
                (None, '"' | '\'') => quote = Some(c),
                (Some(open), c) if c == open => quote = None,
                _ => {}
            }
        }
        let tag = &text[..end];
        let name = tag.split([' ', '\n', '/']).find(|part| !part.is_empty()).unwrap_or_default().to_owned();
        rest = &text[end..];
        if ["script", "style"].contains(&name.as_str()) && !tag.starts_with('/') {
            rest = &rest[rest.find(&format!("</{name}")).unwrap()..];
            continue;
        }
        if !tag.starts_with('!') && !tag.ends_with('/') && !["script", "style"].contains(&name.as_str()) {
            out.push(if tag.starts_with('/') { format!("/{name}") } else { name });
        }
    }
    out
}

#[test]
fn defect_17_the_page_is_whole_html() {
    let root = sides();
    let status = Command::new(env!("CARGO_BIN_EXE_perfvt"))
        .current_dir(root.path())
        .args(["compare", "a", "b", "--html", "page.html"])
        .output()
        .unwrap()
        .status;
    assert!(status.success());
    let page = fs::read_to_string(root.path().join("page.html")).unwrap();
    assert!(
        page.starts_with("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"),
        "{:.200}",
        page
    );
    assert!(!page.contains("<script>alert") && !page.contains("</table><b>"));
    let mut open: Vec<String> = Vec::new();
    for tag in tags(&page) {
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "what ends is what is open; {open:?}");
            continue;
        }
        let parent = open.last().map_or("", String::as_str);
        let fits = match parent {
            "table" => ["caption", "colgroup", "thead", "tbody", "tfoot", "tr"].contains(&tag.as_str()),
            "thead" | "tbody" | "tfoot" => tag == "tr",
            "tr" => tag == "td" || tag == "th",
            _ => !["tr", "td", "th", "thead", "tbody"].contains(&tag.as_str()),
        };
        assert!(fits, "<{tag}> in <{parent}>");
        if !VOID.contains(&tag.as_str()) {
            open.push(tag);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}
