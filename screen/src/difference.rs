//! A picture for people of how two differ: what is the same is grey and dark, what is not is red, what is not compared is blue.

use crate::picture::{Picture, PictureError, Rect};

/// Channels differ by more than this where a pixel is another one.
const SEEN: u8 = 16;

/// The piece of `own` in its rectangle against the same piece of `scene` at a place of the same size.
///
/// # Errors
/// A rectangle does not lie within its picture.
pub fn draw(
    own: &Picture,
    rect: &Rect,
    scene: &Picture,
    place: &Rect,
    excluded: &[Rect],
) -> Result<Picture, PictureError> {
    let outside = || PictureError::Broken("the area is not within the picture".into());
    let mine = own.cut(rect).ok_or_else(outside)?;
    let other = scene.cut(&Rect { width: rect.width, height: rect.height, ..*place }).ok_or_else(outside)?;
    let mut drawn = mine.clone();
    for y in 0..mine.height() {
        for x in 0..mine.width() {
            let (a, b) = (mine.pixel(x, y), other.pixel(x, y));
            let most = a.iter().zip(b).map(|(a, b)| a.abs_diff(b)).max().unwrap_or_default();
            let grey = (a.iter().map(|value| u16::from(*value)).sum::<u16>() / 6) as u8;
            let colour = if excluded.iter().any(|hole| hole.has(rect.x + x, rect.y + y)) {
                [grey / 2, grey / 2, 128 + grey / 2]
            } else if most > SEEN {
                [128 + most / 2, grey / 4, grey / 4]
            } else {
                [grey; 3]
            };
            drawn.paint(x, y, colour);
        }
    }
    Ok(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_red_what_is_excluded_is_blue_and_the_rest_is_grey() {
        let own = Picture::plain(20, 10, [90, 120, 30]).unwrap();
        let mut scene = own.clone();
        scene.paint(5, 5, [255, 255, 255]);
        let hole = [Rect { x: 8, y: 5, width: 1, height: 1 }];
        let rect = Rect { x: 4, y: 4, width: 6, height: 4 };
        let drawn = draw(&own, &rect, &scene, &rect, &hole).unwrap();
        let [red, green, blue] = drawn.pixel(1, 1);
        assert!(red > 128 && green < 40 && blue < 40);
        let [red, _, blue] = drawn.pixel(4, 1);
        assert!(blue > 128 && red < 128);
        assert_eq!(drawn.pixel(0, 0), [40; 3]);
        assert!(draw(&own, &rect, &scene, &Rect { x: 19, ..rect }, &[]).is_err());
    }
}
