//! Where a piece of a picture is in another one, and how similar it is there.
//!
//! The measure is that of os-autoinst (`search_TEMPLATE` and `enhancedMSE` of its ppmclibs/tinycv_impl.cc): both pictures are blurred
//! by a binomial kernel of 3 x 3 (1 2 1); the place is that of the least squared differences; of the values there those that differ
//! by less than `SHADE` are the same, the others are rounded to multiples of it; and of the mean of these squared differences
//! `similarity = 0.9 + (40 - mse) / 380`, bounded to 0 and 1: 2 is the same, 40 is 0.9. It takes grey pictures; here each of red,
//! green and blue is compared for itself and the worst one counts, so that a red button is no green one of the same brightness. On
//! grey pictures both are the same.
//!
//! All places within a margin are looked at without looking at each: sums of blocks of `BLOCK` x `BLOCK` pixels give a lower
//! bound of the squared differences (by the inequality of Cauchy and Schwarz a block of n pixels whose sums differ by d has at
//! least d²/n), which an integral image gives at any place in one step. Places are then tried from the most promising one on, until no
//! other can be better.

use crate::picture::{Picture, Rect};

/// Blocks whose sums are compared first.
const BLOCK: u32 = 16;
/// Squared differences that are summed at most in one search: a second of work. A search that ends by this says what was best so far.
const MOST_WORK: u64 = 600_000_000;
/// Values that differ by less are the same, and others are rounded to multiples of it: slight changes of a colour do not count.
const SHADE: i64 = 16;
/// Channels of a pixel.
const CHANNELS: usize = 3;

/// A picture made ready for comparison: blurred, channel by channel, and with sums.
pub struct Scene {
    width: u32,
    height: u32,
    /// The values of each channel, row by row.
    planes: [Vec<u8>; CHANNELS],
    /// Sums of all pixels above and to the left, by channel, with a first row and column of zeros.
    sums: Vec<[u64; CHANNELS]>,
}

/// What was found of a piece.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Where it is most similar.
    pub place: Rect,
    /// How similar, 0 to 1.
    pub similarity: f64,
    /// The mean of the squared differences of the worst channel, of values that are rounded to shades.
    pub mse: f64,
}

/// A piece that is looked for: where it was, how far it may have moved, and what of it is not looked at.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// Where it is in its own picture.
    pub rect: Rect,
    /// How many pixels it may have moved to each side.
    pub margin: u32,
    /// Rectangles of its own picture that are not compared.
    pub excluded: &'a [Rect],
}

/// The formula of os-autoinst.
pub fn similarity(mse: f64) -> f64 {
    (0.9 + (40.0 - mse) / 380.0).clamp(0.0, 1.0)
}

impl Scene {
    /// Makes a picture ready.
    pub fn new(picture: &Picture) -> Scene {
        let (width, height) = (picture.width(), picture.height());
        let planes = std::array::from_fn(|channel| blur(picture, channel));
        let mut scene = Scene { width, height, planes, sums: Vec::new() };
        let stride = width as usize + 1;
        let mut sums = vec![[0; CHANNELS]; stride];
        sums.reserve(stride * height as usize);
        for y in 0..height {
            let rows: [&[u8]; CHANNELS] = std::array::from_fn(|c| scene.row(c, 0, y, width));
            let mut row = [0u64; CHANNELS];
            sums.push(row);
            for x in 0..width as usize {
                let above = sums.get(sums.len() - stride).copied().unwrap_or_default();
                for (sum, values) in row.iter_mut().zip(rows) {
                    *sum += values.get(x).copied().map_or(0, u64::from);
                }
                sums.push([row[0] + above[0], row[1] + above[1], row[2] + above[2]]);
            }
        }
        scene.sums = sums;
        scene
    }

    /// Its size, as a rectangle.
    pub fn whole(&self) -> Rect {
        Rect { x: 0, y: 0, width: self.width, height: self.height }
    }

    /// A part of a row of a channel.
    fn row(&self, channel: usize, x: u32, y: u32, width: u32) -> &[u8] {
        let at = y as usize * self.width as usize + x as usize;
        let plane = self.planes.get(channel).map(Vec::as_slice).unwrap_or_default();
        plane.get(at..at + width as usize).unwrap_or_default()
    }

    /// The sums of a rectangle that lies within.
    fn sum(&self, rect: &Rect) -> [u64; CHANNELS] {
        let stride = self.width as usize + 1;
        let at =
            |x: u32, y: u32| self.sums.get(y as usize * stride + x as usize).copied().unwrap_or_default();
        let (all, left) = (at(rect.right(), rect.bottom()), at(rect.x, rect.bottom()));
        let (above, both) = (at(rect.right(), rect.y), at(rect.x, rect.y));
        std::array::from_fn(|c| (all[c] + both[c]).saturating_sub(left[c] + above[c]))
    }
}

/// Looks for a piece of `own` in `scene`. `None` where the piece is not in its own picture, does not fit into the scene, or is
/// excluded as a whole.
pub fn find(scene: &Scene, own: &Scene, piece: &Piece<'_>) -> Option<Found> {
    if !piece.rect.is_within(&own.whole()) {
        return None;
    }
    let rows = compared(piece);
    let count: u64 = rows.iter().flat_map(|(_, runs)| runs).map(|run| u64::from(run.1)).sum();
    if count == 0 {
        return None;
    }
    let blocks = blocks(own, piece);
    let mut places: Vec<(f64, u32, Rect)> = places(scene, piece)
        .map(|place| {
            let moved = place.x.abs_diff(piece.rect.x) + place.y.abs_diff(piece.rect.y);
            (least(scene, &blocks, &place), moved, place)
        })
        .collect();
    // The same everywhere, say a blank screen: the place where it was is tried first.
    places.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut work = 0;
    let mut best: Option<(u64, Rect)> = None;
    for (least, _, place) in places {
        let bound = best.map_or(u64::MAX, |(sse, _)| sse);
        if least >= bound as f64 || bound == 0 || work > MOST_WORK {
            break;
        }
        let (sse, done) = differences(scene, own, &rows, &place, (&piece.rect, bound));
        work += done;
        if sse < bound {
            best = Some((sse, place));
        }
    }
    let (_, place) = best?;
    let mse = shades(scene, own, &rows, &place, &piece.rect) as f64 / count as f64;
    Some(Found { place, similarity: similarity(mse), mse })
}

/// All places within the margin where the piece lies within the scene.
fn places(scene: &Scene, piece: &Piece<'_>) -> impl Iterator<Item = Rect> {
    let (rect, whole) = (piece.rect, scene.whole());
    let margin = piece.margin;
    // Nothing where it is longer than the side.
    let range = move |at: u32, long: u32, side: u32| {
        let last = side.checked_sub(long).map(|last| last.min(at.saturating_add(margin)));
        at.saturating_sub(margin)..last.map_or(0, |last| last + 1)
    };
    let xs = range(rect.x, rect.width, whole.width);
    range(rect.y, rect.height, whole.height).flat_map(move |y| xs.clone().map(move |x| Rect { x, y, ..rect }))
}

/// The runs of pixels of one row: begin and length.
type Runs = Vec<(u32, u32)>;

/// Rows of the piece, each with what of it is compared.
fn compared(piece: &Piece<'_>) -> Vec<(u32, Runs)> {
    let rect = piece.rect;
    (rect.y..rect.bottom())
        .map(|y| {
            let mut runs = vec![(rect.x, rect.width)];
            for hole in piece.excluded.iter().filter(|hole| y >= hole.y && y < hole.bottom()) {
                runs = runs.iter().flat_map(|run| without(*run, hole)).collect();
            }
            (y, runs)
        })
        .collect()
}

/// What is left of a run beside a hole.
fn without((x, width): (u32, u32), hole: &Rect) -> Runs {
    let end = x + width;
    let parts = [(x, hole.x.clamp(x, end)), (hole.right().clamp(x, end), end)];
    if hole.right() <= x || hole.x >= end {
        return vec![(x, width)];
    }
    parts.into_iter().filter(|(from, to)| to > from).map(|(from, to)| (from, to - from)).collect()
}

/// Blocks of the piece that nothing is excluded of: their places within the piece, and their sums.
fn blocks(own: &Scene, piece: &Piece<'_>) -> Vec<(Rect, [u64; CHANNELS])> {
    let rect = piece.rect;
    let mut found = Vec::new();
    for y in (rect.y..rect.bottom()).step_by(BLOCK as usize) {
        for x in (rect.x..rect.right()).step_by(BLOCK as usize) {
            let (width, height) = (BLOCK.min(rect.right() - x), BLOCK.min(rect.bottom() - y));
            let block = Rect { x, y, width, height };
            if !piece.excluded.iter().any(|hole| hole.meets(&block)) {
                found.push((Rect { x: x - rect.x, y: y - rect.y, width, height }, own.sum(&block)));
            }
        }
    }
    found
}

/// A lower bound of the squared differences at a place: of the channel in which it is largest.
fn least(scene: &Scene, blocks: &[(Rect, [u64; CHANNELS])], place: &Rect) -> f64 {
    let mut channels = [0.0; CHANNELS];
    for (block, own) in blocks {
        let there = Rect { x: place.x + block.x, y: place.y + block.y, ..*block };
        let count = f64::from(block.width) * f64::from(block.height);
        for ((bound, own), other) in channels.iter_mut().zip(own).zip(scene.sum(&there)) {
            *bound += (own.abs_diff(other) as f64).powi(2) / count;
        }
    }
    channels.into_iter().fold(0.0, f64::max)
}

/// The squared differences at a place, of the worst channel, and how much work it was. It ends early when they reach a bound.
fn differences(
    scene: &Scene,
    own: &Scene,
    rows: &[(u32, Runs)],
    place: &Rect,
    (rect, bound): (&Rect, u64),
) -> (u64, u64) {
    let mut channels = [0u64; CHANNELS];
    let mut work = 0;
    for (y, runs) in rows {
        for (x, width) in runs {
            for (channel, sum) in channels.iter_mut().enumerate() {
                let here = own.row(channel, *x, *y, *width);
                let there = scene.row(channel, x - rect.x + place.x, y - rect.y + place.y, *width);
                let squares = here.iter().zip(there).map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2));
                *sum += u64::from(squares.sum::<u32>());
                work += here.len() as u64;
            }
        }
        if channels.iter().any(|channel| *channel >= bound) {
            break;
        }
    }
    (channels.into_iter().max().unwrap_or_default(), work)
}

/// The squared differences at a place between values that are rounded to shades, of the worst channel.
fn shades(scene: &Scene, own: &Scene, rows: &[(u32, Runs)], place: &Rect, rect: &Rect) -> u64 {
    let mut channels = [0u64; CHANNELS];
    for (y, runs) in rows {
        for (x, width) in runs {
            for (channel, sum) in channels.iter_mut().enumerate() {
                let here = own.row(channel, *x, *y, *width);
                let there = scene.row(channel, x - rect.x + place.x, y - rect.y + place.y, *width);
                let apart = here.iter().zip(there).map(|(a, b)| (i64::from(*a), i64::from(*b)));
                let apart = apart.filter(|(a, b)| (a - b).abs() >= SHADE);
                let rounded = |value: i64| (value + SHADE / 2) / SHADE;
                *sum += apart
                    .map(|(a, b)| ((rounded(a) - rounded(b)) * SHADE).unsigned_abs().pow(2))
                    .sum::<u64>();
            }
        }
    }
    channels.into_iter().max().unwrap_or_default()
}

/// A channel, each pixel as the mean of its neighbours, weighted 1 2 1 in both directions; the picture is reflected at its edges.
fn blur(picture: &Picture, channel: usize) -> Vec<u8> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let values: Vec<u16> =
        picture.rgb().iter().skip(channel).step_by(CHANNELS).map(|v| u16::from(*v)).collect();
    // Behind an edge is what is before it, as in a mirror that stands in the pixels of the edge.
    let across: Vec<u16> = values
        .chunks(width)
        .flat_map(|row| {
            let at = |x: usize| row.get(x).copied().unwrap_or_default();
            let before = move |x: usize| at(x.checked_sub(1).unwrap_or(1.min(width - 1)));
            let behind = move |x: usize| at(if x + 1 < width { x + 1 } else { width.saturating_sub(2) });
            (0..width).map(move |x| before(x) + 2 * at(x) + behind(x))
        })
        .collect();
    let row = |y: usize| across.get(y * width..(y + 1) * width).unwrap_or_default();
    let mut blurred = Vec::with_capacity(width * height);
    for y in 0..height {
        let above = row(y.checked_sub(1).unwrap_or(1.min(height - 1)));
        let below = row(if y + 1 < height { y + 1 } else { height.saturating_sub(2) });
        let sums = above.iter().zip(row(y)).zip(below).map(|((a, b), c)| a + 2 * b + c);
        blurred.extend(sums.map(|sum| ((sum + 8) / 16).min(255) as u8));
    }
    blurred
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture without order.
    fn noise(width: u32, height: u32, seed: u64) -> Picture {
        let mut state = seed;
        let rgb = (0..width * height * 3).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        });
        Picture::of_rgb(width, height, rgb.collect()).unwrap()
    }

    fn whole(picture: &Picture) -> Piece<'static> {
        Piece { rect: picture.whole(), margin: 0, excluded: &[] }
    }

    #[test]
    fn the_formula_is_that_of_os_autoinst() {
        for (mse, known) in [(2.0, 1.0), (40.0, 0.9), (0.0, 1.0), (382.0, 0.0), (1e9, 0.0), (17.2, 0.96)] {
            assert!((similarity(mse) - known).abs() < 1e-9, "{mse}");
        }
    }

    /// What os-autoinst's measure gives for the pairs below: OpenCV's own blur (`cv2.GaussianBlur(grey, (3, 3), 0)`, 5.0.0), and
    /// `enhancedMSE` written out with NumPy.
    const KNOWN: [f64; 20] = [
        1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.992982, 0.968421, 0.975439, 0.929825, 0.870175, 0.885965, 0.824561,
        0.784211, 0.696491, 0.628070, 0.585965, 0.507018, 0.433333, 0.259649,
    ];

    #[test]
    fn twenty_grey_pairs_are_as_similar_as_os_autoinst_finds_them() {
        for (pair, known) in (0..).zip(KNOWN) {
            let grey = |seed| {
                let base = noise(24, 16, 5 + pair);
                let other = noise(24, 16, seed);
                let rgb =
                    base.rgb().chunks(3).zip(other.rgb().chunks(3)).flat_map(|(a, b)| {
                        [(u64::from(a[0]) + u64::from(b[0]) * pair / 40).min(255) as u8; 3]
                    });
                Picture::of_rgb(24, 16, rgb.collect()).unwrap()
            };
            let (one, two) = (grey(100), grey(200));
            let found = find(&Scene::new(&two), &Scene::new(&one), &whole(&one)).unwrap();
            assert!((found.similarity - known).abs() < 1e-6, "pair {pair}: {} {known}", found.similarity);
        }
    }

    #[test]
    fn a_piece_is_found_where_it_went_and_only_within_its_margin() {
        let own = noise(200, 150, 1);
        let rect = Rect { x: 60, y: 50, width: 40, height: 30 };
        for (dx, dy, found_there) in [(0, 0, true), (37, -21, true), (-50, 50, true), (51, 0, false)] {
            let mut scene = noise(200, 150, 2);
            let (x, y) = ((60 + dx) as u32, (50 + dy) as u32);
            scene.paste(&own.cut(&Rect { x: 59, y: 49, width: 42, height: 32 }).unwrap(), x - 1, y - 1);
            let piece = Piece { rect, margin: 50, excluded: &[] };
            let found = find(&Scene::new(&scene), &Scene::new(&own), &piece).unwrap();
            assert_eq!(found.similarity == 1.0, found_there, "{dx} {dy} {found:?}");
            assert_eq!((found.place.x, found.place.y) == (x, y), found_there);
        }
    }

    #[test]
    fn the_best_place_is_that_of_looking_at_each() {
        let (own, scene) = (noise(60, 50, 3), noise(60, 50, 4));
        let hole = [Rect { x: 20, y: 20, width: 7, height: 4 }];
        let piece = Piece { rect: Rect { x: 15, y: 15, width: 33, height: 19 }, margin: 9, excluded: &hole };
        let (own, scene) = (Scene::new(&own), Scene::new(&scene));
        let rows = compared(&piece);
        let at = |place: &Rect| differences(&scene, &own, &rows, place, (&piece.rect, u64::MAX)).0;
        let each = places(&scene, &piece).map(|place| at(&place)).min().unwrap();
        let found = find(&scene, &own, &piece).unwrap();
        assert_eq!(at(&found.place), each);
        assert!(found.mse > 0.0 && found.similarity < 0.5);
    }

    #[test]
    fn colours_of_the_same_brightness_are_not_the_same() {
        let red = Picture::plain(40, 40, [200, 0, 0]).unwrap();
        let green = Picture::plain(40, 40, [0, 200, 0]).unwrap();
        let found = find(&Scene::new(&green), &Scene::new(&red), &whole(&red)).unwrap();
        assert_eq!(found.similarity, 0.0);
    }

    #[test]
    fn what_is_excluded_does_not_count_and_what_is_excluded_as_a_whole_is_nothing() {
        let own = noise(80, 60, 1);
        let mut scene = own.clone();
        let clock = Rect { x: 30, y: 20, width: 20, height: 10 };
        scene.fill(&clock, [255, 0, 255]);
        // The blur takes one pixel beyond.
        let wide = [Rect { x: 29, y: 19, width: 22, height: 12 }];
        let (scene, own_scene) = (Scene::new(&scene), Scene::new(&own));
        let seen = find(&scene, &own_scene, &whole(&own)).unwrap();
        assert!(seen.similarity < 0.9);
        let masked = Piece { excluded: &wide, ..whole(&own) };
        assert_eq!(find(&scene, &own_scene, &masked).unwrap().mse, 0.0);
        let all = [own.whole()];
        assert!(find(&scene, &own_scene, &Piece { excluded: &all, ..whole(&own) }).is_none());
    }

    #[test]
    fn a_piece_that_does_not_fit_is_not_found_and_nothing_breaks() {
        let (own, scene) = (noise(100, 100, 1), noise(20, 20, 1));
        let (own, scene) = (Scene::new(&own), Scene::new(&scene));
        for rect in [
            Rect { x: 0, y: 0, width: 50, height: 5 },
            Rect { x: 90, y: 90, width: 20, height: 20 },
            Rect { x: u32::MAX, y: 0, width: u32::MAX, height: 1 },
            Rect::default(),
        ] {
            assert!(
                find(&scene, &own, &Piece { rect, margin: u32::MAX, excluded: &[] }).is_none(),
                "{rect:?}"
            );
        }
        let far = Piece { rect: Rect { x: 80, y: 80, width: 5, height: 5 }, margin: u32::MAX, excluded: &[] };
        assert!(find(&scene, &own, &far).is_some());
    }

    #[test]
    fn a_screen_of_usual_size_is_searched_within_a_second() {
        let own = noise(1024, 768, 1);
        let rect = Rect { x: 300, y: 200, width: 400, height: 300 };
        for scene in [noise(1024, 768, 2), Picture::plain(1024, 768, [128; 3]).unwrap()] {
            let begun = std::time::Instant::now();
            let (scene, own) = (Scene::new(&scene), Scene::new(&own));
            assert!(find(&scene, &own, &Piece { rect, margin: 50, excluded: &[] }).unwrap().similarity < 0.5);
            // Twenty times what it takes: a host may be busy.
            assert!(begun.elapsed().as_secs_f64() < 20.0, "{:?}", begun.elapsed());
            println!("searched in {:?}", begun.elapsed());
        }
    }
}
