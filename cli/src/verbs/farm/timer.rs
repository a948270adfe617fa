//! `perfvt farm timer`.

use super::json;
use crate::args::{Args, Farm, FarmVerb, Timer, Verb};
use crate::{DONE, Error};
use clap::Parser;
use report::command_line::command_line;
use serde::Serialize;
use std::io::Write;

#[derive(Serialize)]
struct Printed {
    cron: String,
    service: String,
    timer: String,
}

/// Prints what hands in a farm each day. Nothing is installed.
pub(super) fn timer(args: &Timer, as_json: bool, out: &mut dyn Write) -> Result<u8, Error> {
    let (hour, minute) = time(&args.at)?;
    let program = std::env::current_exe()?.display().to_string();
    let words: Vec<String> =
        [program, "farm".into(), "submit".into()].into_iter().chain(args.submit.iter().cloned()).collect();
    // What is wrong with them is found now, and not at night.
    let parsed = Args::try_parse_from(&words).map_err(|error| error.to_string())?;
    if let Verb::Farm(Farm { verb: FarmVerb::Submit(submit), .. }) = &parsed.verb
        && submit.id.is_some()
    {
        return Err("--id: every night has a name of its own; leave it out".into());
    }
    let folder = std::env::current_dir()?;
    let line = command_line(&words);
    let printed = Printed {
        // A % is the end of a line for cron (crontab(5)).
        cron: format!("{minute} {hour} * * * cd {} && {}\n", super::shown(&folder), line.replace('%', "\\%")),
        // systemd reads % and $ itself (systemd.service(5)).
        service: format!(
            "[Unit]\nDescription=perfvt farm\n\n[Service]\nType=oneshot\nWorkingDirectory={}\nExecStart={}\n",
            folder.display(),
            line.replace('%', "%%").replace('$', "$$")
        ),
        timer: format!(
            "[Unit]\nDescription=perfvt farm, each day\n\n[Timer]\nOnCalendar=*-*-* {hour:02}:{minute:02}:00\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n"
        ),
    };
    if as_json {
        return json(&printed, out);
    }
    if args.systemd {
        writeln!(out, "# perfvt-farm.service\n{}\n# perfvt-farm.timer\n{}", printed.service, printed.timer)?;
    } else {
        write!(out, "{}", printed.cron)?;
    }
    Ok(DONE)
}

fn time(text: &str) -> Result<(u8, u8), Error> {
    let found =
        text.split_once(':').and_then(|(hour, minute)| Some((hour.parse().ok()?, minute.parse().ok()?)));
    let found = found.filter(|(hour, minute): &(u8, u8)| *hour < 24 && *minute < 60);
    found.ok_or_else(|| format!("--at {text}: want HH:MM, 02:30 for example").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(words: &[&str]) -> Result<String, String> {
        let all = ["perfvt", "farm", "timer"].iter().chain(words);
        let Verb::Farm(Farm { verb: FarmVerb::Timer(args), .. }) = Args::try_parse_from(all).unwrap().verb
        else {
            panic!()
        };
        let mut out = Vec::new();
        timer(&args, false, &mut out).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_line_for_cron_is_one_that_submit_takes() {
        let submit =
            ["--", "--farm", "/srv/farm", "--hosts", "3*amd64&kvm", "--", "netperf", "--set", "x=50%"];
        let line = printed(&submit).unwrap();
        assert!(line.starts_with("30 2 * * * cd "), "{line}");
        assert!(
            line.contains("farm submit --farm /srv/farm --hosts '3*amd64&kvm' -- netperf --set 'x=50\\%'"),
            "{line}"
        );
        let units = printed(&[&["--systemd", "--at", "23:05"][..], &submit].concat()).unwrap();
        assert!(units.contains("OnCalendar=*-*-* 23:05:00") && units.contains("x=50%%"), "{units}");
    }

    #[test]
    fn what_would_fail_at_night_is_refused_by_day() {
        assert!(printed(&["--at", "25:00", "--", "--farm", "x", "--hosts", "all", "--", "netperf"]).is_err());
        assert!(printed(&["--", "--farm", "x", "--", "netperf"]).unwrap_err().contains("--hosts"));
        let named = ["--", "--farm", "x", "--hosts", "all", "--id", "n", "--", "netperf"];
        assert!(printed(&named).unwrap_err().contains("leave it out"));
    }
}
