//! From parameters to the hardware and the placement of each guest: pure functions.

use super::EnvironmentError;
use crate::parse;
use model::ids::{cpu_list, parse_cpu_list};
use model::{Accel, Params, ParamsError};
use vm::guest::hardware::{Hardware, NIC_MODELS, Nic};
use vm::guest::migration::Mode;
use vm::guest::network::{Home, Topology as Machines};
use vm::host::pin::{GuestPlan, GuestRequest, NodeChoice, PinPlan, Request, Siblings, plan};
use vm::host::topology::Topology;

/// Where each guest of a scenario goes, the server first, and the client when it runs on this host; it has at most so many
/// sessions at a time.
///
/// # Errors
/// Parameters of the wrong kind, or a host that is too small.
pub fn pin(
    topology: &Topology,
    params: &Params,
    sessions: usize,
    allow_unpinned: bool,
) -> Result<PinPlan, EnvironmentError> {
    let scenario = parse::scenario(params)?;
    let further = parse::further(params)?;
    let mut guests = Vec::new();
    for (index, name) in parse::guests(params)?.iter().enumerate() {
        let own = params.object_params(name);
        let is_further = further.as_ref() == Some(name);
        let nics = if is_further { Vec::new() } else { parse::nics(&own)? };
        let has_load = is_further || has_value(params, &format!("neighbour_{name}"));
        guests.push(guest_request(&own, name, &nics, (index == 0, has_load))?);
    }
    let place = parse::client_place(scenario, params)?;
    let client = match place.is_here() {
        true => sessions.max(1),
        // A switch between guests has the CPU that a client would have.
        false => usize::from(parse::has_switch(params)?),
    };
    placed(topology, params, Request { guests, client, allow_unpinned, ..Request::default() })
}

/// Where each machine of a topology goes, and their switch. Those that are measured have the server first.
///
/// # Errors
/// Parameters of the wrong kind, or a host that is too small.
pub fn pin_machines(
    topology: &Topology,
    params: &Params,
    machines: &Machines,
    (measured, allow_unpinned): (bool, bool),
) -> Result<PinPlan, EnvironmentError> {
    let mut guests = Vec::new();
    for (index, node) in machines.machines.iter().enumerate() {
        let own = params.object_params(&node.name);
        let is_further = measured && parse::further(params)?.as_ref() == Some(&node.name);
        let has_load = is_further || has_value(params, &format!("neighbour_{}", node.name));
        guests.push(guest_request(&own, &node.name, &node.cards(), (measured && index == 0, has_load))?);
    }
    let client = usize::from(machines.kind.home() == Home::Switch);
    placed(topology, params, Request { guests, client, allow_unpinned, ..Request::default() })
}

fn placed(topology: &Topology, params: &Params, request: Request) -> Result<PinPlan, EnvironmentError> {
    let siblings = Siblings::parse(params.choice("siblings", &Siblings::WORDS)?).unwrap_or_default();
    let request = Request { siblings, ..request };
    if let Some(name) = parse::further(params)?
        && let Some(shared) = shared(topology, &request, &name)
    {
        return Ok(shared);
    }
    Ok(plan(topology, &request)?)
}

/// The plan in which a further guest runs wherever it can, where the others can be pinned and it has no CPUs of its own.
fn shared(topology: &Topology, request: &Request, name: &str) -> Option<PinPlan> {
    let mut strict = Request { allow_unpinned: false, ..request.clone() };
    let lacks = plan(topology, &strict).err()?;
    let neighbour = strict.guests.iter_mut().find(|guest| guest.name == name)?;
    // Who says where it goes means that.
    if neighbour.node != NodeChoice::Last {
        return None;
    }
    neighbour.node = NodeChoice::None;
    let mut plan = plan(topology, &strict).ok()?;
    plan.notes.push(format!(
        "the neighbour {name} has no CPUs of its own, and may run on those of all others: {lacks}"
    ));
    Some(plan)
}

fn has_value(params: &Params, key: &str) -> bool {
    params.get(key).is_some_and(|value| !value.trim().is_empty())
}

/// More queues than any NIC has.
const MOST_QUEUES: usize = 1024;

/// What one guest asks of the plan.
fn guest_request(
    own: &Params,
    name: &str,
    nics: &[String],
    (is_server, has_load): (bool, bool),
) -> Result<GuestRequest, ParamsError> {
    let node = NodeChoice::parse(own.text("numa_node")?).ok_or_else(|| {
        own.wrong("numa_node", "a whole number: -1 the last node, 1 the first, 0 no pinning")
    })?;
    let vcpus = match own.get("smp") {
        None => None,
        Some(_) => Some(own.number("smp", 1usize, "a number of vCPUs, 1 or more")?),
    };
    let mut vhost = 0;
    for nic in nics {
        let nic = own.object_params(nic);
        if nic.switch("vhost")? {
            // More queues than any NIC has are refused where the hardware is checked.
            vhost += nic.number("queues", 1usize, "a number of queues, 1 or more")?.min(MOST_QUEUES);
        }
    }
    // Data disks are the server's, and those of neighbours that work on one.
    let disks = match (is_server, has_load) {
        (true, _) => parse::disks(own)?,
        (false, true) => parse::load(own)?.disk(own)?.into_iter().collect(),
        (false, false) => Vec::new(),
    };
    Ok(GuestRequest {
        iothreads: disks.iter().filter(|disk| disk.iothread).count(),
        vcpus,
        node,
        cells: own.number("guest_nodes", 1usize, "a number of nodes, 1 or more")?,
        vhost,
        mem_mib: own.number("mem", 1u64, "MiB, or a size such as 1G")?,
        hugepage_kib: hugepages(own)?.map(|(_, kib)| kib),
        ..GuestRequest::new(name)
    })
}

/// The size of the pages for a guest's memory, as QEMU writes it and in KiB.
fn hugepages(own: &Params) -> Result<Option<(&'static str, u64)>, ParamsError> {
    Ok(match own.choice("hugepages", &["no", "2M", "1G"])? {
        "2M" => Some(("2M", 2048)),
        "1G" => Some(("1G", 1 << 20)),
        _ => None,
    })
}

/// The machine type: the newest of its kind, or one of a version, which another QEMU has as well.
fn machine(params: &Params) -> Result<String, ParamsError> {
    let name = params.text("machine")?.trim();
    let version = |kind: &str| {
        let numbers = name.strip_prefix(kind)?.strip_prefix('-')?;
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let parts: Vec<&str> = numbers.split('.').collect();
        ((2..=3).contains(&parts.len()) && parts.into_iter().all(is_number)).then_some(())
    };
    if matches!(name, "pc" | "q35") || ["pc-i440fx", "pc-q35"].into_iter().any(|kind| version(kind).is_some())
    {
        return Ok(name.to_owned());
    }
    Err(params.wrong(
        "machine",
        "pc or q35, or one of a version, such as pc-i440fx-7.2 or pc-q35-7.2: guests are PCs",
    ))
}

/// The CPU model, as QEMU's `-cpu` takes it, with what follows it.
fn cpu_model(params: &Params, accel: Accel) -> Result<String, ParamsError> {
    let model = params.text("cpu_model")?.trim();
    let name = model.split(',').next().unwrap_or_default();
    if accel == Accel::Tcg && name == "host" {
        return Err(params.wrong(
            "cpu_model",
            "max, or a model by name: guests are emulated here, and host is the host's own CPU under KVM",
        ));
    }
    Ok(model.to_owned())
}

/// The hardware that one guest's parameters describe, with these NICs.
///
/// # Errors
/// Parameters of the wrong kind.
pub fn hardware(
    params: &Params,
    nics: &[String],
    accel: Accel,
    plan: &GuestPlan,
) -> Result<Hardware, ParamsError> {
    let models: Vec<&'static str> = NIC_MODELS.iter().map(|(name, _)| *name).collect();
    let mut all = Vec::new();
    for name in nics {
        let own = params.object_params(name);
        all.push(Nic {
            model: own.choice("nic_model", &models)?.into(),
            queues: own.number("queues", 1u32, "a number of queues, 1 or more")?,
            vhost: own.switch("vhost")?,
            mac: parse::mac(&own)?,
        });
    }
    Ok(Hardware {
        accel,
        machine: machine(params)?,
        cpu_model: cpu_model(params, accel)?,
        smp: plan.smp,
        mem_mib: params.number("mem", 128u64, "MiB, or a size such as 1G, 128 MiB or more")?,
        cells: plan.pins.as_ref().map(|p| p.cells.clone()).unwrap_or_default(),
        nics: all,
        hugepages: hugepages(params)?.map(|(size, _)| size),
        dirty_ring: params.get("migrate_mode").is_some_and(|modes| modes.contains(Mode::DirtyLimit.word())),
        kernel_params: params.get("kernel_params").unwrap_or_default().trim().to_owned(),
        display: parse::display(params)?,
        extra: params.words("extra_args")?,
    })
}

/// The vCPUs that a parameter names, as a list for the guest's kernel; `None` when it is not set.
///
/// # Errors
/// What is no list, or names a vCPU that the guest does not have.
pub fn vcpu_list(params: &Params, key: &str, smp: usize) -> Result<Option<String>, ParamsError> {
    let Some(text) = params.get(key).filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    match parse_cpu_list(text) {
        Some(list) if list.iter().all(|vcpu| (vcpu.0 as usize) < smp) && !list.is_empty() => {
            Ok(Some(cpu_list(&list)))
        }
        _ => Err(params.wrong(key, &format!("vCPUs of a guest that has {smp}, such as 0 or 0-1"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    #[test]
    fn a_machine_may_have_a_version_and_nothing_else() {
        let of = |value: &str| {
            let mut params = Params::new();
            params.set("machine", value, Origin::BuiltIn);
            machine(&params)
        };
        for name in ["pc", "q35", "pc-q35-7.2", "pc-i440fx-2.12", "pc-i440fx-2.0.1"] {
            assert_eq!(of(name).unwrap(), name);
        }
        for name in ["", "microvm", "pc-q35", "pc-q35-", "pc-q35-7", "pc-q35-7.2,accel=kvm", "virt-7.2"] {
            assert!(of(name).unwrap_err().to_string().contains("such as pc-i440fx-7.2"), "{name}");
        }
    }

    #[test]
    fn a_guest_serves_interrupts_on_vcpus_that_it_has() {
        let list = |value: &str| {
            let mut params = Params::new();
            params.set("irq_vcpus", value, Origin::BuiltIn);
            vcpu_list(&params, "irq_vcpus", 4)
        };
        assert_eq!(list("0,1,3").unwrap().as_deref(), Some("0-1,3"));
        assert_eq!(list(" ").unwrap(), None);
        assert!(list("4").unwrap_err().to_string().contains("vCPUs of a guest that has 4"));
        assert!(list("all").is_err());
    }
}
