//! What must hold for any bytes that are read as a perf.conf.

use formats::perf_conf::{Conf, parse};
use std::path::Path;

/// Panics when the law is broken.
pub fn holds(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
    match parse(&text, "fuzzed") {
        Err(error) => {
            assert!((1..=lines.max(1)).contains(&error.line));
            assert!(!error.to_string().is_empty());
        }
        Ok(layer) => {
            let mut conf = Conf::default();
            conf.apply(&layer);
            for section in conf.sections() {
                let _ = section.key_columns(&["size", "None", section.canonical("x")]);
                let _ = section.metric("throughput");
                assert!(section.origins().all(|(_, origin)| (1..=lines).contains(&origin.line)));
            }
            let _ = conf.infer(Path::new("a/b.RHS"), &[&["size"]]);
            // Applying a layer twice says nothing new.
            let before: Vec<_> =
                conf.sections().iter().map(|s| (s.name.clone(), s.metrics.clone())).collect();
            conf.apply(&layer);
            let after: Vec<_> = conf.sections().iter().map(|s| (s.name.clone(), s.metrics.clone())).collect();
            assert_eq!(before, after);
        }
    }
}
