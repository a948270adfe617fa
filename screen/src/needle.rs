//! openQA's needles as they are: a JSON file that says what to look at, and a PNG of the same name that shows it.
//!
//! ```json
//! {"area": [{"xpos": 10, "ypos": 20, "width": 300, "height": 40, "type": "match", "match": 96, "margin": 50,
//!            "click_point": "center"}],
//!  "properties": [], "tags": ["login"]}
//! ```
//!
//! An area is looked for (`match`), not looked at (`exclude`), or read (`ocr`, with its text as `refstr`). All areas that are
//! looked for or read must be there. Numbers may be written as text, as Perl does.

use crate::picture::{Picture, PictureError, Rect};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// How similar an area must be, in percent, unless it says otherwise.
const MATCH: f64 = 96.0;
/// How far it may have moved.
const MARGIN: u32 = 50;
/// The largest JSON of a needle.
pub(crate) const LARGEST_JSON: u64 = 256 << 10;
/// Areas of a needle at most.
const MOST_AREAS: usize = 256;
/// Characters of texts that are compared.
pub(crate) const LONGEST_TEXT: usize = 2000;
/// The longest name of a needle that is written.
const LONGEST_NAME: usize = 100;

/// What is done with an area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is looked for.
    Match,
    /// It is not looked at.
    Exclude,
    /// Its text is read, and is this one.
    Ocr(String),
}

/// A part of a needle's picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Area {
    /// Where it is.
    pub rect: Rect,
    /// What is done with it.
    pub kind: Kind,
    /// How similar it must be, 0 to 1.
    pub needed: f64,
    /// How many pixels it may have moved to each side.
    pub margin: u32,
    /// Where it is clicked, from its upper left corner.
    pub click: Option<(u32, u32)>,
}

/// A needle, without its picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Needle {
    /// Its name: that of its file.
    pub name: String,
    /// Its areas, in their order.
    pub areas: Vec<Area>,
    /// What it is looked for by.
    pub tags: Vec<String>,
    /// Words about it, such as `workaround`.
    pub properties: Vec<String>,
    /// Its picture.
    pub picture: PathBuf,
}

/// A needle that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NeedleError {
    /// A file cannot be read or written.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// It says nothing that can be looked for.
    #[error("the needle {}: {why}", path.display())]
    Wrong {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Its picture is none.
    #[error("the picture {} of a needle: {source}", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// Why.
        source: PictureError,
    },
    /// There is none of that tag.
    #[error("no needle has the tag {tag}{near}; {count} needles were read")]
    Tag {
        /// The tag, quoted.
        tag: String,
        /// One that may have been meant.
        near: String,
        /// How many there are.
        count: usize,
    },
}

impl Needle {
    /// Reads the JSON of a needle whose picture is at this path.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(name: &str, text: &str, picture: &Path) -> Result<Needle, String> {
        let told: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let areas = told.get("area").and_then(Value::as_array).ok_or("it has no list \"area\"")?;
        if areas.len() > MOST_AREAS {
            return Err(format!("it has {} areas, at most {MOST_AREAS} are taken", areas.len()));
        }
        let areas = areas
            .iter()
            .enumerate()
            .map(|(at, told)| area(told).map_err(|why| format!("area {}: {why}", at + 1)));
        let areas: Vec<Area> = areas.collect::<Result<_, _>>()?;
        if areas.iter().all(|area| area.kind == Kind::Exclude) {
            return Err("no area is looked for (\"type\": \"match\" or \"ocr\")".into());
        }
        let words = |key: &str| {
            let list = told.get(key).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(|word| word.as_str().or_else(|| word.get("name")?.as_str()))
                .map(|word| edge::text::cut(&edge::visible(word)))
                .collect()
        };
        Ok(Needle {
            name: edge::visible(name).into_owned(),
            areas,
            tags: words("tags"),
            properties: words("properties"),
            picture: picture.to_owned(),
        })
    }

    /// Writes a needle into a folder, which is there: NAME.json and NAME.png.
    ///
    /// # Errors
    /// The name has other characters than letters, digits, `.`, `_` and `-`; no area is looked for or one is not in the
    /// picture; a file cannot be written.
    pub fn write(
        dir: &Path,
        name: &str,
        picture: &Picture,
        areas: &[Area],
        tags: &[String],
    ) -> Result<Needle, NeedleError> {
        let path = dir.join(format!("{name}.json"));
        let wrong = |why: String| NeedleError::Wrong { path: dir.join(edge::quoted(name).to_string()), why };
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.len() > LONGEST_NAME || name.starts_with('.') || !name.chars().all(plain) {
            return Err(wrong(
                "a name has letters, digits, '.', '_' and '-', and does not begin with '.'".into(),
            ));
        }
        if let Some(area) = areas.iter().find(|area| !picture.holds(&area.rect)) {
            return Err(wrong(format!("{} is not within {picture:?}", shown(&area.rect))));
        }
        let text = format!(
            "{:#}\n",
            json!({
                "area": areas.iter().map(told).collect::<Vec<_>>(), "properties": [], "tags": tags,
            })
        );
        let image = dir.join(format!("{name}.png"));
        let needle = Needle::parse(name, &text, &image).map_err(wrong)?;
        let bytes =
            picture.encode().map_err(|source| NeedleError::Picture { path: image.clone(), source })?;
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| NeedleError::Io { doing: "writing", path, source }
        };
        // The picture first: whoever sees the JSON finds both.
        edge::write_atomically(&image, &bytes).map_err(io(&image))?;
        edge::write_atomically(&path, text.as_bytes()).map_err(io(&path))?;
        Ok(needle)
    }
}

/// An area of JSON.
fn area(told: &Value) -> Result<Area, String> {
    let number = |key: &str| {
        let value = told.get(key)?;
        value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number| number.is_finite())
    };
    // A selection that was dragged beyond the edge begins at -1.
    let side = |key: &str| -> Result<u32, String> {
        let number = number(key).ok_or_else(|| format!("it has no number {key:?}"))?;
        Ok(number.round().clamp(0.0, f64::from(u32::MAX)) as u32)
    };
    let rect = Rect { x: side("xpos")?, y: side("ypos")?, width: side("width")?, height: side("height")? };
    if rect.width == 0 || rect.height == 0 {
        return Err("it has no pixel".into());
    }
    let text = || told.get("refstr").and_then(Value::as_str).unwrap_or_default();
    let kind = match told.get("type").and_then(Value::as_str) {
        None | Some("match") => Kind::Match,
        Some("exclude") => Kind::Exclude,
        Some("ocr") => Kind::Ocr(text().chars().take(LONGEST_TEXT).collect()),
        Some(other) => return Err(format!("{} is no type: match, exclude or ocr", edge::quoted(other))),
    };
    let margin = number("margin").map_or(MARGIN, |margin| margin.clamp(0.0, 8192.0) as u32);
    Ok(Area {
        rect,
        kind,
        needed: number("match").unwrap_or(MATCH).clamp(0.0, 100.0) / 100.0,
        margin,
        click: told.get("click_point").and_then(|point| click(point, &rect)),
    })
}

/// Where an area is clicked: `center`, or xpos and ypos within it.
fn click(told: &Value, rect: &Rect) -> Option<(u32, u32)> {
    if told.as_str() == Some("center") {
        return Some((rect.width / 2, rect.height / 2));
    }
    let of = |key: &str, side: u32| {
        let number = told.get(key)?.as_f64()?;
        Some((number.round().max(0.0) as u32).min(side.saturating_sub(1)))
    };
    Some((of("xpos", rect.width)?, of("ypos", rect.height)?))
}

/// An area as JSON.
fn told(area: &Area) -> Value {
    let kind = match &area.kind {
        Kind::Match => "match",
        Kind::Exclude => "exclude",
        Kind::Ocr(_) => "ocr",
    };
    let Rect { x, y, width, height } = area.rect;
    let mut told = json!({"xpos": x, "ypos": y, "width": width, "height": height, "type": kind});
    let mut add = |key: &str, value: Value| {
        if let Some(members) = told.as_object_mut() {
            members.insert(key.into(), value);
        }
    };
    if area.kind != Kind::Exclude {
        add("match", json!((area.needed * 1000.0).round() / 10.0));
        add("margin", json!(area.margin));
    }
    if let Kind::Ocr(text) = &area.kind {
        add("refstr", json!(text));
    }
    if let Some((x, y)) = area.click {
        add("click_point", json!({"xpos": x, "ypos": y}));
    }
    told
}

/// A rectangle for people.
pub(crate) fn shown(rect: &Rect) -> String {
    format!("{},{},{},{}", rect.x, rect.y, rect.width, rect.height)
}

#[cfg(test)]
#[path = "needle_tests.rs"]
mod tests;
