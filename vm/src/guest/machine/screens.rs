//! What somebody sees who sits at a guest, and its mouse.

use super::Machine;
use crate::guest::error::GuestError;
use process::deadlines::HOST_ANSWER;
use screen::vga_text::{self, VgaText};
use screen::{Picture, PictureError};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// Ports of a VGA, each the index of a register with its value behind it: the CRT controller, the graphics controller.
const CRT: u16 = 0x3d4;
const GRAPHICS: u16 = 0x3ce;
/// Registers of the CRT controller: columns less one; scan lines of a character less one (5 bits); where the screen begins, in cells;
/// scan lines less one, whose bits 8 and 9 are bits 1 and 6 of another one (IBM's VGA).
const COLUMNS: u8 = 0x01;
const OVERFLOW: u8 = 0x07;
const CHARACTER: u8 = 0x09;
const START_HIGH: u8 = 0x0c;
const START_LOW: u8 = 0x0d;
const LINES: u8 = 0x12;
/// Of the graphics controller: bit 0 says graphics.
const MISCELLANEOUS: u8 = 0x06;
/// Cells of the memory of a text mode.
const CELLS: usize = vga_text::MEMORY / 2;
/// The most that a mouse is moved by at once: more is several packets of a PS/2 mouse, which a guest may lose.
const FARTHEST: i32 = 100;
/// Both axes of a device that is told places go so far, whatever the screen.
const ABSOLUTE: i64 = 0x7fff;
/// How long a button is held.
const HELD: Duration = Duration::from_millis(60);

impl Machine {
    /// The socket at which a VNC viewer of this user sees the screen, where there is one.
    pub fn vnc(&self) -> Option<&Path> {
        self.vnc.as_deref()
    }

    /// What the screen shows.
    ///
    /// # Errors
    /// As for [`Machine::picture`]; or what QEMU drew is larger than any screen.
    pub fn shot(&mut self) -> Result<Picture, GuestError> {
        let bytes = self.picture("ppm")?;
        Picture::decode(&bytes).map_err(|error| self.no_picture(&error))
    }

    fn no_picture(&self, error: &PictureError) -> GuestError {
        GuestError::Io {
            doing: "reading the picture of the screen",
            path: self.screen.drawn.clone(),
            source: std::io::Error::new(std::io::ErrorKind::InvalidData, error.to_string()),
        }
    }

    /// The text that a VGA shows, of its own memory; `None` where there is no VGA, or it shows graphics.
    ///
    /// QEMU answers for the VGA's registers. Two of them say which register is meant; they are put back, so that a guest notices
    /// nothing unless it writes them by two instructions in the same millisecond.
    ///
    /// # Errors
    /// The monitor's.
    pub fn vga_text(&mut self) -> Result<Option<VgaText>, GuestError> {
        let graphics = self.indexed(GRAPHICS, &[MISCELLANEOUS])?;
        if graphics.first().is_none_or(|value| value & 1 == 1) {
            return Ok(None);
        }
        let told = self.indexed(CRT, &[COLUMNS, OVERFLOW, CHARACTER, START_HIGH, START_LOW, LINES])?;
        let [columns, overflow, character, high, low, lines] = told.as_slice() else { return Ok(None) };
        let columns = usize::from(*columns) + 1;
        let bits = usize::from(overflow >> 1 & 1) << 8 | usize::from(overflow >> 6 & 1) << 9;
        let rows = (usize::from(*lines) + bits + 1) / (usize::from(character & 0x1f) + 1);
        let start = usize::from(*high) << 8 | usize::from(*low);
        if rows == 0 || !(20..=200).contains(&columns) || rows * columns > CELLS {
            return Ok(None);
        }
        // Four bytes of memory are two cells. A screen that goes round the end is read whole.
        let first = if start + rows * columns <= CELLS { start & !1 } else { 0 };
        let cells = if first == 0 && start > 0 { CELLS } else { rows * columns + (start & 1) };
        let line = format!("xp /{}xw {:#x}", cells.div_ceil(2), vga_text::ADDRESS + 2 * first as u64);
        let memory = vga_text::of_dump(&self.human(&line)?);
        let begins = if start >= first && cells < CELLS { start - first } else { start };
        Ok(VgaText::at(&memory, begins, columns, rows).ok())
    }

    /// Registers that are read by their index, and the index put back. Fewer where nothing answers.
    fn indexed(&mut self, port: u16, indices: &[u8]) -> Result<Vec<u8>, GuestError> {
        let Some(before) = self.port(&format!("i /b {port:#x}"))? else { return Ok(Vec::new()) };
        let mut values = Vec::new();
        for index in indices {
            values.extend(self.port(&format!("i /b {port:#x}.{index:#x}"))?);
        }
        self.human(&format!("o /b {port:#x} {before:#x}"))?;
        Ok(values)
    }

    /// What the monitor says of a port: `portb[0x03d5] = 0x0e`.
    fn port(&mut self, line: &str) -> Result<Option<u8>, GuestError> {
        let said = self.human(line)?;
        let value = said.split_once("= 0x").map(|(_, value)| value.trim());
        Ok(value.and_then(|value| u8::from_str_radix(value, 16).ok()))
    }

    fn human(&mut self, line: &str) -> Result<String, GuestError> {
        let said = self.qmp.execute("human-monitor-command", json!({"command-line": line}), HOST_ANSWER)?;
        Ok(said.as_str().unwrap_or_default().to_owned())
    }

    /// Whether its pointer is told places (a tablet), and not ways.
    ///
    /// # Errors
    /// The monitor's.
    pub fn points_absolutely(&mut self) -> Result<bool, GuestError> {
        let mice = self.qmp.execute("query-mice", json!({}), HOST_ANSWER)?;
        let is = |mouse: &Value, key: &str| mouse.get(key).and_then(Value::as_bool).unwrap_or_default();
        let mut mice = mice.as_array().into_iter().flatten();
        Ok(mice.any(|mouse| is(mouse, "current") && is(mouse, "absolute")))
    }

    /// Puts the pointer of a tablet on a pixel of a screen of this size.
    ///
    /// # Errors
    /// The monitor's.
    pub fn point_at(&mut self, (x, y): (u32, u32), (width, height): (u32, u32)) -> Result<(), GuestError> {
        // The middle of the pixel, rounded up, as the guest rounds down.
        let part = |at: u32, side: u32| {
            let side = i64::from(side.max(1));
            ((2 * i64::from(at) + 1) * (ABSOLUTE + 1) / (2 * side)).min(ABSOLUTE)
        };
        self.input("abs", part(x, width), part(y, height))
    }

    /// Pushes a mouse.
    ///
    /// # Errors
    /// The monitor's.
    pub fn nudge(&mut self, dx: i32, dy: i32) -> Result<(), GuestError> {
        let times = (dx.abs().max(dy.abs()) + FARTHEST - 1).max(FARTHEST) / FARTHEST;
        let part = |all: i32, time: i32| i64::from(all) * i64::from(time) / i64::from(times);
        for time in 0..times {
            let step = |all: i32| part(all, time + 1) - part(all, time);
            self.input("rel", step(dx), step(dy))?;
            std::thread::sleep(Duration::from_millis(4));
        }
        Ok(())
    }

    /// Presses its left button, and lets it go.
    ///
    /// # Errors
    /// The monitor's.
    pub fn click(&mut self) -> Result<(), GuestError> {
        for down in [true, false] {
            let event = json!({"type": "btn", "data": {"down": down, "button": "left"}});
            self.qmp.execute("input-send-event", json!({"events": [event]}), HOST_ANSWER)?;
            std::thread::sleep(HELD);
        }
        Ok(())
    }

    fn input(&mut self, kind: &str, x: i64, y: i64) -> Result<(), GuestError> {
        let axis = |axis: &str, value: i64| json!({"type": kind, "data": {"axis": axis, "value": value}});
        let events = json!({"events": [axis("x", x), axis("y", y)]});
        self.qmp.execute("input-send-event", events, HOST_ANSWER)?;
        Ok(())
    }
}
