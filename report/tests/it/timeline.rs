//! The history pages of a site: what stands on them, and that they hold together.
use crate::common;

use common::lakes::{Place, hostile, small, tigerbeetle, years};
use html5ever::tendril::TendrilSink;
use lake::Said;
use markup5ever_rcdom::RcDom;
use report::site::{Kept, Site};
use std::fs;

/// The largest page, with its style.
const LARGEST: usize = 250_000;

/// A page with one element per line, without its style.
fn readable(page: &str) -> String {
    let (head, rest) = page.split_once("<style>").unwrap();
    let body = rest.split_once("</style>").unwrap().1;
    let head = head.split_once("style-src ").unwrap().0;
    format!("{head}…{body}").replace("><", ">\n<")
}

#[test]
fn pages_of_a_small_history_are_as_they_were_read() {
    let place = small();
    let summary = place.publish();
    assert_eq!((summary.series, summary.points, summary.open, summary.worse), (3, 120, 1, 1));
    insta::assert_snapshot!("history.overview", readable(&place.text("h/index.html")));
    insta::assert_snapshot!("history.event", readable(&place.only("h/e/")));
    insta::assert_snapshot!("history.multiples", readable(&place.only("h/g/")));
    let csv: Vec<String> = fs::read_dir(place.root().join("h/e"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "csv"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    insta::assert_snapshot!("history.event.csv", csv.concat());
}

#[test]
fn an_event_links_its_commits_and_tells_what_moved_with_it() {
    let place = small();
    place.publish();
    let page = place.only("h/e/");
    assert!(
        page.contains("<a href=\"https://example.org/c/c24\" rel=\"noreferrer\"><code>c24</code></a>"),
        "{page}"
    );
    assert!(page.contains("What may explain it") && page.contains("exits"), "{page}");
    assert!(page.contains("No campaign that measured both builds in turn has decided it"), "{page}");
    let name = place.read().events[0].name.clone();
    place.say("*", Said::Confirmed { event: name, outcome: "host".into(), campaign: "again".into() });
    assert_eq!(place.publish().open, 0);
    let page = place.only("h/e/");
    assert!(page.contains("it was the host.") && page.contains("host by again"), "{page}");
    let front = place.text("index.html");
    assert!(
        front.contains("<a href=\"h/index.html\">History</a>") && front.contains("≈ no open event got worse"),
        "{front}"
    );
}

#[test]
fn a_point_set_aside_is_hollow_and_listed_and_marks_have_their_numbers() {
    let place = small();
    place.publish();
    let page = place.only("h/g/");
    let of = page.split("<figure ").find(|figure| figure.contains("TCP_RR")).unwrap();
    assert_eq!(of.matches("class=\"aside\"").count(), 1, "{of}");
    assert!(of.contains("1 point that does not count") && of.contains("c12"), "{of}");
    assert!(of.contains("<line class=\"release\"") && of.contains("release v6.1"), "{of}");
    assert!(of.contains("meant to change: c30: retpolines"), "{of}");
    let csv = place.text(&format!("h/{}", of.split("href=\"../").nth(1).unwrap().split('"').next().unwrap()));
    assert_eq!(csv.lines().count(), 41);
    assert!(csv.lines().nth(13).unwrap().contains(",set aside,"), "{csv}");
}

#[test]
fn a_year_of_tigerbeetle_is_drawn_with_its_ten_steps() {
    let place = tigerbeetle();
    place.publish();
    let page = place.only("h/g/");
    assert_eq!(page.matches("<line class=\"step\"").count(), 10);
    assert_eq!(page.matches("class=\"aside\"").count(), 2, "one is set aside, and the last is suspect");
    let months = page.split("<table class=\"small\">").nth(1).unwrap().matches("<th scope=\"row\">").count();
    assert_eq!(months, 12);
    let pages = place.pages();
    assert_eq!(pages.keys().filter(|name| name.starts_with("h/e/")).count(), 10);
    assert!(pages["h/index.html"].contains("Guests by machines"));
}

#[test]
fn every_page_parses_without_an_error_is_small_and_every_link_leads_somewhere() {
    let many = years(45, 1095);
    let hostile = hostile();
    for place in [small(), many, hostile] {
        place.publish();
        let pages = place.pages();
        for (name, page) in &pages {
            assert!(page.len() < LARGEST, "{name}: {} bytes", page.len());
            let dom = html5ever::parse_document(RcDom::default(), Default::default()).one(page.as_str());
            assert!(dom.errors.borrow().is_empty(), "{name}: {:?}", dom.errors.borrow());
            let folder = place.root().join(name).parent().unwrap().to_owned();
            for link in page.split(" href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
                if link.starts_with("https://example.org/c/") {
                    continue;
                }
                let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
                let of = if file.is_empty() { place.root().join(name) } else { folder.join(file) };
                let text = fs::read_to_string(&of).unwrap_or_else(|e| panic!("{name}: {link}: {e}"));
                assert!(anchor.is_empty() || text.contains(&format!("id=\"{anchor}\"")), "{name}: {link}");
            }
        }
    }
}

#[test]
fn a_picture_has_at_most_four_hundred_points_and_its_extremes() {
    let place = years(8, 1095);
    place.publish();
    let page = place.only("h/g/");
    for figure in page.split("<figure ").skip(1) {
        let dots = figure.split("<path class=\"dot many\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        let drawn = dots.matches('z').count() + figure.matches("class=\"aside\"").count();
        assert!((200..=400).contains(&drawn), "{drawn}");
    }
    assert_eq!(page.matches("class=\"aside\"").count(), 2, "the spikes of two series");
}

#[test]
fn hostile_names_are_shown_and_do_nothing() {
    let place = hostile();
    place.publish();
    for (name, page) in place.pages() {
        assert!(!page.contains("<script"), "{name}");
        // A quote from outside would end a value of an attribute.
        assert!(
            (name == "index.html" || page.contains("onload="))
                && !page.contains("\" onload=")
                && !page.contains("\"' onload="),
            "{name}"
        );
    }
    for folder in ["h/s", "h/e"] {
        for path in fs::read_dir(place.root().join(folder)).unwrap().map(|e| e.unwrap().path()) {
            if path.extension().is_some_and(|e| e == "csv") {
                let text = fs::read_to_string(&path).unwrap();
                assert!(!text.contains(",=") && !text.contains(",\"=") && !text.contains(",@"), "{text}");
            }
        }
    }
}

#[test]
fn pages_are_replaced_in_one_step_and_an_empty_lake_has_its_page() {
    let place = Place::new();
    assert_eq!(place.publish().series, 0);
    assert!(place.text("h/index.html").contains("no series"));
    let full = small();
    fs::create_dir_all(place.root().join("h/old")).unwrap();
    let site = Site::open(&place.root(), &Kept::default(), 1, &mut || {}).unwrap();
    site.put_history(&full.read()).unwrap();
    site.finish().unwrap();
    assert!(!place.root().join("h/old").exists());
    assert!(place.text("h/index.html").contains("3 series with 120 points"));
}
