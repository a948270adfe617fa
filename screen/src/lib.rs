//! What a guest shows: read as text where it is text, and compared as a picture where it is none.
//!
//! ```text
//!   serial ──> terminal (vt100) ──┐
//!   VGA memory ──> vga_text ──────┴──> text
//!   PNG, PPM ──> picture ──> needle, needles (openQA's files) ──> look ──> search (where, how similar), difference (a picture for people)
//!                   ├──> mask (what changes by itself) ──> needle
//!                   ├──> pointer (found, and moved by halving)
//!                   └──> frames (the last ones, each once) ──> APNG
//! ```
//!
//! Nothing here knows a guest or QEMU: bytes come in. They are a guest's work and may be anything: sizes are bounded before
//! memory is taken, work is bounded by what is compared.

// Tests lay out their own files; everything else passes the doors of `edge`.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod difference;
pub mod frames;
pub mod look;
pub mod mask;
pub mod needle;
pub mod needles;
pub mod picture;
pub mod pointer;
pub mod search;
pub mod terminal;
pub mod vga_text;

pub use needle::Needle;
pub use needles::Needles;
pub use picture::{Picture, PictureError, Rect};
