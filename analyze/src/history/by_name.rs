//! What the name of a file or folder says of the results in it.

use super::{Told, moment};
use crate::AnalyzeError;
use std::path::Path;

/// What a pattern may ask for.
const WORDS: [&str; 4] = ["time", "commit", "build", "machine"];

/// A piece of a pattern.
enum Piece<'a> {
    /// Text as it stands.
    Text(&'a str),
    /// A word of [`WORDS`], or `*`: anything.
    Word(&'a str),
}

/// What a pattern such as `{machine}-{time}-{commit}.json` makes of a name, beside what was said by flags, which wins. `*` stands for
/// anything; a word for the shortest text up to what follows it.
///
/// # Errors
/// A pattern with an unknown word, or with two words side by side; a name that is not of the pattern; a time that is none.
pub fn told_by_name(pattern: &str, path: &Path, told: &Told) -> Result<Told, AnalyzeError> {
    let no = |why: String| AnalyzeError::Option(format!("--names {}: {why}", edge::quoted(pattern)));
    let pieces = pieces(pattern).map_err(no)?;
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let found = matched(&pieces, &name)
        .ok_or_else(|| no(format!("{} is not called so", edge::quoted(&path.display().to_string()))))?;
    let mut out = told.clone();
    for (word, text) in found {
        let said = Some(text.to_owned());
        match word {
            "time" if out.at.is_none() => {
                let at = time(text).ok_or_else(|| {
                    let text = edge::quoted(text);
                    no(format!(
                        "{text} in {} is no time, such as 2026-11-29 or 20261129T220000Z",
                        edge::quoted(&name)
                    ))
                })?;
                out.at = Some(at);
            }
            "commit" => out.commit = out.commit.or(said),
            "build" => out.build = out.build.or(said),
            "machine" => out.machine = out.machine.or(said),
            _ => {}
        }
    }
    Ok(out)
}

fn pieces(pattern: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut out: Vec<Piece<'_>> = Vec::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '*']) {
        let (text, from) = rest.split_at(at);
        if !text.is_empty() {
            out.push(Piece::Text(text));
        }
        let (word, behind) = match from.strip_prefix('*') {
            Some(behind) => ("*", behind),
            None => from.get(1..).and_then(|from| from.split_once('}')).ok_or("a { without its }")?,
        };
        if word != "*" && !WORDS.contains(&word) {
            return Err(format!("{{{word}}} is not understood; there are {{{}}}", WORDS.join("}, {")));
        }
        if let Some(Piece::Word(before)) = out.last() {
            return Err(format!("nothing tells where {before} ends and {word} begins"));
        }
        out.push(Piece::Word(word));
        rest = behind;
    }
    if !rest.is_empty() {
        out.push(Piece::Text(rest));
    }
    Ok(out)
}

/// The text of each word, each as short as it may be.
fn matched<'a>(pieces: &[Piece<'a>], name: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let Some((first, rest)) = pieces.split_first() else { return name.is_empty().then(Vec::new) };
    match first {
        Piece::Text(text) => matched(rest, name.strip_prefix(text)?),
        Piece::Word(word) => {
            let ends = name.char_indices().map(|(at, _)| at).skip(1).chain([name.len()]);
            ends.filter(|end| *end > 0).find_map(|end| {
                let (text, behind) = name.split_at_checked(end)?;
                let mut found = matched(rest, behind)?;
                found.insert(0, (*word, text));
                Some(found)
            })
        }
    }
}

/// A time as names have it: also without its dashes, which elsewhere are seconds.
fn time(text: &str) -> Option<i64> {
    let is_day = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    let day = || Some(format!("{}-{}-{}", text.get(..4)?, text.get(4..6)?, text.get(6..)?));
    if is_day { moment(&day()?) } else { moment(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str, name: &str) -> Result<Told, String> {
        told_by_name(pattern, Path::new(name), &Told::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_name_tells_time_commit_build_and_machine() {
        for time in ["20261129", "2026-11-29", "20261129T000000Z", "1795910400"] {
            let told = of("{machine}_{time}_{commit}.*", &format!("x/host-a_{time}_3f2a91c.json")).unwrap();
            let want = Told {
                machine: Some("host-a".into()),
                commit: Some("3f2a91c".into()),
                at: Some(1_795_910_400),
                ..Told::default()
            };
            assert_eq!(told, want, "{time}");
        }
        assert_eq!(of("*-v{build}", "qemu-a-v8.1").unwrap().build.as_deref(), Some("8.1"));
    }

    #[test]
    fn flags_win_and_what_does_not_fit_is_refused() {
        let told = Told { commit: Some("said".into()), ..Told::default() };
        let found = told_by_name("{commit}", Path::new("x"), &told).unwrap();
        assert_eq!(found.commit.as_deref(), Some("said"));
        for (pattern, name, why) in [
            ("{time}", "soon", "'soon' in 'soon' is no time"),
            ("{when}", "x", "{when} is not understood; there are {time}, {commit}"),
            ("{time}{commit}", "x", "nothing tells where time ends and commit begins"),
            ("{time", "x", "a { without its }"),
            ("{commit}.json", "x.csv", "'x.csv' is not called so"),
            ("{commit}", "", "is not called so"),
        ] {
            let error = of(pattern, name).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
