//! XML as a tree of small elements, with their lines. Entities that a document defines itself are not expanded.

use quick_xml::events::Event;

/// How deep elements may stand in one another.
const DEPTH: usize = 64;

/// One element.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Element {
    /// Its name.
    pub name: String,
    /// Its attributes, in order.
    pub attributes: Vec<(String, String)>,
    /// The text directly in it, without blanks around it.
    pub text: String,
    /// The elements in it.
    pub children: Vec<Element>,
    /// Line on which it begins, counted from 1.
    pub line: u32,
}

impl Element {
    /// The first element in it of a name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All elements in it of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first element of a name, if there is any.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str()).filter(|text| !text.is_empty())
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads a whole document.
///
/// # Errors
/// It is no XML, is cut off, or nests too deep; with the line.
pub(crate) fn parse(text: &str) -> Result<Element, (u32, String)> {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let (mut line, mut at) = (1u32, 0usize);
    loop {
        let event = reader.read_event();
        let now = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX).min(text.len());
        let passed = text.get(at..now).unwrap_or_default();
        let begin = line;
        line = line.saturating_add(u32::try_from(passed.matches('\n').count()).unwrap_or(u32::MAX));
        at = now;
        let ended = match event.map_err(|error| (begin, format!("not XML: {error}")))? {
            Event::Start(tag) => {
                if open.len() >= DEPTH {
                    return Err((begin, "its elements stand in one another too deep".into()));
                }
                open.push(element(&tag, begin));
                None
            }
            Event::Empty(tag) => Some(element(&tag, begin)),
            Event::End(_) => open.pop(),
            Event::Text(part) => {
                add(&mut open, &part);
                None
            }
            Event::CData(part) => {
                add(&mut open, &part);
                None
            }
            Event::GeneralRef(name) => {
                let name: &str = &name;
                let given = ENTITIES.iter().find(|(entity, _)| *entity == name).map_or("", |(_, text)| *text);
                add(&mut open, given);
                None
            }
            Event::Eof => return Err((line, "the XML is cut off".into())),
            _ => None,
        };
        if let Some(mut ended) = ended {
            ended.text = ended.text.trim().to_owned();
            match open.last_mut() {
                Some(parent) => parent.children.push(ended),
                None => return Ok(ended),
            }
        }
    }
}

/// What every document may say without defining it (XML 1.0, 4.6).
const ENTITIES: [(&str, &str); 5] = [("lt", "<"), ("gt", ">"), ("quot", "\""), ("apos", "'"), ("amp", "&")];

/// The value of an attribute; `&amp;` comes last, so that `&amp;lt;` is `&lt;`.
fn unescaped(value: &str) -> String {
    let replace = |value: String, (entity, text): &(&str, &str)| value.replace(&format!("&{entity};"), text);
    ENTITIES.iter().fold(value.to_owned(), replace)
}

fn add(open: &mut [Element], text: &str) {
    if let Some(last) = open.last_mut() {
        last.text.push_str(text);
    }
}

fn element(tag: &quick_xml::events::BytesStart<'_>, line: u32) -> Element {
    let mut attributes = tag.attributes();
    let attributes = attributes.with_checks(false).flatten();
    let attributes = attributes.map(|a| (a.key.as_ref().to_owned(), unescaped(&a.value))).collect();
    Element { name: tag.name().as_ref().to_owned(), attributes, line, ..Element::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_have_their_text_attributes_and_lines() {
        let text = "<?xml version=\"1.0\"?>\n<a>\n <b x=\"&lt;1&amp;lt;&quot;\">one &lt; <![CDATA[two]]></b>\n <c/>\n</a>\n";
        let root = parse(text).unwrap();
        let b = root.child("b").unwrap();
        assert_eq!(
            (root.name.as_str(), b.text.as_str(), b.attribute("x"), b.line),
            ("a", "one < two", Some("<1&lt;\""), 3)
        );
        assert_eq!((root.child("c").map(|c| c.line), root.text_of("c")), (Some(4), None));
    }

    #[test]
    fn what_is_cut_off_wrong_or_too_deep_is_refused_with_its_line() {
        assert_eq!(parse("<a>\n<b>").unwrap_err(), (2, "the XML is cut off".into()));
        assert!(parse("<a>\n</b>\n").unwrap_err().1.starts_with("not XML"));
        assert!(parse(&"<a>".repeat(100)).unwrap_err().1.contains("too deep"));
        assert!(parse("").is_err());
    }
}
