//! What an entry of a site is: whose data it holds, who may replace it, and what dates it may have.
use crate::common;

use common::scenarios;
use report::site::{Added, Checks, Content, Kept, Labelled, Signatures, Site, SiteError, Unsigned};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::sync::Barrier;
use std::time::Duration;
use tempfile::TempDir;

/// 2026-01-01.
const NOW: i64 = 1_767_225_600;
const DAY: i64 = 86_400;

/// Signatures that a principal made, and that hold.
struct By(&'static str);

impl Signatures for By {
    fn sign(&self, _: &[u8]) -> Option<Result<Vec<u8>, String>> {
        Some(Ok(self.0.as_bytes().to_vec()))
    }

    fn verify(&self, _: &[u8], _: &[u8]) -> Option<Result<String, String>> {
        Some(Ok(self.0.to_owned()))
    }
}

/// A signature that nobody checked.
struct Unchecked;

impl Signatures for Unchecked {
    fn sign(&self, _: &[u8]) -> Option<Result<Vec<u8>, String>> {
        Some(Ok(b"of somebody".to_vec()))
    }

    fn verify(&self, _: &[u8], _: &[u8]) -> Option<Result<String, String>> {
        None
    }
}

/// How a result is published.
#[derive(Clone, Copy)]
struct How<'a> {
    by: &'a dyn Signatures,
    checks: Checks,
    machine: &'a str,
    measured: i64,
}

const PLAIN: How<'static> = How { by: &Unsigned, checks: Checks::None, machine: "m1", measured: NOW - DAY };

/// Published with allowed signers, by a principal.
fn by(signer: &By) -> How<'_> {
    How { by: signer, checks: Checks::Made, ..PLAIN }
}

struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("site")
    }

    /// Publishes a result whose only file holds the text; gives the name of its entry.
    fn publish(&self, text: &str, how: How<'_>) -> Result<String, SiteError> {
        Ok(self.add(text, how, None)?.entry.id)
    }

    /// Publishes a result, compared with a baseline that somebody else may have signed.
    fn add(&self, text: &str, how: How<'_>, baseline: Option<&dyn Signatures>) -> Result<Added, SiteError> {
        let result = self.0.path().join("result");
        fs::create_dir_all(&result).unwrap();
        fs::write(result.join("file"), text).unwrap();
        let site =
            Site::open(&self.root(), &Kept { checks: how.checks, ..Kept::default() }, NOW, &mut || {})?;
        let mut stage = site.stage()?;
        if let Some(by) = baseline {
            stage.take_baseline(&result, 1 << 20, by)?;
        }
        let mut comparison = scenarios::netperf();
        comparison.a.path = stage.take(&result, 1 << 20, how.by)?.display().to_string();
        for side in std::iter::once(&mut comparison.a).chain(&mut comparison.b) {
            side.date_unix = Some(how.measured);
        }
        let labelled = Labelled { machine: Some(how.machine.into()), now: NOW, ..Labelled::default() };
        let added = site.add(stage, Content::Comparison(Box::new(comparison), Vec::new()), &labelled)?;
        assert_eq!(site.finish()?.1, Vec::<String>::new());
        Ok(added)
    }

    #[track_caller]
    fn refuses(&self, text: &str, how: How<'_>, said: &str) {
        let error = self.publish(text, how).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }

    fn entry(&self, id: &str) -> Value {
        serde_json::from_slice(&fs::read(self.root().join("r").join(id).join("entry.json")).unwrap()).unwrap()
    }

    fn entries(&self) -> usize {
        fs::read_dir(self.root().join("r")).unwrap().count()
    }
}

#[test]
fn two_results_whose_hashes_begin_alike_are_two_entries() {
    let place = Place::new();
    let first = place.publish("x", PLAIN).unwrap();
    // What is there becomes another result whose hash begins with the same digits.
    let mut entry = place.entry(&first);
    let other = format!("{}{}", &entry["samples"].as_str().unwrap()[..12], "f".repeat(52));
    entry["samples"] = other.clone().into();
    fs::write(place.root().join("r").join(&first).join("entry.json"), entry.to_string()).unwrap();
    let second = place.publish("x", PLAIN).unwrap();
    assert_eq!(place.entries(), 2);
    assert_eq!(place.entry(&first)["samples"], other.as_str(), "what was there is still there");
    assert!(second.len() > first.len() && second.starts_with(&first), "{first} {second}");
    assert_eq!(place.publish("x", PLAIN).unwrap(), second, "the same data replace their own entry");
    assert_eq!(place.entries(), 2);
    let read = |name: &str| fs::read_to_string(place.root().join(name)).unwrap();
    for page in [read("index.html"), read("feed.xml")] {
        for id in [&first, &second] {
            assert!(page.contains(&format!("r/{id}/")), "{id} is missing in {page}");
        }
    }
}

#[test]
fn a_signed_entry_is_replaced_by_its_own_signer_only() {
    let place = Place::new();
    let (ann, eve) = (By("ann@lab"), By("eve@lab"));
    let id = place.publish("x", by(&ann)).unwrap();
    let said = "holds the same data signed by ann@lab, and this result is signed by eve@lab; give it with";
    place.refuses("x", How { machine: "m2", ..by(&eve) }, said);
    let unchecked = How { by: &Unchecked, checks: Checks::Waived, ..PLAIN };
    place.refuses("x", unchecked, "who signed this result was not checked");
    place.refuses("x", How { by: &Unsigned, ..unchecked }, "signed by ann@lab, and this result has none");
    assert_eq!(place.entry(&id)["data"][0]["signer"], "ann@lab");
    let again = place.add("x", by(&ann), None).unwrap();
    assert_eq!(again.entry.id, id);
    assert_eq!(again.replaced.unwrap().id, id, "what was replaced is told");
}

#[test]
fn a_signature_is_never_replaced_by_none() {
    let place = Place::new();
    let id = place.publish("x", How { by: &Unchecked, ..PLAIN }).unwrap();
    place.refuses("x", PLAIN, "this result has none");
    assert_eq!(place.entry(&id)["data"][0]["signed"], true);
}

#[test]
fn a_machine_belongs_to_the_signer_who_published_it_first() {
    let place = Place::new();
    let (ann, eve) = (By("ann@lab"), By("eve@lab"));
    let (ann, eve) = (by(&ann), by(&eve));
    assert!(place.add("x", ann, None).unwrap().replaced.is_none());
    place.publish("y", ann).unwrap();
    place.refuses("z", eve, "ann@lab");
    place.refuses("z", How { machine: " M1\u{200b}", ..eve }, "ann@lab");
    place.publish("z", How { machine: "m2", ..eve }).unwrap();
    place.refuses("w", How { machine: "m2", ..ann }, "the machine 'm2' is that of eve@lab, who signed ");
    place.refuses("x", How { machine: "m2", ..ann }, "is that of eve@lab");
    assert_eq!(place.entries(), 3);
    // Comparing with the results of others gives neither of them the machine of the other.
    place.add("v", How { machine: "m2", ..eve }, Some(&By("ann@lab"))).unwrap();
    let error = place.add("u", How { machine: "m2", ..ann }, Some(&By("eve@lab"))).unwrap_err().to_string();
    assert!(error.contains("is that of eve@lab"), "{error}");
    // What nobody names is nobody's.
    for (text, how) in [("s", ann), ("t", eve)] {
        place.publish(text, How { machine: "unknown machine", ..how }).unwrap();
    }
}

#[test]
fn a_site_remembers_that_it_asks_for_signatures() {
    let place = Place::new();
    let ann = By("ann@lab");
    let settings = || fs::read_to_string(place.root().join("site.json")).unwrap();
    place.publish("w", How { machine: "old", ..PLAIN }).unwrap();
    assert!(!settings().contains("signers") && settings().contains("\"format\": 1"), "{}", settings());
    place.publish("x", by(&ann)).unwrap();
    // An older perfvt, which would not ask, refuses a site of this format.
    assert!(settings().contains("\"signers\": true") && settings().contains("\"format\": 2"));
    place.refuses("y", PLAIN, "asks for signatures: it was published to with --allowed-signers");
    place.refuses("y", How { by: &Unchecked, ..PLAIN }, "asks for signatures");
    assert_eq!(place.entries(), 2);
    place.publish("y", How { checks: Checks::Waived, ..PLAIN }).unwrap();
    place.refuses("z", PLAIN, "asks for signatures");
    // A site of a perfvt that did not remember: its entries tell, until its owner says otherwise.
    let without = settings().replace(",\n  \"signers\": true", "");
    assert!(!without.contains("signers"), "{without}");
    fs::write(place.root().join("site.json"), &without).unwrap();
    place.refuses("z", PLAIN, "asks for signatures");
    fs::write(place.root().join("site.json"), settings().replace("true", "false")).unwrap();
    place.publish("z", PLAIN).unwrap();
    assert!(settings().contains("\"signers\": false") && settings().contains("\"format\": 1"));
}

#[test]
fn a_result_of_the_future_is_refused_and_one_of_tonight_elsewhere_is_not() {
    let place = Place::new();
    place.refuses("x", How { measured: NOW + DAY + 1, ..PLAIN }, "2026-01-02 00:00 UTC");
    place.refuses("x", How { measured: i64::MAX, ..PLAIN }, "a clock was wrong");
    assert!(place.publish("x", How { measured: NOW + DAY, ..PLAIN }).unwrap().starts_with("20260102-"));
}

#[test]
fn the_newest_entries_of_each_machine_stay_and_older_ones_go_with_their_lines_in_the_index() {
    let place = Place::new();
    let add = |text: &str, machine, days: i64| {
        place.publish(text, How { machine, measured: NOW - days * DAY, ..PLAIN }).unwrap()
    };
    let old = [add("1", "one", 9), add("2", "one", 8)];
    let stays = [add("3", "one", 2), add("4", "one", 1), add("5", "two", 30)];
    let site = Site::open(&place.root(), &Kept::default(), NOW, &mut || {}).unwrap();
    let removed: Vec<String> = site.keep(2).unwrap().into_iter().map(|entry| entry.id).collect();
    assert_eq!(removed, [old[1].clone(), old[0].clone()]);
    assert!(site.keep(2).unwrap().is_empty());
    assert_eq!(site.finish().unwrap().0, 3);
    let index = fs::read_to_string(place.root().join("index.html")).unwrap();
    assert!(stays.iter().all(|id| index.contains(id)) && !old.iter().any(|id| index.contains(id)), "{index}");
    assert_eq!(place.entries(), 3);
    let hidden =
        fs::read_dir(place.root()).unwrap().filter(|e| e.as_ref().unwrap().path().join("out").exists());
    assert_eq!(hidden.count(), 0, "nothing is left of what was removed");
}

#[test]
fn a_date_from_before_2000_is_none() {
    let place = Place::new();
    for (text, measured) in [("x", 0), ("y", -5), ("z", 946_684_799)] {
        let id = place.publish(text, How { measured, ..PLAIN }).unwrap();
        assert!(id.starts_with("undated-"), "{id}");
        assert_eq!(place.entry(&id)["measured_unix"], Value::Null);
    }
}

#[test]
fn publishers_that_make_one_site_at_the_same_moment_all_find_it_theirs() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..200 {
        let root = dir.path().join(round.to_string());
        let together = Barrier::new(8);
        let one = &|after: u64| {
            together.wait();
            std::thread::sleep(Duration::from_micros(after));
            Site::open(&root, &Kept::default(), NOW, &mut || {}).map(drop)
        };
        std::thread::scope(|scope| {
            // Spread over the time that making one takes.
            let delays = [0, 1, 2, 3, 5, 7, 11, 13].map(|i| (i * 271 + round * 97) % 600);
            for thread in delays.map(|after| scope.spawn(move || one(after))) {
                thread.join().unwrap().unwrap();
            }
        });
    }
}
