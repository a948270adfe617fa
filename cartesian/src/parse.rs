//! Files into a program: blocks, conditions, includes. What stands on one line is in `statement`, variants are in
//! `variants`.

use super::build::Builder;
use super::error::{CartesianError, Warning, did_you_mean};
use super::ids::{GuardId, NodeId};
use super::program::{Body, Item, Loc, Node, Program};
use super::shown::cut;
use super::source::{Line, Reader, Source};
use super::{Files, Options};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Files of an include cycle that are named.
const MAX_CYCLE: usize = 6;
/// Warnings that are kept.
const MAX_WARNINGS: usize = 100;

/// Where statements go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Into the body of a node.
    Node(NodeId),
    /// Into the innermost open condition.
    Condition,
}

/// Reads configurations, one behind the other, into one program.
pub(super) struct Parser<'f> {
    pub build: Builder,
    pub options: Options,
    files: &'f dyn Files,
    root: NodeId,
    /// Blocks of conditions that are being read.
    pub open: Vec<Body>,
    /// Files that are being read, for cycles.
    stack: Vec<PathBuf>,
    /// Blocks around the current line.
    pub depth: usize,
    lines: usize,
    bytes: u64,
    includes: usize,
    pub warnings: Vec<Warning>,
}

impl<'f> Parser<'f> {
    pub fn new(options: Options, files: &'f dyn Files) -> Parser<'f> {
        let mut build = Builder::default();
        build.program.max_values = options.limits.values;
        build.program.max_names = options.limits.names;
        build.program.max_work = options.limits.work;
        let root = build.node(Node::default());
        Parser {
            build,
            options,
            files,
            root,
            open: Vec::new(),
            stack: Vec::new(),
            depth: 0,
            lines: 0,
            bytes: 0,
            includes: 0,
            warnings: Vec::new(),
        }
    }

    /// Reads a file.
    pub fn file(&mut self, path: &Path) -> Result<(), CartesianError> {
        let read = |source| CartesianError::Read { path: path.to_owned(), source };
        let bytes = self.files.read(path, self.options.limits.bytes).map_err(read)?;
        let text = String::from_utf8(bytes).map_err(|e| read(not_text(&e)))?;
        let source = self.source(path, path.parent(), text).map_err(read)?;
        self.stack.push(self.files.identity(path));
        let done = self.top(source);
        self.stack.pop();
        done
    }

    /// Reads a piece of text that goes by `name` in messages. Includes are relative to the working directory.
    pub fn text(&mut self, name: &str, text: &str) -> Result<(), CartesianError> {
        let path = Path::new(name);
        let read = |source| CartesianError::Read { path: path.to_owned(), source };
        let source = self.source(path, None, text.to_owned()).map_err(read)?;
        self.top(source)
    }

    /// The program.
    pub fn finish(self) -> (Program, Vec<Warning>) {
        (self.build.finish(self.root), self.warnings)
    }

    fn source(&mut self, path: &Path, folder: Option<&Path>, text: String) -> io::Result<Rc<Source>> {
        let too = |what: &str| io::Error::other(what.to_owned());
        let (file, name) = self.build.file(path).ok_or_else(|| too("more than 65,535 files"))?;
        let source = Source::new(name, file, folder, text).ok_or_else(|| too("the file is too long"))?;
        self.bytes = self.bytes.saturating_add(source.bytes());
        if self.bytes > self.options.limits.total {
            let limit = self.options.limits.total;
            return Err(too(&format!("more than {limit} bytes with everything that is included")));
        }
        self.lines = self.lines.saturating_add(source.len());
        if self.lines > self.options.limits.lines {
            return Err(too(&format!(
                "more than {} lines with everything that is included",
                self.options.limits.lines
            )));
        }
        Ok(Rc::new(source))
    }

    fn top(&mut self, source: Rc<Source>) -> Result<(), CartesianError> {
        match self.whole(source, Target::Node(self.root))? {
            Target::Node(node) => self.root = node,
            Target::Condition => {}
        }
        Ok(())
    }

    /// Reads a file from its first line to its last.
    fn whole(&mut self, source: Rc<Source>, target: Target) -> Result<Target, CartesianError> {
        let is_fragment = source.begins_with('-') && self.files.has_fragments();
        let mut reader = Reader::new(source);
        match target {
            Target::Node(below) if is_fragment => Ok(Target::Node(self.fragment(&mut reader, below)?)),
            _ => self.block(&mut reader, target, -1),
        }
    }

    /// Reads the lines that are indented further than `outer`. Gives the node that statements behind the block go to:
    /// another one than before when the block had variants.
    pub fn block(
        &mut self,
        reader: &mut Reader,
        mut target: Target,
        outer: i64,
    ) -> Result<Target, CartesianError> {
        let mut suffix = None;
        while let Some(line) = reader.next(outer) {
            self.deeper(&line)?;
            target = self.statement(reader, &line, target, outer, &mut suffix)?;
            self.depth -= 1;
            if self.build.program.key_bytes > self.options.limits.keys {
                let what = format!("the names of all keys take more than {} bytes", self.options.limits.keys);
                return Err(CartesianError::Limit { place: Box::new(line.place(0)), what });
            }
        }
        // Last in its block, so that it sees all keys of it.
        if let Some(suffix) = suffix {
            self.push(target, Item::Suffix { suffix });
        }
        Ok(target)
    }

    /// One block or include further in.
    pub fn deeper(&mut self, line: &Line) -> Result<(), CartesianError> {
        self.depth += 1;
        if self.depth > self.options.limits.depth {
            let what = format!("blocks and includes nested more than {} deep", self.options.limits.depth);
            return Err(CartesianError::Limit { place: Box::new(line.place(0)), what });
        }
        Ok(())
    }

    /// `include path`.
    pub fn include(&mut self, line: &Line, at: usize, target: Target) -> Result<Target, CartesianError> {
        self.included(line, at, |parser, source| parser.whole(source, target))
    }

    /// Reads the file of `include path` by what is wanted of it.
    pub fn included<T>(
        &mut self,
        line: &Line,
        at: usize,
        read: impl FnOnce(&mut Self, Rc<Source>) -> Result<T, CartesianError>,
    ) -> Result<T, CartesianError> {
        let text = line.text().get(at..).unwrap_or("").trim_start_matches(super::source::is_blank);
        let resolved = self.files.resolve(text, line.source().folder.as_deref());
        let path = resolved.as_ref().map_or_else(|_| PathBuf::from(text), PathBuf::clone);
        let fail = |why: String, hint: Option<String>| CartesianError::Include {
            place: Box::new(line.place(line.text().len() - text.len())),
            path: path.clone(),
            why,
            hint,
        };
        resolved.map_err(|why| fail(why, None))?;
        self.includes += 1;
        if self.includes > self.options.limits.includes {
            return Err(fail(format!("more than {} includes", self.options.limits.includes), None));
        }
        let identity = self.files.identity(&path);
        if let Some(first) = self.stack.iter().position(|p| *p == identity) {
            return Err(fail(format!("it includes itself: {}", self.cycle(first, &path)), None));
        }
        let bytes = self.files.read(&path, self.options.limits.bytes).map_err(|e| {
            let hint = (e.kind() == io::ErrorKind::NotFound).then(|| self.similar(&path)).flatten();
            fail(e.to_string(), hint)
        })?;
        let text = String::from_utf8(bytes).map_err(|e| fail(not_text(&e).to_string(), None))?;
        let source = self.source(&path, path.parent(), text).map_err(|e| fail(e.to_string(), None))?;
        self.stack.push(identity);
        let done = read(self, source);
        self.stack.pop();
        done
    }

    /// Whether a file may be a list of variants.
    pub fn has_fragments(&self) -> bool {
        self.files.has_fragments()
    }

    /// The files of a cycle, the middle of a long one left out.
    fn cycle(&self, first: usize, again: &Path) -> String {
        let shown = |path: &Path| cut(&path.to_string_lossy()).to_string();
        let mut chain: Vec<String> = self.stack.iter().skip(first).map(|path| shown(path)).collect();
        chain.push(shown(again));
        if let Some(more) = chain.len().checked_sub(MAX_CYCLE).filter(|more| *more > 0) {
            chain.splice(MAX_CYCLE / 2..MAX_CYCLE / 2 + more, [format!(".. {more} more ..")]);
        }
        chain.join(" -> ")
    }

    /// A file of nearly that name.
    fn similar(&self, path: &Path) -> Option<String> {
        let name = path.file_name()?.to_str()?;
        let names = self.files.names(path.parent()?);
        did_you_mean(name, names.iter().map(String::as_str))
    }

    /// Adds a statement.
    pub fn push(&mut self, target: Target, item: Item) {
        if let Some(body) = self.body(target) {
            body.items.push(item);
        }
    }

    /// Adds a filter, or a condition that has filters.
    pub fn push_guard(&mut self, target: Target, guard: GuardId) {
        if let Some(body) = self.body(target) {
            body.guards.push(guard);
        }
    }

    fn body(&mut self, target: Target) -> Option<&mut Body> {
        match target {
            Target::Node(node) => self.build.program.nodes.get_mut(node as usize).map(|n| &mut n.body),
            Target::Condition => self.open.last_mut(),
        }
    }

    /// Notes something odd.
    pub fn warn(&mut self, line: &Line, at: usize, text: String) {
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(Warning { place: line.place(at), text });
        }
    }
}

/// The place of a line, for origins.
pub(super) fn loc(line: &Line) -> Loc {
    Loc { line: line.number, file: line.file() }
}

fn not_text(error: &std::string::FromUtf8Error) -> io::Error {
    let at = error.utf8_error().valid_up_to();
    let before = error.as_bytes().get(..at).unwrap_or(&[]);
    let line = before.split(|b| *b == b'\n').count();
    io::Error::new(io::ErrorKind::InvalidData, format!("line {line} is not UTF-8 text"))
}
