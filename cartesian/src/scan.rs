//! The tokens of headers and filters. Assignments are not cut into tokens: their values are free text.

use super::error::CartesianError;
use super::shown::quoted;
use super::source::{Line, is_blank};

/// A token with the byte offsets that it covers in its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub kind: Kind<'a>,
    pub at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// Letters, digits, `_` and `-`, or text in double quotes.
    Word(&'a str),
    Blank,
    Dot,
    Colon,
    Comma,
    At,
    Bang,
    Equals,
    Open,
    Close,
    OpenSquare,
    CloseSquare,
    End,
}

impl std::fmt::Display for Kind<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = match self {
            Kind::Word(word) => return quoted(word).fmt(f),
            Kind::Blank => "a blank",
            Kind::Dot => "'.'",
            Kind::Colon => "':'",
            Kind::Comma => "','",
            Kind::At => "'@'",
            Kind::Bang => "'!'",
            Kind::Equals => "'='",
            Kind::Open => "'('",
            Kind::Close => "')'",
            Kind::OpenSquare => "'['",
            Kind::CloseSquare => "']'",
            Kind::End => "the end of the line",
        };
        f.write_str(text)
    }
}

/// Characters of names.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

/// Cuts `line[from..to]` into tokens, up to a `#`. The last token is [`Kind::End`].
pub(super) fn tokens(line: &Line, from: usize, to: usize) -> Result<Vec<Token<'_>>, CartesianError> {
    let text = line.text().get(..to).unwrap_or("");
    let mut out = Vec::new();
    let mut at = from;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or("");
        let (kind, len) = match c {
            '#' => break,
            '.' => (Kind::Dot, 1),
            ':' => (Kind::Colon, 1),
            ',' => (Kind::Comma, 1),
            '@' => (Kind::At, 1),
            '!' => (Kind::Bang, 1),
            '=' => (Kind::Equals, 1),
            '(' => (Kind::Open, 1),
            ')' => (Kind::Close, 1),
            '[' => (Kind::OpenSquare, 1),
            ']' => (Kind::CloseSquare, 1),
            '"' => match rest.get(1..).and_then(|r| r.find('"').and_then(|end| r.get(..end))) {
                Some(inside) => (Kind::Word(inside), inside.len() + 2),
                None => return Err(syntax(line, at, "a closing '\"'", "the end of the line", None)),
            },
            c if is_blank(c) => (Kind::Blank, rest.len() - rest.trim_start_matches(is_blank).len()),
            c if is_word(c) => {
                let word = rest.get(..rest.find(|c| !is_word(c)).unwrap_or(rest.len())).unwrap_or("");
                (Kind::Word(word), word.len())
            }
            c => {
                let hint = matches!(c, '*' | '+' | '?' | '$' | '^' | '|' | '\\')
                    .then(|| "names are matched by their labels here, not by regular expressions".to_owned());
                let expected = "a name of letters, digits, '_' and '-'";
                return Err(syntax(line, at, expected, &format!("'{c}'"), hint));
            }
        };
        out.push(Token { kind, at });
        at += len;
    }
    out.push(Token { kind: Kind::End, at });
    Ok(out)
}

/// The error for something unexpected at a byte offset.
pub(super) fn syntax(
    line: &Line,
    at: usize,
    expected: &str,
    found: &str,
    hint: Option<String>,
) -> CartesianError {
    CartesianError::Syntax {
        place: Box::new(line.place(at)),
        expected: expected.to_owned(),
        found: found.to_owned(),
        hint,
    }
}

/// Goes through tokens, the last of which stands for all that would follow.
pub(super) struct Cursor<'t, 'a> {
    pub line: &'t Line,
    tokens: &'t [Token<'a>],
    next: usize,
}

impl<'t, 'a> Cursor<'t, 'a> {
    pub fn new(line: &'t Line, tokens: &'t [Token<'a>]) -> Self {
        Cursor { line, tokens, next: 0 }
    }

    /// The next token, not taken.
    pub fn peek(&self) -> Token<'a> {
        let end = Token { kind: Kind::End, at: self.line.text().len() };
        self.tokens.get(self.next).or(self.tokens.last()).copied().unwrap_or(end)
    }

    /// Takes the next token.
    pub fn take(&mut self) -> Token<'a> {
        let token = self.peek();
        self.next += 1;
        token
    }

    /// Takes the next token that is no blank.
    pub fn take_solid(&mut self) -> Token<'a> {
        self.skip_blanks();
        self.take()
    }

    pub fn skip_blanks(&mut self) {
        while self.peek().kind == Kind::Blank {
            self.next += 1;
        }
    }

    /// The error for a token that does not belong.
    pub fn unexpected(&self, token: Token<'_>, expected: &str) -> CartesianError {
        syntax(self.line, token.at, expected, &token.kind.to_string(), None)
    }
}
