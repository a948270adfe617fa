//! What a program needs to run: its loader and its libraries, read from the ELF files themselves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use object::elf::{DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_STRSZ, DT_STRTAB, EM_X86_64, FileHeader64};
use object::read::elf::{FileHeader as _, ProgramHeader as _, SectionHeader as _};
use object::{LittleEndian, Object as _, ObjectSection as _};

use super::error::ImageError;

/// What one ELF file asks the loader for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// The loader (PT_INTERP); `None` for static programs and for libraries.
    pub(super) interpreter: Option<String>,
    /// The libraries (DT_NEEDED), in order.
    pub(super) libraries: Vec<String>,
    /// Further folders to look in (DT_RUNPATH, DT_RPATH), `$ORIGIN` not yet replaced.
    pub(super) folders: Vec<String>,
}

/// Reads the needs of an ELF file; `None` when it is none for x86-64.
pub(super) fn needs(file: &[u8]) -> Option<Needs> {
    let header = FileHeader64::<LittleEndian>::parse(file).ok()?;
    if header.e_machine.get(LittleEndian) != EM_X86_64 {
        return None;
    }
    let segments = header.program_headers(LittleEndian, file).ok()?;
    let mut needs = Needs::default();
    for segment in segments {
        if let Ok(Some(name)) = segment.interpreter(LittleEndian, file) {
            needs.interpreter = Some(String::from_utf8_lossy(name).into_owned());
        }
    }
    let Some(dynamic) =
        segments.iter().find_map(|segment| segment.dynamic(LittleEndian, file).ok().flatten())
    else {
        return Some(needs);
    };
    let value = |tag: i64| {
        dynamic
            .iter()
            .find(|entry| entry.d_tag.get(LittleEndian) == tag)
            .map(|entry| entry.d_val.get(LittleEndian))
    };
    let (at, size) = (value(DT_STRTAB)?, value(DT_STRSZ)?);
    let strings = segments
        .iter()
        .find_map(|segment| segment.data_range(LittleEndian, file, at, size).ok().flatten())?;
    for entry in dynamic {
        let tag @ (DT_NEEDED | DT_RPATH | DT_RUNPATH) = entry.d_tag.get(LittleEndian) else { continue };
        let Some(text) = string(strings, entry.d_val.get(LittleEndian)) else { continue };
        match tag {
            DT_NEEDED => needs.libraries.push(text),
            _ => needs.folders.extend(text.split(':').filter(|folder| !folder.is_empty()).map(str::to_owned)),
        }
    }
    Some(needs)
}

fn string(table: &[u8], at: u64) -> Option<String> {
    let bytes = table.get(usize::try_from(at).ok()?..)?.split(|byte| *byte == 0).next()?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}

/// The content of a section by its name, as the kernel's `.modinfo`.
pub(super) fn section<'a>(file: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let elf = object::read::elf::ElfFile64::<LittleEndian>::parse(file).ok()?;
    let section = elf.section_by_name(name)?;
    section.elf_section_header().data(LittleEndian, file).ok().or_else(|| section.data().ok())
}

/// Where libraries are looked for.
pub(super) trait Libraries {
    /// Finds and reads a library for x86-64 by its name, in the given folders first.
    ///
    /// # Errors
    /// A file that is there and cannot be read.
    fn library(&self, name: &str, folders: &[PathBuf]) -> Result<Option<(PathBuf, Vec<u8>)>, ImageError>;

    /// Finds and reads the loader by its absolute path.
    ///
    /// # Errors
    /// A file that is there and cannot be read.
    fn loader(&self, path: &str) -> Result<Option<(PathBuf, Vec<u8>)>, ImageError>;
}

/// A library or loader that programs need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Library {
    /// The file that was found.
    pub(super) path: PathBuf,
    /// Its content.
    pub(super) content: Vec<u8>,
}

/// All that some programs need, directly and indirectly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Closure {
    /// Loaders by the absolute path that programs name.
    pub(super) loaders: BTreeMap<String, Library>,
    /// Libraries by the name that programs ask for.
    pub(super) libraries: BTreeMap<String, Library>,
}

/// Follows DT_NEEDED from the given programs (path and content) to the end.
///
/// # Errors
/// A library or loader that is nowhere, with the file that asks for it.
pub(super) fn closure(
    programs: &[(PathBuf, Vec<u8>)],
    sources: &dyn Libraries,
) -> Result<Closure, ImageError> {
    let mut found = Closure::default();
    let mut open: Vec<(PathBuf, Needs)> = Vec::new();
    for (path, content) in programs {
        let needs =
            needs(content).ok_or_else(|| ImageError::format(path, "a program", "no ELF file for x86-64"))?;
        open.push((path.clone(), needs));
    }
    while let Some((path, asked)) = open.pop() {
        let missing =
            |library: &str| ImageError::Library { library: library.to_owned(), needed_by: path.clone() };
        if let Some(loader) =
            asked.interpreter.as_deref().filter(|loader| !found.loaders.contains_key(*loader))
        {
            let (at, content) = sources.loader(loader)?.ok_or_else(|| missing(loader))?;
            found.loaders.insert(loader.to_owned(), Library { path: at, content });
        }
        let folders = replace_origin(&asked.folders, &path);
        for name in &asked.libraries {
            // The loader itself may be named as a library, too: then it is there already.
            let is_loader = |loader: &String| loader.rsplit('/').next() == Some(name.as_str());
            if found.libraries.contains_key(name) || found.loaders.keys().any(is_loader) {
                continue;
            }
            let (at, content) = sources.library(name, &folders)?.ok_or_else(|| missing(name))?;
            if let Some(needs) = needs(&content) {
                open.push((at.clone(), needs));
            }
            found.libraries.insert(name.clone(), Library { path: at, content });
        }
    }
    Ok(found)
}

fn replace_origin(folders: &[String], file: &Path) -> Vec<PathBuf> {
    let origin = file.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
    let replaced =
        folders.iter().map(|folder| folder.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin));
    replaced.map(PathBuf::from).filter(|folder| folder.is_absolute()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A minimal shared object: one PT_LOAD over everything, PT_DYNAMIC, and PT_INTERP when asked for.
    fn elf(interpreter: Option<&str>, libraries: &[&str], runpath: Option<&str>) -> Vec<u8> {
        let mut strings = vec![0];
        let mut add = |text: &str| {
            let at = strings.len() as u64;
            strings.extend_from_slice(text.as_bytes());
            strings.push(0);
            at
        };
        let mut dynamic: Vec<(u64, u64)> = libraries.iter().map(|name| (1, add(name))).collect();
        dynamic.extend(runpath.map(|folders| (29, add(folders))));
        let interp_at = interpreter.map(&mut add);
        let table = 64 + 3 * 56;
        let dynamic_at = table + strings.len() as u64;
        dynamic.extend([(5, table), (10, strings.len() as u64), (0, 0)]);
        let size = dynamic_at + dynamic.len() as u64 * 16;
        let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0".to_vec();
        for word in [0u64, 64, 0] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        for half in [0u16, 0, 64, 56, 3, 64, 0, 0] {
            file.extend_from_slice(&half.to_le_bytes());
        }
        let interp = interpreter.zip(interp_at).map(|(text, at)| (3u32, table + at, text.len() as u64 + 1));
        let segments =
            [(1, 0, size), (2, dynamic_at, dynamic.len() as u64 * 16), interp.unwrap_or((0, 0, 0))];
        for (kind, at, length) in segments {
            file.extend_from_slice(&kind.to_le_bytes());
            file.extend_from_slice(&4u32.to_le_bytes());
            for word in [at, at, at, length, length, 8] {
                file.extend_from_slice(&word.to_le_bytes());
            }
        }
        file.extend_from_slice(&strings);
        for (tag, value) in dynamic {
            file.extend_from_slice(&tag.to_le_bytes());
            file.extend_from_slice(&value.to_le_bytes());
        }
        file
    }

    struct Fake(BTreeMap<&'static str, Vec<u8>>);

    impl Libraries for Fake {
        fn library(&self, name: &str, folders: &[PathBuf]) -> Result<Option<(PathBuf, Vec<u8>)>, ImageError> {
            let folders = folders.iter().cloned().chain([PathBuf::from("/lib")]);
            Ok(folders.map(|folder| folder.join(name)).find_map(|path| {
                let content = self.0.get(path.to_str().unwrap())?.clone();
                Some((path, content))
            }))
        }
        fn loader(&self, path: &str) -> Result<Option<(PathBuf, Vec<u8>)>, ImageError> {
            Ok(self.0.get(path).map(|content| (PathBuf::from(path), content.clone())))
        }
    }

    #[test]
    fn needs_are_read_from_the_dynamic_section() {
        let file = elf(Some("/lib64/ld.so.2"), &["libc.so.6", "libm.so.6"], Some("/opt/x:$ORIGIN/y"));
        let read = needs(&file).unwrap();
        assert_eq!(read.interpreter.as_deref(), Some("/lib64/ld.so.2"));
        assert_eq!(read.libraries, ["libc.so.6", "libm.so.6"]);
        assert_eq!(read.folders, ["/opt/x", "$ORIGIN/y"]);
        assert_eq!(needs(b"#!/bin/sh"), None);
    }

    #[test]
    fn the_closure_follows_libraries_of_libraries_and_their_own_folders() {
        let fake = Fake(BTreeMap::from([
            ("/lib64/ld.so.2", elf(None, &[], None)),
            ("/lib/libc.so.6", elf(None, &["ld.so.2"], None)),
            ("/lib/liba.so", elf(None, &["libc.so.6", "libhidden.so"], Some("/lib/a"))),
            ("/lib/a/libhidden.so", elf(None, &["liba.so"], None)),
            ("/lib/libunused.so", elf(None, &[], None)),
        ]));
        let program = (PathBuf::from("/bin/p"), elf(Some("/lib64/ld.so.2"), &["liba.so"], None));
        let found = closure(&[program], &fake).unwrap();
        assert_eq!(found.loaders.keys().collect::<Vec<_>>(), ["/lib64/ld.so.2"]);
        assert_eq!(found.libraries.keys().collect::<Vec<_>>(), ["liba.so", "libc.so.6", "libhidden.so"]);
        assert_eq!(found.libraries["libhidden.so"].path, Path::new("/lib/a/libhidden.so"));
    }

    #[test]
    fn a_missing_library_names_itself_and_who_needs_it() {
        let fake = Fake(BTreeMap::from([("/lib/liba.so", elf(None, &["libgone.so.1"], None))]));
        let program = (PathBuf::from("/bin/p"), elf(None, &["liba.so"], None));
        let text = closure(&[program], &fake).unwrap_err().to_string();
        assert!(
            text.contains("/lib/liba.so needs libgone.so.1") && text.contains("perfvt guest fetch"),
            "{text}"
        );
    }

    #[test]
    fn truncated_files_are_not_programs_and_do_no_harm() {
        let file = elf(Some("/lib64/ld.so.2"), &["libc.so.6"], None);
        for end in 0..file.len() {
            let _ = needs(&file[..end]);
            let _ = section(&file[..end], ".modinfo");
        }
    }
}
