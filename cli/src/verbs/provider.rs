//! `perfvt provider`.

use crate::args::{Provider, ProviderVerb};
use crate::{DONE, Error};
use collect::config::providers::{self, Definition};
use std::io::Write;
use std::path::Path;

/// Lists providers, or fetches them.
pub fn provider(args: &Provider, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let folder = providers::folder().ok_or("neither XDG_CONFIG_HOME nor HOME says where definitions are")?;
    let all = providers::definitions(&folder)?;
    let cache = providers::cache()?;
    match &args.verb {
        ProviderVerb::List => {
            if all.is_empty() {
                writeln!(err, "no providers are defined in {}", folder.display())?;
            }
            for definition in &all {
                show(definition, &cache, out)?;
            }
        }
        ProviderVerb::Update { names } => {
            let wanted: Vec<&Definition> = match names.as_slice() {
                [] => all.iter().collect(),
                names => names.iter().map(|name| providers::find(&all, name)).collect::<Result<_, _>>()?,
            };
            for definition in wanted {
                providers::update(definition, &cache)?;
                show(definition, &cache, out)?;
            }
        }
    }
    Ok(DONE)
}

fn show(definition: &Definition, cache: &Path, out: &mut dyn Write) -> Result<(), Error> {
    writeln!(out, "{}", providers::describe(definition, cache)?)?;
    Ok(())
}
