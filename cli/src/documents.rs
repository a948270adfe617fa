//! The documents, which are part of the program: whoever has it alone reads them with `perfvt help NAME`.

use formats::perf_conf::closest;
use std::fmt::Write as _;

/// Every document by its name, which is that of its file in the folder docs.
const ALL: [(&str, &str); 49] = [
    ("start", include_str!("../../docs/start.md")),
    ("install", include_str!("../../docs/install.md")),
    ("how-to/old-results", include_str!("../../docs/how-to/old-results.md")),
    ("how-to/still-comparable", include_str!("../../docs/how-to/still-comparable.md")),
    ("how-to/gate-in-ci", include_str!("../../docs/how-to/gate-in-ci.md")),
    ("how-to/my-kernel", include_str!("../../docs/how-to/my-kernel.md")),
    ("how-to/my-image", include_str!("../../docs/how-to/my-image.md")),
    ("how-to/nested", include_str!("../../docs/how-to/nested.md")),
    ("how-to/two-nics", include_str!("../../docs/how-to/two-nics.md")),
    ("how-to/several-hosts", include_str!("../../docs/how-to/several-hosts.md")),
    ("how-to/nightly", include_str!("../../docs/how-to/nightly.md")),
    ("how-to/why-slower", include_str!("../../docs/how-to/why-slower.md")),
    ("how-to/publish-results", include_str!("../../docs/how-to/publish-results.md")),
    ("how-to/from-avocado-vt", include_str!("../../docs/how-to/from-avocado-vt.md")),
    ("seeds.csv", include_str!("../../docs/seeds.csv")),
    ("campaigns", include_str!("../../docs/campaigns.md")),
    ("causes", include_str!("../../docs/causes.md")),
    ("workloads", include_str!("../../docs/workloads.md")),
    ("migration", include_str!("../../docs/migration.md")),
    ("keys", include_str!("../../docs/keys.md")),
    ("scenarios", include_str!("../../docs/scenarios.md")),
    ("guests", include_str!("../../docs/guests.md")),
    ("cloud-images", include_str!("../../docs/cloud-images.md")),
    ("disks", include_str!("../../docs/disks.md")),
    ("offline", include_str!("../../docs/offline.md")),
    ("install-guests", include_str!("../../docs/install-guests.md")),
    ("networks", include_str!("../../docs/networks.md")),
    ("drive", include_str!("../../docs/drive.md")),
    ("screens", include_str!("../../docs/screens.md")),
    ("drive.py", include_str!("../../docs/drive.py")),
    ("host", include_str!("../../docs/host.md")),
    ("cartesian", include_str!("../../docs/cartesian.md")),
    ("statistics", include_str!("../../docs/statistics.md")),
    ("verdicts", include_str!("../../docs/verdicts.md")),
    ("perf-conf", include_str!("../../docs/perf-conf.md")),
    ("foreign-files", include_str!("../../docs/foreign-files.md")),
    ("builds", include_str!("../../docs/builds.md")),
    ("farm", include_str!("../../docs/farm.md")),
    ("bisect", include_str!("../../docs/bisect.md")),
    ("history", include_str!("../../docs/history.md")),
    ("publish", include_str!("../../docs/publish.md")),
    ("formats", include_str!("../../docs/formats.md")),
    ("compare.schema.json", include_str!("../../docs/compare.schema.json")),
    ("security", include_str!("../../docs/security.md")),
    ("demo", include_str!("../../docs/demo.md")),
    ("adding-a-workload", include_str!("../../docs/adding-a-workload.md")),
    ("architecture", include_str!("../../docs/architecture.md")),
    ("dependencies", include_str!("../../docs/dependencies.md")),
    ("soak", include_str!("../../docs/soak.md")),
];

/// Whether a document is for people to read, and no file that goes with one.
fn is_text(name: &str) -> bool {
    !name.contains('.')
}

/// The folder of tasks.
const HOW_TO: &str = "how-to/";

/// Their names.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.into_iter().map(|(name, _)| name)
}

/// A document by its name, also by that of its file and without its folder: `cartesian`, `docs/cartesian.md`, `nightly`.
pub fn find(name: &str) -> Option<&'static str> {
    let name = name.strip_prefix("docs/").unwrap_or(name);
    let stem = name.strip_suffix(".md").unwrap_or(name);
    let is = |known: &str| known == stem || known.strip_prefix(HOW_TO) == Some(stem);
    ALL.into_iter().find(|(known, _)| is(known)).map(|(_, text)| text)
}

/// The parts of documents whose heading has a word, each with the name of its document: `noise`, `gate`, `exit codes`.
pub fn parts(word: &str) -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    for (name, text) in ALL.into_iter().filter(|(name, _)| is_text(name)) {
        let meets = |(_, _, heading): &(usize, usize, &str)| has_words(heading, word);
        // A title speaks of the whole document, which is long: it counts where no heading below does.
        let below = headings(text).skip(1).any(|heading| meets(&heading));
        let mut after = 0;
        for (at, level, _) in headings(text).skip(usize::from(below)).filter(meets) {
            // What stands in a part that was found is found with it.
            if at >= after {
                let end = |(next, other, _): &(usize, usize, &str)| *next > at && *other <= level;
                after = headings(text).find(end).map_or(text.len(), |(end, _, _)| end);
                found.extend(text.get(at..after).map(|part| (name, part)));
            }
        }
    }
    found
}

/// The word of a heading that a word was probably meant to be.
pub fn nearest_word(word: &str) -> Option<&'static str> {
    let texts = ALL.into_iter().filter(|(name, _)| is_text(name));
    let words = texts.flat_map(|(_, text)| headings(text)).flat_map(|(_, _, heading)| heading.split(' '));
    let words = words.map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()));
    closest(word, words.filter(|word| word.len() > 3))
}

/// Every heading of a text with its place and level, but not the comments of shells in its examples.
fn headings(text: &str) -> impl Iterator<Item = (usize, usize, &str)> {
    let mut fenced = false;
    let lines = text.split_inclusive('\n').scan(0, |at, line| {
        let begin = *at;
        *at += line.len();
        Some((begin, line))
    });
    lines.filter_map(move |(at, line)| {
        fenced ^= line.starts_with("```");
        let heading = line.trim_start_matches('#');
        let level = line.len() - heading.len();
        (!fenced && level > 0 && heading.starts_with(' ')).then(|| (at, level, heading.trim()))
    })
}

/// Whether a heading has these words, one after the other, whatever their case.
fn has_words(heading: &str, words: &str) -> bool {
    let plain = |text: &str| -> Vec<String> {
        let of = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        text.split_whitespace().map(of).filter(|word| !word.is_empty()).collect()
    };
    let (heading, words) = (plain(heading), plain(words));
    !words.is_empty() && heading.windows(words.len()).any(|window| window == words)
}

/// A line for each, with its title.
pub fn list() -> String {
    let mut text = String::new();
    for (name, content) in ALL {
        let of_python = |line: &'static str| line.strip_prefix("\"\"\"")?.split(':').next();
        let title = content.lines().find_map(|line| line.strip_prefix("# ").or_else(|| of_python(line)));
        let untitled = match name.ends_with(".csv") {
            true => "What other tools can do, row by row, and where it is here",
            false => "the JSON schema of a comparison",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {name:24} {}", title.unwrap_or(untitled));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_document_of_the_folder_is_part_of_the_program() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let files = |below: &str| -> Vec<String> {
            let entries = std::fs::read_dir(folder.join(below)).unwrap().map(|entry| entry.unwrap());
            let files = entries.filter(|entry| entry.path().is_file());
            let names = files.map(|entry| entry.file_name().into_string().unwrap());
            let stem = |name: String| name.strip_suffix(".md").map_or(name.clone(), str::to_owned);
            // The summary is the book's list of these.
            names.map(stem).filter(|stem| stem != "SUMMARY").map(|stem| format!("{below}{stem}")).collect()
        };
        let mut there: Vec<String> = [files(""), files(HOW_TO)].concat();
        there.sort();
        let mut known: Vec<&str> = names().collect();
        known.sort_unstable();
        assert_eq!(there, known);
        for name in names().filter(|name| is_text(name)) {
            let text = std::fs::read_to_string(folder.join(format!("{name}.md"))).unwrap();
            assert_eq!(find(&format!("docs/{name}.md")), Some(text.as_str()), "{name}");
        }
        assert_eq!(find("nightly"), find("how-to/nightly.md"));
        assert_eq!((find("nothing"), find("docs/")), (None, None));
    }

    #[test]
    fn parts_of_documents_are_found_by_words_of_their_headings() {
        let names = |word: &str| parts(word).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        for word in ["networks", "noise", "gate", "exit codes", "leftovers", "a kernel of your own"] {
            assert!(!names(word).is_empty(), "{word}");
        }
        let (name, noise) = parts("Noise")[0];
        assert!(name == "host" && noise.starts_with("## Noise\n") && !noise.contains("\n## "), "{noise}");
        // A title is the whole document; a comment within an example is no heading.
        assert!(parts("networks").iter().any(|(_, text)| text.starts_with("## Networks\n")));
        assert_eq!(parts("gate").last().unwrap().1, find("verdicts").unwrap());
        assert_eq!((names("guests.cfg"), names(""), names("noi")), (vec![], vec![], vec![]));
    }
}
