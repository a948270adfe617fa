//! What must hold for whatever a guest shows: pictures, terminals, VGA memory; and for needles of anybody.

use screen::look::Ready;
use screen::needle::{Kind, Needle};
use screen::search::Scene;
use screen::terminal::Terminal;
use screen::vga_text::VgaText;
use screen::{Picture, Rect};
use std::path::Path;

/// Pixels of pictures that are searched: larger ones cost too much.
const SEARCHED: u32 = 64;

/// A picture is whole and within its bounds, and comes back from its PNG.
pub fn picture(data: &[u8]) {
    let Ok(picture) = Picture::decode(data) else { return };
    let (width, height) = (picture.width(), picture.height());
    assert_eq!(picture.rgb().len(), width as usize * height as usize * 3);
    assert!(width > 0 && height > 0 && picture.rgb().len() <= 3 * screen::picture::MOST_PIXELS);
    if width.max(height) > 4 * SEARCHED {
        return;
    }
    assert_eq!(Picture::decode(&picture.encode().unwrap()).unwrap(), picture);
    if width.max(height) <= SEARCHED {
        let area = r#"{"area":[{"xpos":0,"ypos":0,"width":9,"height":9}]}"#;
        looked_for(&Needle::parse("x", area, Path::new("x.png")).unwrap(), picture);
    }
}

/// A needle has something to look for, says nothing invisible, and is looked for without harm.
pub fn needle(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(needle) = Needle::parse("x", text, Path::new("x.png")) else { return };
    assert!(needle.areas.iter().any(|area| area.kind != Kind::Exclude));
    for area in &needle.areas {
        assert!(area.rect.width > 0 && area.rect.height > 0 && (0.0..=1.0).contains(&area.needed));
        assert!(area.click.is_none_or(|(x, y)| x < area.rect.width && y < area.rect.height));
    }
    assert!(needle.tags.iter().chain(&needle.properties).all(|word| !word.contains('\u{1b}')));
    let mut own = Picture::plain(40, 30, [9, 99, 199]).unwrap();
    own.fill(&Rect { x: 5, y: 5, width: 20, height: 9 }, [255, 0, 0]);
    looked_for(&needle, own);
}

/// A needle is in its own picture, or says why it is not.
fn looked_for(needle: &Needle, own: Picture) {
    let scene = Scene::new(&own);
    let ready = Ready::new(needle, own.clone());
    let outcome = ready.look(&own, &scene, &mut |_| Err("nobody reads".into()));
    assert!((0.0..=1.0).contains(&outcome.worst.similarity));
    assert!(outcome.worst.why.is_some() || outcome.worst.similarity == 1.0, "{outcome:?}");
    if outcome.worst.why.is_none() {
        ready.difference(&own, &outcome.worst).unwrap();
    }
}

/// A terminal stays one screen; VGA memory is as many characters as it has cells.
pub fn terminal(data: &[u8]) {
    let mut terminal = Terminal::default();
    data.chunks(100).for_each(|piece| terminal.feed(piece));
    assert!(terminal.text().lines().count() <= 25);
    let (row, column) = terminal.cursor();
    assert!(row < 25 && column <= 80);
    if let Ok(text) = VgaText::read(data) {
        assert_eq!(text.rows().map(<[_]>::len).sum::<usize>(), data.len() / 2);
        assert!(!text.text().chars().any(char::is_control) || text.text().contains('\n'));
    }
    let start = data.iter().map(|byte| usize::from(*byte)).sum();
    if let Ok(text) = VgaText::at(data, start, 80, 25) {
        assert_eq!(text.rows().count(), 25);
    }
}
