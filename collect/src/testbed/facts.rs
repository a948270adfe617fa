//! What is known of a boot before anything is measured: the fingerprint's facts.

use super::lab::GuestLab;
use super::{Testbed, TestbedError};
use model::Fingerprint;
use process::deadlines::HOST_ANSWER;
use serde_json::json;
use std::path::Path;
use vm::guest::definition::Definition;
use vm::guest::disk::DiskError;
use vm::guest::identity::identity;
use vm::guest::image::{Image, host_program};
use vm::guest::network::Switched;
use vm::guest::spec::GuestSpec;
use vm::host::fingerprint;

/// The program that has made a guest's disks, where it has any.
fn qemu_img_facts(guest: &GuestSpec, facts: &mut Fingerprint) {
    if !guest.has_made_disks() {
        return;
    }
    if let Some(version) = guest.qemu_img.version() {
        facts.set("qemu_img.version", version);
    }
    if let Some(file) = guest.qemu_img.file() {
        facts.set("qemu_img.binary", fingerprint::hash_file(&file).unwrap_or_default());
    }
}

impl Testbed {
    /// The host, and its programs that the workload uses, by version and hash. Read again for each boot: a governor, say,
    /// may have changed since the last one.
    pub(super) fn host_facts(&self) -> Fingerprint {
        let mut facts = fingerprint::host(Path::new("/"));
        facts.extend(fingerprint::host_nics(&self.stage.topology));
        for tool in &self.stage.needs.host_tools {
            if let Ok(program) = host_program(&self.stage.cache, tool) {
                facts.set(format!("tool.{tool}"), &program.version);
                facts.set(
                    format!("tool.{tool}.hash"),
                    fingerprint::hash_file(&program.path).unwrap_or_default(),
                );
            }
        }
        facts
    }

    /// Facts of host, QEMU and guest, and the log of the guest's kernel.
    pub(super) fn facts(
        &self,
        lab: &mut GuestLab,
        image: &Image,
    ) -> Result<(Fingerprint, String), TestbedError> {
        let mut facts = self.host_facts();
        if let Some(host) = &lab.remote {
            // The workload's tools are those of the client's host.
            facts.0.retain(|name, _| !name.starts_with("tool."));
            facts.extend(host.facts(&self.stage.needs.host_tools));
        }
        let told = lab.guest_facts();
        facts.extend(told.facts);
        facts.extend(self.brought.facts(&lab.spec.brings));
        let hash = blake3::hash(lab.shown().as_bytes()).to_hex();
        // The fourth way: of what was executed, argument by argument, with NICs that perfvt opens. The third had QEMU open them; the
        // first two were of a description, with disks as -drive and as -blockdev.
        facts.set_version("qemu.argv", hash.chars().take(16).collect::<String>(), "4");
        facts.set("accel", self.stage.accel.to_string());
        if let Some(server) = lab.spec.guests.first() {
            facts.set("confine", server.confine.word());
        }
        facts.set("network", lab.cables.way.layout.kinds());
        facts.set("guest.kernel", &lab.machine.ready.kernel);
        lab.facts_of_machines(&mut facts);
        lab.spec.guests.iter().take(1).for_each(|guest| qemu_img_facts(guest, &mut facts));
        match lab.spec.guests.first().and_then(GuestSpec::own) {
            Some(own) => self.facts_of(own, image, &mut facts)?,
            None => {
                facts.set("guest.image", &image.hash);
                for (tool, version) in &image.packages {
                    facts.set(format!("guest.package.{tool}"), version);
                }
            }
        }
        if let Ok(version) = lab.machine.qmp().execute("query-version", json!({}), HOST_ANSWER) {
            let number = |part: &str| version.pointer(&format!("/qemu/{part}")).and_then(|n| n.as_u64());
            if let (Some(major), Some(minor), Some(micro)) =
                (number("major"), number("minor"), number("micro"))
            {
                let package = version.get("package").and_then(|p| p.as_str()).unwrap_or_default();
                facts.set("qemu.version", format!("{major}.{minor}.{micro} {package}"));
            }
        }
        let placement = lab.machine.placement();
        match lab.spec.guests.first() {
            Some(GuestSpec { pins: Some(_), .. }) => {
                facts.set("placement.cpus", placement.cpus());
                // The second way: the first had the numbers of pages, which differ where the host swaps.
                facts.set_version("placement.memory", placement.memory(), "2");
            }
            _ => facts.set("placement.cpus", "unpinned"),
        }
        if let Some(cpus) =
            lab.cables.switch().and_then(Switched::cpus).filter(|_| !lab.spec.client.is_empty())
        {
            facts.set("placement.switch", cpus);
        }
        Ok((facts, told.dmesg))
    }

    /// What a guest of the user's was booted from.
    fn facts_of(&self, own: &Definition, tools: &Image, facts: &mut Fingerprint) -> Result<(), TestbedError> {
        let hash = |files: &[&Path]| {
            let image = files.first().copied().unwrap_or(Path::new("")).to_owned();
            identity(&self.stage.cache, files).map_err(|source| DiskError::Image { image, source })
        };
        facts.set("guest.image", hash(&own.chain.files())?);
        let files = [
            ("guest.image.kernel", &own.kernel),
            ("guest.image.initrd", &own.initrd),
            ("guest.image.firmware", &own.firmware),
        ];
        for (fact, file) in files {
            if let Some(file) = file {
                facts.set(fact, hash(&[file])?);
            }
        }
        for cdrom in &own.cdroms {
            facts.set(format!("guest.cdrom.{}", cdrom.name), hash(&[&cdrom.file])?);
        }
        if let Some(told) = &own.cloud_init {
            facts.set("guest.cloud_init", told.identity());
            if let Some(user) = &told.debug_user {
                facts.set("guest.debug_user", user);
            }
        }
        facts.set("guest.tools", &tools.hash);
        Ok(())
    }
}
