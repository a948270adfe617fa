//! What a needle is made of: a part of the screen, without some parts of it.

use super::sight;
use super::words::join;
use edge::quoted;
use screen::Rect;

/// What stands before a part that is not looked at.
const WITHOUT: &str = "without=";

/// What a needle is made of.
#[derive(Clone, Debug)]
pub struct Cut {
    /// The part of the screen.
    pub rect: Rect,
    /// Its name.
    pub name: String,
    /// Its tags; none: its name.
    pub tags: Vec<String>,
    /// What is not looked at, whether it changes by itself or not.
    pub without: Vec<Rect>,
}

impl Cut {
    /// The words behind `needle_from`.
    ///
    /// # Errors
    /// There is no rectangle, or no name.
    pub(super) fn parse(words: &[String]) -> Result<Cut, String> {
        let [rect, name, more @ ..] = words else { return Err(wanted(words)) };
        if name.is_empty() {
            return Err(wanted(words));
        }
        let (mut tags, mut without) = (Vec::new(), Vec::new());
        for word in more {
            match word.strip_prefix(WITHOUT) {
                Some(mask) => without.push(sight::rect(mask)?),
                None => tags.push(word.clone()),
            }
        }
        Ok(Cut { rect: sight::rect(rect)?, name: name.clone(), tags, without })
    }
}

fn wanted(words: &[String]) -> String {
    format!("want X,Y,WIDTH,HEIGHT NAME behind it, not {}", quoted(&join(words)))
}
