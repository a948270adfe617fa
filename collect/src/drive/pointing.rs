//! A guest's mouse and keyboard, with a look at the screen after each thing that is done.

use super::cast::{Cast, interrupted};
use super::screens::{shot, vga};
use edge::quoted_end;
use model::Failure;
use process::deadlines::HOST_ANSWER;
use screen::Picture;
use screen::pointer::{Ask, Pointer};
use std::time::{Duration, Instant};

/// How long a screen may take to follow the mouse, and how often it is looked at meanwhile.
const FOLLOWS: Duration = Duration::from_millis(400);
const LOOK: Duration = Duration::from_millis(40);
/// How long what was typed may take to be seen, and how often it is typed.
const SEEN: Duration = Duration::from_secs(3);
const TIMES: u32 = 3;

/// Brings the pointer to a place of the screen.
pub(super) fn move_to(
    cast: &mut Cast<'_>,
    place: usize,
    (x, y): (u32, u32),
    deadline: Duration,
) -> Result<(), Failure> {
    let until = Instant::now() + deadline;
    let mut picture = shot(cast, place)?;
    let size = (picture.width(), picture.height());
    if x >= size.0 || y >= size.1 {
        return Err(Failure::tool(format!("{x},{y} is not on the screen of {} x {}", size.0, size.1)));
    }
    let machine = cast.running(place)?;
    if machine.points_absolutely().map_err(|error| error.failure())? {
        return machine.point_at((x, y), size).map_err(|error| error.failure());
    }
    let mut pointer = match cast.sights.get_mut(place) {
        Some(sight) => std::mem::replace(&mut sight.pointer, Pointer::new(0)),
        None => Pointer::new(1),
    };
    pointer.aim(x, y);
    let done = loop {
        match pointer.next(&picture) {
            Ask::There(..) => break Ok(()),
            Ask::Lost(why) => {
                break Err(Failure::tool(format!("the pointer does not get to {x},{y}: {why}")));
            }
            Ask::Nudge(dx, dy) => {
                // The corner is no further away than the screen is large.
                let most = 2 * size.0.max(size.1) as i32;
                let nudged = cast.running(place)?.nudge(dx.max(-most), dy.max(-most));
                match nudged.map_err(|error| error.failure()).and_then(|()| followed(cast, place, &picture)) {
                    Ok(next) => picture = next,
                    Err(failure) => break Err(failure),
                }
            }
        }
        if cast.stopped() {
            break Err(interrupted());
        }
        if Instant::now() > until {
            let seconds = deadline.as_secs_f64();
            break Err(Failure::tool(format!("the pointer did not get to {x},{y} within {seconds} s")));
        }
    };
    if let Some(sight) = cast.sights.get_mut(place) {
        sight.pointer = pointer;
    }
    done
}

/// The screen when it has changed and stands still, or when it did not in time.
fn followed(cast: &mut Cast<'_>, place: usize, before: &Picture) -> Result<Picture, Failure> {
    let until = Instant::now() + FOLLOWS;
    let mut last = shot(cast, place)?;
    loop {
        std::thread::sleep(LOOK);
        let now = shot(cast, place)?;
        if (now == last && now != *before) || Instant::now() > until {
            return Ok(now);
        }
        last = now;
    }
}

/// Clicks at a place.
pub(super) fn click(
    cast: &mut Cast<'_>,
    place: usize,
    at: (u32, u32),
    deadline: Duration,
) -> Result<(), Failure> {
    move_to(cast, place, at, deadline)?;
    cast.running(place)?.click().map_err(|error| error.failure())
}

/// Types a text line by line, and sees each on the screen before the return key is pressed. What is not seen is taken back and typed
/// again.
pub(super) fn type_string(
    cast: &mut Cast<'_>,
    place: usize,
    (text, strokes): (&str, &[Vec<String>]),
    deadline: Duration,
) -> Result<(), Failure> {
    let until = Instant::now() + deadline;
    let mut keys = strokes.iter();
    for line in text.split_inclusive('\n') {
        let typed = line.trim_end_matches('\n');
        let own: Vec<&Vec<String>> = keys.by_ref().take(line.chars().count()).collect();
        let (shown, ends) = own.split_at(typed.chars().count().min(own.len()));
        see(cast, place, (typed, shown), until)?;
        for end in ends {
            press(cast, place, end)?;
        }
    }
    Ok(())
}

/// Types what has no return key in it until it is seen.
fn see(
    cast: &mut Cast<'_>,
    place: usize,
    (text, strokes): (&str, &[&Vec<String>]),
    until: Instant,
) -> Result<(), Failure> {
    if squeezed(text).is_empty() {
        return strokes.iter().try_for_each(|keys| press(cast, place, keys));
    }
    let before = Screen::of(cast, place)?;
    let mut now = before.clone();
    for time in 1..=TIMES {
        strokes.iter().try_for_each(|keys| press(cast, place, keys))?;
        let end = until.min(Instant::now() + SEEN);
        loop {
            now = Screen::of(cast, place)?;
            if now.shows(text, &before) {
                return Ok(());
            }
            if cast.stopped() {
                return Err(interrupted());
            }
            if Instant::now() > end {
                break;
            }
            std::thread::sleep(LOOK);
        }
        if Instant::now() > until || time == TIMES {
            break;
        }
        let back = vec!["backspace".to_owned()];
        (0..strokes.len()).try_for_each(|_| press(cast, place, &back))?;
    }
    Err(Failure::tool(format!(
        "what was typed was not seen on the screen{}; send_chars types without a look, as for a password",
        now.told()
    )))
}

fn press(cast: &mut Cast<'_>, place: usize, keys: &[String]) -> Result<(), Failure> {
    cast.running(place)?.press(keys).map_err(|error| error.failure())
}

/// What a screen shows: its text, or where it has none its picture.
#[derive(Clone)]
enum Screen {
    Text(String),
    Picture(Box<Picture>),
}

impl Screen {
    fn of(cast: &mut Cast<'_>, place: usize) -> Result<Screen, Failure> {
        match vga(cast, place)? {
            Some(text) => Ok(Screen::Text(text)),
            None => Ok(Screen::Picture(Box::new(shot(cast, place)?))),
        }
    }

    /// Whether a text is there once more than before. Of a picture is known only that it is another one.
    fn shows(&self, text: &str, before: &Screen) -> bool {
        let count = |screen: &str| squeezed(screen).matches(&squeezed(text)).count();
        match (self, before) {
            (Screen::Text(now), Screen::Text(before)) => count(now) > count(before),
            (Screen::Picture(now), Screen::Picture(before)) => now != before,
            _ => true,
        }
    }

    fn told(&self) -> String {
        match self {
            Screen::Text(text) => format!(", which ends with {}", quoted_end(text)),
            Screen::Picture(_) => String::new(),
        }
    }
}

/// A text without blanks and ends of lines: a screen breaks lines where it is at an end.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

/// How long a click may wait for its needle.
pub(super) fn patience(deadline: Duration, begun: Instant) -> Duration {
    deadline.saturating_sub(begun.elapsed()).max(HOST_ANSWER.min(deadline))
}
