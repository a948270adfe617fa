//! The keys of a PC as QEMU's monitor names them (`QKeyCode` in QEMU's `qapi/ui.json`), on a keyboard as sold in the United
//! States: QEMU presses keys, and it is the guest that makes characters of them.

use edge::quoted;

/// Keys whose name is not the character that they write, with and without the shift key.
const SIGNS: [(&str, char, char); 21] = [
    ("grave_accent", '`', '~'),
    ("minus", '-', '_'),
    ("equal", '=', '+'),
    ("bracket_left", '[', '{'),
    ("bracket_right", ']', '}'),
    ("backslash", '\\', '|'),
    ("semicolon", ';', ':'),
    ("apostrophe", '\'', '"'),
    ("comma", ',', '<'),
    ("dot", '.', '>'),
    ("slash", '/', '?'),
    ("1", '1', '!'),
    ("2", '2', '@'),
    ("3", '3', '#'),
    ("4", '4', '$'),
    ("5", '5', '%'),
    ("6", '6', '^'),
    ("7", '7', '&'),
    ("8", '8', '*'),
    ("9", '9', '('),
    ("0", '0', ')'),
];

/// Keys that write nothing that can be seen.
const NAMED: [&str; 42] = [
    "shift",
    "shift_r",
    "alt",
    "alt_r",
    "ctrl",
    "ctrl_r",
    "meta_l",
    "meta_r",
    "menu",
    "esc",
    "tab",
    "ret",
    "spc",
    "backspace",
    "delete",
    "insert",
    "home",
    "end",
    "pgup",
    "pgdn",
    "up",
    "down",
    "left",
    "right",
    "caps_lock",
    "num_lock",
    "scroll_lock",
    "sysrq",
    "print",
    "pause",
    "f1",
    "f2",
    "f3",
    "f4",
    "f5",
    "f6",
    "f7",
    "f8",
    "f9",
    "f10",
    "f11",
    "f12",
];

/// Keys that are held at a time at most.
const MOST: usize = 8;

/// The keys that write a character.
///
/// # Errors
/// No key of that keyboard does.
pub fn keys_of(character: char) -> Result<Vec<String>, String> {
    let key = |name: &str, shift: bool| {
        let name = name.to_owned();
        Ok(if shift { vec!["shift".to_owned(), name] } else { vec![name] })
    };
    match character {
        'a'..='z' => return key(&character.to_string(), false),
        'A'..='Z' => return key(&character.to_ascii_lowercase().to_string(), true),
        ' ' => return key("spc", false),
        '\n' => return key("ret", false),
        '\t' => return key("tab", false),
        _ => {}
    }
    match SIGNS.iter().find(|(_, plain, shifted)| *plain == character || *shifted == character) {
        Some((name, plain, _)) => key(name, *plain != character),
        None => Err(format!(
            "no key of a US keyboard writes {}; put the text there by copy_to, or by succeed with a command",
            quoted(&character.to_string())
        )),
    }
}

/// The keys that are pressed together, such as `ctrl-alt-delete`.
///
/// # Errors
/// There is no such key, or there are too many.
pub fn together(text: &str) -> Result<Vec<String>, String> {
    let known = |name: &str| {
        let letter = name.len() == 1 && name.starts_with(|c: char| c.is_ascii_lowercase());
        letter || NAMED.contains(&name) || SIGNS.iter().any(|(sign, ..)| *sign == name)
    };
    let keys: Vec<String> = text.split('-').map(str::to_owned).collect();
    if keys.len() > MOST {
        return Err(format!("{}: {MOST} keys at a time at most", quoted(text)));
    }
    match keys.iter().find(|name| !known(name)) {
        None => Ok(keys),
        Some(other) => Err(format!(
            "no key is called {}; keys are a to z, 0 to 9, {}, {}; joined by '-': ctrl-alt-delete",
            quoted(other),
            SIGNS.iter().map(|(name, ..)| *name).filter(|name| name.len() > 1).collect::<Vec<_>>().join(", "),
            NAMED.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_of_the_keyboard_has_its_keys_and_no_other_one_has() {
        for character in (' '..='~').chain(['\n', '\t']) {
            let keys = keys_of(character).unwrap();
            let shifted = character.is_ascii_uppercase() || "~!@#$%^&*()_+{}|:\"<>?".contains(character);
            assert_eq!(keys.len(), if shifted { 2 } else { 1 }, "{character}");
            assert_eq!(together(&keys.join("-")), Ok(keys), "{character}");
        }
        assert_eq!(keys_of('A').unwrap(), ["shift", "a"]);
        assert_eq!(keys_of('"').unwrap(), ["shift", "apostrophe"]);
        assert!(keys_of('é').unwrap_err().contains("'é'"));
        assert!(keys_of('\u{7}').is_err());
    }

    #[test]
    fn a_key_that_is_none_is_told_with_those_that_are() {
        assert_eq!(together("ctrl-alt-delete").unwrap(), ["ctrl", "alt", "delete"]);
        for wrong in ["", "ctrl-", "A", "enter", "ctrl_alt"] {
            assert!(together(wrong).unwrap_err().contains("ctrl-alt-delete"), "{wrong}");
        }
        assert!(together("a-b-c-d-e-f-g-h-i").unwrap_err().contains("8 keys"));
    }
}
