//! The last frames of a screen: each once, bounded in number and in memory, and written as an animated PNG (APNG, the chunks
//! `acTL`, `fcTL`, `fdAT` of the PNG specification's third edition).

use crate::mask::{around, changed};
use crate::picture::{Picture, PictureError, Rect};
use std::collections::VecDeque;
use std::time::Duration;

/// A frame as what it changes of the one before.
struct Frame {
    at: Duration,
    /// The size of the screen.
    size: (u32, u32),
    /// What changed, and where.
    change: Picture,
    x: u32,
    y: u32,
}

/// The frames that are kept.
pub struct Frames {
    most: usize,
    most_bytes: usize,
    /// The first one that is kept, as a whole.
    first: Option<(Duration, Picture)>,
    later: VecDeque<Frame>,
    /// What the screen shows now.
    last: Option<Picture>,
    seen: u64,
}

/// The longest time that a frame is shown, however long it stood.
const LONGEST: Duration = Duration::from_secs(2);
/// How long the last one is shown before it begins again.
const END: Duration = Duration::from_secs(4);

impl Frames {
    /// None yet; at most `most` are kept, and `most_bytes` of pixels in all but for the first and the last one.
    pub fn new(most: usize, most_bytes: usize) -> Frames {
        Frames { most: most.max(1), most_bytes, first: None, later: VecDeque::new(), last: None, seen: 0 }
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.later.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// How many were given, also those that showed nothing new.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// What the screen showed last.
    pub fn last(&self) -> Option<&Picture> {
        self.last.as_ref()
    }

    /// Takes what the screen shows, `at` after the beginning. What shows nothing new is no frame. Gives whether it is one.
    pub fn push(&mut self, at: Duration, picture: Picture) -> bool {
        self.seen += 1;
        let Some(last) = &self.last else {
            self.first = Some((at, picture.clone()));
            self.last = Some(picture);
            return true;
        };
        let size = (picture.width(), picture.height());
        let change = if size == (last.width(), last.height()) {
            changed(last, &picture).iter().copied().reduce(|a, b| around(&a, &b))
        } else {
            Some(picture.whole())
        };
        let Some((rect, change)) = change.and_then(|rect| Some((rect, picture.cut(&rect)?))) else {
            return false;
        };
        self.later.push_back(Frame { at, size, change, x: rect.x, y: rect.y });
        self.last = Some(picture);
        let bytes =
            |frames: &VecDeque<Frame>| frames.iter().map(|frame| frame.change.rgb().len()).sum::<usize>();
        while self.len() > self.most || (bytes(&self.later) > self.most_bytes && self.later.len() > 1) {
            self.forget();
        }
        true
    }

    /// Lets the first one go.
    fn forget(&mut self) {
        let (Some((_, mut base)), Some(next)) = (self.first.take(), self.later.pop_front()) else { return };
        step(&mut base, &next);
        self.first = Some((next.at, base));
    }

    /// All of them as an animated PNG; a viewer that knows no animation shows the first. Frames of smaller screens stand on black.
    /// `None` where there is none.
    ///
    /// # Errors
    /// The file has no room for that many.
    pub fn apng(&self) -> Result<Option<Vec<u8>>, PictureError> {
        let Some((began, first)) = &self.first else { return Ok(None) };
        let broken = |error: png::EncodingError| PictureError::Broken(error.to_string());
        let sizes = || self.later.iter().map(|frame| frame.size).chain([(first.width(), first.height())]);
        let (width, height) =
            (sizes().map(|s| s.0).max().unwrap_or(1), sizes().map(|s| s.1).max().unwrap_or(1));
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        if !self.later.is_empty() {
            encoder.set_animated(self.len() as u32, 0).map_err(broken)?;
        }
        let mut writer = encoder.write_header().map_err(broken)?;
        let mut canvas = Picture::plain(width, height, [0; 3])?;
        canvas.paste(first, 0, 0);
        let mut size = (first.width(), first.height());
        let mut ends = self.later.iter().map(|frame| frame.at).collect::<VecDeque<_>>();
        let mut shown =
            |from: Duration| ends.pop_front().map_or(END, |end| end.saturating_sub(from).min(LONGEST));
        let centis = |time: Duration| (time.as_millis() / 10).clamp(5, 1000) as u16;
        if !self.later.is_empty() {
            writer.set_frame_delay(centis(shown(*began)), 100).map_err(broken)?;
        }
        writer.write_image_data(canvas.rgb()).map_err(broken)?;
        for frame in &self.later {
            let mut rect = Rect { x: frame.x, y: frame.y, ..frame.change.whole() };
            if frame.size != size {
                canvas = Picture::plain(width, height, [0; 3])?;
                rect = canvas.whole();
                size = frame.size;
            }
            canvas.paste(&frame.change, frame.x, frame.y);
            let part = canvas.cut(&rect).ok_or_else(|| PictureError::Broken("a frame outside".into()))?;
            writer.reset_frame_position().map_err(broken)?;
            writer.set_frame_dimension(rect.width, rect.height).map_err(broken)?;
            writer.set_frame_position(rect.x, rect.y).map_err(broken)?;
            writer.set_frame_delay(centis(shown(frame.at)), 100).map_err(broken)?;
            writer.write_image_data(part.rgb()).map_err(broken)?;
        }
        writer.finish().map_err(broken)?;
        Ok(Some(bytes))
    }
}

/// What a frame makes of the screen before it.
fn step(base: &mut Picture, frame: &Frame) {
    if frame.size == (base.width(), base.height()) {
        base.paste(&frame.change, frame.x, frame.y);
    } else {
        base.clone_from(&frame.change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(width: u32, height: u32, lines: u32) -> Picture {
        let mut picture = Picture::plain(width, height, [0; 3]).unwrap();
        for line in 0..lines {
            picture.fill(&Rect { x: 2, y: 2 + 4 * line, width: 20 + line, height: 2 }, [170; 3]);
        }
        picture
    }

    /// Every frame of an animated PNG as a viewer shows it.
    fn played(bytes: &[u8]) -> Vec<Picture> {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let frames = reader.info().animation_control.map_or(1, |control| control.num_frames);
        let (width, height) = (reader.info().width, reader.info().height);
        let mut canvas = Picture::plain(width, height, [0; 3]).unwrap();
        let mut all = Vec::new();
        for _ in 0..frames {
            let mut data = vec![0; reader.output_buffer_size().unwrap()];
            let frame = reader.next_frame(&mut data).unwrap();
            let place =
                reader.info().frame_control.map_or((0, 0), |control| (control.x_offset, control.y_offset));
            data.truncate(frame.buffer_size());
            canvas.paste(&Picture::of_rgb(frame.width, frame.height, data).unwrap(), place.0, place.1);
            all.push(canvas.clone());
        }
        all
    }

    #[test]
    fn each_screen_is_kept_once_and_an_animated_png_plays_them() {
        let mut frames = Frames::new(10, 1 << 20);
        assert!(frames.apng().unwrap().is_none());
        for (at, lines) in [(0, 0), (1, 1), (2, 1), (3, 1), (4, 3), (5, 2)] {
            assert_eq!(frames.push(Duration::from_secs(at), screen(80, 50, lines)), ![2, 3].contains(&at));
        }
        assert_eq!((frames.len(), frames.seen()), (4, 6));
        let bytes = frames.apng().unwrap().unwrap();
        let wanted: Vec<Picture> = [0, 1, 3, 2].map(|lines| screen(80, 50, lines)).into();
        assert_eq!(played(&bytes), wanted);
        assert_eq!(Picture::decode(&bytes).unwrap(), wanted[0]);
    }

    #[test]
    fn a_screen_that_changes_for_ever_fills_no_memory_and_its_end_is_kept() {
        let mut frames = Frames::new(5, 1 << 20);
        for at in 0..500u32 {
            frames.push(Duration::from_millis(at.into()), screen(80, 50, at % 11));
        }
        assert_eq!(frames.len(), 5);
        let shown = played(&frames.apng().unwrap().unwrap());
        let wanted: Vec<Picture> = (495..500).map(|at| screen(80, 50, at % 11)).collect();
        assert_eq!(shown, wanted);
        let mut small = Frames::new(1000, 20_000);
        for at in 0..100u32 {
            small.push(Duration::from_millis(at.into()), Picture::plain(60, 50, [at as u8; 3]).unwrap());
        }
        assert_eq!(small.len(), 3);
        assert_eq!(small.last().unwrap().pixel(0, 0), [99; 3]);
    }

    #[test]
    fn a_screen_that_changes_its_size_plays_on_a_canvas_for_all() {
        let mut frames = Frames::new(10, 1 << 20);
        for (at, picture) in
            [screen(72, 40, 1), screen(100, 60, 2), screen(72, 40, 3)].into_iter().enumerate()
        {
            frames.push(Duration::from_secs(at as u64), picture);
        }
        let shown = played(&frames.apng().unwrap().unwrap());
        assert_eq!(shown.iter().map(|p| (p.width(), p.height())).collect::<Vec<_>>(), [(100, 60); 3]);
        let part = Rect { x: 0, y: 0, width: 72, height: 40 };
        assert_eq!(shown[2].cut(&part).unwrap(), screen(72, 40, 3));
        assert_eq!(shown[2].pixel(99, 59), [0; 3]);
    }
}
