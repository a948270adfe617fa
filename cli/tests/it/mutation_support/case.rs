//! One case: what a seed makes of the tables.

use super::dice::Dice;
use super::inputs::{INPUTS, Input, Kind, copy};
use super::mutations::{Effect, MUTATIONS, Mutation};
use super::oracles::{Complaint, complaint, ends, is_clean, pages, parses, snapshot, untouched};
use super::process::{Ran, perfvt};
use super::soak::Originals;
use super::values::{Demand, Told, silently_wrong};
use super::verbs::{COMPARED, VERBS, Verb, words};
use super::words::{hostile_name, spoil};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// A case, before it runs.
pub struct Case {
    pub verb: &'static Verb,
    pub input: &'static Input,
    pub words: Vec<OsString>,
    /// What was done, for people.
    pub story: Vec<String>,
    /// What must be noticed; nothing where names or words were changed.
    demand: Option<Demand>,
    writes: Vec<String>,
    /// The words after the verb were changed.
    spoiled: bool,
    sandbox: PathBuf,
}

/// Every fourth seed takes the verbs in turn, so that none is left out.
fn verb_of(seed: u64, dice: &mut Dice) -> &'static Verb {
    if seed.is_multiple_of(4) {
        return &VERBS[(seed / 4) as usize % VERBS.len()];
    }
    let mut left = dice.below(VERBS.iter().map(|verb| verb.weight).sum());
    let heavier = |verb: &&Verb| {
        let found = left < verb.weight;
        left = left.saturating_sub(verb.weight);
        found
    };
    VERBS.iter().find(heavier).unwrap()
}

/// One of the folders that a verb reads; every other time one in which nothing may be lost unseen.
fn input_of(verb: &Verb, dice: &mut Dice) -> usize {
    let of = |wanted: &dyn Fn(&Input) -> bool| -> Vec<usize> {
        (0..INPUTS.len()).filter(|i| verb.reads.contains(&INPUTS[*i].kind) && wanted(&INPUTS[*i])).collect()
    };
    let counted = of(&|input| input.counted);
    if !counted.is_empty() && dice.one_in(2) { *dice.pick(&counted) } else { *dice.pick(&of(&|_| true)) }
}

impl Case {
    /// Lays out the case of a seed in a folder.
    pub fn of(seed: u64, originals: &Originals, sandbox: &Path) -> Case {
        let mut dice = Dice::new(seed);
        let verb = verb_of(seed, &mut dice);
        let index = input_of(verb, &mut dice);
        let input = &INPUTS[index];
        let place = sandbox.join("place");
        copy(&originals.folder(index), &place);
        let row = originals.row(index);
        let mut case = Case {
            verb,
            input,
            words: Vec::new(),
            story: Vec::new(),
            demand: None,
            writes: verb.writes.iter().map(|name| (*name).to_owned()).collect(),
            spoiled: false,
            sandbox: sandbox.to_owned(),
        };
        let spoils = input.kind == Kind::Nothing || dice.one_in(8);
        let named = dice.one_in(25).then(|| case.rename(&mut dice)).flatten();
        case.words = verb.words.split(' ').map(|word| case.word(word, &row, named.as_ref())).collect();
        case.demand = if spoils || named.is_some() { None } else { case.demand_unchanged() };
        if input.kind != Kind::Nothing && !(spoils && dice.one_in(2)) {
            for _ in 0..if dice.one_in(5) { 2 + dice.below(2) } else { 1 } {
                case.mutate(&mut dice);
            }
        }
        if spoils {
            case.story.push(spoil(&mut dice, &mut case.words));
            case.spoiled = true;
        }
        case
    }

    fn demand_unchanged(&self) -> Option<Demand> {
        let counted = self.input.counted;
        Some(Demand { effect: Effect::Reencodes, counted, within_a_line: false })
    }

    /// Gives a side or the campaign another name.
    fn rename(&mut self, dice: &mut Dice) -> Option<(String, String)> {
        let name = *dice.pick(&["a", "b", "x"]);
        let new = hostile_name(dice);
        let place = self.place();
        fs::rename(place.join(name), place.join(&new)).ok()?;
        self.story.push(format!("{name} is called {new:?}"));
        Some((name.to_owned(), new))
    }

    fn word(&mut self, word: &str, row: &str, named: Option<&(String, String)>) -> OsString {
        let plain = match word {
            "{a}" => "a",
            "{b}" => "b",
            "{x}" => "x",
            "{row}" => row,
            word => word,
        };
        let is_name = word.starts_with('{');
        let name = match named {
            Some((old, new)) if is_name && old == plain => new.as_str(),
            _ => plain,
        };
        for written in self.writes.iter_mut().filter(|written| *written == word) {
            name.clone_into(written);
        }
        name.into()
    }

    fn place(&self) -> PathBuf {
        self.sandbox.join("place")
    }

    /// What can be mutated: mostly what the command line names, so that most mutations are met.
    fn at_hand(&self, dice: &mut Dice, place: &Path) -> Vec<walkdir::DirEntry> {
        let all = || WalkDir::new(place).min_depth(1).sort_by_file_name().into_iter().flatten();
        let top = |entry: &walkdir::DirEntry| {
            entry
                .path()
                .strip_prefix(place)
                .ok()
                .and_then(|path| path.components().next().map(|c| c.as_os_str().to_owned()))
        };
        let named = |entry: &walkdir::DirEntry| top(entry).is_some_and(|top| self.words.contains(&top));
        if self.input.kind == Kind::Config || dice.one_in(10) || !all().any(|entry| named(&entry)) {
            return all().collect();
        }
        all().filter(named).collect()
    }

    /// Does one mutation, to a file or now and then to a folder.
    fn mutate(&mut self, dice: &mut Dice) {
        let place = self.place();
        let entries: Vec<walkdir::DirEntry> = self.at_hand(dice, &place);
        let of = |wanted: fn(&fs::FileType) -> bool| -> Vec<PathBuf> {
            entries.iter().filter(|e| wanted(&e.file_type())).map(|e| e.path().to_owned()).collect()
        };
        let (files, folders) = (of(fs::FileType::is_file), of(fs::FileType::is_dir));
        if files.is_empty() && folders.is_empty() {
            return;
        }
        let on_folder = files.is_empty() || (dice.one_in(15) && !folders.is_empty());
        // Where a number may have become any other one, only half of what must hold can be looked at.
        let keeps = (self.verb.tells_values() || self.verb.makes_values()) && !dice.one_in(3);
        let fits =
            |m: &&Mutation| (!on_folder || m.takes_folders()) && (!keeps || m.effect != Effect::Rewrites);
        let fitting: Vec<&Mutation> = MUTATIONS.iter().filter(fits).collect();
        let mutation = *dice.pick(&fitting);
        let target = if on_folder { dice.pick(&folders).clone() } else { one_of_a_kind(dice, &files) };
        // One mutation may have taken away what the next one wants.
        let done = mutation.apply(dice, &target, if on_folder { &folders } else { &files });
        let shown = target.strip_prefix(&place).unwrap_or(&target).display();
        self.story.push(format!("{shown}: {}{}", mutation.name, if done.is_ok() { "" } else { " (failed)" }));
        if let Some(demand) = &mut self.demand {
            demand.within_a_line = mutation.name.starts_with("cut") && done.unwrap_or(false);
            demand.effect =
                if demand.effect == Effect::Reencodes { mutation.effect } else { Effect::Rewrites };
        }
    }

    /// Runs it.
    pub fn run(&self, originals: &Originals) -> (Ran, Vec<Complaint>) {
        let place = self.place();
        let before = snapshot(&place);
        let ran = perfvt(&self.sandbox, &place, &self.words);
        let after = snapshot(&place);
        let writes: Vec<PathBuf> = self.writes.iter().map(|name| place.join(name)).collect();
        // With other words it may be told to write somewhere else.
        let told_where = !self.spoiled;
        let all = [
            ends(self.verb, &ran),
            is_clean(self.verb, &ran),
            parses(self.verb, &ran),
            untouched(&before, &after, &writes).filter(|_| told_where),
            pages(&before, &after),
            self.values(&ran, originals),
        ];
        (ran, all.into_iter().flatten().collect())
    }

    fn values(&self, ran: &Ran, originals: &Originals) -> Option<Complaint> {
        let mut demand = self.demand.filter(|_| ran.code() == Some(0))?;
        let original = originals.told(self.input, &self.words)?;
        let mutated = if self.verb.makes_values() {
            // Raw output is any tool's text, which does not say how much of it there was.
            demand.counted = false;
            let ran = perfvt(&self.sandbox, &self.place(), &words(COMPARED));
            Told::of(&ran.out, &ran.err_text()).filter(|_| ran.code() == Some(0))?
        } else {
            Told::of(&ran.out, &ran.err_text())?
        };
        silently_wrong(original, &mutated, demand).and_then(|detail| complaint("is silently wrong", detail))
    }
}

/// A file: first which kind, by its name without digits, then which of them. There are many raw files, and one plan.
fn one_of_a_kind(dice: &mut Dice, files: &[PathBuf]) -> PathBuf {
    let mut kinds: BTreeMap<String, Vec<&PathBuf>> = BTreeMap::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        kinds.entry(name.replace(|c: char| c.is_ascii_digit(), "")).or_default().push(file);
    }
    let kinds: Vec<Vec<&PathBuf>> = kinds.into_values().collect();
    let kind = dice.pick(&kinds);
    (*dice.pick(kind)).clone()
}
