//! Configurations, with the guests and providers of their user, and a host that was prepared.

use super::write;
use std::path::Path;

const TESTS: &str = "include perfvt:hardware.cfg
include more.cfg
only netperf.host_guest
variants size [default=small]:
    - small:
        mem = 256
        note = ${mem} MiB
    - large:
        mem = 512
        mem_vm2 = 768
variants:
    - repeat1:
    - repeat2:
l = 1
no virtio_scsi
";

const MORE: &str = "# Read by tests.cfg.
sizes = 64
sizes += ,1024
nic_model ?= virtio_net
large:
    l <= 2
";

const GUESTS: &str = "variants guest:
    - own.8:
        image = /srv/images/own8.qcow2
        channel = ssh
        user = root
        mem = 2048
    - own.9:
        image = /srv/images/own9.qcow2
        channel = serial
";

/// `tests.cfg` and what it includes; guests and a provider in `config`, the user's own folder.
pub fn config(to: &Path) {
    write(&to.join("tests.cfg"), TESTS);
    write(&to.join("more.cfg"), MORE);
    let own = to.join("config/perfvt");
    write(&own.join("guests.cfg"), GUESTS);
    // Wherever this folder lies, perfvt runs in it.
    write(
        &own.join("test-providers.d/lab.ini"),
        "[provider]\nuri: /proc/self/cwd/lab\n[qemu]\nsubdir: tests\n",
    );
    write(&to.join("lab/tests.cfg"), "variants:\n    - one:\n        mem = 64\n    - two:\n");
    write(&to.join("lab/guests.cfg"), GUESTS.replace("own", "lab"));
}

const PREPARED: &str = r#"{"format": 1, "sessions": [{"id": "one", "pid": 1, "host_boot": "86bc6e30",
  "unix_ns": 1795243477000000000, "changes": [
    {"knob": "governor", "target": {"file": "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"},
     "old": "powersave", "new": "performance"},
    {"knob": "services", "target": {"service": "cron.service"}, "old": "active", "new": "inactive"}]}]}
"#;

/// A host in a folder, with the journal of what was changed there.
pub fn root(to: &Path) {
    let root = to.join("root");
    write(&root.join("var/lib/perfvt/host-changes.json"), PREPARED);
    write(&root.join("proc/cmdline"), "root=/dev/vda1 isolcpus=2-3 quiet\n");
    write(&root.join("sys/kernel/mm/ksm/run"), "0\n");
    write(&root.join("sys/devices/system/cpu/isolated"), "2-3\n");
}
