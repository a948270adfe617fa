//! The key that names the image of a guest: what it says, in one place.

use model::Params;

/// What stands before the name of an image in the cache.
pub const CACHED: &str = "perfvt:";
/// The image of perfvt's own guest: a definition that wants it says so.
pub const BUILTIN_IMAGE: &str = "perfvt:builtin";

/// The image that a guest with these parameters boots from, which are its own; `None` for the built-in guest.
pub fn image(params: &Params) -> Option<&str> {
    let image = params.get("image").map(str::trim);
    image.filter(|image| !image.is_empty() && *image != BUILTIN_IMAGE)
}
