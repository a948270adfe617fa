//! A needle looked for on a screen: whether it is there, where, and how far from it the nearest thing is.

use crate::difference;
use crate::needle::{Area, Kind, LONGEST_TEXT, Needle, NeedleError, shown};
use crate::picture::{Picture, PictureError, Rect};
use crate::search::{self, Piece, Scene};

/// The largest picture of one.
const LARGEST_PICTURE: u64 = 16 << 20;

/// A needle with its picture.
pub struct Ready<'a> {
    needle: &'a Needle,
    own: Picture,
    scene: Scene,
    excluded: Vec<Rect>,
    /// The same, as they are written: of what is read nothing is blurred.
    unread: Vec<Rect>,
}

/// Reads the text of a picture, or says why it cannot.
pub type Ocr<'a> = dyn FnMut(&Picture) -> Result<String, String> + 'a;

/// What was seen of a needle.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// Whether all of its areas are there.
    pub is_there: bool,
    /// The area that is farthest from what it needs.
    pub worst: Seen,
    /// Where to click: of the last area that says so, else the middle of the last one.
    pub click: (u32, u32),
}

/// What was seen of an area.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Where it is in its own picture.
    pub rect: Rect,
    /// Where it is most similar.
    pub place: Rect,
    /// How similar.
    pub similarity: f64,
    /// How similar it must be.
    pub needed: f64,
    /// Why it was not compared, or what was read instead.
    pub why: Option<String>,
}

impl Seen {
    fn lacks(&self) -> f64 {
        self.needed - self.similarity
    }
}

impl<'a> Ready<'a> {
    /// A needle with the picture of its file.
    ///
    /// # Errors
    /// The picture cannot be read or decoded.
    pub fn read(needle: &'a Needle) -> Result<Ready<'a>, NeedleError> {
        let path = needle.picture.clone();
        let bytes = edge::read(&path, LARGEST_PICTURE).map_err(|source| NeedleError::Io {
            doing: "reading the picture of a needle",
            path: path.clone(),
            source,
        })?;
        let own = Picture::decode(&bytes).map_err(|source| NeedleError::Picture { path, source })?;
        Ok(Ready::new(needle, own))
    }

    /// A needle with this picture.
    pub fn new(needle: &'a Needle, own: Picture) -> Ready<'a> {
        // The blur takes one pixel from beyond an area that is not looked at.
        let grown = |rect: &Rect| Rect {
            x: rect.x.saturating_sub(1),
            y: rect.y.saturating_sub(1),
            width: rect.width.saturating_add(1 + rect.x.min(1)),
            height: rect.height.saturating_add(1 + rect.y.min(1)),
        };
        let excluded = needle.areas.iter().filter(|area| area.kind == Kind::Exclude);
        let unread: Vec<Rect> = excluded.map(|area| area.rect).collect();
        let excluded = unread.iter().map(grown).collect();
        Ready { needle, scene: Scene::new(&own), own, excluded, unread }
    }

    /// The needle's name.
    pub fn name(&self) -> &str {
        &self.needle.name
    }

    /// Looks for it on a screen.
    pub fn look(&self, picture: &Picture, scene: &Scene, ocr: &mut Ocr<'_>) -> Outcome {
        let nowhere =
            Seen { rect: Rect::default(), place: Rect::default(), similarity: 0.0, needed: 1.0, why: None };
        let mut outcome = Outcome {
            name: self.needle.name.clone(),
            is_there: true,
            worst: Seen { similarity: f64::INFINITY, ..nowhere.clone() },
            click: (0, 0),
        };
        let mut clicks = false;
        for area in &self.needle.areas {
            let seen = match &area.kind {
                Kind::Exclude => continue,
                Kind::Match => self.search(area, scene),
                Kind::Ocr(text) => read(area, text, (picture, &self.unread), ocr),
            };
            outcome.is_there &= seen.lacks() <= 0.0;
            match area.click {
                Some((x, y)) => {
                    outcome.click = (seen.place.x.saturating_add(x), seen.place.y.saturating_add(y));
                    clicks = true;
                }
                None if !clicks => outcome.click = seen.place.middle(),
                None => {}
            }
            if seen.lacks() > outcome.worst.lacks() {
                outcome.worst = seen;
            }
        }
        outcome
    }

    fn search(&self, area: &Area, scene: &Scene) -> Seen {
        let piece = Piece { rect: area.rect, margin: area.margin, excluded: &self.excluded };
        let found = search::find(scene, &self.scene, &piece);
        let why = || {
            format!(
                "its area {} is not in its own picture ({:?}) or not on the screen, or all of it is excluded",
                shown(&area.rect),
                self.own
            )
        };
        Seen {
            rect: area.rect,
            place: found.map_or(area.rect, |found| found.place),
            similarity: found.map_or(0.0, |found| found.similarity),
            needed: area.needed,
            why: if found.is_none() { Some(why()) } else { None },
        }
    }

    /// How a screen differs from an area that was seen: see [`difference::draw`].
    ///
    /// # Errors
    /// The area is not in both.
    pub fn difference(&self, picture: &Picture, seen: &Seen) -> Result<Picture, PictureError> {
        difference::draw(&self.own, &seen.rect, picture, &seen.place, &self.excluded)
    }
}

/// Reads an area of the screen, without what is excluded of it.
fn read(area: &Area, text: &str, (picture, unread): (&Picture, &[Rect]), ocr: &mut Ocr<'_>) -> Seen {
    let blank = |mut cut: Picture| {
        // Letters are rarely in a corner.
        let ground = cut.pixel(cut.width() - 1, 0);
        for hole in unread.iter().filter_map(|hole| hole.within(&area.rect)) {
            cut.fill(&hole, ground);
        }
        cut
    };
    let cut = picture.cut(&area.rect).ok_or_else(|| format!("{} is not on the screen", shown(&area.rect)));
    let told = cut.and_then(|cut| ocr(&blank(cut)));
    let (similarity, why) = match told {
        Ok(told) => {
            let told: String =
                told.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST_TEXT).collect();
            let wanted = text.split_whitespace().collect::<Vec<_>>().join(" ");
            (
                strsim::normalized_levenshtein(&wanted, &told),
                Some(format!("it reads {}", edge::quoted(&told))),
            )
        }
        Err(why) => (0.0, Some(why)),
    };
    Seen { rect: area.rect, place: area.rect, similarity, needed: area.needed, why }
}
