//! As much of the NBD protocol as it takes to see how fast a server answers (doc/proto.md of the NetworkBlockDevice project: "fixed
//! newstyle", `NBD_OPT_EXPORT_NAME`, simple replies).

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

const GREETING: u64 = 0x4e42_444d_4147_4943;
const OPTION: u64 = 0x4948_4156_454f_5054;
const EXPORT_NAME: u32 = 1;
/// Fixed newstyle, and no padding behind what tells of the export.
const FLAGS: u32 = 3;
const REQUEST: u32 = 0x2560_9513;
const REPLY: u32 = 0x6744_6698;
const READ: u16 = 0;
const DISCONNECT: u16 = 2;

/// A connection to a server's export without a name.
pub(super) struct Client {
    socket: UnixStream,
    requests: u64,
}

impl Client {
    /// Connects; nothing that the server does not answer takes longer than `patience`.
    pub(super) fn connect(path: &Path, patience: Duration) -> io::Result<Client> {
        let mut socket = UnixStream::connect(path)?;
        socket.set_read_timeout(Some(patience))?;
        socket.set_write_timeout(Some(patience))?;
        if u64::from_be_bytes(taken(&mut socket)?) != GREETING
            || u64::from_be_bytes(taken(&mut socket)?) != OPTION
        {
            return Err(odd("it does not greet as a server of NBD does"));
        }
        let _: [u8; 2] = taken(&mut socket)?;
        socket.write_all(&FLAGS.to_be_bytes())?;
        socket.write_all(&OPTION.to_be_bytes())?;
        socket.write_all(&EXPORT_NAME.to_be_bytes())?;
        // The name is empty.
        socket.write_all(&0u32.to_be_bytes())?;
        // Its size, which is known, and what it can.
        let _: [u8; 10] = taken(&mut socket)?;
        Ok(Client { socket, requests: 0 })
    }

    /// Reads the first bytes, and says how long that took.
    pub(super) fn read(&mut self, bytes: u32) -> io::Result<Duration> {
        let started = Instant::now();
        self.ask(READ, bytes)?;
        let [magic, error] = [taken(&mut self.socket)?, taken(&mut self.socket)?].map(u32::from_be_bytes);
        let of = u64::from_be_bytes(taken(&mut self.socket)?);
        if magic != REPLY || of != self.requests {
            return Err(odd("its reply is none of NBD's"));
        }
        if error != 0 {
            return Err(io::Error::from_raw_os_error(i32::try_from(error).unwrap_or(i32::MAX)));
        }
        let copied = io::copy(&mut (&self.socket).take(bytes.into()), &mut io::sink())?;
        if copied != u64::from(bytes) {
            return Err(odd("it ends within a reply"));
        }
        Ok(started.elapsed())
    }

    fn ask(&mut self, what: u16, bytes: u32) -> io::Result<()> {
        self.requests += 1;
        let mut request = Vec::with_capacity(28);
        request.extend(REQUEST.to_be_bytes());
        request.extend(0u16.to_be_bytes());
        request.extend(what.to_be_bytes());
        request.extend(self.requests.to_be_bytes());
        request.extend(0u64.to_be_bytes());
        request.extend(bytes.to_be_bytes());
        self.socket.write_all(&request)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // A server that is gone needs no farewell.
        let _ = self.ask(DISCONNECT, 0);
    }
}

fn taken<const N: usize>(socket: &mut UnixStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    socket.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn odd(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
