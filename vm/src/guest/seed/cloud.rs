//! What a cloud image gets at its boot, for cloud-init's data source NoCloud: perfvt's agent and key as vendor data, beside the user
//! data of the user's, which are handed on as they are. So an image needs nothing of perfvt's inside.

use super::{Label, Seed};
use crate::guest::fit::SETUP;
use crate::guest::network::SSH_MAC;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

/// The agent of the built-in guest; its helper lies elsewhere in other guests.
const AGENT: &str = include_str!("../../../guest/agent");
const EXEC: &str = include_str!("../../../guest/exec");
const SERVE: &str = include_str!("../../../guest/cloud/serve");
const START: &str = include_str!("../../../guest/cloud/start");
const OFFLINE: &str = include_str!("../../../guest/offline");
const PROXIES: &str = include_str!("../../../guest/cloud/proxies");
const BUILTIN_EXEC: &str = "/sbin/perfvt-exec";
const CLOUD_EXEC: &str = "/bin/sh /run/perfvt/exec.sh";
/// No line of what stands in one of perfvt's files is this one.
const END: &str = "perfvt-end-of-file";
/// What stands between the parts of perfvt's data, which are base64.
const BOUNDARY: &str = "perfvt-part";
/// What the user's data are where there are none. Without the file there is no data source.
const NOTHING: &str = "#cloud-config\n{}\n";

/// What a cloud image is told beside perfvt's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloudInit {
    /// User data, in any form that cloud-init knows.
    pub user_data: Option<Vec<u8>>,
    /// Network configuration; without it cloud-init leaves the network alone.
    pub network_config: Option<Vec<u8>>,
    /// A program that runs before anything is measured, and has to end with status 0.
    pub first_boot: Option<Vec<u8>>,
    /// Nobody talks to it: it does its job and powers itself off.
    pub alone: bool,
    /// Who may log in by ssh.
    pub login: Option<SshLogin>,
    /// Variables of the environment of what cloud-init installs (`http_proxy`).
    pub proxies: Vec<(String, String)>,
    /// Who gets a password, made in each boot and told on its console, and may become root.
    pub debug_user: Option<String>,
}

/// Who may log in by ssh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshLogin {
    /// The name.
    pub user: String,
    /// The public key; `None` for the one that is made for each boot.
    pub key: Option<String>,
}

/// What one boot has that others have not.
#[derive(Clone, Copy, Debug, Default)]
pub struct OfBoot<'a> {
    /// Another one is another machine for cloud-init, which then does all of it again.
    pub instance: &'a str,
    /// The name that the guest gives itself.
    pub hostname: &'a str,
    /// The public key that was made for it.
    pub key: Option<&'a str>,
}

impl CloudInit {
    /// The disk of one boot.
    pub fn seed(&self, boot: OfBoot<'_>) -> Seed {
        let meta_data = json!({"instance-id": boot.instance, "local-hostname": boot.hostname});
        let text = |text: &Option<Vec<u8>>, otherwise: String| {
            text.clone().unwrap_or_else(|| otherwise.into_bytes())
        };
        let files = [
            // JSON is YAML, too.
            ("meta-data", format!("{meta_data}\n").into_bytes()),
            ("network-config", text(&self.network_config, self.network())),
            ("user-data", text(&self.user_data, NOTHING.to_owned())),
            ("vendor-data", self.vendor_data(boot.key).into_bytes()),
        ];
        Seed { label: Label::Cidata, files: files.map(|(name, content)| (name.to_owned(), content)).into() }
    }

    /// A hash of all that is the same in each boot, without the passwords that proxies' URLs may hold: it is published.
    pub fn identity(&self) -> String {
        let mut shown = self.clone();
        for (_, url) in &mut shown.proxies {
            if let Some((_, place)) = url.rsplit_once('@') {
                *url = place.to_owned();
            }
        }
        let mut hasher = blake3::Hasher::new();
        for (name, content) in shown.seed(OfBoot::default()).files {
            hasher.update(&(content.len() as u64).to_le_bytes()).update(name.as_bytes()).update(&content);
        }
        hasher.finalize().to_hex().to_string()
    }

    /// The NIC that leads to the ssh server asks for its address; all others are perfvt's to set up.
    fn network(&self) -> String {
        match self.login {
            None => "config: disabled\n".to_owned(),
            Some(_) => {
                let nic = json!({"match": {"macaddress": SSH_MAC}, "dhcp4": true});
                format!("{}\n", json!({"version": 2, "ethernets": {"perfvt": nic}}))
            }
        }
    }

    /// perfvt's part: a script, which needs no other file, and one that runs before anything is installed where there are proxies.
    fn vendor_data(&self, made: Option<&str>) -> String {
        let script = self.script(made);
        if self.proxies.is_empty() {
            return script;
        }
        let of = |name: &str| self.proxies.iter().find(|(known, _)| known == name).map(|(_, url)| url);
        let mut early = "#!/bin/sh\n".to_owned();
        for name in ["http_proxy", "https_proxy"] {
            early.push_str(&format!("{name}={}\n", single_quoted(of(name).map_or("", String::as_str))));
        }
        let all = self.proxies.iter().map(|(name, url)| single_quoted(&format!("{name}={url}")));
        early.push_str(&format!("set -- {}\n{PROXIES}", all.collect::<Vec<_>>().join(" ")));
        let mut data = format!("Content-Type: multipart/mixed; boundary={BOUNDARY}\nMIME-Version: 1.0\n\n");
        for (form, content) in [("cloud-boothook", early), ("x-shellscript", script)] {
            let content = STANDARD.encode(content);
            data.push_str(&format!(
                "--{BOUNDARY}\nContent-Type: text/{form}\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\n{content}\n"
            ));
        }
        data + &format!("--{BOUNDARY}--\n")
    }

    fn script(&self, made: Option<&str>) -> String {
        let user = self.login.as_ref().map_or("", |login| &login.user);
        let key = self.login.as_ref().and_then(|login| login.key.as_deref().or(made));
        let key = key.unwrap_or_default().trim();
        let debug = self.debug_user.as_deref().unwrap_or_default();
        let proxies: Vec<_> = self.proxies.iter().map(|(name, _)| name.as_str()).collect();
        let proxies = proxies.join(" ");
        // A boot whose user data were not carried out is none.
        let strict = if self.user_data.is_some() { "strict" } else { "" };
        let first = if self.first_boot.is_some() { "yes" } else { "" };
        let mut script = "#!/bin/sh\n".to_owned();
        let alone = if self.alone { "alone" } else { "" };
        let told = [
            ("user", user),
            ("key", key),
            ("strict", strict),
            ("first", first),
            ("alone", alone),
            ("debug", debug),
            ("proxies", proxies.as_str()),
        ];
        for (name, value) in told {
            script.push_str(&format!("{name}={}\n", single_quoted(value)));
        }
        let agent = AGENT.replace(BUILTIN_EXEC, CLOUD_EXEC);
        let first_boot = self.first_boot.as_ref().map(|program| STANDARD.encode(program));
        let first_boot = first_boot.unwrap_or_default();
        let mut files =
            vec![("agent", agent.as_str()), ("exec_", EXEC), ("serve", SERVE), ("first_boot", &first_boot)];
        if self.alone {
            files.extend([("setup", SETUP), ("offline", OFFLINE)]);
        }
        for (name, content) in files {
            let content = content.trim_end();
            script.push_str(&format!("{name}() {{\n    cat << '{END}'\n{content}\n{END}\n}}\n"));
        }
        script + START
    }
}

/// A word that a shell takes as it is.
fn single_quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use process::deadlines::HOST_ANSWER;
    use process::{Spec, run};

    fn login(user: &str, key: Option<&str>) -> Option<SshLogin> {
        Some(SshLogin { user: user.to_owned(), key: key.map(str::to_owned) })
    }

    fn file(cloud: &CloudInit, name: &str) -> String {
        let boot = OfBoot { instance: "campaign-3", hostname: "vm1", key: Some("ssh-ed25519 MADE x\n") };
        let seed = cloud.seed(boot);
        let (_, content) = seed.files.into_iter().find(|(known, _)| known == name).unwrap();
        String::from_utf8(content).unwrap()
    }

    #[test]
    fn what_the_user_gives_is_handed_on_as_it_is_and_perfvts_own_stands_beside_it() {
        let own = b"#cloud-config\nruncmd: [touch /x]\n".to_vec();
        let cloud = CloudInit { user_data: Some(own.clone()), ..CloudInit::default() };
        assert_eq!(file(&cloud, "user-data").into_bytes(), own);
        assert!(file(&cloud, "vendor-data").contains("strict='strict'\n"));
        assert_eq!(file(&cloud, "network-config"), "config: disabled\n");
        assert_eq!(
            file(&cloud, "meta-data"),
            "{\"instance-id\":\"campaign-3\",\"local-hostname\":\"vm1\"}\n"
        );
        let plain = CloudInit::default();
        assert_eq!(file(&plain, "user-data"), NOTHING);
        assert!(file(&plain, "vendor-data").contains("strict=''\n"));
        let key = CloudInit { login: login("me", Some("ssh-ed25519 AAAA me\n")), ..plain.clone() };
        assert!(file(&key, "network-config").contains(SSH_MAC));
        assert!(file(&key, "vendor-data").contains("user='me'\nkey='ssh-ed25519 AAAA me'\n"));
        let made = CloudInit { login: login("me", None), ..plain };
        assert!(file(&made, "vendor-data").contains("user='me'\nkey='ssh-ed25519 MADE x'\n"));
    }

    #[test]
    fn the_hash_is_that_of_what_is_told_and_not_of_the_boot() {
        let plain = CloudInit::default();
        assert_eq!(plain.identity(), CloudInit::default().identity());
        let other = CloudInit { first_boot: Some(b"#!/bin/sh\n".to_vec()), ..CloudInit::default() };
        assert_ne!(plain.identity(), other.identity());
        let boot = |instance, key| OfBoot { instance, hostname: "vm1", key };
        let image = |cloud: &CloudInit, boot| cloud.seed(boot).image().unwrap();
        assert_ne!(image(&plain, boot("a", None)), image(&plain, boot("b", None)));
        // A key that is made for each boot is no difference between them; that one is made is.
        let made = CloudInit { login: login("root", None), ..CloudInit::default() };
        assert_ne!(plain.identity(), made.identity());
        assert_ne!(image(&made, boot("a", Some("one"))), image(&made, boot("a", Some("two"))));
        let debug = CloudInit { debug_user: Some("me".into()), ..CloudInit::default() };
        assert_ne!(plain.identity(), debug.identity());
    }

    #[test]
    fn proxies_are_there_before_anything_is_installed() {
        let proxies = vec![
            ("http_proxy".to_owned(), "http://p:3128".to_owned()),
            ("no_proxy".to_owned(), "it's".to_owned()),
        ];
        let cloud = CloudInit { proxies, ..CloudInit::default() };
        let of = |url: &str| {
            let proxies = vec![("http_proxy".to_owned(), url.to_owned())];
            CloudInit { proxies, ..CloudInit::default() }.identity()
        };
        assert_eq!(of("http://me:one@p:1"), of("http://me:two@p:1"));
        assert_ne!(of("http://me:one@p:1"), of("http://me:one@p:2"));
        let data = file(&cloud, "vendor-data");
        assert!(data.starts_with("Content-Type: multipart/mixed") && data.contains("\nMIME-Version: 1.0\n"));
        let part = |form: &str| {
            let (_, rest) = data.split_once(&format!("Content-Type: text/{form}\n")).unwrap();
            let (head, rest) = rest.split_once("\n\n").unwrap();
            assert!(head.ends_with("Content-Transfer-Encoding: base64"), "{head}");
            String::from_utf8(STANDARD.decode(rest.lines().next().unwrap()).unwrap()).unwrap()
        };
        assert!(part("x-shellscript").contains("proxies='http_proxy no_proxy'\n"));
        let hook = part("cloud-boothook");
        let dir = tempfile::tempdir().unwrap();
        let (script, apt) = (dir.path().join("script"), dir.path().join("apt"));
        std::fs::create_dir(&apt).unwrap();
        let systemctl = "systemctl() { printf '%s|' \"$@\"; }\n";
        let told = hook.replacen('\n', &format!("\n{systemctl}"), 1);
        let told = told.replace("/etc/apt/apt.conf.d", apt.to_str().unwrap());
        std::fs::write(&script, told.replace("/run/systemd/system", "/")).unwrap();
        let said = run(Spec::new("sh").arg(&script), HOST_ANSWER).unwrap();
        assert_eq!(
            String::from_utf8(said).unwrap(),
            "set-environment|http_proxy=http://p:3128|no_proxy=it's|"
        );
        let apt = std::fs::read_to_string(apt.join("95perfvt-proxies")).unwrap();
        assert_eq!(apt, "Acquire::http::Proxy \"http://p:3128\";\n");
    }

    #[test]
    fn the_agent_finds_its_helper_where_the_script_puts_it() {
        assert_eq!(AGENT.matches(BUILTIN_EXEC).count(), 1);
        for text in [AGENT, EXEC, SERVE, START, SETUP, OFFLINE, PROXIES] {
            assert!(!text.lines().any(|line| line == END));
        }
        assert!(START.contains("exec_ > $dir/exec.sh") && CLOUD_EXEC.ends_with("/exec.sh"));
        assert!(SERVE.contains(&format!("port={}\n", crate::guest::channel::PORT_NAME)));
        assert!(SERVE.contains(&format!("port={}\n", crate::guest::channel::MARKS_NAME)));
        let told = |alone| file(&CloudInit { alone, ..CloudInit::default() }, "vendor-data");
        assert!(told(true).contains("alone='alone'\n") && told(true).contains("perfvt.job"));
        assert!(told(false).contains("alone=''\n") && !told(false).contains("perfvt.job"));
    }

    #[test]
    fn shells_take_the_script_whatever_stands_in_it() {
        let odd = "it's; $(id) `id` \\ \"";
        let cloud = CloudInit {
            first_boot: Some(b"#!/bin/sh\nperfvt-end-of-file\n'\n".to_vec()),
            alone: true,
            login: login(odd, Some(odd)),
            ..CloudInit::default()
        };
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("script");
        let text = file(&cloud, "vendor-data");
        std::fs::write(&script, &text).unwrap();
        run(Spec::new("sh").arg("-n").arg(&script), HOST_ANSWER).unwrap();
        // Without perfvt's part behind it, which works in a guest.
        let told =
            text.replace(START, "printf '%s|' \"$user\" \"$key\" \"$first\"; first_boot | base64 -d\n");
        std::fs::write(&script, told).unwrap();
        let said = run(Spec::new("sh").arg(&script), HOST_ANSWER).unwrap();
        let wanted = format!("{odd}|{odd}|yes|#!/bin/sh\nperfvt-end-of-file\n'\n");
        assert_eq!(String::from_utf8(said).unwrap(), wanted);
    }
}
