//! The Atom feed (RFC 4287) of the newest results.

use super::entry::Entry;
use super::settings::Settings;
use super::uuid::uuid;
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
