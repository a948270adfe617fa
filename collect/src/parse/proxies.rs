//! Proxies that a guest is told: those of this host, or one that the user names.

use super::given;
use model::{Params, ParamsError};

/// The key. What it says is a secret, because an URL may hold a password.
pub const PROXY: &str = "proxy";
/// A file with that in it.
pub const PROXY_FILE: &str = "proxy_file";
/// What means those of this host's environment.
const HOST: &str = "host";
/// What means none.
const NO: &str = "no";
/// Variables that say where a proxy is, and for which hosts there is none.
const URLS: [&str; 2] = ["http_proxy", "https_proxy"];
const EXCEPT: &str = "no_proxy";

/// Variables with their values, small and large, as programs look for either; none unless somebody asks for them.
///
/// # Errors
/// No URL that can be one in a guest, or an environment without any.
pub fn proxies(params: &Params) -> Result<Vec<(String, String)>, ParamsError> {
    if [PROXY, PROXY_FILE].into_iter().all(|key| given(params, key).is_none()) {
        return Ok(Vec::new());
    }
    let Some(value) = params.secret(PROXY)? else { return Ok(Vec::new()) };
    let value = value.reveal().trim();
    let found = match value {
        NO => return Ok(Vec::new()),
        HOST => of_host(&|name| std::env::var(name).ok()),
        url => Ok(URLS.map(|name| (name, url.to_owned())).into()),
    };
    let checked = found.and_then(|found| found.iter().try_for_each(check).map(|()| found));
    let key = given(params, PROXY_FILE).map_or(PROXY, |_| PROXY_FILE);
    let found = checked.map_err(|wanted| params.wrong(key, &wanted))?;
    let both = |(name, value): &(&str, String)| {
        [(*name).to_owned(), name.to_ascii_uppercase()].map(|name| (name, value.clone()))
    };
    Ok(found.iter().flat_map(both).collect())
}

/// What this host's environment says.
fn of_host(variable: &dyn Fn(&str) -> Option<String>) -> Result<Vec<(&'static str, String)>, String> {
    let value = |name: &'static str| {
        let value = variable(name).or_else(|| variable(&name.to_ascii_uppercase()));
        value.filter(|value| !value.trim().is_empty()).map(|value| (name, value.trim().to_owned()))
    };
    let mut found: Vec<_> = URLS.into_iter().filter_map(value).collect();
    if found.is_empty() {
        return Err(
            "no, or an URL: this host's environment has neither http_proxy nor https_proxy".to_owned()
        );
    }
    found.extend(value(EXCEPT));
    Ok(found)
}

/// A value that stands in files of several programs, none of which is to take a part of it for something else. No value is shown.
fn check((name, value): &(&str, String)) -> Result<(), String> {
    let odd = |c: char| !c.is_ascii_graphic() || matches!(c, '"' | '\'' | '\\' | '`' | '$' | '<' | '>');
    let spaces = |c: char| *name == EXCEPT && c == ' ';
    if value.chars().any(|c| odd(c) && !spaces(c)) {
        return Err(format!(
            "a value of {name} without quotes, blanks and what a shell takes for its own (%XX in an URL)"
        ));
    }
    if *name == EXCEPT {
        return Ok(());
    }
    let rest = value.strip_prefix("http://").or_else(|| value.strip_prefix("https://"));
    let place = rest.map(|rest| rest.split('/').next().unwrap_or_default());
    let place = place.map(|place| place.rsplit_once('@').map_or(place, |(_, place)| place));
    match place {
        None | Some("") => Err(format!("no, host, or an URL such as http://proxy:3128 (in {name})")),
        Some(place) if ["127.", "localhost", "[::1]"].iter().any(|own| place.starts_with(own)) => {
            Err(format!(
                "a proxy that a guest reaches: {name} leads to this host's own loopback, which is another one in the guest. On a card of \
                 net=user with guest_reach=net it is 10.0.2.2: http://10.0.2.2:PORT"
            ))
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    fn told(value: &str) -> Result<Vec<(String, String)>, String> {
        let mut params = Params::new();
        params.set(PROXY, value, Origin::Flag("--set".into()));
        proxies(&params).map_err(|error| error.to_string())
    }

    #[test]
    fn a_proxy_is_told_in_small_and_in_large_and_none_is_told_unasked() {
        assert!(told("").unwrap().is_empty() && told("no").unwrap().is_empty());
        let url = "http://me:p%40ss@proxy:3128/";
        let names: Vec<_> = told(url)
            .unwrap()
            .into_iter()
            .map(|(name, value)| {
                assert_eq!(value, url);
                name
            })
            .collect();
        assert_eq!(names, ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"]);
    }

    #[test]
    fn a_file_keeps_it_off_the_command_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "http://p:1\n").unwrap();
        let mut params = Params::new();
        params.set(PROXY_FILE, file.path().display().to_string(), Origin::BuiltIn);
        assert_eq!(proxies(&params).unwrap().first(), Some(&("http_proxy".into(), "http://p:1".into())));
    }

    #[test]
    fn what_is_wrong_in_a_file_is_told_by_the_files_key() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "proxy:1").unwrap();
        let mut params = Params::new();
        params.set(PROXY_FILE, file.path().display().to_string(), Origin::BuiltIn);
        assert!(proxies(&params).unwrap_err().to_string().contains("parameter 'proxy_file' is "));
    }

    #[test]
    fn what_is_no_proxy_in_a_guest_is_refused_without_showing_it() {
        for value in [
            "yes",
            "proxy:3128",
            "http://",
            "http:///x",
            "ftp://x",
            "http://a b",
            "http://secret'x",
            "http://x$(id)",
        ] {
            let error = told(value).unwrap_err();
            assert!(error.contains("'proxy' is '(set)'") && error.contains("URL"), "{value}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
        for value in ["http://127.0.0.1:3128", "http://me:x@localhost:1", "https://[::1]:1/"] {
            assert!(told(value).unwrap_err().contains("http://10.0.2.2:PORT"), "{value}");
        }
    }

    #[test]
    fn the_hosts_own_come_out_of_its_environment() {
        let of = |set: &[(&str, &str)]| {
            let value = |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            of_host(&value)
        };
        assert!(of(&[(EXCEPT, "x")]).unwrap_err().contains("neither http_proxy nor https_proxy"));
        let found =
            of(&[("HTTPS_PROXY", "http://large"), ("https_proxy", "http://small"), ("NO_PROXY", "a, b")]);
        let wanted = vec![("https_proxy", "http://small".to_owned()), (EXCEPT, "a, b".to_owned())];
        assert_eq!(found.as_ref(), Ok(&wanted));
        assert!(wanted.iter().all(|pair| check(pair).is_ok()));
        assert!(of(&[("http_proxy", " ")]).is_err());
    }
}
