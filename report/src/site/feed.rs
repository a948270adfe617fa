//! The Atom feed (RFC 4287) of the newest results.

use super::entry::Entry;
use super::settings::Settings;
use edge::visible;
use jiff::Timestamp;
use quick_xml::Writer;
use quick_xml::events::BytesText;
use std::io;

/// So many results.
const NEWEST: usize = 50;

/// The feed.
pub(super) fn atom(settings: &Settings, entries: &[Entry]) -> String {
    let mut newest: Vec<&Entry> = entries.iter().collect();
    newest.sort_by(|x, y| y.published_unix.cmp(&x.published_unix).then_with(|| y.id.cmp(&x.id)));
    newest.truncate(NEWEST);
    let mut out = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_vec();
    let mut writer = Writer::new_with_indent(&mut out, b' ', 2);
    // A Vec takes every byte: an error cannot happen, and a test reads the whole file back.
    let _ = write(&mut writer, settings, &newest);
    out.push(b'\n');
    String::from_utf8_lossy(&out).into_owned()
}

type Out<'a> = Writer<&'a mut Vec<u8>>;

fn write(writer: &mut Out<'_>, settings: &Settings, entries: &[&Entry]) -> io::Result<()> {
    let base = settings.url.as_deref().unwrap_or("");
    let updated = entries.first().map_or(0, |e| e.published_unix);
    writer
        .create_element("feed")
        .with_attribute(("xmlns", "http://www.w3.org/2005/Atom"))
        .write_inner_content(|w| {
            text(w, "title", &settings.title)?;
            text(w, "id", &settings.feed)?;
            text(w, "updated", &rfc3339(updated))?;
            link(w, "alternate", &format!("{base}index.html"))?;
            link(w, "self", &format!("{base}feed.xml"))?;
            w.create_element("author").write_inner_content(|w| text(w, "name", "perfvt"))?;
            entries.iter().try_for_each(|e| entry(w, base, e))
        })?;
    Ok(())
}

fn entry(writer: &mut Out<'_>, base: &str, entry: &Entry) -> io::Result<()> {
    writer.create_element("entry").write_inner_content(|w| {
        text(w, "title", &format!("{} ({})", entry.title, entry.machine))?;
        text(w, "id", &uuid(&entry.samples))?;
        text(w, "updated", &rfc3339(entry.published_unix))?;
        link(w, "alternate", &format!("{base}r/{}/index.html", entry.id))?;
        for workload in &entry.workloads {
            let term = visible(workload);
            w.create_element("category").with_attribute(("term", term.as_ref())).write_empty()?;
        }
        text(w, "summary", &format!("{} Samples: sha256:{}", entry.sentences.join(" "), entry.samples))
    })?;
    Ok(())
}

fn text(writer: &mut Out<'_>, name: &str, content: &str) -> io::Result<()> {
    writer.create_element(name).write_text_content(BytesText::new(&visible(content)))?;
    Ok(())
}

fn link(writer: &mut Out<'_>, rel: &str, href: &str) -> io::Result<()> {
    writer.create_element("link").with_attributes([("rel", rel), ("href", href)]).write_empty()?;
    Ok(())
}

fn rfc3339(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

/// A name for feed readers out of a hash: RFC 9562, version 8.
pub(super) fn uuid(hash: &str) -> String {
    let digits: Vec<char> =
        hash.chars().filter(char::is_ascii_hexdigit).chain(std::iter::repeat_n('0', 32)).collect();
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default().iter().collect::<String>();
    format!("urn:uuid:{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_names_an_entry_as_a_uuid_of_version_8() {
        let name = uuid("0123456789abcdef0123456789abcdef0123456789abcdef");
        assert_eq!(name, "urn:uuid:01234567-89ab-8cde-8f01-23456789abcd");
        assert_eq!(uuid(""), "urn:uuid:00000000-0000-8000-8000-000000000000");
    }
}
