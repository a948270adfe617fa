//! What parameters leave open and this host decides, for campaigns and for guests without one alike.

use crate::parse::{self, CONFINE, guests, layout, open_choices, second_nic_is_meant};
use model::{Accel, Origin, Params, ParamsError};
use std::collections::BTreeMap;
use vm::guest::QEMU;
use vm::guest::confine::{Confine, named, strongest};
use vm::guest::disk::At;
use vm::guest::migration::Mode;
use vm::guest::network::{Kind, Wires};

/// Sets what was found out, and keeps where the question came from.
pub fn set(params: &mut Params, key: &str, value: &str) {
    let origin = params.param(key).map_or(Origin::BuiltIn, |p| p.origin.clone());
    params.set(key, value, origin);
}

/// Puts the QEMU that this host has (`here`) in the place of the usual name, where nobody asked for that name.
pub fn qemu(params: &mut Params, here: &str) {
    let nobody = |param: &model::Param| param.origin == Origin::BuiltIn && param.value == QEMU;
    if params.param("qemu_binary").is_some_and(nobody) {
        set(params, "qemu_binary", here);
    }
}

/// Lists the second NIC where a name of a device stands for it, and puts a kind in the place of each `net=auto`: the one that
/// `auto` gives.
///
/// # Errors
/// `nics` is wrong, or that of `auto`.
pub fn networks<E: From<ParamsError>>(
    params: &mut Params,
    mut auto: impl FnMut() -> Result<Kind, E>,
) -> Result<(), E> {
    if second_nic_is_meant(params) {
        set(params, "nics", "nic1 nic2");
    }
    for key in open_choices(params)? {
        let kind = auto()?;
        set(params, &key, kind.word());
    }
    Ok(())
}

/// What a QEMU was tried with: program, whether it starts a helper, and why it opens files of the user's.
type Tried = (String, bool, Option<String>);

/// Decides `confine=auto` for all of these at once, as the most that works for every QEMU of them: environments that differ in
/// what confines their QEMU differ in more than what is compared. Gives a warning where that is less than a user of this kind
/// has elsewhere.
///
/// # Errors
/// A level was asked for by name that does not work here.
pub fn confine(all: &mut [&mut Params], accel: Accel) -> Result<Option<String>, ParamsError> {
    let mut known: BTreeMap<Tried, (Confine, Option<String>)> = BTreeMap::new();
    let mut common: (Confine, Option<String>) = (Confine::User, None);
    let is_open = |params: &Params| params.get(CONFINE) == Some("auto");
    for params in &*all {
        // What cannot be laid out is told by whoever lays it out.
        let helper = layout(params).is_ok_and(|layout| Wires::planned(&layout, 1).helper);
        for guest in guests(params)? {
            let own = params.object_params(&guest);
            let asked = if is_open(&own) { None } else { Some(parse::confine(&own)?) };
            if asked == Some(Confine::None) {
                continue;
            }
            let named = named(&own.words("extra_args")?)
                .map(|path| format!("extra_args names {path}, which QEMU is to open"));
            // What is no disk is told by whoever makes the guest.
            let disks = parse::disks(&own).unwrap_or_default();
            let by_disk = disks.iter().find_map(|disk| match &disk.at {
                At::Remote(remote) => remote.opens(),
                _ => None,
            });
            let postcopy = own.get("migrate_mode").is_some_and(|modes| modes.contains(Mode::Postcopy.word()));
            let faults = "postcopy needs userfaultfd, which the kernel gives to root, or to who may open /dev/userfaultfd";
            let seen = parse::opens(&own);
            let opens = named.or_else(|| by_disk.or(seen).map(str::to_owned));
            let opens = opens.or(postcopy.then(|| faults.to_owned()));
            let tried = (own.text("qemu_binary")?.to_owned(), helper, opens);
            let (level, why) = known.entry(tried).or_insert_with_key(|(qemu, helper, opens)| {
                strongest(qemu, accel, *helper, opens.as_deref())
            });
            match asked {
                Some(asked) if asked > *level => {
                    let because = why.as_deref().unwrap_or_default();
                    return Err(own.wrong(CONFINE, &format!("{} or less, because {because}", level.word())));
                }
                None if *level <= common.0 => common = (*level, why.clone()),
                _ => {}
            }
        }
    }
    let (level, why) = common;
    let mut decided = false;
    for params in all.iter_mut().filter(|params| is_open(params)) {
        set(params, CONFINE, level.word());
        decided = true;
    }
    let less = if level == Confine::None { "not confined" } else { "less confined than it could be" };
    let why = why.filter(|_| decided && level < Confine::usual());
    Ok(why.map(|why| format!("QEMU is {less} (confine={}): {why}", level.word())))
}

/// Guests that are driven and not measured are pinned only where somebody says so.
pub fn by_hand(params: &mut Params) {
    if params.param("numa_node").is_some_and(|param| param.origin == Origin::BuiltIn) {
        params.set("numa_node", "0", Origin::BuiltIn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(set: &[(&str, &str)]) -> Params {
        let mut params = Params::new();
        for (key, value) in [("scenario", "host_guest")].iter().chain(set) {
            params.set(*key, *value, Origin::Flag(format!("--set {key}={value}")));
        }
        params
    }

    #[test]
    fn one_qemu_without_a_sandbox_leaves_all_that_is_open_without_one() {
        let [qemu, none] = ["qemu_binary", "/nonexistent/qemu"];
        let mut open = params(&[(qemu, none), (CONFINE, "auto"), ("extra_args", "")]);
        let mut said = params(&[(qemu, none), (CONFINE, "none")]);
        let of = |all: &mut [&mut Params]| confine(all, Accel::Tcg);
        let warning = of(&mut [&mut open, &mut said]).unwrap();
        assert_eq!(open.get(CONFINE), Some("none"));
        assert_eq!(warning.unwrap(), "QEMU is not confined (confine=none): /nonexistent/qemu has no sandbox");
        assert!(matches!(open.param(CONFINE).unwrap().origin, Origin::Flag(_)), "who asked is still known");
        // Where nothing was open nothing has been decided.
        assert_eq!(of(&mut [&mut said]).unwrap(), None);
        let mut asked = params(&[(qemu, none), (CONFINE, "files"), ("extra_args", "")]);
        let error = of(&mut [&mut asked]).unwrap_err().to_string();
        assert!(error.contains("none or less, because /nonexistent/qemu has no sandbox"), "{error}");
    }

    #[test]
    fn the_hosts_own_qemu_stands_for_the_usual_name_unless_somebody_wrote_it() {
        let mut asked = params(&[("qemu_binary", QEMU)]);
        qemu(&mut asked, "/usr/libexec/qemu-kvm");
        assert_eq!(asked.get("qemu_binary"), Some(QEMU));
        let mut open = Params::new();
        open.set("qemu_binary", QEMU, Origin::BuiltIn);
        qemu(&mut open, "/usr/libexec/qemu-kvm");
        assert_eq!(open.get("qemu_binary"), Some("/usr/libexec/qemu-kvm"));
    }

    #[test]
    fn auto_is_asked_for_what_is_open_and_a_device_stands_for_its_nic() {
        let mut all = params(&[("net", "auto"), ("bridge_nic2", "vbr0")]);
        all.set("nics", "nic1", Origin::BuiltIn);
        networks(&mut all, || Ok::<_, ParamsError>(Kind::User)).unwrap();
        assert_eq!((all.get("nics"), all.get("net")), (Some("nic1 nic2"), Some("user")));
        networks(&mut all, || -> Result<Kind, ParamsError> { panic!("nothing is open any more") }).unwrap();
    }
}
