//! Layers to sections.

use super::effective::{Idle, Why, outvoted};
use super::layer::{ConfError, Entry, Layer, Setting, parse};
use super::metric::MetricConf;
use super::section::{BUILTIN_NAME, Origin, Section};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Every section, with every layer applied.
#[derive(Clone, Debug, Default)]
pub struct Conf {
    pub(super) sections: Vec<Section>,
    /// Options of layers that did nothing when they were applied.
    pub(super) idle: Vec<Idle>,
}

/// The text of perfvt's own perf.conf.
pub(super) const BUILTIN: &str = include_str!("../../../perf.conf");

/// The section of ConfigParser that gives other sections what they do not set themselves.
const DEFAULT: &str = "DEFAULT";

/// The pattern of a section that names none: the one that every shipped section had.
static ANY_RHS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(?:.*\.RHS)$").ok());

impl Conf {
    /// perfvt's own perf.conf.
    pub fn builtin() -> Conf {
        // A test reads the same text, so the other branch is never taken in a build that passed its tests.
        let mut conf = Conf::default();
        if let Ok(layer) = parse(BUILTIN, BUILTIN_NAME) {
            conf.apply(&layer);
        }
        conf
    }

    /// The built-in perf.conf with further layers, lowest first, each as (name, text).
    ///
    /// # Errors
    /// [`ConfError`] of the first layer that cannot be read.
    pub fn with_layers<'a>(layers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Conf, ConfError> {
        let mut conf = Conf::builtin();
        for (file, text) in layers {
            conf.apply(&parse(text, file)?);
        }
        Ok(conf)
    }

    /// Puts a layer above those applied before: each key that it sets replaces the one below, and no other.
    ///
    /// `[DEFAULT]` gives what neither this nor a lower layer sets in a section itself, as ConfigParser does; it replaces what the
    /// `[DEFAULT]` of a lower layer gave.
    pub fn apply(&mut self, layer: &Layer) {
        let (defaults, own): (Vec<&Entry>, Vec<&Entry>) =
            layer.settings.iter().partition(|entry| entry.section == DEFAULT);
        let origin_of = |entry: &Entry| Origin { file: layer.file.clone(), line: entry.line };
        for entry in own {
            let origin = origin_of(entry);
            if let Some(section) = self.section_mut(&entry.section) {
                let again = options(&entry.setting).into_iter().find_map(|option| {
                    let before = section.origins.get(&option)?;
                    (before.file == layer.file).then(|| (option, before.clone()))
                });
                if let Some((option, before)) = again {
                    self.idle.push(Idle {
                        section: entry.section.clone(),
                        option: option.clone(),
                        why: Why::SetAgain(entry.line),
                        origin: before,
                    });
                }
            }
            if let Some(section) = self.section_mut(&entry.section) {
                section.set(&entry.setting, &origin);
                for option in options(&entry.setting) {
                    section.inherited.remove(&option);
                }
            }
        }
        let mut used = vec![false; defaults.len()];
        for section in &mut self.sections {
            let own: BTreeSet<String> =
                section.origins.keys().filter(|o| !section.inherited.contains(*o)).cloned().collect();
            for (entry, used) in defaults.iter().zip(&mut used) {
                let options = options(&entry.setting);
                if !options.iter().any(|option| own.contains(option)) {
                    section.set(&entry.setting, &origin_of(entry));
                    section.inherited.extend(options);
                    *used = true;
                }
            }
        }
        for (entry, _) in defaults.iter().zip(used).filter(|(_, used)| !used) {
            let Some(option) = options(&entry.setting).into_iter().next() else { continue };
            let (section, why) = (DEFAULT.to_owned(), Why::EverySection);
            self.idle.push(Idle { origin: origin_of(entry), section, option, why });
        }
    }

    /// What layers set and what does nothing. A copy of what is built in changes nothing, and is not among it.
    pub fn idle(&self) -> Vec<Idle> {
        let builtin = Conf::builtin();
        let changed = self.sections.iter().filter(|section| {
            builtin.section(&section.name).is_none_or(|own| own.ignore_col != section.ignore_col)
        });
        self.idle.iter().cloned().chain(changed.filter_map(outvoted)).collect()
    }

    /// The sections, built-in ones first.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The section of a workload.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// Some section's pattern matches the name of a file.
    pub fn is_result_file(&self, file_name: &str) -> bool {
        self.sections.iter().any(|section| section.result_file_pattern.is_match(file_name))
    }

    fn section_mut(&mut self, name: &str) -> Option<&mut Section> {
        let index = match self.sections.iter().position(|section| section.name == name) {
            Some(index) => index,
            None => {
                let section = Section::new(name)?;
                self.sections.push(section);
                self.sections.len() - 1
            }
        };
        self.sections.get_mut(index)
    }
}

/// Under which names the origins of a setting are kept.
fn options(setting: &Setting) -> Vec<String> {
    match setting {
        Setting::Exists => Vec::new(),
        Setting::Pattern(_) => vec!["result_file_pattern".to_owned()],
        Setting::IgnoreCol(_) => vec!["ignore_col".to_owned()],
        Setting::AvgUpdate(_) => vec!["avg_update".to_owned()],
        Setting::Desc(_) => vec!["desc".to_owned()],
        Setting::Keys(_) => vec!["keys".to_owned()],
        Setting::Alias { canonical, .. } => vec![format!("alias.{canonical}")],
        Setting::CategoryAlias { canonical, .. } => vec![format!("category_alias.{canonical}")],
        Setting::Derived(derived) => vec![format!("derived.{}", derived.name)],
        Setting::Metric { name, fields } => {
            let fields = fields.apply(&mut MetricConf::undeclared(name));
            fields.into_iter().map(|field| format!("metric.{name}.{field}")).collect()
        }
    }
}

impl Section {
    /// A section that sets nothing. `None` only if the default pattern were no regular expression.
    fn new(name: &str) -> Option<Section> {
        Some(Section {
            name: name.to_owned(),
            desc: String::new(),
            result_file_pattern: ANY_RHS.clone()?,
            ignore_col: 1,
            avg_update: Vec::new(),
            keys: Vec::new(),
            metrics: Vec::new(),
            derived: Vec::new(),
            aliases: BTreeMap::new(),
            limited_aliases: Vec::new(),
            category_aliases: BTreeMap::new(),
            origins: BTreeMap::new(),
            inherited: BTreeSet::new(),
        })
    }

    fn set(&mut self, setting: &Setting, origin: &Origin) {
        match setting {
            Setting::Exists => {}
            Setting::Pattern(regex) => self.result_file_pattern = regex.clone(),
            Setting::IgnoreCol(count) => self.ignore_col = *count,
            Setting::AvgUpdate(triples) => self.avg_update = triples.clone(),
            Setting::Desc(text) => self.desc = text.clone(),
            Setting::Keys(keys) => self.keys = keys.clone(),
            Setting::Alias { canonical, written, limited } => {
                replace_aliases(&mut self.aliases, canonical, written);
                self.limited_aliases.retain(|alias| alias.canonical != *canonical);
                self.limited_aliases.extend(limited.iter().cloned());
            }
            Setting::CategoryAlias { canonical, written } => {
                replace_aliases(&mut self.category_aliases, canonical, written);
            }
            Setting::Derived(derived) => {
                self.derived.retain(|d| d.name != derived.name);
                self.derived.push(derived.clone());
            }
            Setting::Metric { name, fields } => {
                if !self.metrics.iter().any(|metric| metric.name == *name) {
                    // A new name under a declared pattern starts from what the pattern says.
                    self.metrics.push(self.metric(name));
                }
                if let Some(metric) = self.metrics.iter_mut().find(|metric| metric.name == *name) {
                    fields.apply(metric);
                }
            }
        }
        for option in options(setting) {
            self.origins.insert(option, origin.clone());
        }
    }
}

/// The names that a layer gives a canonical name replace those of the layers below.
fn replace_aliases(aliases: &mut BTreeMap<String, String>, canonical: &str, written: &[String]) {
    aliases.retain(|_, to| to != canonical);
    for name in written {
        aliases.insert(name.clone(), canonical.to_owned());
    }
}
