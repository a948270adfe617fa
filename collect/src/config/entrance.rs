//! The way into a guest as existing configurations say it: `shell_client` and what belongs to it. What comes out stands in
//! `channel`; what perfvt does not do is refused.

use super::named::{given, rank, suffixes, view};
use crate::parse::image;
use model::{Origin, Param, Params, ParamsError};

const CHANNEL: &str = "channel";
const CLIENT: &str = "shell_client";
const PORT: &str = "shell_port";
const TRANSFER: &str = "file_transfer_client";
const TRANSFER_PORT: &str = "file_transfer_port";
/// The port that says nothing: that of ssh.
const USUAL: &str = "22";

/// Says in `channel` what `shell_client` says, for each guest.
///
/// # Errors
/// A client that perfvt does not have, or a key that nothing would be done with.
pub fn settle(params: &mut Params) -> Result<(), ParamsError> {
    let mut found = Vec::new();
    for suffix in suffixes(params) {
        let set = |key: &&str| params.param(&format!("{key}{suffix}")).is_some();
        if !suffix.is_empty() && ![CHANNEL, CLIENT, PORT, TRANSFER, TRANSFER_PORT].iter().any(set) {
            continue;
        }
        let own = view(params, &suffix);
        if let Some(client) = of_guest(&own)? {
            found.push(Param::new(format!("{CHANNEL}{suffix}"), "ssh", client.origin.clone()));
        }
    }
    found.into_iter().for_each(|param| params.put(param));
    Ok(())
}

/// The parameter by which ssh is the way into a guest, when it is by these keys; the guest's own parameters.
fn of_guest(own: &Params) -> Result<Option<&Param>, ParamsError> {
    let keys = [CLIENT, PORT, TRANSFER, TRANSFER_PORT];
    if image(own).is_none() {
        // In a file they may stand beside guests that are not used.
        let asked = |key: &&&str| given(own, key).is_some_and(|p| matches!(p.origin, Origin::Flag(_)));
        return match keys.iter().find(asked) {
            Some(key) => {
                Err(own.wrong(key, "an image beside it: the built-in guest has a way in of its own"))
            }
            None => Ok(None),
        };
    }
    let client = given(own, CLIENT);
    let channel = own.param(CHANNEL).map_or(0, rank);
    // Who sets the channel has chosen: keys about another one say nothing then.
    if channel > 0 && client.is_none_or(|client| rank(client) <= channel) {
        let by_ssh = own.get(CHANNEL).map(str::trim) == Some("ssh");
        return if by_ssh { ports(own).map(|()| None) } else { Ok(None) };
    }
    match client.map(|client| client.value.trim()) {
        None => {
            let lonely = |key: &&&str| given(own, key).is_some_and(|p| p.value.trim() != USUAL);
            return match [PORT, TRANSFER, TRANSFER_PORT].iter().find(lonely) {
                Some(key) => Err(own.wrong(key, "channel = ssh or shell_client = ssh beside it, because files and commands go the same way; else nothing")),
                None => Ok(None),
            };
        }
        Some("ssh") => {}
        Some("nc" | "telnet") => {
            let wanted = "ssh: what others send to nc and telnet passes the network unprotected and has no end that can be told; \
                          channel = agent (the QEMU guest agent), ssh or serial says how to enter instead";
            return Err(own.wrong(CLIENT, wanted));
        }
        Some(_) => return Err(own.wrong(CLIENT, "ssh; or channel = agent, ssh or serial")),
    }
    if given(own, TRANSFER).is_some_and(|param| param.value.trim() != "scp") {
        let wanted =
            "scp, or nothing: files go the way that commands go; channel = agent, ssh or serial says which";
        return Err(own.wrong(TRANSFER, wanted));
    }
    ports(own)?;
    Ok(client)
}

/// Files and commands go through one port.
fn ports(own: &Params) -> Result<(), ParamsError> {
    let shell = given(own, PORT).map_or(USUAL, |param| param.value.trim());
    if given(own, PORT).is_some() {
        own.number(PORT, 1u16, "a port, 1 to 65535")?;
    }
    match given(own, TRANSFER_PORT).filter(|param| param.value.trim() != shell) {
        Some(_) => Err(own.wrong(
            TRANSFER_PORT,
            &format!("{shell}, because files go the way that commands go (shell_port)"),
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entered(keys: &[(&str, &str)]) -> Result<String, String> {
        let mut params = Params::new();
        params.set(CHANNEL, "agent", Origin::BuiltIn);
        for (line, (key, value)) in (1..).zip(keys) {
            let origin = match key.strip_prefix("--") {
                Some(_) => Origin::Flag("--set".into()),
                None => Origin::File { path: "t.cfg".into(), line },
            };
            params.set(key.trim_start_matches("--"), *value, origin);
        }
        settle(&mut params).map_err(|e| e.to_string())?;
        Ok(format!("{} ({})", params.get(CHANNEL).unwrap(), params.param(CHANNEL).unwrap().origin))
    }

    #[test]
    fn a_shell_client_is_the_channel_unless_a_channel_is_set() {
        let image = ("image", "x.qcow2");
        let manual = [(CLIENT, "ssh"), (PORT, "22"), (TRANSFER, "scp"), (TRANSFER_PORT, "22")];
        let with = |keys: &[(&str, &str)]| entered(&[&[image], keys].concat());
        assert_eq!(with(&manual).unwrap(), "ssh (t.cfg:2)");
        assert_eq!(with(&[]).unwrap(), "agent (built in)");
        assert_eq!(with(&[(CLIENT, "nc"), (PORT, "10022"), (CHANNEL, "agent")]).unwrap(), "agent (t.cfg:4)");
        assert_eq!(with(&[(CHANNEL, "serial"), ("--shell_client", "ssh")]).unwrap(), "ssh (--set)");
        assert_eq!(with(&[(CHANNEL, "ssh"), (PORT, "2222")]).unwrap(), "ssh (t.cfg:2)");
        assert_eq!(with(&[(PORT, "22")]).unwrap(), "agent (built in)");
        assert_eq!(entered(&manual).unwrap(), "agent (built in)");
    }

    #[test]
    fn what_perfvt_does_not_do_is_refused_with_the_way_out() {
        let with = |keys: &[(&str, &str)]| entered(&[&[("image", "x.qcow2")], keys].concat()).unwrap_err();
        for client in ["nc", "telnet"] {
            let error = with(&[(CLIENT, client)]);
            assert!(
                error.starts_with(&format!("parameter 'shell_client' is '{client}' (t.cfg:2), want ssh: ")),
                "{error}"
            );
            assert!(error.contains("channel = agent (the QEMU guest agent), ssh or serial"), "{error}");
        }
        assert!(with(&[(CLIENT, "rsh")]).contains("want ssh; or channel"));
        assert!(with(&[(PORT, "2222")]).contains("channel = ssh or shell_client = ssh beside it"));
        assert!(with(&[(TRANSFER, "rss")]).contains("files and commands go the same way"));
        assert!(with(&[(CLIENT, "ssh"), (TRANSFER, "rss")]).contains("want scp, or nothing"));
        assert!(with(&[(CLIENT, "ssh"), (PORT, "99999")]).contains("a port, 1 to 65535"));
        assert!(with(&[(CLIENT, "ssh"), (TRANSFER_PORT, "23")]).contains("want 22, because files go"));
        assert!(with(&[(CLIENT, "ssh"), (PORT, "2222"), (TRANSFER_PORT, "22")]).contains("want 2222"));
        assert!(entered(&[("--shell_port", "2222")]).unwrap_err().contains("an image beside it"));
    }
}
