//! `perfvt provider`.

use crate::args::{Provider, ProviderVerb};
use crate::{DONE, Error, USAGE};
use collect::config::providers::{self, Definition, ProviderError};
use std::io::Write;
use std::path::Path;

/// Lists providers, or fetches them. What is wrong with one is told, and hides none of the others.
pub fn provider(args: &Provider, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let folder = providers::folder().ok_or("neither XDG_CONFIG_HOME nor HOME says where definitions are")?;
    let all = providers::definitions(&folder);
    let cache = providers::cache()?;
    let fetches = matches!(args.verb, ProviderVerb::Update { .. });
    let named = match &args.verb {
        ProviderVerb::Update { names } => names.as_slice(),
        ProviderVerb::List => &[],
    };
    if all.is_empty() && named.is_empty() {
        writeln!(err, "no providers are defined in {}", folder.display())?;
    }
    let wanted: Vec<Result<&Definition, &ProviderError>> = match named {
        [] => all.good.iter().map(Ok).chain(all.broken.iter().map(|(_, error)| Err(error))).collect(),
        names => names
            .iter()
            .map(|name| all.get(name).ok_or_else(|| all.unknown(name)))
            .collect::<Result<_, _>>()?,
    };
    let mut code = DONE;
    for one in wanted {
        let line = match one {
            Ok(definition) => described(definition, &cache, fetches).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match line {
            Ok(line) => writeln!(out, "{line}")?,
            Err(reason) => {
                writeln!(err, "perfvt: {reason}")?;
                code = USAGE;
            }
        }
    }
    Ok(code)
}

/// A provider in one line, fetched before if that is asked for.
fn described(definition: &Definition, cache: &Path, fetches: bool) -> Result<String, ProviderError> {
    if fetches {
        providers::update(definition, cache)?;
    }
    providers::describe(definition, cache)
}
