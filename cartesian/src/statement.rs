//! One line: which statement it is, and what it adds.

use super::build::RESERVED;
use super::error::{CartesianError, did_you_mean};
use super::filter::{self, Blanks, FilterText};
use super::parse::{Parser, Target, loc};
use super::program::{Body, Guard, GuardKind, How, Item};
use super::scan::{Cursor, Kind, syntax, tokens};
use super::shown::{cut, quoted};
use super::source::{Line, Reader, is_blank};

/// Words that begin a statement.
const KEYWORDS: [&str; 7] = ["variants", "only", "no", "include", "del", "suffix", "join"];

/// An assignment's operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Operator {
    start: usize,
    end: usize,
    how: How,
    /// With `?`: for all keys that match.
    matching: bool,
}

/// The first operator of a line. Every operator ends in `=`, and the one that begins first counts.
fn operator(text: &str) -> Option<Operator> {
    const LONG_FIRST: [(&str, How, bool); 7] = [
        ("?+=", How::Append, true),
        ("?<=", How::Prepend, true),
        ("?=", How::Set, true),
        ("+=", How::Append, false),
        ("<=", How::Prepend, false),
        ("~=", How::Lazy, false),
        ("=", How::Set, false),
    ];
    let equals = text.find('=')?;
    let upto = text.get(..=equals)?;
    let (sign, how, matching) = LONG_FIRST.into_iter().find(|(sign, ..)| upto.ends_with(sign))?;
    Some(Operator { start: equals + 1 - sign.len(), end: equals + 1, how, matching })
}

/// The text behind a keyword and its blank.
pub(super) fn after<'a>(text: &'a str, keyword: &str) -> Option<(usize, &'a str)> {
    let rest = text.strip_prefix(keyword)?.strip_prefix(' ')?;
    Some((keyword.len() + 1, rest))
}

impl Parser<'_> {
    /// Reads one statement with the block that belongs to it.
    pub fn statement(
        &mut self,
        reader: &mut Reader,
        line: &Line,
        target: Target,
        outer: i64,
        suffix: &mut Option<u32>,
    ) -> Result<Target, CartesianError> {
        let text = line.text();
        if text.starts_with("variants:") || text.starts_with("variants ") {
            return match target {
                Target::Node(node) => Ok(Target::Node(self.variants(reader, line, node, outer)?)),
                Target::Condition => {
                    let expected = "filters and assignments in the block of a condition";
                    Err(syntax(line, 0, expected, "'variants'", None))
                }
            };
        }
        if text.starts_with('-') {
            let hint = "a variant is indented further than its 'variants:', and like the variants before it";
            return Err(syntax(line, 0, "a statement", "'-'", Some(hint.to_owned())));
        }
        for (keyword, kind) in [("only", GuardKind::Only), ("no", GuardKind::No)] {
            if let Some((at, _)) = after(text, keyword) {
                self.restrict(line, at, target, kind)?;
                return Ok(target);
            }
        }
        if let Some((at, _)) = after(text, "include") {
            return self.include(line, at, target);
        }
        if let Some((at, _)) = after(text, "join") {
            self.join(line, at, target)?;
            return Ok(target);
        }
        if let Some((at, _)) = after(text, "del") {
            let name = self.one_word(line, at, "a key to delete")?;
            let key = self.build.key(name);
            self.push(target, Item::Delete { key });
            return Ok(target);
        }
        if let Some((at, _)) = after(text, "suffix") {
            let name = self.one_word(line, at, "a suffix like _vm1")?;
            *suffix = Some(self.build.suffix(name));
            return Ok(target);
        }
        self.assignment_or_condition(reader, line, target)?;
        Ok(target)
    }

    /// `only filter` and `no filter`.
    fn restrict(
        &mut self,
        line: &Line,
        at: usize,
        target: Target,
        kind: GuardKind,
    ) -> Result<(), CartesianError> {
        let tokens = tokens(line, at, line.text().len())?;
        let filter = filter::parse(&mut Cursor::new(line, &tokens), Blanks::Or)?;
        self.check_rows(line, &filter)?;
        let filter = self.build.filter(&filter);
        let text = self.build.text(line.text());
        let guard = self.build.guard(Guard { filter, kind, loc: loc(line), text });
        self.push_guard(target, guard);
        Ok(())
    }

    /// Refuses rows of labels that are too long to be looked for.
    fn check_rows(&self, line: &Line, filter: &FilterText<'_>) -> Result<(), CartesianError> {
        let limit = self.options.limits.neighbours;
        if filter.iter().flatten().all(|row| row.len() <= limit) {
            return Ok(());
        }
        let what = format!("more than {limit} labels next to each other in a filter");
        Err(CartesianError::Limit { place: Box::new(line.place(0)), what })
    }

    /// `join filter, filter`: one guard for each alternative.
    fn join(&mut self, line: &Line, at: usize, target: Target) -> Result<(), CartesianError> {
        let Target::Node(node) = target else {
            let expected = "filters and assignments in the block of a condition";
            return Err(syntax(line, 0, expected, "'join'", None));
        };
        let tokens = tokens(line, at, line.text().len())?;
        let alternatives = filter::parse(&mut Cursor::new(line, &tokens), Blanks::Or)?;
        self.check_rows(line, &alternatives)?;
        let text = self.build.text(line.text());
        for alternative in alternatives {
            let filter = self.build.filter(&vec![alternative]);
            let guard = self.build.guard(Guard { filter, kind: GuardKind::Only, loc: loc(line), text });
            if let Some(node) = self.build.program.nodes.get_mut(node as usize) {
                node.joins.push(guard);
            }
        }
        let joins = self.build.program.node(node).map_or(0, |node| node.joins.len());
        if joins > self.options.limits.joins {
            let what = format!("more than {} filters joined in one block", self.options.limits.joins);
            return Err(CartesianError::Limit { place: Box::new(line.place(0)), what });
        }
        Ok(())
    }

    /// The one word behind `del` or `suffix`.
    fn one_word<'a>(&self, line: &'a Line, at: usize, expected: &str) -> Result<&'a str, CartesianError> {
        let tokens = tokens(line, at, line.text().len())?;
        let mut cursor = Cursor::new(line, &tokens);
        let token = cursor.take_solid();
        let Kind::Word(word) = token.kind else { return Err(cursor.unexpected(token, expected)) };
        let end = cursor.take_solid();
        match end.kind {
            Kind::End => Ok(word),
            _ => Err(cursor.unexpected(end, "the end of the line")),
        }
    }

    /// Everything that begins with no keyword.
    fn assignment_or_condition(
        &mut self,
        reader: &mut Reader,
        line: &Line,
        target: Target,
    ) -> Result<(), CartesianError> {
        let text = line.text();
        let operator = operator(text);
        let colon = text.find(':');
        let assignment = operator.filter(|op| colon.is_none_or(|colon| colon >= op.end));
        match (assignment, colon) {
            (Some(op), Some(colon)) if !self.options.compat && self.is_named_condition(line, op, colon) => {
                let text = "read as a condition; avocado-vt would assign to a key that begins with '('";
                self.warn(line, 0, text.to_owned());
                self.condition(reader, line, colon, target)
            }
            (Some(op), _) => self.assign(line, op, target),
            (None, Some(colon)) => self.condition(reader, line, colon, target),
            (None, None) => {
                let word = text.split(is_blank).next().unwrap_or("");
                let near = did_you_mean(word, KEYWORDS);
                let lone = KEYWORDS.contains(&word).then(|| format!("'{word}' needs something behind it"));
                let end = text.len();
                let expected = "':' after a filter, or '=' or another operator after a key";
                let at = if near.is_some() || lone.is_some() { 0 } else { end };
                Err(syntax(line, at, expected, "the end of the line", near.or(lone)))
            }
        }
    }

    /// Whether `(v=x): …` is a condition, although an `=` comes before its colon.
    fn is_named_condition(&self, line: &Line, op: Operator, colon: usize) -> bool {
        let head = line.text().get(..op.start).unwrap_or("");
        head.contains('(') && self.condition_filter(line, colon).is_ok()
    }

    /// The filter before a condition's colon, and whether `!` stands before it.
    fn condition_filter<'a>(
        &self,
        line: &'a Line,
        colon: usize,
    ) -> Result<(bool, FilterText<'a>), CartesianError> {
        let negated = line.text().starts_with('!');
        let tokens = tokens(line, usize::from(negated), colon)?;
        if let Some(comment) = tokens.last().filter(|end| end.at < colon) {
            return Err(syntax(line, comment.at, "':'", "a comment", None));
        }
        // The names borrow from the line, not from the tokens.
        let mut cursor = Cursor::new(line, &tokens);
        Ok((negated, filter::parse(&mut cursor, Blanks::Nothing)?))
    }

    /// `filter:` with its block, part of which may stand on the same line.
    fn condition(
        &mut self,
        reader: &mut Reader,
        line: &Line,
        colon: usize,
        target: Target,
    ) -> Result<(), CartesianError> {
        let (negated, text) = self.condition_filter(line, colon)?;
        self.check_rows(line, &text)?;
        let filter = self.build.filter(&text);
        let inner = line.indent.saturating_add(1);
        if let Some(rest) = line.rest(colon + 1, inner) {
            let comment = rest.text().starts_with('#') || rest.text().starts_with("//");
            if self.options.compat || !comment {
                reader.hold(rest);
            }
        }
        self.open.push(Body::default());
        self.block(reader, Target::Condition, i64::from(line.indent))?;
        let Some(body) = self.open.pop() else { return Ok(()) };
        let (guards, items) = (!body.guards.is_empty(), !body.items.is_empty());
        let number = u32::try_from(self.build.program.bodies.len()).unwrap_or(u32::MAX);
        self.build.program.bodies.push(body);
        if items {
            self.push(target, Item::Condition { filter, negated, body: number });
        }
        if guards {
            let kind = if negated { GuardKind::Unless(number) } else { GuardKind::If(number) };
            let text = self.build.text(line.text());
            let guard = self.build.guard(Guard { filter, kind, loc: loc(line), text });
            self.push_guard(target, guard);
        }
        Ok(())
    }

    /// `key = value` and its kin.
    fn assign(&mut self, line: &Line, op: Operator, target: Target) -> Result<(), CartesianError> {
        let text = line.text();
        let key = text.get(..op.start).unwrap_or("").trim_end_matches(is_blank);
        let value = unquoted(text.get(op.end..).unwrap_or("").trim_start_matches(is_blank));
        if key.is_empty() {
            return Err(syntax(line, 0, "a key before the operator", "none", None));
        }
        self.doubts(line, op, key);
        if RESERVED.contains(&key) && !op.matching {
            self.warn(
                line,
                0,
                format!("{} belongs to the expansion itself; the assignment is ignored", quoted(key)),
            );
            return Ok(());
        }
        let (how, loc) = (op.how, loc(line));
        let item = if op.matching {
            let pattern = self.build.pattern(key).map_err(|e| {
                let why = e.to_string();
                let why = why.lines().last().unwrap_or("").trim().trim_start_matches("error: ").to_owned();
                let look_around = key.contains("(?").then(|| "look-around is not supported".to_owned());
                syntax(
                    line,
                    0,
                    "an expression that matches keys",
                    &format!("{} ({})", quoted(key), cut(&why)),
                    look_around,
                )
            })?;
            Item::Matching { how, pattern, value: self.build.value(value), loc }
        } else {
            Item::Assign { how, key: self.build.key(key), value: self.build.value(value), loc }
        };
        self.push(target, item);
        Ok(())
    }

    /// Says what is probably a slip of the keyboard.
    fn doubts(&mut self, line: &Line, op: Operator, key: &str) {
        let text = line.text();
        let behind = text.get(op.end..).unwrap_or("");
        if op.how == How::Set && !op.matching && (behind.starts_with("+ ") || behind.starts_with("< ")) {
            let sign = behind.get(..1).unwrap_or("");
            self.warn(line, op.start, format!("the value begins with '{sign}'; did you mean '{sign}='?"));
        } else if !op.matching && key.ends_with(['-', '*', '/', '%', '&', '|', '^', '!', '>']) {
            let sign: String = key.chars().rev().take(1).collect();
            self.warn(line, op.start, format!("'{sign}=' is no operator; the key is {}", quoted(key)));
        }
    }
}

/// Takes one pair of quotes off.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if value.starts_with(quote) && value.ends_with(quote) {
            return value.get(1..value.len() - 1).unwrap_or("");
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_operator_of_a_line_counts() {
        let found = |text: &str| operator(text).map(|op| (op.start, op.end, op.how, op.matching));
        assert_eq!(found("a = b += c"), Some((2, 3, How::Set, false)));
        assert_eq!(found("a ?+= b"), Some((2, 5, How::Append, true)));
        assert_eq!(found("a<=b"), Some((1, 3, How::Prepend, false)));
        assert_eq!(found("a ~= ~= b"), Some((2, 4, How::Lazy, false)));
        assert_eq!(found("a"), None);
    }

    #[test]
    fn one_pair_of_quotes_is_taken_off() {
        assert_eq!(unquoted("\"x\" \"y\""), "x\" \"y");
        assert_eq!(unquoted("'x'"), "x");
        assert_eq!(unquoted("\"x'"), "\"x'");
        assert_eq!(unquoted("\""), "");
    }
}
