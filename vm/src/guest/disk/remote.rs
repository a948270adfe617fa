//! A disk on a server of the user's (`disk_uri`). Over NBD perfvt makes the connection and QEMU gets it open, so that it works from
//! any network and QEMU stays confined; for the others QEMU has drivers of its own, which connect by themselves.

use serde_json::{Value, json};
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How a URI may look, for messages.
pub const FORMS: &str = "nbd://HOST[:PORT]/EXPORT, nbd+unix:///EXPORT?socket=FILE, ssh://[USER@]HOST[:PORT]/FILE, \
                         iscsi://HOST[:PORT]/TARGET/LUN, nfs://HOST/FILE, gluster://HOST[:PORT]/VOLUME/FILE or rbd:POOL/IMAGE";

/// A server, and what of it the disk is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// As it was written.
    pub uri: String,
    place: Place,
    /// Who logs in (iSCSI), and the file with the password.
    pub login: Option<(String, PathBuf)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    NbdTcp { host: String, port: u16, export: String },
    NbdUnix { socket: PathBuf, export: String },
    Ssh { user: Option<String>, host: String, port: u16, path: String },
    Iscsi { host: String, port: u16, target: String, lun: u16 },
    Nfs { host: String, path: String },
    Gluster { host: String, port: u16, volume: String, path: String },
    Rbd { pool: String, image: String },
}

/// The secret object that holds a password.
const SECRET: &str = "disk-secret";

impl Remote {
    /// The server of a URI.
    ///
    /// # Errors
    /// What it should have been, for the end of a sentence.
    pub fn parse(uri: &str) -> Result<Remote, String> {
        if uri.chars().any(|c| c == '%' || c.is_whitespace() || c.is_control()) {
            return Err(format!("{FORMS}, without blanks and %"));
        }
        let place = place(uri).ok_or_else(|| FORMS.to_owned())?;
        Ok(Remote { uri: uri.to_owned(), place, login: None })
    }

    /// Whether a URI holds a password, which would be seen by everybody.
    pub fn has_password(uri: &str) -> bool {
        let authority = uri.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or(""));
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains([':', '%']))
    }

    /// QEMU's driver.
    pub fn driver(&self) -> &'static str {
        match self.place {
            Place::NbdTcp { .. } | Place::NbdUnix { .. } => "nbd",
            Place::Ssh { .. } => "ssh",
            Place::Iscsi { .. } => "iscsi",
            Place::Nfs { .. } => "nfs",
            Place::Gluster { .. } => "gluster",
            Place::Rbd { .. } => "rbd",
        }
    }

    /// Whether nobody has tried this one: its command line is held by tests, and no more.
    pub fn is_untried(&self) -> bool {
        matches!(self.place, Place::Gluster { .. } | Place::Rbd { .. })
    }

    /// Whether it is logged in there by user and password.
    pub fn takes_login(&self) -> bool {
        matches!(self.place, Place::Iscsi { .. })
    }

    /// Why QEMU opens files of the user's for it, if so.
    pub fn opens(&self) -> Option<&'static str> {
        match self.place {
            Place::Ssh { .. } => Some("disk_uri=ssh:// has QEMU read keys and known hosts"),
            Place::Rbd { .. } => Some("disk_uri=rbd: has QEMU read /etc/ceph"),
            _ => None,
        }
    }

    /// Connects; `None` where QEMU does that itself.
    pub(super) fn connect(&self, patience: Duration) -> io::Result<Option<OwnedFd>> {
        match &self.place {
            Place::NbdTcp { host, port, .. } => {
                let mut last = io::Error::other("it has no address");
                for address in (host.as_str(), *port).to_socket_addrs()? {
                    match TcpStream::connect_timeout(&address, patience) {
                        Ok(stream) => {
                            stream.set_nodelay(true)?;
                            return Ok(Some(stream.into()));
                        }
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
            Place::NbdUnix { socket, .. } => Ok(Some(UnixStream::connect(socket)?.into())),
            _ => Ok(None),
        }
    }

    /// The node; `connection` is the number of what [`Remote::connect`] gave in QEMU.
    pub(super) fn node(&self, connection: Option<RawFd>) -> Value {
        let inet = |host: &str, port: u16| json!({"type": "inet", "host": host, "port": port.to_string()});
        match &self.place {
            Place::NbdTcp { host, port, export } => {
                nbd(connection.map_or_else(|| inet(host, *port), descriptor), export)
            }
            Place::NbdUnix { socket, export } => {
                nbd(connection.map_or_else(|| unix(socket), descriptor), export)
            }
            Place::Ssh { user, host, port, path } => {
                let server = json!({"host": host, "port": port.to_string()});
                let check = json!({"mode": "known_hosts"});
                let mut node =
                    json!({"driver": "ssh", "server": server, "path": path, "host-key-check": check});
                if let (Some(user), Some(members)) = (user, node.as_object_mut()) {
                    members.insert("user".to_owned(), json!(user));
                }
                node
            }
            Place::Iscsi { host, port, target, lun } => {
                let portal = format!("{host}:{port}");
                let mut node = json!({"driver": "iscsi", "transport": "tcp", "portal": portal, "target": target, "lun": lun});
                if let (Some((user, _)), Some(members)) = (&self.login, node.as_object_mut()) {
                    members.insert("user".to_owned(), json!(user));
                    members.insert("password-secret".to_owned(), json!(SECRET));
                }
                node
            }
            Place::Nfs { host, path } => {
                json!({"driver": "nfs", "server": {"type": "inet", "host": host}, "path": path})
            }
            Place::Gluster { host, port, volume, path } => {
                json!({"driver": "gluster", "volume": volume, "path": path, "server": [inet(host, *port)]})
            }
            Place::Rbd { pool, image } => json!({"driver": "rbd", "pool": pool, "image": image}),
        }
    }

    /// The object that holds the password: QEMU reads it out of the file, so that no command line has it.
    pub(super) fn secret(&self) -> Option<String> {
        let (_, file) = self.login.as_ref()?;
        Some(format!("secret,id={SECRET},file={}", file.display().to_string().replace(',', ",,")))
    }
}

/// An export over NBD.
pub(super) fn nbd(server: Value, export: &str) -> Value {
    let mut node = json!({"driver": "nbd", "server": server});
    if let Some(members) = node.as_object_mut().filter(|_| !export.is_empty()) {
        members.insert("export".to_owned(), json!(export));
    }
    node
}

/// A socket by its name.
pub(super) fn unix(socket: &Path) -> Value {
    json!({"type": "unix", "path": socket.display().to_string()})
}

/// A connection that QEMU has.
pub(super) fn descriptor(number: RawFd) -> Value {
    json!({"type": "fd", "str": number.to_string()})
}

fn place(uri: &str) -> Option<Place> {
    if let Some(rest) = uri.strip_prefix("rbd:") {
        let (pool, image) = rest.split_once('/')?;
        let fits = [pool, image].iter().all(|part| !part.is_empty() && !part.contains([':', '@', '/']));
        return fits.then(|| Place::Rbd { pool: pool.to_owned(), image: image.to_owned() });
    }
    let (scheme, rest) = uri.split_once("://")?;
    let (authority, path) = rest.split_once('/')?;
    let filled = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    if scheme == "nbd+unix" {
        let (export, socket) = path.split_once("?socket=")?;
        let socket = PathBuf::from(filled(socket)?);
        let fits = authority.is_empty() && socket.is_absolute();
        return fits.then(|| Place::NbdUnix { socket, export: export.to_owned() });
    }
    if path.contains('?') {
        return None;
    }
    let (user, authority) = match authority.rsplit_once('@') {
        Some((user, host)) if scheme == "ssh" && !user.contains(':') => (Some(filled(user)?), host),
        Some(_) => return None,
        None => (None, authority),
    };
    let usual = match scheme {
        "nbd" => 10809,
        "ssh" => 22,
        "iscsi" => 3260,
        "gluster" => 24007,
        // QEMU's driver takes no port.
        "nfs" if !authority.contains(':') => 0,
        _ => return None,
    };
    let (host, port) = host_and_port(authority, usual)?;
    Some(match scheme {
        "nbd" => Place::NbdTcp { host, port, export: path.to_owned() },
        "ssh" => Place::Ssh { user, host, port, path: format!("/{}", filled(path)?) },
        "iscsi" => {
            let (target, lun) = path.split_once('/')?;
            Place::Iscsi { host, port, target: filled(target)?, lun: lun.parse().ok()? }
        }
        "nfs" => Place::Nfs { host, path: format!("/{}", filled(path)?) },
        _ => {
            let (volume, file) = path.split_once('/')?;
            Place::Gluster { host, port, volume: filled(volume)?, path: filled(file)? }
        }
    })
}

/// A host with a port behind it; an address of IPv6 stands in brackets.
fn host_and_port(authority: &str, usual: u16) -> Option<(String, u16)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, behind) = rest.split_once(']')?;
            (host, behind.strip_prefix(':').or_else(|| Some("").filter(|_| behind.is_empty()))?)
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    let port = if port.is_empty() { usual } else { port.parse().ok()? };
    Some((host.to_owned(), port)).filter(|_| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(uri: &str) -> String {
        Remote::parse(uri).unwrap().node(None).to_string()
    }

    #[test]
    fn every_kind_of_server_is_a_node_of_its_own_driver() {
        for (uri, wanted) in [
            (
                "nbd://h:10810/x",
                r#"{"driver":"nbd","export":"x","server":{"host":"h","port":"10810","type":"inet"}}"#,
            ),
            ("nbd://[::1]/", r#"{"driver":"nbd","server":{"host":"::1","port":"10809","type":"inet"}}"#),
            (
                "nbd+unix:///x?socket=/run/a,b",
                r#"{"driver":"nbd","export":"x","server":{"path":"/run/a,b","type":"unix"}}"#,
            ),
            (
                "ssh://me@h:2222/srv/d.raw",
                r#"{"driver":"ssh","host-key-check":{"mode":"known_hosts"},"path":"/srv/d.raw","server":{"host":"h","port":"2222"},"user":"me"}"#,
            ),
            (
                "iscsi://h/iqn.2026-01.x:d/1",
                r#"{"driver":"iscsi","lun":1,"portal":"h:3260","target":"iqn.2026-01.x:d","transport":"tcp"}"#,
            ),
            (
                "nfs://h/srv/d.raw",
                r#"{"driver":"nfs","path":"/srv/d.raw","server":{"host":"h","type":"inet"}}"#,
            ),
            (
                "gluster://h/vol/d.raw",
                r#"{"driver":"gluster","path":"d.raw","server":[{"host":"h","port":"24007","type":"inet"}],"volume":"vol"}"#,
            ),
            ("rbd:pool/image", r#"{"driver":"rbd","image":"image","pool":"pool"}"#),
        ] {
            assert_eq!(node(uri), wanted, "{uri}");
        }
        let connected = Remote::parse("nbd://h/x").unwrap().node(Some(104)).to_string();
        assert_eq!(connected, r#"{"driver":"nbd","export":"x","server":{"str":"104","type":"fd"}}"#);
        assert!(
            Remote::parse("rbd:p/i").unwrap().is_untried()
                && !Remote::parse("nbd://h/").unwrap().is_untried()
        );
    }

    #[test]
    fn what_is_no_uri_is_refused_and_a_password_in_one_is_seen() {
        for uri in [
            "",
            "/dev/sda",
            "nbd://h",
            "nbd:///x",
            "nbd://h:99999/x",
            "nbd+unix:///x",
            "nbd+unix:///x?socket=run/x",
            "nbd+unix://h/x?socket=/x",
            "ssh://h/",
            "ssh://h:22x/f",
            "ssh://@h/f",
            "iscsi://h/t",
            "iscsi://h/t/one",
            "iscsi://u%p@h/t/1",
            "nfs://h:2049/f",
            "nfs://h/f?uid=0",
            "gluster://h/vol",
            "gluster+rdma://h/vol/f",
            "rbd:pool",
            "rbd:pool/image:conf=/x",
            "http://h/f",
            "nbd://[::1/x",
            "nbd://h/a b",
        ] {
            let error = Remote::parse(uri).unwrap_err();
            assert!(error.contains("iscsi://HOST"), "{uri}: {error}");
        }
        assert!(Remote::has_password("iscsi://u%p@h/t/1") && Remote::has_password("ssh://u:p@h/f"));
        assert!(!Remote::has_password("ssh://u@h/f:a@b") && !Remote::has_password("rbd:p/i"));
    }

    #[test]
    fn a_password_is_in_a_file_and_the_command_line_has_its_name() {
        let mut remote = Remote::parse("iscsi://h/t/1").unwrap();
        assert!(remote.takes_login() && remote.secret().is_none());
        remote.login = Some(("me".into(), PathBuf::from("/p,w")));
        assert_eq!(remote.secret().unwrap(), "secret,id=disk-secret,file=/p,,w");
        let node = remote.node(None).to_string();
        assert!(node.contains(r#""user":"me""#) && node.contains(r#""password-secret":"disk-secret""#));
    }
}
