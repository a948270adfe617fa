//! The drives for CDs that keys describe.

use super::given;
use model::{Origin, Params, ParamsError};
use std::path::PathBuf;
use vm::guest::cdrom::{Cdrom, MOST, Sum};

/// The key that lists them.
pub const CDROMS: &str = "cdroms";

/// The drives of a guest of the user's, in the order of `cdroms`; `params` are the guest's own.
///
/// # Errors
/// Names that are none, a file that is not there, a sum that is none.
pub fn cdroms(params: &Params) -> Result<Vec<Cdrom>, ParamsError> {
    let listed = given(params, CDROMS).unwrap_or_default();
    let names: Vec<&str> = listed.split([',', ' ', '\t']).filter(|name| !name.is_empty()).collect();
    let in_order = names.iter().enumerate().all(|(at, name)| *name == format!("cd{}", at + 1));
    if names.len() > MOST || !in_order {
        return Err(params.wrong(CDROMS, &format!("names in order, at most {MOST}: cd1 cd2 and so on")));
    }
    // In a file that was written for other programs a name may be given to a drive that this guest has not.
    let stray = params.iter().find(|param| {
        let name = param.key.strip_prefix("cdrom_").filter(|name| name.starts_with("cd"));
        matches!(param.origin, Origin::Flag(_)) && name.is_some_and(|name| !names.contains(&name))
    });
    if let Some(param) = stray {
        return Err(params.wrong(&param.key, "a drive that the key cdroms lists, such as cdroms=cd1"));
    }
    names.into_iter().map(|name| one(&params.object_params(name), name)).collect()
}

fn one(own: &Params, name: &str) -> Result<Cdrom, ParamsError> {
    let Some(file) = given(own, "cdrom").map(PathBuf::from) else {
        return Err(own.wrong(CDROMS, &format!("a file for each drive: cdrom_{name}=FILE.iso")));
    };
    if !file.is_file() {
        return Err(own.wrong("cdrom", "a file that is there, such as an ISO image"));
    }
    let mut sums = Sum::ALL.into_iter().filter_map(|sum| Some((sum, given(own, sum.program())?)));
    // The strongest of several.
    let sum = match sums.next_back() {
        None => None,
        Some((sum, digits)) => {
            let digits = digits.to_ascii_lowercase();
            if digits.len() != sum.digits() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                let wanted = format!("{} hexadecimal digits", sum.digits());
                return Err(own.wrong(sum.program(), &wanted));
            }
            Some((sum, digits))
        }
    };
    Ok(Cdrom { name: name.to_owned(), file, sum })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(set: &[(&str, &str)]) -> Result<Vec<Cdrom>, ParamsError> {
        let mut params = Params::new();
        for (key, value) in set {
            params.set(*key, *value, Origin::Flag("--set".into()));
        }
        cdroms(&params)
    }

    #[test]
    fn each_drive_has_its_file_and_the_strongest_of_its_sums() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.iso");
        std::fs::write(&file, "x").unwrap();
        let file = file.to_str().unwrap();
        assert_eq!(made(&[]).unwrap(), []);
        let (md5, sha1) = ("A".repeat(32), "b".repeat(40));
        let set = [
            ("cdroms", "cd1"),
            ("cdrom_cd1", file),
            ("md5sum_cd1", md5.as_str()),
            ("sha1sum_cd1", sha1.as_str()),
        ];
        let all = made(&set).unwrap();
        assert_eq!((all[0].name.as_str(), all[0].file.to_str().unwrap()), ("cd1", file));
        assert_eq!(all[0].sum, Some((Sum::Sha1, sha1.clone())));
        assert_eq!(made(&set[..3]).unwrap()[0].sum, Some((Sum::Md5, "a".repeat(32))));
        let says = |set: &[(&str, &str)], text: &str| {
            let error = made(set).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        };
        says(&[("cdroms", "cd2")], "names in order");
        says(&[("cdroms", "cd1 cd2 cd3 cd4 cd5")], "at most 4");
        says(&[("cdroms", "cd1")], "cdrom_cd1=FILE.iso");
        says(&[("cdroms", "cd1"), ("cdrom_cd1", "/nonexistent")], "a file that is there");
        says(&[("cdrom_cd1", file)], "a drive that the key cdroms lists");
        says(&[("cdroms", "cd1"), ("cdrom_cd1", file), ("md5sum_cd1", "xyz")], "32 hexadecimal digits");
    }
}
