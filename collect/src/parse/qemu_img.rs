//! What makes a guest's disks, and whether they are checked.

use super::given;
use model::{Params, ParamsError};
use vm::guest::qemu_img::QemuImg;

/// The program that makes and checks disks; a campaign that was planned before one could be named has the usual one.
pub fn qemu_img(params: &Params) -> QemuImg {
    given(params, "qemu_img_binary").map_or_else(QemuImg::default, QemuImg::named)
}

/// Whether the images of a guest are checked when it has ended.
///
/// # Errors
/// Neither yes nor no.
pub fn check_image(params: &Params) -> Result<bool, ParamsError> {
    // Campaigns of before have no such key.
    Ok(given(params, "check_image").is_some() && params.switch("check_image")?)
}
