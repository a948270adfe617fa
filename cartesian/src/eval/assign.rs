//! Assignments and deletions: from a statement to the new value of a key.

use super::{COPIED, Evaluator, KEY, Subject, python_list};
use crate::error::CartesianError;
use crate::ids::{KeyId, Text};
use crate::program::{How, Loc, Pattern, Value};
use crate::suffix::Flat;
use crate::template::Slot;
use regex::Regex;

impl Evaluator<'_> {
    pub(super) fn assign(
        &mut self,
        how: How,
        key: KeyId,
        value: Value,
        loc: Loc,
        subject: Subject<'_>,
    ) -> Result<(), CartesianError> {
        let before = self.get(key).map(|slot| slot.value);
        if how == How::Lazy && before.is_some() {
            return Ok(());
        }
        let value = self.value(value, subject, loc)?;
        let value = self.combined(how, before.unwrap_or_default(), value, subject, loc)?;
        self.put(key, value, loc);
        Ok(())
    }

    /// The old and the new value as an operator wants them.
    fn combined(
        &mut self,
        how: How,
        old: Text,
        new: Text,
        subject: Subject<'_>,
        loc: Loc,
    ) -> Result<Text, CartesianError> {
        let (first, second) = match how {
            How::Set | How::Lazy => return Ok(new),
            How::Append => (old, new),
            How::Prepend => (new, old),
        };
        if first.range().is_empty() {
            return Ok(second);
        }
        if second.range().is_empty() {
            return Ok(first);
        }
        // A text that ends the store grows where it is.
        let in_place = first.is_own() && first.range().end == self.own.len();
        let start = if in_place { first.range().start } else { self.own.len() };
        if !in_place {
            self.append(first);
        }
        self.append(second);
        self.tail(start, subject, loc)
    }

    /// Appends a text to the variant's store.
    fn append(&mut self, text: Text) {
        self.left = self.left.saturating_sub((text.range().len() / COPIED) as u64);
        if text.is_own() {
            let range = text.range();
            if self.own.get(range.clone()).is_some() {
                self.own.extend_from_within(range);
            }
        } else {
            self.own.push_str(self.program.text(text));
        }
    }

    /// The text from `start` to the end of the variant's store.
    pub(super) fn tail(&self, start: usize, subject: Subject<'_>, loc: Loc) -> Result<Text, CartesianError> {
        let limit = self.program.max_values;
        let text = Text::own(start, self.own.len() - start).filter(|_| self.own.len() <= limit);
        text.ok_or_else(|| CartesianError::Value {
            variant: subject.name.to_owned(),
            origin: self.program.origin(loc),
            limit,
        })
    }

    /// A value with its keys put in.
    fn value(&mut self, value: Value, subject: Subject<'_>, loc: Loc) -> Result<Text, CartesianError> {
        let number = match value {
            Value::Plain(text) => return Ok(text),
            Value::Template(number) => number,
        };
        let Some(template) = self.program.templates.get(number as usize) else { return Ok(Text::default()) };
        let start = self.own.len();
        self.at = loc;
        self.spend(self.flat_work() + template.parts.len(), subject.name)?;
        // Resolved once: what is put in does not change on the way.
        let flat = self.flat();
        for part in &template.parts {
            self.append(part.before);
            match part.key {
                Slot::Name => self.own.push_str(subject.name),
                Slot::ShortName => self.own.push_str(subject.shortname),
                Slot::Dep => self.own.push_str(&python_list(subject.deps)),
                Slot::End => {}
                Slot::Key(key) => match self.find(key, flat.as_deref(), subject)? {
                    Some(text) => self.append(text),
                    None => {
                        self.append(part.rest);
                        break;
                    }
                },
            }
            self.tail(start, subject, loc)?;
        }
        self.tail(start, subject, loc)
    }

    fn find(
        &mut self,
        key: KeyId,
        flat: Option<&[Flat]>,
        subject: Subject<'_>,
    ) -> Result<Option<Text>, CartesianError> {
        let Some(flat) = flat else { return Ok(self.get(key).map(|slot| slot.value)) };
        self.spend(flat.len(), subject.name)?;
        let name = self.program.keys.get(key as usize).map(|key| self.program.text(key.name));
        let found = flat.iter().find(|entry| Some(entry.name.as_str()) == name);
        Ok(found.map(|entry| entry.value))
    }

    pub(super) fn assign_matching(
        &mut self,
        how: How,
        pattern: u32,
        value: Value,
        loc: Loc,
        subject: Subject<'_>,
    ) -> Result<(), CartesianError> {
        let value = self.value(value, subject, loc)?;
        self.at = loc;
        self.spend(self.flat_work(), subject.name)?;
        match self.program.patterns.get(pattern as usize) {
            Some(Pattern::Key(key)) if !self.suffixed => self.change(how, *key, value, subject, loc),
            Some(Pattern::Key(key)) => {
                self.called(*key).into_iter().try_for_each(|key| self.change(how, key, value, subject, loc))
            }
            Some(Pattern::Regex(regex)) => {
                let suffixed = self.suffixed_matching(regex);
                let keys = self.matches.get_mut(pattern as usize).map(std::mem::take);
                let keys = match keys.flatten() {
                    Some(keys) => keys,
                    None => {
                        let program = self.program;
                        self.spend(4 * program.key_bytes + KEY * program.keys.len(), subject.name)?;
                        self.all_matching(regex)
                    }
                };
                self.spend(keys.len() + suffixed.len(), subject.name)?;
                let mut all = keys.iter().chain(&suffixed);
                let done = all.try_for_each(|key| {
                    self.change(how, *key, value, subject, loc)?;
                    self.check_given(subject.name)
                });
                if let Some(place) = self.matches.get_mut(pattern as usize) {
                    *place = Some(keys);
                }
                done
            }
            None => Ok(()),
        }
    }

    /// Changes a key if it is set.
    fn change(
        &mut self,
        how: How,
        key: KeyId,
        value: Text,
        subject: Subject<'_>,
        loc: Loc,
    ) -> Result<(), CartesianError> {
        let Some(slot) = self.get(key) else { return Ok(()) };
        let value = self.combined(how, slot.value, value, subject, loc)?;
        self.put(key, value, loc);
        Ok(())
    }

    /// Keys of the program that match, set or not.
    fn all_matching(&self, regex: &Regex) -> Vec<KeyId> {
        let keys = (0..).zip(&self.program.keys);
        keys.filter(|(_, key)| regex.is_match(self.program.text(key.name))).map(|(id, _)| id).collect()
    }

    /// Keys with suffixes that are set and match.
    fn suffixed_matching(&self, regex: &Regex) -> Vec<KeyId> {
        if !self.suffixed {
            return Vec::new();
        }
        let matches = |key: &KeyId| {
            self.tuples.is_tuple(*key) && regex.is_match(&self.tuples.joined(self.program, *key))
        };
        self.live().map(|(key, _)| key).filter(matches).collect()
    }

    /// The keys that are set and go by a name, suffixes included.
    fn called(&self, key: KeyId) -> Vec<KeyId> {
        let name = self.program.keys.get(key as usize).map_or("", |key| self.program.text(key.name));
        let same =
            |k: &KeyId| *k == key || self.tuples.is_tuple(*k) && self.tuples.joined(self.program, *k) == name;
        self.live().map(|(key, _)| key).filter(same).collect()
    }

    pub(super) fn delete(&mut self, key: KeyId, subject: Subject<'_>) -> Result<(), CartesianError> {
        if self.suffixed {
            self.spend(self.flat_work(), subject.name)?;
            self.called(key).into_iter().for_each(|key| self.remove(key));
        } else {
            self.remove(key);
        }
        Ok(())
    }
}
