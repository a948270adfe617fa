//! A pointer that can only be pushed: found by what changes between two shots, and moved by halving what is left.
//!
//! Systems accelerate what a relative device says, by a factor that nobody knows, so half of the way is asked for: for every
//! factor below 4 what is left shrinks with each step, and log n steps lead there. A step that leads further away is answered by
//! smaller ones. The pointer is known by its pixels; where they are not to be seen (at an edge, or as another shape) it begins
//! again in the upper left corner, whose place is certain.
//!
//! It is a machine of states: a shot goes in ([`Pointer::next`]), what is to be done comes out ([`Ask`]).

use crate::mask::changed;
use crate::picture::{Picture, Rect};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Push the device by this, and take a shot when the screen has followed.
    Nudge(i32, i32),
    /// It is there: where.
    There(u32, u32),
    /// It cannot be found or moved: why.
    Lost(String),
}

/// Further than any screen is wide.
const CORNER: i32 = -9000;
/// The push by which it is seen first.
const AWAY: i32 = 60;
/// Pushes until it must have left the corner.
const PUSHES: u32 = 4;
/// The largest pointer.
const LARGEST: u32 = 128;
/// Steps in all.
const STEPS: u32 = 80;
/// How often it begins again in the corner.
const RESTARTS: u32 = 3;
/// Channels may differ by this: shades of its border.
const TOLERANCE: u8 = 24;
/// Pixels that a pointer has at least.
const LEAST_PIXELS: usize = 12;

/// One pixel of a pointer, from where it points.
#[derive(Clone, Copy, Debug)]
struct Dot {
    x: i32,
    y: i32,
    colour: [u8; 3],
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Unknown,
    /// Pushed to the corner.
    ToCorner,
    /// Pushed away from it; the shot of the corner, and how often.
    Away(Picture, u32),
    /// On its way; how far it was at the last step.
    Moving(Option<i32>),
}

/// A pointer, and where it is to go.
#[derive(Debug)]
pub struct Pointer {
    target: (i32, i32),
    near: i32,
    state: State,
    dots: Vec<Dot>,
    last: Option<(i32, i32)>,
    /// What it was pushed by since.
    pushed: (i32, i32),
    divisor: i32,
    least: i32,
    steps: u32,
    restarts: u32,
}

impl Pointer {
    /// A pointer that nobody has seen yet, which is to get as near as `near` pixels.
    pub fn new(near: u32) -> Pointer {
        let near = near.min(100) as i32;
        Pointer {
            target: (0, 0),
            near,
            state: State::default(),
            dots: Vec::new(),
            last: None,
            pushed: (0, 0),
            divisor: 2,
            least: 1,
            steps: 0,
            restarts: 0,
        }
    }

    /// Where it is to go. What is known of the pointer is kept.
    pub fn aim(&mut self, x: u32, y: u32) {
        self.target = (x.min(1 << 20) as i32, y.min(1 << 20) as i32);
        self.state = if self.dots.is_empty() { State::Unknown } else { State::Moving(None) };
        (self.last, self.divisor, self.least, self.steps, self.restarts) = (None, 2, 1, 0, 0);
    }

    /// How many steps it took so far.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// What is to be done after this shot.
    pub fn next(&mut self, shot: &Picture) -> Ask {
        let (width, height) = (shot.width() as i32, shot.height() as i32);
        if self.target.0 >= width || self.target.1 >= height {
            let (x, y) = self.target;
            return Ask::Lost(format!("{x},{y} is not on the screen of {width} x {height}"));
        }
        self.steps += 1;
        if self.steps > STEPS {
            return Ask::Lost(format!("it is not there after {STEPS} steps"));
        }
        match std::mem::take(&mut self.state) {
            State::Unknown => {
                self.state = State::ToCorner;
                Ask::Nudge(CORNER, CORNER)
            }
            State::ToCorner => {
                self.state = State::Away(shot.clone(), 1);
                Ask::Nudge(AWAY, AWAY)
            }
            State::Away(corner, pushes) => self.meet(corner, pushes, shot),
            State::Moving(before) => match self.find(shot) {
                Some(at) => self.step(at, before),
                None => self.restart("it was not seen any more"),
            },
        }
    }

    /// Begins again in the corner, with smaller steps.
    fn restart(&mut self, why: &str) -> Ask {
        self.restarts += 1;
        if self.restarts > RESTARTS {
            return Ask::Lost(format!("{why}, {RESTARTS} times from the corner"));
        }
        self.dots.clear();
        self.divisor = (self.divisor * 2).min(32);
        self.state = State::ToCorner;
        Ask::Nudge(CORNER, CORNER)
    }

    /// Learns how it looks, from a shot with it in the corner and one with it elsewhere.
    fn meet(&mut self, corner: Picture, pushes: u32, shot: &Picture) -> Ask {
        if (corner.width(), corner.height()) != (shot.width(), shot.height()) {
            return self.restart("the screen changed its size");
        }
        let regions = changed(&corner, shot);
        let old = regions.iter().find(|region| region.x < 8 && region.y < 8);
        // Where it was and where it is may be one region still: then the next push tells.
        let new = old.and_then(|old| {
            let alike = |region: &&Rect| {
                region.width.abs_diff(old.width) <= 4
                    && region.height.abs_diff(old.height) <= 4
                    && region.width <= LARGEST
                    && region.height <= LARGEST
            };
            let others = regions.iter().filter(|region| *region != old).filter(alike);
            Some((old, others.min_by_key(|region| region.x.abs_diff(region.y))?))
        });
        let Some((old, new)) = new else {
            if pushes < PUSHES {
                self.state = State::Away(corner, pushes + 1);
                return Ask::Nudge(AWAY, AWAY);
            }
            return self.restart("no pointer was seen that leaves the corner; is there one, and a mouse");
        };
        let (tip_x, tip_y) = ((new.x - new.x.min(old.x)) as i32, (new.y - new.y.min(old.y)) as i32);
        for y in new.y..new.bottom() {
            for x in new.x..new.right() {
                let colour = shot.pixel(x, y);
                if colour != corner.pixel(x, y) {
                    self.dots.push(Dot { x: x as i32 - tip_x, y: y as i32 - tip_y, colour });
                }
            }
        }
        if self.dots.len() < LEAST_PIXELS {
            return self.restart("what moves is smaller than a pointer");
        }
        self.step((tip_x, tip_y), None)
    }

    /// Half of what is left.
    fn step(&mut self, at: (i32, i32), before: Option<i32>) -> Ask {
        let (dx, dy) = (self.target.0 - at.0, self.target.1 - at.1);
        let far = dx.abs().max(dy.abs());
        if far <= self.near {
            self.state = State::Moving(None);
            return Ask::There(at.0.max(0) as u32, at.1.max(0) as u32);
        }
        if self.last == Some(at) {
            // Some systems swallow the smallest pushes.
            self.least = (self.least + 1).min(8);
        } else if before.is_some_and(|before| far >= before) {
            self.divisor = (self.divisor * 2).min(32);
        }
        self.last = Some(at);
        self.state = State::Moving(Some(far));
        let (divisor, least, near) = (self.divisor, self.least, self.near);
        let half = |d: i32| {
            let part = d / divisor;
            if d == 0 || d.abs() <= near && far > 4 * near {
                0
            } else if part.abs() < least {
                d.signum() * least
            } else {
                part
            }
        };
        self.pushed = (half(dx), half(dy));
        Ask::Nudge(self.pushed.0, self.pushed.1)
    }

    /// Where its pixels are: near where it was pushed to, or else anywhere.
    fn find(&self, shot: &Picture) -> Option<(i32, i32)> {
        let (width, height) = (shot.width() as i32, shot.height() as i32);
        let near = |at: i32, pushed: i32, side: i32| {
            let (one, two) = (at - AWAY, at + 4 * pushed);
            (one.min(two - AWAY).max(0), (at + AWAY).max(two + AWAY).min(side))
        };
        if let Some((x, y)) = self.last {
            let (xs, ys) = (near(x, self.pushed.0, width), near(y, self.pushed.1, height));
            // A part of it may be there by chance.
            let found = self.find_in(shot, xs, ys).filter(|(met, _)| *met == self.dots.len());
            if let Some((_, at)) = found {
                return Some(at);
            }
        }
        self.find_in(shot, (0, width), (0, height)).map(|(_, at)| at)
    }

    /// The place with most of its pixels, and how many, of those within.
    fn find_in(&self, shot: &Picture, xs: (i32, i32), ys: (i32, i32)) -> Option<(usize, (i32, i32))> {
        let mut best: Option<(usize, (i32, i32))> = None;
        for y in ys.0..ys.1 {
            for x in xs.0..xs.1 {
                let so_far = best.map_or(0, |best| best.0);
                if let Some(met) = self.met(shot, x, y, so_far) {
                    best = Some((met, (x, y)));
                }
                if best.is_some_and(|(met, _)| met == self.dots.len()) {
                    return best;
                }
            }
        }
        best
    }

    /// How many pixels are as they should be with the tip here, if these are more than before and enough: 85 of 100 of those on
    /// the screen, and a third of all.
    fn met(&self, shot: &Picture, tip_x: i32, tip_y: i32, before: usize) -> Option<usize> {
        let may_miss = self.dots.len() * 15 / 100;
        let (mut met, mut missed) = (0, 0);
        for dot in &self.dots {
            let place = u32::try_from(tip_x + dot.x).ok().zip(u32::try_from(tip_y + dot.y).ok());
            let Some((x, y)) = place.filter(|(x, y)| *x < shot.width() && *y < shot.height()) else {
                continue;
            };
            let pixel = shot.pixel(x, y);
            if pixel.iter().zip(dot.colour).all(|(a, b)| a.abs_diff(b) <= TOLERANCE) {
                met += 1;
            } else {
                missed += 1;
                if missed > may_miss {
                    return None;
                }
            }
        }
        let enough = met > before
            && met >= LEAST_PIXELS
            && 3 * met >= self.dots.len()
            && 100 * met >= 85 * (met + missed);
        enough.then_some(met)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A desktop with a background, a clock, and an arrow that a system accelerates.
    struct Desktop {
        at: (f64, f64),
        size: (u32, u32),
        gain: f64,
        time: u32,
        background: Picture,
    }

    impl Desktop {
        fn new(width: u32, height: u32, gain: f64) -> Desktop {
            let mut background = Picture::plain(width, height, [58, 110, 165]).unwrap();
            for at in 0..40 {
                let rect = Rect { x: at * 25 % width, y: at * 47 % height, width: 60, height: 14 };
                background.fill(&rect, [(at * 6) as u8, 200, 255 - (at * 5) as u8]);
            }
            Desktop { at: (500.0, 300.0), size: (width, height), gain, time: 0, background }
        }

        fn nudge(&mut self, dx: i32, dy: i32) {
            let far = |d: i32| if d.abs() > 4 { f64::from(d) * self.gain } else { f64::from(d) };
            let side = |at: f64, d: i32, side: u32| (at + far(d)).round().clamp(0.0, f64::from(side - 1));
            self.at = (side(self.at.0, dx, self.size.0), side(self.at.1, dy, self.size.1));
        }

        fn shot(&mut self) -> Picture {
            let mut shot = self.background.clone();
            self.time += 1;
            shot.fill(&Rect { x: self.size.0 - 60, y: 4, width: self.time % 50, height: 9 }, [255; 3]);
            // An arrow: its border black, its inside white.
            for y in 0..16u32 {
                for x in 0..=(y / 2).min(10) {
                    let edge = x == 0 || x == y / 2 || y == 15;
                    let (px, py) = (self.at.0 as u32 + x, self.at.1 as u32 + y);
                    shot.paint(px, py, if edge { [0; 3] } else { [255; 3] });
                }
            }
            shot
        }
    }

    fn go(desktop: &mut Desktop, pointer: &mut Pointer, x: u32, y: u32) -> Ask {
        pointer.aim(x, y);
        loop {
            let shot = desktop.shot();
            match pointer.next(&shot) {
                Ask::Nudge(dx, dy) => desktop.nudge(dx, dy),
                other => return other,
            }
        }
    }

    #[test]
    fn a_pointer_that_is_accelerated_gets_there_in_few_steps() {
        for gain in [1.0, 1.8, 3.0] {
            let mut desktop = Desktop::new(1024, 768, gain);
            let mut pointer = Pointer::new(1);
            let begun = std::time::Instant::now();
            let Ask::There(x, y) = go(&mut desktop, &mut pointer, 900, 600) else { panic!("gain {gain}") };
            assert!(x.abs_diff(900) <= 1 && y.abs_diff(600) <= 1, "{x},{y}");
            assert!((desktop.at.0 - 900.0).abs() <= 1.0 && (desktop.at.1 - 600.0).abs() <= 1.0);
            assert!(pointer.steps() <= 30, "{} steps", pointer.steps());
            println!("gain {gain}: {} steps, {:?}", pointer.steps(), begun.elapsed());
            // It is known now, and no corner is needed any more.
            assert!(matches!(go(&mut desktop, &mut pointer, 40, 700), Ask::There(..)));
            assert!(pointer.steps() <= 24, "{} steps", pointer.steps());
        }
    }

    #[test]
    fn a_pointer_at_an_edge_is_seen_as_far_as_it_is_there() {
        let mut desktop = Desktop::new(640, 480, 1.8);
        let mut pointer = Pointer::new(1);
        for (x, y) in [(638, 100), (3, 472), (0, 0), (320, 240)] {
            let there = go(&mut desktop, &mut pointer, x, y);
            assert!(matches!(there, Ask::There(..)), "{x},{y}: {there:?}, it is at {:?}", desktop.at);
        }
    }

    #[test]
    fn a_pointer_that_cannot_be_seen_begins_again_and_is_lost_in_the_end() {
        let mut desktop = Desktop::new(320, 240, 1.8);
        let mut pointer = Pointer::new(1);
        // It vanishes in the corner that is asked for: the arrow is cut to a pixel there.
        assert!(matches!(go(&mut desktop, &mut pointer, 319, 239), Ask::Lost(_)));
        let blank = Picture::plain(320, 240, [0; 3]).unwrap();
        let mut pointer = Pointer::new(1);
        pointer.aim(10, 10);
        let lost = (0..200).map(|_| pointer.next(&blank)).find(|ask| matches!(ask, Ask::Lost(_)));
        assert!(matches!(lost, Some(Ask::Lost(why)) if why.contains("no pointer was seen")));
        pointer.aim(320, 0);
        assert!(matches!(pointer.next(&blank), Ask::Lost(why) if why.contains("not on the screen")));
    }
}
