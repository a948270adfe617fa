//! What a guest counted, parsed once: the raw answer verbatim, and a typed section for each file of Linux's `/proc` in it.
//!
//! ```text
//!   Linux: files one after the other ──> each line to every section ─┐
//!   Windows: the answer of its guest agent ──> agent ────────────────┴─> Counters ──> metrics of a window
//! ```
//!
//! A section is one file here and one line of the table below: its path is what guests are asked for, its metrics are what
//! each window gets of it. The files of a host are read by the same sections, one at a time ([`Section::of`]).

mod agent;
mod clock;
mod interrupts;
mod net_dev;
mod pressure;
mod snmp;
mod softnet;
mod stat;

pub use clock::Clock;
pub use interrupts::Interrupts;
pub use net_dev::{NetDev, Traffic};
pub use pressure::Pressure;
pub use snmp::Snmp;
pub use softnet::Softnet;
pub use stat::{CpuTicks, Stat};

/// A count, and the line of the raw answer that it stands on, when it is one line and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted<T> {
    /// The count.
    pub value: T,
    /// Its line, from 1.
    pub line: Option<u32>,
}

/// A file of `/proc` that is read in a guest at both ends of a window. Each gets every line of all of them and takes its own:
/// the raw answer does not say where one file ends.
pub trait Section: Default + 'static {
    /// The file.
    const PATH: &'static str;
    /// What a window gets of it, whatever the workload. Units and roles stand in perf.conf's `[DEFAULT]`.
    const METRICS: &'static [Metric<Self>] = &[];

    /// Takes what is known of a line, the first of which has the number 1. Where a file should say something once, what it
    /// says first counts.
    fn line(&mut self, number: u32, line: &str);

    /// Reads such a file alone.
    fn of(text: &str) -> Self {
        let mut section = Self::default();
        lines(text).for_each(|(number, line)| section.line(number, line));
        section
    }
}

/// A metric of a section.
pub struct Metric<S> {
    /// Its name.
    pub name: &'static str,
    /// Its value from an earlier and a later reading, so many seconds apart; `None` when they do not tell it.
    pub between: fn(&S, &S, f64) -> Option<f64>,
}

/// How a guest tells its counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Files of Linux's `/proc`, one after the other, the guest's clock first.
    #[default]
    Files,
    /// The guest agent's answer to `guest-network-get-interfaces`, all that a Windows guest tells.
    Agent,
}

impl Form {
    /// All of them.
    pub const ALL: [Form; 2] = [Form::Files, Form::Agent];

    /// What names of files end in that hold such an answer.
    pub fn extension(self) -> &'static str {
        match self {
            Form::Files => "txt",
            Form::Agent => "json",
        }
    }
}

macro_rules! sections {
    ($($name:ident: $section:ty, $what:literal;)*) => {
        /// What a guest counted, at one moment. A section of which the guest told nothing is empty.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Counters {
            form: Form,
            told: String,
            $(#[doc = $what] pub $name: $section,)*
        }

        impl Counters {
            fn line(&mut self, number: u32, line: &str) {
                $(self.$name.line(number, line);)*
            }

            /// The metrics of a window of so many seconds that began with an earlier reading.
            pub fn metrics_since(&self, earlier: &Counters, seconds: f64) -> Vec<(&'static str, f64)> {
                let mut found = Vec::new();
                $(
                    let metrics = <$section as Section>::METRICS.iter();
                    let value = |metric: &Metric<$section>| {
                        Some((metric.name, (metric.between)(&earlier.$name, &self.$name, seconds)?))
                    };
                    found.extend(metrics.filter_map(value));
                )*
                found
            }
        }

        /// The files that are read in a Linux guest, in this order, each with the metrics that come from it.
        pub fn files() -> Vec<(&'static str, Vec<&'static str>)> {
            vec![$((
                <$section as Section>::PATH,
                <$section as Section>::METRICS.iter().map(|metric| metric.name).collect(),
            ),)*]
        }
    };
}

// One line for each section, in the order in which their files are read: the clock's first.
sections! {
    clock: Clock, "The guest's clock.";
    stat: Stat, "CPU time, interrupts and context switches.";
    net_dev: NetDev, "What its interfaces moved.";
    snmp: Snmp, "Counters of TCP and UDP.";
    interrupts: Interrupts, "Interrupts of virtio devices.";
    softnet: Softnet, "Packets that found no room.";
    pressure: Pressure, "How long tasks waited for a CPU.";
}

impl Counters {
    /// Reads an answer, which is kept as it is.
    ///
    /// # Errors
    /// The answer of an agent that is none, given back.
    pub fn read(form: Form, told: String) -> Result<Counters, String> {
        let mut counters = Counters { form, ..Counters::default() };
        match form {
            Form::Files => lines(&told).for_each(|(number, line)| counters.line(number, line)),
            Form::Agent => match agent::interfaces(&told) {
                Some(interfaces) => counters.net_dev = interfaces,
                None => return Err(told),
            },
        }
        Ok(Counters { told, ..counters })
    }

    /// The answer, verbatim.
    pub fn told(&self) -> &str {
        &self.told
    }

    /// How it was told.
    pub fn form(&self) -> Form {
        self.form
    }
}

fn lines(text: &str) -> impl Iterator<Item = (u32, &str)> {
    (1..).zip(text.lines())
}

/// What grew by so much in so many seconds, a second; `None` for what was not told at both ends, or went backwards.
fn rate(earlier: Option<u64>, later: Option<u64>, scale: f64, seconds: f64) -> Option<f64> {
    Some(later?.checked_sub(earlier?)? as f64 * scale / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a guest of an early perfvt told.
    const TOLD: &str = include_str!(
        "../../../samples/virtio/repeat1.builtin.virtio_net.pc.netperf.host_guest/raw/000.TCP_STREAM.size=16384,sessions=1/guest-end.txt"
    );

    #[test]
    fn every_section_finds_its_lines_among_those_of_the_others() {
        let counters = Counters::read(Form::Files, TOLD.to_owned()).unwrap();
        assert_eq!((counters.told(), counters.form()), (TOLD, Form::Files));
        assert_eq!(counters.stat, Stat::of(TOLD));
        let line = |line: Option<u32>| TOLD.lines().nth(line.unwrap() as usize - 1).unwrap();
        let eth0 = counters.net_dev.interface("eth0").unwrap();
        assert!(eth0.value.rx_packets > 0 && line(eth0.line).trim_start().starts_with("eth0:"));
        let retransmits = counters.snmp.tcp_retransmits().unwrap();
        assert!(line(retransmits.line).starts_with("Tcp: 1 "));
        let input = counters.interrupts.virtio("input").unwrap();
        assert!(input.value > 0 && line(input.line).ends_with("virtio1-input.0"));
        assert!(counters.stat.context_switches > Some(0) && counters.stat.cpus.len() == 1);
    }

    #[test]
    fn metrics_are_those_of_the_files_that_were_told() {
        let at = |second: u64| {
            let text = format!("cpu  {0} 0 0 {0} 0 0 0 0 0 0\nctxt {1}\n", second * 50, second * 7);
            Counters::read(Form::Files, text).unwrap()
        };
        let found = at(4).metrics_since(&at(2), 2.0);
        assert_eq!(found, [("guest_CPU", 50.0), ("guest_steal", 0.0), ("guest_ctxt", 7.0)]);
        let known: Vec<&str> = files().into_iter().flat_map(|(_, metrics)| metrics).collect();
        assert!(found.iter().all(|(name, _)| known.contains(name)));
        assert_eq!(files()[0].0, "/proc/uptime", "the clock's line comes first");
    }

    #[test]
    fn an_agents_answer_is_kept_as_it_came_or_given_back() {
        let told = r#"{"return": [{"name": "E", "hardware-address": "52:54:00:70:76:0A", "statistics":
            {"rx-bytes": 100, "rx-packets": 20, "rx-errs": 0, "rx-dropped": 0,
             "tx-bytes": 300, "tx-packets": 40, "tx-errs": 0, "tx-dropped": 0}}, {"name": "lo"}]}"#;
        let counters = Counters::read(Form::Agent, told.to_owned()).unwrap();
        let moved = counters.net_dev.interface("52:54:00:70:76:0a").unwrap();
        let wanted = Traffic { rx_bytes: 100, rx_packets: 20, tx_bytes: 300, tx_packets: 40 };
        assert_eq!((moved.value, moved.line), (wanted, None));
        assert_eq!(counters.told(), told);
        assert!(counters.metrics_since(&counters, 1.0).is_empty());
        for odd in ["", "{}", "[]", r#"{"error": {"desc": "no"}}"#, r#"{"return": 5}"#] {
            assert_eq!(Counters::read(Form::Agent, odd.to_owned()).unwrap_err(), odd);
        }
    }
}
