//! Needles: read, written, looked for.

use super::*;
use crate::Needles;
use crate::look::Ready;
use crate::search::Scene;

fn desktop() -> Picture {
    let mut picture = Picture::plain(320, 200, [40, 60, 80]).unwrap();
    for at in 0..20 {
        picture.fill(
            &Rect { x: at * 15, y: at * 9, width: 11, height: 5 },
            [at as u8 * 12, 255 - at as u8 * 9, 90],
        );
    }
    picture
}

fn clock(picture: &mut Picture, time: u32) {
    let place = Rect { x: 120, y: 80, width: 40, height: 12 };
    picture.fill(&place, [0; 3]);
    picture.fill(&Rect { x: 122 + time * 3, y: 82, width: 5, height: 8 }, [255; 3]);
}

fn no_ocr(_: &Picture) -> Result<String, String> {
    Err("tesseract is not installed".into())
}

fn parse(text: &str) -> Result<Needle, String> {
    Needle::parse("x", text, Path::new("x.png"))
}

#[test]
fn a_needle_of_openqa_is_read_with_all_that_it_says() {
    let needle = parse(
        r#"{"area":[{"xpos":10,"ypos":"20","width":30,"height":40,"type":"match","match":90,"margin":7,
             "click_point":{"xpos":3,"ypos":4.6}},
            {"xpos":-1,"ypos":0,"width":5,"height":5,"type":"exclude"},
            {"xpos":1,"ypos":1,"width":9,"height":9,"type":"ocr","refstr":"Welcome"},
            {"xpos":1,"ypos":1,"width":9,"height":9,"click_point":"center"}],
           "properties":["workaround",{"name":"later","value":"bug 1"}],"tags":["ENV-DISTRI-x","login"]}"#,
    )
    .unwrap();
    let [first, exclude, ocr, plain] = needle.areas.as_slice() else { panic!() };
    assert_eq!(first.rect, Rect { x: 10, y: 20, width: 30, height: 40 });
    assert_eq!((first.needed, first.margin, first.click), (0.9, 7, Some((3, 5))));
    assert_eq!((exclude.kind.clone(), exclude.rect.x), (Kind::Exclude, 0));
    assert_eq!(ocr.kind, Kind::Ocr("Welcome".into()));
    assert_eq!(
        (plain.kind.clone(), plain.needed, plain.margin, plain.click),
        (Kind::Match, 0.96, 50, Some((4, 4)))
    );
    assert_eq!(needle.properties, ["workaround", "later"]);
    assert_eq!(needle.tags, ["ENV-DISTRI-x", "login"]);
}

#[test]
#[ignore = "soak: reads PERFVT_NEEDLES, a folder with needles of a public suite, whose licences keep them out of here"]
fn needles_of_public_suites_are_read() {
    let Some(folder) = std::env::var_os("PERFVT_NEEDLES") else {
        return println!("PERFVT_NEEDLES names no folder of needles");
    };
    let needles = Needles::read(Path::new(&folder)).unwrap();
    println!("{} needles", needles.len());
    assert!(!needles.is_empty());
}

#[test]
fn what_cannot_be_looked_for_says_why() {
    for (text, why) in [
        ("{", "EOF"),
        ("{}", "no list \"area\""),
        (r#"{"area":[]}"#, "no area is looked for"),
        (r#"{"area":[{"xpos":1,"ypos":1,"width":1,"height":1,"type":"exclude"}]}"#, "no area is looked for"),
        (r#"{"area":[{"xpos":1,"ypos":1,"width":0,"height":1}]}"#, "area 1: it has no pixel"),
        (r#"{"area":[{"xpos":1,"ypos":1,"width":1}]}"#, "no number \"height\""),
        (r#"{"area":[{"xpos":1,"ypos":1,"width":1,"height":1,"type":"<b>"}]}"#, "'<b>' is no type"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
    assert!(parse(&"[".repeat(100_000)).unwrap_err().contains("recursion limit"));
    let many =
        format!(r#"{{"area":[{}]}}"#, vec![r#"{"xpos":1,"ypos":1,"width":1,"height":1}"#; 257].join(","));
    assert!(parse(&many).unwrap_err().contains("257 areas"));
}

#[test]
fn a_needle_with_a_mask_is_found_on_a_screen_whose_clock_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (mut own, mut later) = (desktop(), desktop());
    clock(&mut own, 1);
    clock(&mut later, 8);
    let area = |kind, rect| Area { rect, kind, needed: 0.96, margin: 20, click: None };
    let around = area(Kind::Match, Rect { x: 100, y: 60, width: 80, height: 60 });
    let masks = crate::mask::learn(&own, &later).unwrap();
    let mut areas = vec![around.clone()];
    areas.extend(masks.into_iter().map(|rect| area(Kind::Exclude, rect)));
    Needle::write(dir.path(), "clock", &own, &areas, &["panel".into()]).unwrap();
    Needle::write(dir.path(), "bare", &own, &[around], &["bare".into()]).unwrap();
    let needles = Needles::read(dir.path()).unwrap();
    let look = |tag: &str, screen: &Picture| {
        let needle = needles.tagged(tag).unwrap()[0];
        Ready::read(needle).unwrap().look(screen, &Scene::new(screen), &mut no_ocr)
    };
    let mut third = desktop();
    clock(&mut third, 5);
    assert!(look("panel", &third).is_there);
    assert_eq!(look("panel", &third).click, (140, 90));
    assert!(!look("bare", &third).is_there, "{:?}", look("bare", &third));
    assert!(look("bare", &own).is_there);
    // What is not excluded counts: something else beside the clock.
    third.fill(&Rect { x: 104, y: 100, width: 40, height: 14 }, [255, 0, 0]);
    assert!(!look("panel", &third).is_there);
}

#[test]
fn the_area_that_lacks_most_is_told_with_where_it_was_and_a_picture_of_the_difference() {
    let own = desktop();
    let text = r#"{"area":[{"xpos":0,"ypos":0,"width":60,"height":40},{"xpos":100,"ypos":60,"width":60,"height":40,"margin":0}]}"#;
    let needle = parse(text).unwrap();
    let mut screen = own.clone();
    screen.fill(&Rect { x: 110, y: 70, width: 30, height: 20 }, [250, 250, 0]);
    let ready = Ready::new(&needle, own);
    let outcome = ready.look(&screen, &Scene::new(&screen), &mut no_ocr);
    assert!(!outcome.is_there);
    assert_eq!((outcome.worst.rect.x, outcome.worst.needed), (100, 0.96));
    let drawn = ready.difference(&screen, &outcome.worst).unwrap();
    assert_eq!((drawn.width(), drawn.height()), (60, 40));
    assert!(drawn.pixel(20, 20)[0] > 150);
}

#[test]
fn text_is_read_where_it_can_be_and_what_cannot_be_read_is_not_there() {
    let needle = parse(
        r#"{"area":[{"xpos":0,"ypos":0,"width":60,"height":40,"type":"ocr","refstr":"Welcome  to","match":80}]}"#,
    );
    let needle = needle.unwrap();
    let own = desktop();
    let ready = Ready::new(&needle, own.clone());
    let scene = Scene::new(&own);
    assert!(ready.look(&own, &scene, &mut |_| Ok("Weicome\nto\n".into())).is_there);
    let other = ready.look(&own, &scene, &mut |_| Ok("Goodbye \u{1b}[2J".into()));
    assert!(!other.is_there);
    assert!(!other.worst.why.unwrap().contains('\u{1b}'));
    let none = ready.look(&own, &scene, &mut no_ocr);
    assert!(!none.is_there && none.worst.why.unwrap().contains("tesseract"));
}

#[test]
fn what_is_excluded_of_an_area_is_not_read() {
    // As os-autoinst's own tests have it: a key's name stands at the left of what is read, and a text has two lines.
    let needle = parse(
        r#"{"area":[{"height":43,"type":"ocr","width":128,"xpos":100,"ypos":90,"refstr":"Video Mode\n   Default"},
                    {"height":43,"type":"exclude","width":26,"xpos":90,"ypos":80}]}"#,
    )
    .unwrap();
    let mut own = desktop();
    own.fill(&Rect { x: 95, y: 85, width: 60, height: 20 }, [255, 0, 0]);
    let ready = Ready::new(&needle, own.clone());
    let mut seen = None;
    let found = ready.look(&own, &Scene::new(&own), &mut |picture| {
        seen = Some(picture.clone());
        Ok("Video Mode\nDefault\n".into())
    });
    assert!(found.is_there);
    let seen = seen.unwrap();
    assert_eq!((seen.width(), seen.height()), (128, 43));
    assert_eq!(seen.pixel(5, 5), seen.pixel(127, 0));
    assert_eq!(seen.pixel(20, 5), [255, 0, 0]);
}

#[test]
fn a_tag_that_nothing_has_is_told_with_the_nearest_one_and_names_are_plain() {
    let dir = tempfile::tempdir().unwrap();
    let area = Area {
        rect: Rect { x: 0, y: 0, width: 9, height: 9 },
        kind: Kind::Match,
        needed: 0.96,
        margin: 50,
        click: None,
    };
    for name in ["../x", "a b", "", ".x", "<b>", &"n".repeat(101)] {
        assert!(
            Needle::write(dir.path(), name, &desktop(), std::slice::from_ref(&area), &[]).is_err(),
            "{name}"
        );
    }
    let outside = Area { rect: Rect { x: 315, y: 0, width: 9, height: 9 }, ..area.clone() };
    let error = Needle::write(dir.path(), "x", &desktop(), &[outside], &[]).unwrap_err().to_string();
    assert!(error.contains("315,0,9,9 is not within"), "{error}");
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    Needle::write(&dir.path().join("sub"), "boot-1", &desktop(), &[area], &["bootmenu".into()]).unwrap();
    let needles = Needles::read(dir.path()).unwrap();
    assert_eq!(needles.tagged("boot-1").unwrap().len(), 1);
    let error = needles.tagged("botmenu").unwrap_err().to_string();
    assert!(error.contains("did you mean 'bootmenu'?; 1 needles"), "{error}");
    std::fs::write(dir.path().join("bad.json"), "{").unwrap();
    assert!(Needles::read(dir.path()).unwrap_err().to_string().contains("bad.json"));
}
