//! Pictures of a screen: PNG and PPM, decoded within bounds, as red, green and blue of eight bits.

use std::io::Cursor;
use std::time::{Duration, Instant};

/// The widest and highest picture that is taken.
pub const LONGEST_SIDE: u32 = 8192;
/// Pixels of a picture at most.
pub const MOST_PIXELS: usize = 16 << 20;
/// The longest that decoding may take. A file of a megabyte can say that it has rows for minutes.
const DECODING: Duration = Duration::from_secs(4);
/// Bytes of a pixel.
const RGB: usize = 3;

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rect {
    /// Its left edge.
    pub x: u32,
    /// Its upper edge.
    pub y: u32,
    /// How wide it is.
    pub width: u32,
    /// How high it is.
    pub height: u32,
}

impl Rect {
    /// Behind its right edge.
    pub fn right(&self) -> u32 {
        self.x.saturating_add(self.width)
    }

    /// Below its lower edge.
    pub fn bottom(&self) -> u32 {
        self.y.saturating_add(self.height)
    }

    /// Whether a pixel is in it.
    pub fn has(&self, x: u32, y: u32) -> bool {
        x >= self.x && x < self.right() && y >= self.y && y < self.bottom()
    }

    /// Whether two have a pixel in common.
    pub fn meets(&self, other: &Rect) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }

    /// Whether it has a pixel, and all of its pixels are in another one.
    pub fn is_within(&self, other: &Rect) -> bool {
        let fits = |at: u32, long: u32, from: u32, end: u32| {
            long > 0 && at >= from && at.checked_add(long).is_some_and(|to| to <= end)
        };
        fits(self.x, self.width, other.x, other.right()) && fits(self.y, self.height, other.y, other.bottom())
    }

    /// What of it lies in another one, as that one has it.
    pub fn within(&self, other: &Rect) -> Option<Rect> {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let (right, bottom) = (self.right().min(other.right()), self.bottom().min(other.bottom()));
        let meets = x < right && y < bottom;
        meets.then(|| Rect { x: x - other.x, y: y - other.y, width: right - x, height: bottom - y })
    }

    /// Its middle.
    pub fn middle(&self) -> (u32, u32) {
        (self.x.saturating_add(self.width / 2), self.y.saturating_add(self.height / 2))
    }
}

/// A picture. It has at least one pixel.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a picture of {} x {}", self.width, self.height)
    }
}

/// Why bytes are no picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// Neither format begins like this.
    #[error("it is neither a PNG nor a PPM (P6)")]
    Format,
    /// It is larger than what is taken.
    #[error(
        "it has {0} x {1} pixels; at most {LONGEST_SIDE} on a side and {MOST_PIXELS} in all are taken, and none is no picture"
    )]
    Size(u32, u32),
    /// It is broken.
    #[error("it cannot be decoded: {0}")]
    Broken(String),
    /// It takes too long.
    #[error("decoding it takes longer than {} s", DECODING.as_secs())]
    Slow,
}

impl Picture {
    /// A picture of one colour.
    ///
    /// # Errors
    /// The size is not taken.
    pub fn plain(width: u32, height: u32, colour: [u8; 3]) -> Result<Picture, PictureError> {
        Ok(Picture { width, height, rgb: colour.repeat(pixels(width, height)?) })
    }

    /// Red, green and blue of each pixel, row by row.
    ///
    /// # Errors
    /// The size is not taken, or is not that of the bytes.
    pub fn of_rgb(width: u32, height: u32, rgb: Vec<u8>) -> Result<Picture, PictureError> {
        if rgb.len() != pixels(width, height)? * RGB {
            return Err(PictureError::Broken(format!(
                "{} bytes are not {width} x {height} pixels",
                rgb.len()
            )));
        }
        Ok(Picture { width, height, rgb })
    }

    /// Decodes a PNG or a PPM.
    ///
    /// # Errors
    /// It is neither, too large, broken, or takes too long.
    pub fn decode(bytes: &[u8]) -> Result<Picture, PictureError> {
        match bytes {
            [0x89, b'P', b'N', b'G', ..] => of_png(bytes),
            [b'P', b'6', ..] => of_ppm(bytes),
            _ => Err(PictureError::Format),
        }
    }

    /// As a PNG.
    ///
    /// # Errors
    /// Never, as far as is known.
    pub fn encode(&self) -> Result<Vec<u8>, PictureError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let broken = |error: png::EncodingError| PictureError::Broken(error.to_string());
        let mut writer = encoder.write_header().map_err(broken)?;
        writer.write_image_data(&self.rgb).map_err(broken)?;
        writer.finish().map_err(broken)?;
        Ok(bytes)
    }

    /// How wide it is, in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// How high it is.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// All of it.
    pub fn whole(&self) -> Rect {
        Rect { x: 0, y: 0, width: self.width, height: self.height }
    }

    /// Whether a rectangle lies within it and has a pixel.
    pub fn holds(&self, rect: &Rect) -> bool {
        rect.is_within(&self.whole())
    }

    /// The part of a row from one column on; shorter where the picture ends.
    pub fn row(&self, x: u32, y: u32, width: u32) -> &[u8] {
        if y >= self.height {
            return &[];
        }
        let (start, end) = (x.min(self.width), x.saturating_add(width).min(self.width));
        let at = |x: u32| (y as usize * self.width as usize + x as usize) * RGB;
        self.rgb.get(at(start)..at(end)).unwrap_or_default()
    }

    /// A pixel; black outside.
    pub fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        match self.row(x, y, 1) {
            [red, green, blue] => [*red, *green, *blue],
            _ => [0; 3],
        }
    }

    /// Paints a pixel, where there is one.
    pub fn paint(&mut self, x: u32, y: u32, colour: [u8; 3]) {
        if x < self.width && y < self.height {
            let at = (y as usize * self.width as usize + x as usize) * RGB;
            if let Some(pixel) = self.rgb.get_mut(at..at + RGB) {
                pixel.copy_from_slice(&colour);
            }
        }
    }

    /// Fills what of a rectangle lies within.
    pub fn fill(&mut self, rect: &Rect, colour: [u8; 3]) {
        for y in rect.y..rect.bottom().min(self.height) {
            for x in rect.x..rect.right().min(self.width) {
                self.paint(x, y, colour);
            }
        }
    }

    /// Copies what of a rectangle's rows there is into it: the opposite of [`Picture::cut`].
    pub fn paste(&mut self, other: &Picture, x: u32, y: u32) {
        for row in 0..other.height.min(self.height.saturating_sub(y)) {
            let width = other.width.min(self.width.saturating_sub(x));
            let from = other.row(0, row, width);
            let at = ((y + row) as usize * self.width as usize + x as usize) * RGB;
            if let Some(to) = self.rgb.get_mut(at..at + from.len()) {
                to.copy_from_slice(from);
            }
        }
    }

    /// What is in a rectangle, if it lies within.
    pub fn cut(&self, rect: &Rect) -> Option<Picture> {
        if !self.holds(rect) {
            return None;
        }
        let rgb = (rect.y..rect.bottom()).flat_map(|y| self.row(rect.x, y, rect.width)).copied().collect();
        Some(Picture { width: rect.width, height: rect.height, rgb })
    }

    /// Red, green and blue of each pixel, row by row.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }
}

/// How many pixels a picture of this size has.
fn pixels(width: u32, height: u32) -> Result<usize, PictureError> {
    let sides = (1..=LONGEST_SIDE).contains(&width) && (1..=LONGEST_SIDE).contains(&height);
    let all = width as usize * height as usize;
    if sides && all <= MOST_PIXELS { Ok(all) } else { Err(PictureError::Size(width, height)) }
}

/// A PNG row by row, so that one that says it is large and takes for ever is left.
fn of_png(bytes: &[u8]) -> Result<Picture, PictureError> {
    let until = Instant::now() + DECODING;
    let broken = |error: png::DecodingError| PictureError::Broken(error.to_string());
    let limits = png::Limits { bytes: 8 * MOST_PIXELS };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    decoder.ignore_checksums(false);
    let (width, height) = {
        let header = decoder.read_header_info().map_err(broken)?;
        (header.width, header.height)
    };
    let all = pixels(width, height)?;
    let mut reader = decoder.read_info().map_err(broken)?;
    let (colour, _) = reader.output_color_type();
    let info = reader.info();
    if info.interlaced {
        return of_interlaced(reader, all);
    }
    let mut rgb = Vec::with_capacity(all * RGB);
    while let Some(row) = reader.next_row().map_err(broken)? {
        to_rgb(colour, row.data(), &mut rgb);
        if Instant::now() > until {
            return Err(PictureError::Slow);
        }
    }
    Picture::of_rgb(width, height, rgb)
}

/// An interlaced PNG, which comes in one piece.
fn of_interlaced(mut reader: png::Reader<Cursor<&[u8]>>, all: usize) -> Result<Picture, PictureError> {
    let size = reader.output_buffer_size().filter(|size| *size <= 8 * all);
    let mut data = vec![0; size.ok_or_else(|| PictureError::Broken("its rows have no length".into()))?];
    let frame = reader.next_frame(&mut data).map_err(|error| PictureError::Broken(error.to_string()))?;
    let mut rgb = Vec::with_capacity(all * RGB);
    to_rgb(frame.color_type, data.get(..frame.buffer_size()).unwrap_or_default(), &mut rgb);
    Picture::of_rgb(frame.width, frame.height, rgb)
}

/// Samples of eight bits as red, green and blue; what is transparent is taken as if it were not.
fn to_rgb(colour: png::ColorType, samples: &[u8], rgb: &mut Vec<u8>) {
    match colour {
        png::ColorType::Rgb => rgb.extend_from_slice(samples),
        png::ColorType::Rgba => samples.chunks_exact(4).for_each(|p| rgb.extend(p.iter().take(RGB))),
        png::ColorType::GrayscaleAlpha => {
            samples.chunks_exact(2).for_each(|p| rgb.extend(p.iter().take(1).cycle().take(RGB)));
        }
        png::ColorType::Grayscale | png::ColorType::Indexed => {
            samples.iter().for_each(|grey| rgb.extend([grey; RGB]));
        }
    }
}

/// A PPM as QEMU writes it: `P6`, width, height, 255, one blank, then the pixels. `#` begins a comment.
fn of_ppm(bytes: &[u8]) -> Result<Picture, PictureError> {
    let mut at = 2;
    let mut number = || -> Option<u32> {
        loop {
            match bytes.get(at)? {
                b'#' => at += bytes.get(at..)?.iter().position(|byte| *byte == b'\n')?,
                byte if byte.is_ascii_whitespace() => at += 1,
                _ => break,
            }
        }
        let digits = bytes.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = std::str::from_utf8(bytes.get(at..at + digits)?).ok()?;
        at += digits;
        text.parse().ok()
    };
    let header = number().zip(number()).zip(number());
    let broken = |why: &str| PictureError::Broken(why.to_owned());
    let ((width, height), largest) = header.ok_or_else(|| broken("its header has no size"))?;
    if largest != 255 {
        return Err(broken("its samples are not of 8 bits (255)"));
    }
    let length = pixels(width, height)? * RGB;
    let rgb = bytes.get(at + 1..).and_then(|rest| rest.get(..length));
    Picture::of_rgb(width, height, rgb.ok_or_else(|| broken("it ends too early"))?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn() -> Picture {
        let rgb = (0..20 * 10 * 3).map(|at| (at * 7 % 251) as u8).collect();
        Picture::of_rgb(20, 10, rgb).unwrap()
    }

    #[test]
    fn a_picture_comes_back_from_png_and_from_ppm_as_it_was() {
        let picture = drawn();
        assert_eq!(Picture::decode(&picture.encode().unwrap()).unwrap(), picture);
        let mut ppm = b"P6\n# QEMU\n20 10\n255\n".to_vec();
        ppm.extend(picture.rgb());
        assert_eq!(Picture::decode(&ppm).unwrap(), picture);
        ppm.pop();
        assert!(Picture::decode(&ppm).unwrap_err().to_string().contains("ends too early"));
    }

    #[test]
    fn other_kinds_of_png_are_red_green_and_blue_as_well() {
        for (colour, data) in [
            (png::ColorType::Grayscale, vec![5, 9]),
            (png::ColorType::GrayscaleAlpha, vec![5, 0, 9, 255]),
            (png::ColorType::Rgba, vec![5, 5, 5, 0, 9, 9, 9, 255]),
        ] {
            let mut bytes = Vec::new();
            let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
            encoder.set_color(colour);
            encoder.write_header().unwrap().write_image_data(&data).unwrap();
            assert_eq!(Picture::decode(&bytes).unwrap().rgb(), [5, 5, 5, 9, 9, 9], "{colour:?}");
        }
    }

    #[test]
    fn rectangles_that_leave_the_picture_are_none_of_it() {
        let picture = drawn();
        let rect = |x, y, width, height| Rect { x, y, width, height };
        assert!(picture.cut(&rect(19, 9, 1, 1)).is_some());
        for outside in [rect(20, 0, 1, 1), rect(0, 0, 21, 1), rect(5, 5, 0, 1), rect(u32::MAX, 1, 2, 2)] {
            assert!(picture.cut(&outside).is_none(), "{outside:?}");
        }
        let mut other = Picture::plain(20, 10, [1, 2, 3]).unwrap();
        other.fill(&rect(18, 8, u32::MAX, u32::MAX), [9, 9, 9]);
        assert_eq!((other.pixel(19, 9), other.pixel(17, 9), other.pixel(99, 9)), ([9; 3], [1, 2, 3], [0; 3]));
        other.paste(&picture, 15, 5);
        assert_eq!(other.pixel(16, 5), picture.pixel(1, 0));
    }

    #[test]
    fn a_file_that_claims_to_be_huge_is_refused_before_memory_is_taken() {
        let mut png = Picture::plain(1, 1, [0; 3]).unwrap().encode().unwrap();
        // The width stands behind the name of the first chunk; its checksum is wrong then, and the size is refused first or it is.
        png[16..20].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff]);
        assert!(Picture::decode(&png).is_err());
        for header in
            ["P6 4294967295 4294967295 255 ", "P6 8192 8192 255 ", "P6 0 5 255 ", "P6 99999999999 1 255 "]
        {
            assert!(Picture::decode(header.as_bytes()).is_err(), "{header}");
        }
        assert_eq!(Picture::decode(b"GIF89a").unwrap_err(), PictureError::Format);
    }

    #[test]
    fn a_file_that_unpacks_to_far_more_than_it_is_stays_within_its_bound() {
        // 64 million pixels of one colour in some 60 kB.
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 8192, 8192);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        encoder.write_header().unwrap().write_image_data(&vec![0; 8192 * 1024]).unwrap();
        assert!(bytes.len() < 100_000);
        assert!(matches!(Picture::decode(&bytes), Err(PictureError::Size(8192, 8192))));
    }

    #[test]
    fn any_bytes_are_a_picture_or_an_error() {
        let good = drawn().encode().unwrap();
        proptest::proptest!(|(bytes: Vec<u8>, at in 0usize..200, byte: u8)| {
            let _ = Picture::decode(&bytes);
            let mut changed = good.clone();
            let at = at % changed.len();
            changed[at] = byte;
            let _ = Picture::decode(&changed);
            let _ = Picture::decode(&[b"P6".as_slice(), &bytes].concat());
        });
    }
}
