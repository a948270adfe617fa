//! What changes on a screen by itself, a clock or a cursor: learnt from two shots of it.

use crate::picture::{Picture, Rect};

/// Pixels on a side of the squares in which changes are noted.
const SQUARE: u32 = 8;

/// Squares without a change that may lie within one mask: a hand of a clock or a digit is elsewhere at another time.
const GAP: usize = 2;

/// Rectangles that cover all pixels in which two shots differ; those that are near one another are one.
///
/// # Errors
/// The shots are not of one size.
pub fn learn(one: &Picture, two: &Picture) -> Result<Vec<Rect>, String> {
    if (one.width(), one.height()) != (two.width(), two.height()) {
        return Err(format!("{one:?} and {two:?} are not two shots of one screen"));
    }
    Ok(regions(one, two, 1 + GAP))
}

/// The same of two pictures of one size; those that touch, also by a corner, are one.
pub(crate) fn changed(one: &Picture, two: &Picture) -> Vec<Rect> {
    regions(one, two, 1)
}

fn regions(one: &Picture, two: &Picture, reach: usize) -> Vec<Rect> {
    let (columns, rows) = (one.width().div_ceil(SQUARE), one.height().div_ceil(SQUARE));
    let (columns, rows) = (columns as usize, rows as usize);
    let mut boxes: Vec<Option<Rect>> = vec![None; columns * rows];
    for y in 0..one.height() {
        let (a, b) = (one.row(0, y, one.width()), two.row(0, y, one.width()));
        if a == b {
            continue;
        }
        for (x, (a, b)) in (0..).zip(a.chunks_exact(3).zip(b.chunks_exact(3))) {
            if a != b {
                let at = (y / SQUARE) as usize * columns + (x / SQUARE) as usize;
                if let Some(square) = boxes.get_mut(at) {
                    let pixel = Rect { x, y, width: 1, height: 1 };
                    *square = Some(square.map_or(pixel, |square| around(&square, &pixel)));
                }
            }
        }
    }
    let mut found = Vec::new();
    for at in 0..boxes.len() {
        if let Some(begin) = boxes.get_mut(at).and_then(Option::take) {
            found.push(flood(&mut boxes, (columns, rows, reach), at, begin));
        }
    }
    found
}

/// Takes all squares that are as near to one as `reach`, and those that are so near to them.
fn flood(
    boxes: &mut [Option<Rect>],
    (columns, rows, reach): (usize, usize, usize),
    at: usize,
    begin: Rect,
) -> Rect {
    let mut all = begin;
    let mut open = vec![at];
    while let Some(at) = open.pop() {
        let (x, y) = (at % columns, at / columns);
        for y in y.saturating_sub(reach)..=(y + reach).min(rows - 1) {
            for x in x.saturating_sub(reach)..=(x + reach).min(columns - 1) {
                let beside = y * columns + x;
                if let Some(square) = boxes.get_mut(beside).and_then(Option::take) {
                    all = around(&all, &square);
                    open.push(beside);
                }
            }
        }
    }
    all
}

/// The smallest rectangle around two.
pub(crate) fn around(a: &Rect, b: &Rect) -> Rect {
    let (x, y) = (a.x.min(b.x), a.y.min(b.y));
    Rect { x, y, width: a.right().max(b.right()) - x, height: a.bottom().max(b.bottom()) - y }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_and_a_cursor_are_two_masks_and_an_unchanged_screen_has_none() {
        let one = Picture::plain(100, 60, [9; 3]).unwrap();
        let mut two = one.clone();
        two.fill(&Rect { x: 10, y: 5, width: 30, height: 9 }, [200; 3]);
        two.fill(&Rect { x: 90, y: 50, width: 10, height: 10 }, [1; 3]);
        let mut found = learn(&one, &two).unwrap();
        found.sort();
        assert_eq!(
            found,
            [Rect { x: 10, y: 5, width: 30, height: 9 }, Rect { x: 90, y: 50, width: 10, height: 10 }]
        );
        assert!(learn(&one, &one).unwrap().is_empty());
        assert!(learn(&one, &Picture::plain(99, 60, [9; 3]).unwrap()).unwrap_err().contains("one screen"));
    }
}
