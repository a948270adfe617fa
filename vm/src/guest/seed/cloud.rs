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
const BUILTIN_EXEC: &str = "/sbin/perfvt-exec";
const CLOUD_EXEC: &str = "/bin/sh /run/perfvt/exec.sh";
/// No line of what stands in one of perfvt's files is this one.
const END: &str = "perfvt-end-of-file";
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
    /// Who may log in by ssh, and with which public key.
    pub key: Option<(String, String)>,
}

impl CloudInit {
    /// The disk of one boot. Another `instance` is another machine for cloud-init, which then does all of it again.
    pub fn seed(&self, instance: &str, hostname: &str) -> Seed {
        let meta_data = json!({"instance-id": instance, "local-hostname": hostname});
        let text = |text: &Option<Vec<u8>>, otherwise: String| {
            text.clone().unwrap_or_else(|| otherwise.into_bytes())
        };
        let files = [
            // JSON is YAML, too.
            ("meta-data", format!("{meta_data}\n").into_bytes()),
            ("network-config", text(&self.network_config, self.network())),
            ("user-data", text(&self.user_data, NOTHING.to_owned())),
            ("vendor-data", self.vendor_data().into_bytes()),
        ];
        Seed { label: Label::Cidata, files: files.map(|(name, content)| (name.to_owned(), content)).into() }
    }

    /// A hash of all that is the same in each boot.
    pub fn identity(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (name, content) in self.seed("", "").files {
            hasher.update(&(content.len() as u64).to_le_bytes()).update(name.as_bytes()).update(&content);
        }
        hasher.finalize().to_hex().to_string()
    }

    /// The NIC that leads to the ssh server asks for its address; all others are perfvt's to set up.
    fn network(&self) -> String {
        match self.key {
            None => "config: disabled\n".to_owned(),
            Some(_) => {
                let nic = json!({"match": {"macaddress": SSH_MAC}, "dhcp4": true});
                format!("{}\n", json!({"version": 2, "ethernets": {"perfvt": nic}}))
            }
        }
    }

    /// perfvt's part: a script, which needs no other file.
    fn vendor_data(&self) -> String {
        let (user, key) = self.key.as_ref().map_or(("", ""), |(user, key)| (user, key.trim()));
        // A boot whose user data were not carried out is none.
        let strict = if self.user_data.is_some() { "strict" } else { "" };
        let first = if self.first_boot.is_some() { "yes" } else { "" };
        let mut script = "#!/bin/sh\n".to_owned();
        let alone = if self.alone { "alone" } else { "" };
        let words = [("user", user), ("key", key), ("strict", strict), ("first", first), ("alone", alone)];
        for (name, value) in words {
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

    fn file(cloud: &CloudInit, name: &str) -> String {
        let seed = cloud.seed("campaign-3", "vm1");
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
        let key = CloudInit { key: Some(("me".into(), "ssh-ed25519 AAAA me\n".into())), ..plain };
        assert!(file(&key, "network-config").contains(SSH_MAC));
        assert!(file(&key, "vendor-data").contains("user='me'\nkey='ssh-ed25519 AAAA me'\n"));
    }

    #[test]
    fn the_hash_is_that_of_what_is_told_and_not_of_the_boot() {
        let plain = CloudInit::default();
        assert_eq!(plain.identity(), CloudInit::default().identity());
        let other = CloudInit { first_boot: Some(b"#!/bin/sh\n".to_vec()), ..CloudInit::default() };
        assert_ne!(plain.identity(), other.identity());
        assert_ne!(plain.seed("a", "vm1").image().unwrap(), plain.seed("b", "vm1").image().unwrap());
    }

    #[test]
    fn the_agent_finds_its_helper_where_the_script_puts_it() {
        assert_eq!(AGENT.matches(BUILTIN_EXEC).count(), 1);
        for text in [AGENT, EXEC, SERVE, START, SETUP, OFFLINE] {
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
            key: Some((odd.into(), odd.into())),
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
