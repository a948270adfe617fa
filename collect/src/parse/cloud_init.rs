//! What cloud-init in a guest of the user's is told.

use super::{given, proxies};
use edge::read::CONFIG;
use model::{Params, ParamsError};
use std::path::{Path, PathBuf};
use vm::guest::os::Os;
use vm::guest::seed::{CloudInit, LARGEST, SshLogin};
use vm::guest::way::Way;

/// The key that turns it on.
pub const CLOUD_INIT: &str = "cloud_init";
/// Who gets a password for the console.
const DEBUG_USER: &str = "debug_user";
/// The file of the user's data.
const USER_DATA: &str = "user_data_file";
/// Keys that mean nothing without it.
pub const TOLD: [&str; 6] =
    [USER_DATA, "network_config", "first_boot", proxies::PROXY, proxies::PROXY_FILE, DEBUG_USER];
/// How user data begin, by which cloud-init knows what they are.
const FORMS: [&str; 7] =
    ["#cloud-config", "#!", "#cloud-boothook", "#include", "#part-handler", "## template:", "#upstart-job"];
/// So far cloud-init looks for the head of MIME.
const HEAD: usize = 4096;

/// Whether perfvt tells cloud-init anything.
///
/// # Errors
/// Neither yes nor no, what is to be told without anybody to tell it to, or a guest that is no Linux.
pub fn is_told(params: &Params, os: Os) -> Result<bool, ParamsError> {
    if params.choice(CLOUD_INIT, &["yes", "no"])? == "yes" {
        return match os {
            Os::Linux => Ok(true),
            Os::Windows => Err(params.wrong(CLOUD_INIT, "no, because guest_os is windows")),
        };
    }
    match TOLD.into_iter().find(|key| given(params, key).is_some()) {
        Some(key) => Err(params.wrong(key, "cloud_init = yes beside it, which hands it to the guest")),
        None => Ok(false),
    }
}

/// The way into such a guest, where nobody says another: perfvt's agent, which comes with the rest.
pub fn way(params: &Params, told: bool) -> Result<Way, ParamsError> {
    let way = Way::parse(params.choice("channel", &Way::WORDS)?).unwrap_or(Way::Agent);
    let is_default = params.param("channel").is_none_or(|param| param.origin == model::Origin::BuiltIn);
    match (told, way.needs_cloud_init()) {
        (true, _) if is_default => Ok(Way::Perfvt),
        (false, true) => {
            let wanted = "cloud_init = yes beside it, which starts what perfvt needs in the guest";
            Err(params.wrong("channel", wanted))
        }
        _ => Ok(way),
    }
}

/// What is told beside perfvt's own, with the public half of the key with which somebody logs in by ssh; without a key there, one
/// is made for each boot.
///
/// # Errors
/// A file that cannot be read, user data of no known form, or a value that is none of its key's.
pub fn cloud_init(params: &Params, login: Option<(&str, Option<&Path>)>) -> Result<CloudInit, ParamsError> {
    let file = |key: &str| match given(params, key) {
        None => Ok(None),
        Some(path) => read(Path::new(path)).map(Some).map_err(|wanted| params.wrong(key, &wanted)),
    };
    let user_data = file(USER_DATA)?;
    if let Some(content) = &user_data {
        known_form(content).map_err(|wanted| params.wrong(USER_DATA, &wanted))?;
    }
    let login = match login {
        None => None,
        Some((user, key)) => {
            let key = key.map(public).transpose().map_err(|wanted| params.wrong("key", &wanted))?;
            Some(SshLogin { user: user.to_owned(), key })
        }
    };
    Ok(CloudInit {
        user_data,
        network_config: file("network_config")?,
        first_boot: file("first_boot")?,
        login,
        proxies: proxies::proxies(params)?,
        debug_user: debug_user(params)?,
        alone: false,
    })
}

/// Who gets a password: a name that every system takes for one.
fn debug_user(params: &Params) -> Result<Option<String>, ParamsError> {
    let Some(name) = given(params, DEBUG_USER) else { return Ok(None) };
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    match begins && name.len() <= 32 && name.chars().all(plain) {
        true => Ok(Some(name.to_owned())),
        false => {
            Err(params.wrong(DEBUG_USER, "the name of a user: a-z, 0-9, _ and -, at most 32, a letter first"))
        }
    }
}

/// A file, or what is wanted instead. All of them have room on the disk for cloud-init, the program as base64.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    const { assert!(CONFIG * 10 / 3 < LARGEST as u64) };
    edge::read(path, CONFIG).map_err(|error| format!("a file that can be read ({error})"))
}

/// Refuses user data of no form that cloud-init knows: it would drop them, and say so in its log alone. What stands behind their
/// first line only cloud-init can judge.
fn known_form(content: &[u8]) -> Result<(), String> {
    // cloud-init unpacks gzip and looks again.
    if content.starts_with(&[0x1f, 0x8b]) {
        return Ok(());
    }
    let head = String::from_utf8_lossy(content.get(..HEAD).unwrap_or(content)).to_ascii_lowercase();
    let begin = head.trim_start();
    if begin.is_empty() || head.contains("mime-version:") || FORMS.iter().any(|form| begin.starts_with(form))
    {
        return Ok(());
    }
    let first: String = begin.lines().next().unwrap_or_default().chars().take(60).collect();
    Err(format!(
        "user data that begin with {}, or are MIME or gzip; this begins with {}, and cloud-init would drop it in silence",
        FORMS.join(", "),
        edge::quoted(&first)
    ))
}

/// The public half of a private key.
fn public(key: &Path) -> Result<String, String> {
    let mut name = key.as_os_str().to_owned();
    name.push(".pub");
    let path = PathBuf::from(name);
    let text = edge::read_text(&path, CONFIG);
    let text = text.ok().filter(|text| text.trim().lines().count() == 1);
    text.ok_or_else(|| {
        let (key, public) = (key.display(), path.display());
        format!("a private key with its public half beside it, which cloud-init puts into the guest; `ssh-keygen -y -f {key} > {public}` makes it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    fn params(set: &[(&str, &str)]) -> Params {
        let mut params = Params::new();
        params.set("channel", "agent", Origin::BuiltIn);
        params.set(CLOUD_INIT, "no", Origin::BuiltIn);
        for (key, value) in set {
            params.set(*key, *value, Origin::Flag("--set".into()));
        }
        params
    }

    #[test]
    fn a_cloud_image_is_entered_by_perfvts_agent_unless_somebody_says_another_way() {
        let way = |told, set: &[(&str, &str)]| way(&params(set), told).map_err(|error| error.to_string());
        assert_eq!(way(true, &[]), Ok(Way::Perfvt));
        assert_eq!(way(true, &[("channel", "agent")]), Ok(Way::Agent));
        assert_eq!(way(true, &[("channel", "ssh")]), Ok(Way::Ssh));
        assert_eq!(way(false, &[]), Ok(Way::Agent));
        assert!(way(false, &[("channel", "perfvt")]).unwrap_err().contains("cloud_init = yes beside it"));
    }

    #[test]
    fn what_nobody_would_be_told_is_refused() {
        let told = |set: &[(&str, &str)], os| is_told(&params(set), os).map_err(|error| error.to_string());
        let yes = (CLOUD_INIT, "yes");
        assert_eq!(told(&[yes], Os::Linux), Ok(true));
        assert_eq!(told(&[], Os::Linux), Ok(false));
        assert!(told(&[yes], Os::Windows).unwrap_err().contains("guest_os is windows"));
        for key in TOLD {
            assert!(
                told(&[(key, "/x")], Os::Linux).unwrap_err().contains("cloud_init = yes beside it"),
                "{key}"
            );
            assert!(cloud_init(&params(&[(key, "/x")]), None).unwrap_err().to_string().contains(key));
        }
    }

    #[test]
    fn user_data_of_no_form_that_cloud_init_knows_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let told = |content: &[u8]| {
            std::fs::write(&path, content).unwrap();
            let params = params(&[(USER_DATA, path.to_str().unwrap())]);
            cloud_init(&params, None).map(drop).map_err(|error| error.to_string())
        };
        let mime = b"Content-Type: multipart/mixed; boundary=x\r\nMIME-Version: 1.0\r\n";
        let known: [&[u8]; 8] = [
            b"#cloud-config\n{}\n",
            b"\n#Cloud-Config\r\n",
            b"#!/bin/sh\n",
            b"## template: jinja\n#cloud-config\n",
            b"#include\nhttp://x/y\n",
            mime,
            b"\x1f\x8b\x08rest",
            b" \n",
        ];
        for content in known {
            assert_eq!(told(content), Ok(()), "{content:?}");
        }
        let dropped: [&[u8]; 5] = [
            b"# cloud-config\n",
            b"\xef\xbb\xbf#cloud-config\n",
            b"runcmd: [x]\n",
            b"\xff\0\x1f\x8b",
            b"<p>",
        ];
        for content in dropped {
            let error = told(content).unwrap_err();
            assert!(error.contains("cloud-init would drop it in silence"), "{content:?}: {error}");
        }
        let error = told(b"runcmd: [x]\nmore\n").unwrap_err();
        assert!(
            error.contains("'user_data_file'") && error.contains("begins with 'runcmd: [x]',"),
            "{error}"
        );
    }

    #[test]
    fn the_public_half_of_a_key_stands_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("key");
        let error = cloud_init(&params(&[("key", "x")]), Some(("root", Some(&key)))).unwrap_err().to_string();
        assert!(error.contains("`ssh-keygen -y -f ") && error.contains("/key.pub` makes it"), "{error}");
        std::fs::write(dir.path().join("key.pub"), "ssh-ed25519 AAAA\n").unwrap();
        let told = cloud_init(&params(&[]), Some(("me", Some(&key)))).unwrap();
        let login = |key: Option<&str>| Some(SshLogin { user: "me".into(), key: key.map(str::to_owned) });
        assert_eq!(told.login, login(Some("ssh-ed25519 AAAA\n")));
        assert_eq!(cloud_init(&params(&[]), Some(("me", None))).unwrap().login, login(None));
    }

    #[test]
    fn a_user_for_debugging_has_a_plain_name() {
        let told = |name| cloud_init(&params(&[(DEBUG_USER, name)]), None).map(|told| told.debug_user);
        assert_eq!(told("").unwrap(), None);
        assert_eq!(told("me-2").unwrap().as_deref(), Some("me-2"));
        for name in ["Me", "2me", "-x", "a b", "a:b", "a'b", &"x".repeat(33)] {
            assert!(told(name).unwrap_err().to_string().contains("the name of a user"), "{name}");
        }
    }
}
