//! Files of a guest, written and read by the agent piece by piece.

use super::{ChannelError, Health, Limit, QgaChannel, Told, decoded};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

/// Bytes of a file that are written or read at a time.
const PIECE: usize = 96 << 10;

#[derive(Deserialize)]
struct Piece {
    count: usize,
    #[serde(rename = "buf-b64", default)]
    content: String,
    #[serde(default)]
    eof: bool,
}

impl QgaChannel {
    /// Writes all of a file under a name.
    pub(super) fn write(
        &mut self,
        path: &str,
        content: &[u8],
        limit: &Limit<'_>,
        health: &mut Health<'_>,
    ) -> Result<Told<()>, ChannelError> {
        let open = json!({"path": path, "mode": "wb"});
        let handle: i64 = match self.ask("guest-file-open", open, limit, health)? {
            Ok(handle) => handle,
            Err(reason) => return Ok(Err(reason)),
        };
        let mut rest = content;
        let mut told = Ok(());
        while !rest.is_empty() {
            let piece = rest.get(..PIECE.min(rest.len())).unwrap_or_default();
            let arguments = json!({"handle": handle, "buf-b64": STANDARD.encode(piece)});
            match self.ask::<Piece>("guest-file-write", arguments, limit, health)? {
                Ok(written) if (1..=piece.len()).contains(&written.count) => {
                    rest = rest.get(written.count..).unwrap_or_default();
                }
                Ok(_) => told = Err(format!("guest-file-write: no byte of {path} was written")),
                Err(reason) => told = Err(reason),
            }
            if told.is_err() {
                break;
            }
        }
        // Closing writes what the agent has not written yet, so its failure is one of the file.
        let closed: Told<Value> = self.ask("guest-file-close", json!({"handle": handle}), limit, health)?;
        Ok(told.and(closed.map(drop)))
    }

    /// Reads all of a file, to the end of `into`.
    pub(super) fn read_file(
        &mut self,
        path: &str,
        into: &mut Vec<u8>,
        limit: &Limit<'_>,
        health: &mut Health<'_>,
    ) -> Result<Told<()>, ChannelError> {
        let open = json!({"path": path, "mode": "rb"});
        let handle: i64 = match self.ask("guest-file-open", open, limit, health)? {
            Ok(handle) => handle,
            Err(reason) => return Ok(Err(reason)),
        };
        let told = loop {
            let arguments = json!({"handle": handle, "count": PIECE});
            match self.ask::<Piece>("guest-file-read", arguments, limit, health)? {
                Ok(piece) => {
                    let content = decoded(&piece.content)?;
                    let is_end = piece.eof || content.is_empty();
                    into.extend(content);
                    if is_end {
                        break Ok(());
                    }
                }
                Err(reason) => break Err(reason),
            }
        };
        let closed: Told<Value> = self.ask("guest-file-close", json!({"handle": handle}), limit, health)?;
        Ok(told.and(closed.map(drop)))
    }
}
