//! What a screen says: text of a serial console, of a VGA, of a picture; and needles on it.

use super::cast::Cast;
use super::cut::Cut;
use edge::text::cut;
use edge::{quoted, quoted_end};
use model::Failure;
use model::drive::Record;
use process::deadlines::HOST_ANSWER;
use regex::Regex;
use screen::look::{Outcome, Ready};
use screen::needle::{Area, Kind, NeedleError};
use screen::search::Scene;
use screen::{Needle, Needles, Picture, Rect, mask};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often a screen is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How far two shots are from one another of which a mask is learnt: a clock with seconds changes meanwhile.
const APART: Duration = Duration::from_millis(1300);
/// The program that reads pictures.
const READER: &str = "tesseract";
/// Where pictures of a step go, in the folder of what is written, and needles that are made.
const SCREENS: &str = "screens";
const NEEDLES: &str = "needles";
/// How similar an area must be of a needle that is made here, and how far it may have moved.
const MATCH: f64 = 0.96;
const MARGIN: u32 = 50;

/// A picture of the screen, which is kept among its frames.
pub(super) fn shot(cast: &mut Cast<'_>, place: usize) -> Result<Picture, Failure> {
    let picture = cast.running(place)?.shot().map_err(|error| {
        let reason = error.failure().reason;
        Failure::tool(format!("{reason}; a guest has a screen with display=vga"))
    })?;
    if let Some(sight) = cast.sights.get_mut(place) {
        sight.frame(&picture);
    }
    Ok(picture)
}

/// Waits until the screen says something.
pub(super) fn wait_for_text(
    cast: &mut Cast<'_>,
    place: usize,
    regex: &Regex,
    deadline: Duration,
    record: &mut Record,
) -> Result<(), Failure> {
    let what = format!("nothing on the screen matched '{}'", cut(regex.as_str()));
    let mut looked: Option<Instant> = None;
    let mut seen = String::new();
    record.output = cast.wait(&what, deadline, |cast, _| {
        if looked.is_some_and(|at| at.elapsed() < LOOK) {
            return Ok(Err(seen.clone()));
        }
        looked = Some(Instant::now());
        let texts = texts(cast, place, regex)?;
        if let Some(line) =
            texts.iter().find_map(|(_, text)| text.as_deref().ok().and_then(|t| met(regex, t)))
        {
            return Ok(Ok(line));
        }
        let told = texts.iter().map(|(source, text)| match text {
            Ok(text) if text.is_empty() => format!("{source} shows nothing"),
            Ok(text) => format!("{source} ends with {}", quoted_end(text)),
            Err(why) => format!("{source}: {why}"),
        });
        seen = told.collect::<Vec<_>>().join("; ");
        Ok(Err(seen.clone()))
    })?;
    Ok(())
}

/// The line of a text that matches, or all of it.
fn met(regex: &Regex, text: &str) -> Option<String> {
    let line = text.lines().find(|line| regex.is_match(line));
    line.map(edge::visible)
        .map(String::from)
        .or_else(|| regex.is_match(text).then(|| edge::text::visible_lines(text).into()))
}

type Text = (&'static str, Result<String, String>);

/// What there is to read, the exact first; nothing more behind what matches.
fn texts(cast: &mut Cast<'_>, place: usize, regex: &Regex) -> Result<Vec<Text>, Failure> {
    let log = cast.running(place)?.console().to_owned();
    let mut texts: Vec<Text> = Vec::new();
    if let Some(sight) = cast.sights.get_mut(place) {
        let text = sight.serial(&log).map_err(|error| error.to_string());
        let found = text.as_deref().is_ok_and(|text| met(regex, text).is_some());
        texts.push(("the serial console", text));
        if found {
            return Ok(texts);
        }
    }
    if let Some(text) = vga(cast, place)? {
        texts.push(("the VGA", Ok(text)));
    } else if let Ok(picture) = shot(cast, place) {
        let text = match cast.sights.get_mut(place).and_then(|sight| sight.text.take()) {
            Some((last, text)) if last == picture => text,
            _ => ocr(&picture),
        };
        if let Some(sight) = cast.sights.get_mut(place) {
            sight.text = Some((picture, text.clone()));
        }
        texts.push(("the picture", text));
    }
    Ok(texts)
}

/// The text of a VGA.
pub(super) fn vga(cast: &mut Cast<'_>, place: usize) -> Result<Option<String>, Failure> {
    let text = cast.running(place)?.vga_text().map_err(|error| error.failure())?;
    Ok(text.map(|text| text.text()))
}

/// Reads a picture by tesseract, where it is installed.
pub(super) fn ocr(picture: &Picture) -> Result<String, String> {
    let read = || -> Result<String, String> {
        let folder = process::private_folder().map_err(|error| error.to_string())?;
        let file = folder.path().join("screen.png");
        let bytes = picture.encode().map_err(|error| error.to_string())?;
        edge::write::write(&file, bytes).map_err(|error| error.to_string())?;
        let spec = process::Spec::new(READER).arg(file).args(["stdout", "--psm", "6"]);
        let text = process::run(spec, HOST_ANSWER).map_err(|error| error.to_string())?;
        Ok(String::from_utf8_lossy(&text).trim().to_owned())
    };
    read().map_err(|why| format!("no text is read of pictures: {why}"))
}

/// The needles of a drive: of the folders that it was given, and those that it has made.
fn needles(cast: &Cast<'_>) -> Result<Needles, Failure> {
    let own = cast.written_at(Path::new(NEEDLES));
    let folders: Vec<&PathBuf> =
        cast.places.needles.iter().chain([&own]).filter(|dir| dir.is_dir()).collect();
    if folders.is_empty() {
        return Err(Failure::tool(
            "there are no needles: give their folder with --needles DIR, or make some by needle_from",
        ));
    }
    Needles::read_all(folders.into_iter().map(PathBuf::as_path)).map_err(wrong)
}

fn wrong(error: NeedleError) -> Failure {
    Failure::tool(error.to_string())
}

/// What was seen of all needles of a tag on one picture.
struct Look {
    picture: Picture,
    outcomes: Vec<Outcome>,
}

impl Look {
    fn there(&self) -> Option<&Outcome> {
        self.outcomes.iter().find(|outcome| outcome.is_there)
    }

    /// The one that lacks least.
    fn nearest(&self) -> Option<&Outcome> {
        let lacks = |outcome: &Outcome| outcome.worst.needed - outcome.worst.similarity;
        self.outcomes.iter().min_by(|a, b| lacks(a).total_cmp(&lacks(b)))
    }

    /// What a nearest one says.
    fn told(&self) -> String {
        let Some(nearest) = self.nearest() else { return String::new() };
        let worst = &nearest.worst;
        let (is, needed) = (100.0 * worst.similarity, 100.0 * worst.needed);
        let why = worst.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        format!(
            "the nearest is {} with {is:.1} % of {needed:.1} % at {},{}{why}",
            quoted(&nearest.name),
            worst.place.x,
            worst.place.y
        )
    }
}

fn look(ready: &[Ready<'_>], picture: Picture) -> Look {
    let scene = Scene::new(&picture);
    let outcomes = ready.iter().map(|needle| needle.look(&picture, &scene, &mut ocr)).collect();
    Look { picture, outcomes }
}

/// Waits until a needle of a tag is on the screen, and gives where to click on it. When none comes, the screen and its difference
/// from the nearest one are written down.
pub(super) fn assert_screen(
    cast: &mut Cast<'_>,
    place: usize,
    (tag, line): (&str, usize),
    deadline: Duration,
    record: &mut Record,
) -> Result<(u32, u32), Failure> {
    let needles = needles(cast)?;
    let found = needles.tagged(tag).map_err(wrong)?;
    let ready: Vec<Ready<'_>> =
        found.into_iter().map(Ready::read).collect::<Result<_, _>>().map_err(wrong)?;
    let what = format!("no needle of {} was on the screen", quoted(tag));
    let mut last: Option<(Instant, Look)> = None;
    let done = cast.wait(&what, deadline, |cast, left| {
        if let Some((at, look)) = &last
            && at.elapsed() < LOOK
            && !left.is_zero()
        {
            return Ok(Err(look.told()));
        }
        let picture = shot(cast, place)?;
        let now = match last.take() {
            Some((_, look)) if look.picture == picture => look,
            _ => look(&ready, picture),
        };
        let told = now.told();
        let there = now.there().map(|outcome| (outcome.name.clone(), outcome.click));
        last = Some((Instant::now(), now));
        Ok(there.ok_or(told))
    });
    match (done, last) {
        (Ok((name, click)), _) => {
            record.output = name;
            Ok(click)
        }
        (Err(failure), Some((_, look))) if !cast.stopped() => {
            let written = write_down(cast, line, &look, &ready).unwrap_or_else(|why| why);
            Err(Failure::new(failure.code, format!("{}; {written}", failure.reason)))
        }
        (Err(failure), _) => Err(failure),
    }
}

/// Writes the screen and how it differs from the nearest needle, and says where.
fn write_down(cast: &Cast<'_>, line: usize, look: &Look, ready: &[Ready<'_>]) -> Result<String, String> {
    let folder = cast.written_at(Path::new(SCREENS));
    edge::write::create_directory(&folder)
        .map_err(|error| format!("writing {}: {error}", folder.display()))?;
    let write = |name: String, picture: &Picture| -> Result<String, String> {
        let path = folder.join(name);
        let bytes = picture.encode().map_err(|error| error.to_string())?;
        edge::write_atomically(&path, &bytes)
            .map_err(|error| format!("writing {}: {error}", path.display()))?;
        Ok(path.display().to_string())
    };
    let mut written = format!("the screen is {}", write(format!("step-{line}.png"), &look.picture)?);
    let nearest = look.nearest();
    let needle =
        nearest.and_then(|nearest| Some((nearest, ready.iter().find(|r| r.name() == nearest.name)?)));
    if let Some((nearest, needle)) = needle
        && let Ok(difference) = needle.difference(&look.picture, &nearest.worst)
    {
        let path = write(format!("step-{line}-difference.png"), &difference)?;
        written.push_str(&format!(", its difference from the needle {path}"));
    }
    Ok(written)
}

/// Looks once, and says what there is.
pub(super) fn check_screen(
    cast: &mut Cast<'_>,
    place: usize,
    tag: &str,
    record: &mut Record,
) -> Result<(), Failure> {
    let needles = needles(cast)?;
    let found = needles.tagged(tag).map_err(wrong)?;
    let ready: Vec<Ready<'_>> =
        found.into_iter().map(Ready::read).collect::<Result<_, _>>().map_err(wrong)?;
    let look = look(&ready, shot(cast, place)?);
    record.status = Some(i32::from(look.there().is_none()));
    record.output = match look.there() {
        Some(outcome) => format!("{} is there", quoted(&outcome.name)),
        None => format!("it is not there; {}", look.told()),
    };
    Ok(())
}

/// Makes a needle of a part of the screen. What changes within it by itself is not looked at.
pub(super) fn needle_from(
    cast: &mut Cast<'_>,
    place: usize,
    cut: &Cut,
    record: &mut Record,
) -> Result<(), Failure> {
    let Cut { rect, name, tags, without } = cut;
    let first = shot(cast, place)?;
    let until = Instant::now() + APART;
    cast.wait("the screen was not seen twice", 2 * APART, |_, _| {
        Ok(if Instant::now() >= until { Ok(()) } else { Err(String::new()) })
    })?;
    let second = shot(cast, place)?;
    let masks = mask::learn(&first, &second).map_err(Failure::tool)?;
    let area = |kind, rect| Area { rect, kind, needed: MATCH, margin: MARGIN, click: None };
    let own = without.iter().copied();
    let within: Vec<Rect> = masks.into_iter().chain(own).filter(|mask| mask.meets(rect)).collect();
    let mut areas = vec![area(Kind::Match, *rect)];
    areas.extend(within.iter().map(|mask| area(Kind::Exclude, *mask)));
    let folder = cast.written_at(Path::new(NEEDLES));
    edge::write::create_directory(&folder)
        .map_err(|error| Failure::tool(format!("making {}: {error}", folder.display())))?;
    let tags: Vec<String> = if tags.is_empty() { vec![name.clone()] } else { tags.clone() };
    let needle = Needle::write(&folder, name, &second, &areas, &tags).map_err(wrong)?;
    record.output =
        format!("{}, {} of it not looked at", needle.picture.display(), model::counted(within.len(), "part"));
    Ok(())
}
