//! `confine=auto` is resolved once, to the most that works for every QEMU: environments that differ in what confines their QEMU
//! differ in more than what is compared.

use crate::parse::{CONFINE, confine, layout};
use model::{Accel, Origin, Params, ParamsError};
use std::collections::BTreeMap;
use vm::guest::confine::{Confine, strongest};
use vm::guest::network::Wires;
use vm::scenario::Scenario;

/// What a QEMU was tried with: program, whether it starts a helper, and further arguments.
type Tried = (String, bool, Vec<String>);

/// Decides what the parameters of all environments leave open. Gives a warning where that is less than a host of this kind has.
///
/// # Errors
/// A level was asked for that does not work here.
pub(crate) fn resolve(
    environments: Vec<&mut Params>,
    scenario: Scenario,
    accel: Accel,
) -> Result<Option<String>, ParamsError> {
    let mut known: BTreeMap<Tried, (Confine, Option<String>)> = BTreeMap::new();
    let mut common: (Confine, Option<String>) = (Confine::User, None);
    let is_auto = |params: &Params| params.get(CONFINE) == Some("auto");
    for params in &environments {
        // What cannot be laid out is told by whoever lays it out.
        let helper = layout(params).is_ok_and(|layout| Wires::planned(&layout, 1).helper);
        for guest in scenario.guests() {
            let own = params.object_params(guest);
            let asked = if is_auto(&own) { None } else { Some(confine(&own)?) };
            if asked == Some(Confine::None) {
                continue;
            }
            let tried = (own.text("qemu_binary")?.to_owned(), helper, own.words("extra_args")?);
            let (level, why) = known
                .entry(tried)
                .or_insert_with_key(|(qemu, helper, extra)| strongest(qemu, accel, *helper, extra));
            let because = why.as_deref().unwrap_or_default();
            match asked {
                Some(asked) if asked > *level => {
                    return Err(own.wrong(CONFINE, &format!("{} or less, because {because}", level.word())));
                }
                None if *level <= common.0 => common = (*level, why.clone()),
                _ => {}
            }
        }
    }
    let open: Vec<&mut Params> = environments.into_iter().filter(|params| is_auto(params)).collect();
    let (level, why) = common;
    let warning = why.filter(|_| level < Confine::usual() && !open.is_empty()).map(|why| {
        let less = if level == Confine::None { "not confined" } else { "less confined than it could be" };
        format!("QEMU is {less} (confine={}): {why}", level.word())
    });
    for params in open {
        let origin = params.param(CONFINE).map_or(Origin::BuiltIn, |param| param.origin.clone());
        params.set(CONFINE, level.word(), origin);
    }
    Ok(warning)
}
