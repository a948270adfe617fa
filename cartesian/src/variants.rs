//! `variants` blocks.

use super::Defaults;
use super::error::CartesianError;
use super::filter::{self, Blanks};
use super::ids::{LabelId, NodeId};
use super::parse::{Parser, Target, loc};
use super::program::{How, Item, Node};
use super::scan::{Cursor, Kind, Token, syntax, tokens};
use super::shown::quoted;
use super::source::{Line, Reader};
use super::statement::after;

/// `variants [name] [meta] [meta=x]:`
struct Header<'a> {
    name: Option<&'a str>,
    /// The names of `[default=x]`, in words and dots as they were written.
    defaults: Vec<Vec<Kind<'a>>>,
}

/// `- @a.b: x y`
struct Variant<'a> {
    /// The name in words and dots as it was written.
    raw: Vec<Kind<'a>>,
    words: Vec<&'a str>,
    /// It began with `@`.
    marked: bool,
    deps: Vec<Vec<filter::LabelName<'a>>>,
}

/// The variants of a block that were read.
#[derive(Default)]
struct Gathered {
    block: Node,
    has_default: bool,
    /// How far the first one of the file is indented.
    indent: Option<i64>,
}

impl Parser<'_> {
    /// Reads a block of variants. `below` is what stands before the block; the block stands above it.
    pub fn variants(
        &mut self,
        reader: &mut Reader,
        line: &Line,
        below: NodeId,
        outer: i64,
    ) -> Result<NodeId, CartesianError> {
        let header_tokens = tokens(line, "variants".len(), line.text().len())?;
        let mut header = header(&mut Cursor::new(line, &header_tokens))?;
        let Some(mut next) = reader.next(outer) else {
            self.warn(line, 0, "a block of variants without any".to_owned());
            return Ok(below);
        };
        let mut gathered = Gathered::default();
        loop {
            self.member(reader, &next, &mut header, below, &mut gathered)?;
            match reader.next(i64::from(line.indent)) {
                Some(line) => next = line,
                None => break,
            }
        }
        if let Some(missing) = header.defaults.first() {
            let name = |k: &Kind<'_>| match k {
                Kind::Word(word) => (*word).to_owned(),
                other => other.to_string().trim_matches('\'').to_owned(),
            };
            let name: String = missing.iter().map(name).collect();
            let expected = format!("a variant {}, the default of this block,", quoted(&name));
            return Err(syntax(line, 0, &expected, "none", None));
        }
        Ok(self.build.node(gathered.block))
    }

    /// Reads a file that is nothing but the variants of a block.
    pub fn fragment(&mut self, reader: &mut Reader, below: NodeId) -> Result<NodeId, CartesianError> {
        let mut header = Header { name: None, defaults: Vec::new() };
        let mut gathered = Gathered::default();
        while let Some(line) = reader.next(-1) {
            self.member(reader, &line, &mut header, below, &mut gathered)?;
        }
        Ok(self.build.node(gathered.block))
    }

    /// Reads one variant of a block, or the variants of a file that is included among them.
    fn member(
        &mut self,
        reader: &mut Reader,
        line: &Line,
        header: &mut Header<'_>,
        below: NodeId,
        gathered: &mut Gathered,
    ) -> Result<(), CartesianError> {
        if let Some((at, _)) = after(line.text(), "include").filter(|_| self.has_fragments()) {
            let outer = gathered.indent.take();
            self.deeper(line)?;
            self.included(line, at, |parser, source| {
                let mut reader = Reader::new(source);
                while let Some(line) = reader.next(-1) {
                    parser.member(&mut reader, &line, header, below, gathered)?;
                }
                Ok(())
            })?;
            self.depth -= 1;
            gathered.indent = outer;
            return Ok(());
        }
        // What is indented further than the first one is the block of a variant.
        let body_indent = *gathered.indent.get_or_insert(i64::from(line.indent));
        let line_tokens = dashed(line)?;
        let variant = variant(&mut Cursor::new(line, &line_tokens))?;
        let mut named = false;
        // A default names a variant by its beginning: `[default=a]` means `a.b` too.
        header.defaults.retain(|wanted| {
            let meant = wanted.iter().zip(&variant.raw).all(|(w, v)| w == v);
            named |= meant;
            !meant
        });
        let node = self.variant(reader, line, header, &variant, below, body_indent)?;
        let wanted = match self.options.defaults {
            Defaults::Ignored => false,
            Defaults::Named => named,
            Defaults::All => named || variant.marked,
        };
        let first_default = wanted && !gathered.has_default && !self.is_expanded(header.name);
        gathered.has_default |= first_default;
        if let Some(node) = self.build.program.nodes.get_mut(node as usize) {
            (node.default, node.in_shortname) = (first_default, !named && !variant.marked);
        }
        if first_default {
            gathered.block.children.insert(0, node);
        } else {
            gathered.block.children.push(node);
        }
        Ok(())
    }

    fn is_expanded(&self, name: Option<&str>) -> bool {
        name.is_some_and(|name| self.options.expand.iter().any(|e| e == name))
    }

    /// Reads one variant with its block.
    fn variant(
        &mut self,
        reader: &mut Reader,
        line: &Line,
        header: &Header<'_>,
        variant: &Variant<'_>,
        below: NodeId,
        body_indent: i64,
    ) -> Result<NodeId, CartesianError> {
        let node = self.build.node(Node { children: vec![below], loc: loc(line), ..Node::default() });
        if let Some(name) = header.name {
            let value = variant.words.join(".");
            self.build.block_value(name, &value);
            self.name_variable(line, name, &value, Target::Node(node));
        }
        let top = match self.block(reader, Target::Node(node), body_indent)? {
            Target::Node(top) => top,
            Target::Condition => node,
        };
        let labels: Vec<LabelId> =
            variant.words.iter().map(|word| self.build.label(header.name, word)).collect();
        let deps = variant
            .deps
            .iter()
            .map(|dep| dep.iter().map(|label| self.build.label(label.variable, label.name)).collect());
        let deps = deps.collect();
        let expanded = self.is_expanded(header.name);
        if let Some(node) = self.build.program.nodes.get_mut(top as usize) {
            (node.labels, node.deps, node.expanded, node.loc) = (labels, deps, expanded, loc(line));
        }
        Ok(top)
    }

    /// A named block sets a key of its name.
    fn name_variable(&mut self, line: &Line, name: &str, value: &str, target: Target) {
        if super::build::RESERVED.contains(&name) {
            return;
        }
        let item = Item::Assign {
            how: How::Set,
            key: self.build.key(name),
            value: self.build.value(value),
            loc: loc(line),
        };
        self.push(target, item);
    }
}

fn header<'a>(cursor: &mut Cursor<'_, 'a>) -> Result<Header<'a>, CartesianError> {
    let mut header = Header { name: None, defaults: Vec::new() };
    let mut has_meta = false;
    loop {
        let token = cursor.take_solid();
        match token.kind {
            Kind::Colon => break,
            Kind::Word(name) if header.name.is_none() && !has_meta => header.name = Some(name),
            Kind::OpenSquare => {
                has_meta = true;
                header.defaults.extend(meta(cursor)?);
            }
            _ if header.name.is_some() || has_meta => return Err(cursor.unexpected(token, "'[' or ':'")),
            _ => return Err(cursor.unexpected(token, "a name, '[' or ':'")),
        }
    }
    let end = cursor.take_solid();
    match end.kind {
        Kind::End => Ok(header),
        _ => Err(cursor.unexpected(end, "the end of the line after 'variants … :'")),
    }
}

/// `[meta]`, `[meta=value]`; gives the value of `default`.
fn meta<'a>(cursor: &mut Cursor<'_, 'a>) -> Result<Option<Vec<Kind<'a>>>, CartesianError> {
    let token = cursor.take_solid();
    let Kind::Word(name) = token.kind else { return Err(cursor.unexpected(token, "a name after '['")) };
    let token = cursor.take_solid();
    match token.kind {
        Kind::CloseSquare if name == "default" => Err(cursor.unexpected(token, "'=' and the default's name")),
        Kind::CloseSquare => Ok(None),
        Kind::Equals => {
            let mut value = Vec::new();
            loop {
                let token: Token<'a> = cursor.take_solid();
                match token.kind {
                    Kind::CloseSquare => return Ok((name == "default").then_some(value)),
                    Kind::End => return Err(cursor.unexpected(token, "']'")),
                    kind => value.push(kind),
                }
            }
        }
        _ => Err(cursor.unexpected(token, "'=' or ']'")),
    }
}

/// The tokens behind the dash of a variant.
fn dashed(line: &Line) -> Result<Vec<Token<'_>>, CartesianError> {
    if !line.text().starts_with('-') {
        let found = line.text().chars().take(20).collect::<String>();
        let found = quoted(&found).to_string();
        let hint = Some("the block of a variant is indented further than its '-'".to_owned());
        return Err(syntax(line, 0, "a variant, '- name:'", &found, hint));
    }
    tokens(line, 1, line.text().len())
}

fn variant<'a>(cursor: &mut Cursor<'_, 'a>) -> Result<Variant<'a>, CartesianError> {
    cursor.skip_blanks();
    let marked = cursor.peek().kind == Kind::At;
    if marked {
        cursor.take();
    }
    let (mut raw, mut words) = (Vec::new(), Vec::new());
    loop {
        let token = cursor.take();
        match token.kind {
            Kind::Word(word) => words.push(word),
            Kind::Dot if marked || !words.is_empty() => {}
            Kind::Colon if !words.is_empty() => break,
            _ if words.is_empty() => return Err(cursor.unexpected(token, "the name of a variant")),
            _ => return Err(cursor.unexpected(token, "':' after the name of a variant")),
        }
        raw.push(token.kind);
    }
    cursor.skip_blanks();
    let deps = match cursor.peek().kind {
        Kind::End => Vec::new(),
        _ => filter::parse(cursor, Blanks::Or)?.into_iter().flatten().collect(),
    };
    Ok(Variant { raw, words, marked, deps })
}
