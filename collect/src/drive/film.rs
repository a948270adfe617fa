//! A film of what a machine showed, for those who have a player and no browser at hand.

use process::deadlines::HOST_ANSWER;
use std::path::Path;

/// The program that makes it.
const MAKER: &str = "ffmpeg";
/// What it is called beside its frames, and its largest size.
const FILM: &str = "frames.webm";
const LARGEST: u64 = 64 << 20;

/// Makes a film of an animated PNG, beside it, where ffmpeg is installed. The frames are there without it, and half a film is none.
pub(super) fn of_frames(frames: &Path) {
    let Ok(folder) = process::private_folder() else { return };
    let made = folder.path().join(FILM);
    // VP9 takes sides of even lengths in the colours that all players know.
    let even = "pad=ceil(iw/2)*2:ceil(ih/2)*2";
    let spec = process::Spec::new(MAKER).args(["-v", "error", "-nostdin", "-f", "apng", "-i"]).arg(frames);
    let spec = spec.args(["-vf", even, "-pix_fmt", "yuv420p", "-c:v", "libvpx-vp9"]).arg(&made);
    if process::run(spec, HOST_ANSWER).is_ok()
        && let Ok(film) = edge::read(&made, LARGEST)
    {
        let _ = edge::write_atomically(frames.with_file_name(FILM), &film);
    }
}
