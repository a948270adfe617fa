//! What few need: it is told, and no more.

use super::{Check, Standing, check, nested, version, version_of};
use std::path::Path;

/// How far Windows guests are known.
const WINDOWS: &str =
    "tested against an agent of the tests' own alone: no Windows was ever booted or installed";

pub(super) fn checks() -> Vec<Check> {
    let told = |name, found| check(name, Ok(found), Standing::Limited, "");
    vec![
        told("nested KVM", nested::found(Path::new("/sys/module"))),
        told("screens", screens()),
        told("Windows guests", WINDOWS.to_owned()),
    ]
}

/// What there is for screens beside what perfvt does itself (docs/screens.md).
fn screens() -> String {
    let has_reader = version("tesseract").is_ok();
    let reader =
        if has_reader { "tesseract reads pictures" } else { "no tesseract: text of pictures is not read" };
    let has_maker = version_of("ffmpeg", "-version").is_ok();
    let film =
        if has_maker { "ffmpeg makes films of frames" } else { "no ffmpeg: frames are animated PNGs alone" };
    format!("{reader}; {film}")
}
