//! Filters: `a.b..(v=x), c` into alternatives of groups of neighbouring labels.

use super::error::CartesianError;
use super::scan::{Cursor, Kind, syntax};

/// A label as a filter or a dependency names it: `x` or `(v=x)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct LabelName<'a> {
    pub variable: Option<&'a str>,
    pub name: &'a str,
}

/// Labels that stand next to each other: `a.b`.
pub(super) type Neighbours<'a> = Vec<LabelName<'a>>;

/// Groups that must all be there: `a.b..c`.
pub(super) type Groups<'a> = Vec<Neighbours<'a>>;

/// Alternatives, one of which must hold: `a, b` or `a b`.
pub(super) type FilterText<'a> = Vec<Groups<'a>>;

/// How blanks are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blanks {
    /// As "or": `only a b`, `- c: a b`.
    Or,
    /// As nothing: the conditions `a, b:` and `!a:`.
    Nothing,
}

/// Reads a filter up to the end of the tokens. At least one label must be there.
pub(super) fn parse<'a>(
    cursor: &mut Cursor<'_, 'a>,
    blanks: Blanks,
) -> Result<FilterText<'a>, CartesianError> {
    let mut alternatives = Vec::new();
    cursor.skip_blanks();
    loop {
        alternatives.push(groups(cursor, blanks)?);
        let separator = next(cursor, blanks);
        match separator.kind {
            Kind::End => return Ok(alternatives),
            Kind::Comma | Kind::Blank => {}
            _ => return Err(cursor.unexpected(separator, "'.', '..', ',' or a blank between two names")),
        }
        cursor.skip_blanks();
        let after = cursor.peek();
        match after.kind {
            Kind::End => return Ok(alternatives),
            Kind::Comma => {
                let hint = Some("a blank is already \"or\": write `a b` or `a, b`".to_owned());
                let found = "',' after another separator";
                return Err(syntax(cursor.line, after.at, "a name", found, hint));
            }
            _ => {}
        }
    }
}

/// The next token that means something.
fn next<'a>(cursor: &mut Cursor<'_, 'a>, blanks: Blanks) -> super::scan::Token<'a> {
    if blanks == Blanks::Nothing {
        cursor.skip_blanks();
    }
    cursor.take()
}

fn groups<'a>(cursor: &mut Cursor<'_, 'a>, blanks: Blanks) -> Result<Groups<'a>, CartesianError> {
    let mut groups = vec![vec![label(cursor)?]];
    loop {
        if blanks == Blanks::Nothing {
            cursor.skip_blanks();
        }
        let dot = cursor.peek();
        if dot.kind != Kind::Dot {
            return Ok(groups);
        }
        let mut dots = 0;
        while cursor.peek().kind == Kind::Dot {
            cursor.take();
            dots += 1;
            if blanks == Blanks::Nothing {
                cursor.skip_blanks();
            }
        }
        if dots > 2 {
            let found = format!("{dots} dots");
            return Err(syntax(cursor.line, dot.at, "'.' (next to) or '..' (and)", &found, None));
        }
        // A dot at the very end has always been let through.
        if cursor.peek().kind == Kind::End {
            return Ok(groups);
        }
        let label = label(cursor)?;
        match groups.last_mut() {
            Some(group) if dots == 1 => group.push(label),
            _ => groups.push(vec![label]),
        }
    }
}

/// `x`, `(x)` or `(v=x)`.
fn label<'a>(cursor: &mut Cursor<'_, 'a>) -> Result<LabelName<'a>, CartesianError> {
    let token = cursor.take();
    match token.kind {
        Kind::Word(name) => Ok(LabelName { variable: None, name }),
        Kind::Open => {
            let first = word(cursor, "a name after '('")?;
            let token = cursor.take_solid();
            match token.kind {
                Kind::Close => Ok(LabelName { variable: None, name: first }),
                Kind::Equals => {
                    let name = word(cursor, "a name after '='")?;
                    let close = cursor.take_solid();
                    match close.kind {
                        Kind::Close => Ok(LabelName { variable: Some(first), name }),
                        _ => Err(cursor.unexpected(close, "')'")),
                    }
                }
                _ => Err(cursor.unexpected(token, "'=' or ')'")),
            }
        }
        _ => Err(cursor.unexpected(token, "a name or '('")),
    }
}

fn word<'a>(cursor: &mut Cursor<'_, 'a>, expected: &str) -> Result<&'a str, CartesianError> {
    let token = cursor.take_solid();
    match token.kind {
        Kind::Word(word) => Ok(word),
        _ => Err(cursor.unexpected(token, expected)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scan::tokens;
    use super::super::source::{Reader, Source};
    use super::*;
    use std::rc::Rc;
    use std::sync::Arc;

    fn shape(text: &str, blanks: Blanks) -> Result<String, String> {
        let source = Source::new(Arc::new("f".into()), 0, None, text.to_owned()).unwrap();
        let line = Reader::new(Rc::new(source)).next(-1).unwrap();
        let found = tokens(&line, 0, line.text().len()).map_err(|e| e.to_string())?;
        let filter = parse(&mut Cursor::new(&line, &found), blanks).map_err(|e| e.to_string())?;
        let label = |l: &LabelName<'_>| l.variable.map_or(l.name.into(), |v| format!("({v}={})", l.name));
        let group = |g: &Neighbours<'_>| g.iter().map(label).collect::<Vec<_>>().join(".");
        let all = |w: &Groups<'_>| w.iter().map(group).collect::<Vec<_>>().join(" and ");
        Ok(filter.iter().map(all).collect::<Vec<_>>().join(" or "))
    }

    #[test]
    fn dots_commas_blanks_and_brackets_bind_as_documented() {
        let text = "xxx.yyy..(xxx=333).aaa, ddd (eeee) rrr.aaa";
        let want = "xxx.yyy and (xxx=333).aaa or ddd or eeee or rrr.aaa";
        assert_eq!(shape(text, Blanks::Or).unwrap(), want);
        assert_eq!(shape("a, ( b =  c ) # note", Blanks::Or).unwrap(), "a or (b=c)");
        assert_eq!(shape("a , b . c", Blanks::Nothing).unwrap(), "a or b.c");
        assert_eq!(shape("a,", Blanks::Or).unwrap(), "a");
    }

    #[test]
    fn what_is_no_filter_is_said_with_its_column() {
        for (text, column) in [
            ("x...y", 2),
            ("x..,y", 4),
            ("a , b", 3),
            (".a", 1),
            ("a(b)", 2),
            ("(a", 3),
            ("a+b", 2),
            ("a, .b", 4),
        ] {
            let error = shape(text, Blanks::Or).unwrap_err();
            assert!(error.starts_with(&format!("f:1:{column}: ")), "{text}: {error}");
        }
        assert!(shape("a b", Blanks::Nothing).is_err());
    }
}
