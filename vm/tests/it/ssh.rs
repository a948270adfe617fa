//! Commands on another host, which is a real sshd on this one.

use crate::sshd_support;

use process::{Namespace, Running, Spec};
use rustix::process::Signal;
use sshd_support::Sshd;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vm::ssh::{Destination, Ssh, SshError};

const SOON: Duration = Duration::from_secs(20);

fn destination(sshd: &Sshd) -> Destination {
    Destination {
        user: Some(sshd.user.clone()),
        port: Some(sshd.port),
        key: Some(sshd.key()),
        config: Some(sshd.config()),
        ..Destination::new("127.0.0.1").unwrap()
    }
}

fn server() -> Option<Sshd> {
    let sshd = Sshd::start("127.0.0.1", &[]);
    if sshd.is_none() {
        testing::skip("there is no sshd here");
    }
    sshd
}

/// Waits until something holds.
fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + SOON;
    while !holds() {
        assert!(Instant::now() < until, "not so in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn lives(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn words_input_status_and_output_come_through_as_they_are() {
    let Some(sshd) = server() else { return };
    let ssh = Ssh::connect(destination(&sshd)).unwrap();
    let words = ["a b", "", "$(id)", "it's", "; exit 9", "\n"];
    let out = ssh.output(&[&["printf", "%s|"][..], &words].concat(), SOON).unwrap();
    assert_eq!(out, words.map(|word| format!("{word}|")).concat());
    let reply = ssh.run(&["sh", "-c", "cat; echo no >&2; exit 7"], b"bytes\0", SOON).unwrap();
    assert_eq!((reply.status, &reply.stdout[..], &reply.stderr[..]), (7, &b"bytes\0"[..], &b"no\n"[..]));
    let error = ssh.output(&["ls", "/no-such-folder"], SOON).unwrap_err().to_string();
    assert!(error.starts_with("on 127.0.0.1: ls /no-such-folder ended with status 2: "), "{error}");
    let late = ssh.run(&["sleep", "9"], b"", Duration::from_millis(300)).unwrap_err().to_string();
    assert!(late.contains("did not end within"), "{late}");
    let zero = ssh.run(&["a\0b"], b"", SOON).unwrap_err();
    assert!(matches!(zero, SshError::Word { .. }), "{zero}");
    let logins = sshd.log().matches("Accepted publickey").count();
    assert_eq!(logins, 1, "all commands share one connection: {}", sshd.log());
}

#[test]
fn a_host_that_is_not_known_or_not_there_is_lost_and_not_asked_about() {
    let Some(mut sshd) = server() else { return };
    std::fs::write(sshd.dir().join("known"), "").unwrap();
    let error = Ssh::connect(destination(&sshd)).unwrap_err();
    assert!(matches!(error, SshError::Lost { .. }), "{error}");
    assert!(error.to_string().contains("Host key verification failed"), "{error}");
    let new = Destination { new_hosts: Some(sshd.dir().join("new known")), ..destination(&sshd) };
    assert_eq!(Ssh::connect(new.clone()).unwrap().output(&["echo", "x"], SOON).unwrap(), "x\n");
    assert!(std::fs::read_to_string(sshd.dir().join("new known")).unwrap().contains("ssh-ed25519"));
    sshd.end();
    let error = Ssh::connect(new).unwrap_err().to_string();
    assert!(error.contains("Connection refused"), "{error}");
}

#[test]
fn a_started_command_is_signalled_ends_with_its_status_and_leaves_nothing_behind() {
    let Some(sshd) = server() else { return };
    let ssh = Ssh::connect(destination(&sshd)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (out, err) = (dir.path().join("out"), dir.path().join("err"));
    let printed = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    let mut ended = ssh.start(&["sh", "-c", "sleep 999 & echo $!; exit 3"], &out, &err).unwrap();
    soon("it ends by itself", || ended.ended().unwrap() == Some(3));
    let left = printed(&out);
    soon("what it left running is gone", || !lives(&left));
    let trap = "trap 'echo told; exit 5' TERM; echo $$; while :; do sleep 0.1; done";
    let mut told = ssh.start(&["sh", "-c", trap], &out, &err).unwrap();
    soon("it runs", || printed(&out).ends_with('\n'));
    assert_eq!(told.ended().unwrap(), None);
    told.signal(Signal::TERM);
    soon("it ends when told", || told.ended().unwrap() == Some(5));
    assert!(printed(&out).ends_with("told\n"));
    let dropped = ssh.start(&["sh", "-c", "echo $$; exec sleep 999"], &out, &err).unwrap();
    soon("it runs", || printed(&out).ends_with('\n'));
    let pid = printed(&out);
    assert!(lives(&pid));
    drop(dropped);
    assert!(!lives(&pid), "dropping waits for the other side");
}

#[test]
fn a_command_ends_there_when_the_connection_is_cut() {
    let Some(mut sshd) = server() else { return };
    let ssh = Ssh::connect(destination(&sshd)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (out, err) = (dir.path().join("out"), dir.path().join("err"));
    let mut remote = ssh.start(&["sh", "-c", "echo $$; exec sleep 999"], &out, &err).unwrap();
    let printed = || std::fs::read_to_string(&out).unwrap_or_default();
    soon("it runs", || printed().ends_with('\n'));
    sshd.end();
    soon("the loss is told", || matches!(remote.ended(), Err(SshError::Lost { .. })));
    soon("nothing is left there", || !lives(&printed()));
}

/// A network namespace with a process in it, whose loopback is up.
fn namespace() -> Option<(Arc<Namespace>, Running)> {
    let Ok(namespace) = Namespace::create().map(Arc::new) else {
        testing::skip("this machine denies user namespaces");
        return None;
    };
    let inside = |spec: Spec| spec.namespace(Some(&namespace));
    process::run(inside(Spec::new("ip")).args(["link", "set", "lo", "up"]), SOON).unwrap();
    let holder = inside(Spec::new("sleep")).arg("600").start().unwrap();
    Some((namespace, holder))
}

#[test]
fn a_host_inside_a_namespace_is_reached_from_there_and_its_commands_are_given_from_here() {
    let Some((namespace, holder)) = namespace() else { return };
    // sshd gives up rights that only the real root has: it enters the network alone.
    let there = format!("--net=/proc/{}/ns/net", holder.pid());
    let probe = std::process::Command::new("nsenter").args([&there, "--", "true"]).output();
    if !probe.is_ok_and(|out| out.status.success()) {
        testing::skip("entering another user's network needs root");
        return;
    }
    let Some(sshd) = Sshd::start("127.0.0.1", &["nsenter", &there, "--"]) else {
        testing::skip("there is no sshd here");
        return;
    };
    let ssh = Ssh::connect_in(destination(&sshd), Some(&namespace)).unwrap();
    let net = |path: &str| std::fs::read_link(path).unwrap().display().to_string();
    let found = ssh.output(&["readlink", "/proc/self/ns/net"], SOON).unwrap();
    assert_eq!(found.trim(), net(&format!("/proc/{}/ns/net", holder.pid())));
    assert_ne!(found.trim(), net("/proc/self/ns/net"));
    assert!(sshd.log().contains("Accepted publickey"), "{}", sshd.log());
    let elsewhere = Ssh::connect(destination(&sshd)).unwrap_err().to_string();
    assert!(elsewhere.contains("Connection refused"), "nothing listens outside: {elsewhere}");
}
