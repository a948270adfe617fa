//! Sessions: one campaign in one boot of one host; and how those of two sides stand to each other (statistics.md, "Sessions").
//!
//! What a session does to its guests is the same for all of its boots, so that no number of boots shows it. Where both sides were
//! measured in turns within a session it cancels; where they were not it is part of their difference.

use crate::clock::{self, Moment, Order};
use crate::input::repeat::{BootName, Origin, Repeat};
use crate::options::CompareOptions;
use crate::replicates::{Replicates, of_workload};
use crate::warnings::{blocking, note};
use crate::{Interleaving, Warning};
use model::counted;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A host, a boot of it, a campaign.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Session {
    host: String,
    host_boot: String,
    campaign: String,
}

impl Session {
    fn of(origin: &Origin, boot: &BootName) -> Session {
        Session {
            host: origin.host.clone(),
            host_boot: boot.host_boot.clone(),
            campaign: origin.campaign.clone(),
        }
    }
}

/// The session of a file, by its first boot; `None` where it does not tell.
pub(crate) fn name_of(file: &Repeat) -> Option<String> {
    let session = Session::of(file.origin.as_ref()?, file.boots.first()?);
    Some(format!("{} {} {}", session.host, session.host_boot, session.campaign))
}

/// The sessions of a baseline and a candidate.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    /// Number of each session.
    index: BTreeMap<Session, u32>,
    /// How the sides stand to each other.
    pub standing: Interleaving,
    /// How many sessions each side has.
    counts: [usize; 2],
    /// Boots of each side in sessions that the other has no part in, and all of its boots.
    apart: [(usize, usize); 2],
    /// In what the sessions differ, in words.
    differ: &'static str,
    /// What the clock says, where nothing tells the sessions.
    order: Order,
    /// How often the variance between sessions stands in the difference: 2 for one session a side, 0 where it cancels or the
    /// sessions are the replicates.
    pub weight: f64,
}

/// Boots of a side by session.
type Boots = BTreeMap<Session, usize>;

/// `None`: a file does not tell where it was measured.
fn boots_of(files: &[Repeat]) -> Option<Boots> {
    let mut out = Boots::new();
    for file in files {
        let origin = file.origin.as_ref()?;
        for boot in &file.boots {
            *out.entry(Session::of(origin, boot)).or_default() += 1;
        }
    }
    (!out.is_empty()).then_some(out)
}

/// When each file of a side was written; `None`: one does not tell.
fn moments(files: &[Repeat]) -> Option<Vec<Moment>> {
    files.iter().map(|file| file.when).collect()
}

/// When the files of a side were begun, the first and the last.
fn times(files: &[Repeat]) -> Option<(i64, i64)> {
    let dates = || files.iter().filter_map(Repeat::date_unix);
    dates().min().zip(dates().max())
}

/// Whether one side was over before the other began; where nothing tells the time, that is not known.
fn one_after_the_other(a: &[Repeat], b: &[Repeat]) -> Option<bool> {
    let (a, b) = (times(a)?, times(b)?);
    Some(a.1 < b.0 || b.1 < a.0)
}

/// Whether each block of a campaign is a pair of boots of one host, one for each side: then what a boot of the host does is part of
/// the scatter between blocks, and the block is the pair.
fn has_pairs(a: &Boots, b: &Boots, plan: Option<&[u32]>) -> bool {
    let alone = |side: &Boots| side.values().all(|boots| *boots == 1);
    let campaigns: BTreeSet<(&str, &str)> =
        a.keys().chain(b.keys()).map(|session| (&*session.host, &*session.campaign)).collect();
    plan.is_some_and(|blocks| blocks.len() >= 2) && campaigns.len() == 1 && alone(a) && alone(b)
}

impl Sessions {
    /// `plan`: the blocks of one campaign in which both sides stand beside each other, where they are environments of one.
    pub fn of(a: &[Repeat], b: &[Repeat], plan: Option<&[u32]>) -> Sessions {
        let unknown = Sessions {
            index: BTreeMap::new(),
            standing: Interleaving::Unknown,
            counts: [0; 2],
            apart: [(0, 0); 2],
            differ: "",
            order: clock::order(moments(a), moments(b)),
            weight: 2.0,
        };
        let (Some(of_a), Some(of_b)) = (boots_of(a), boots_of(b)) else { return unknown };
        let index = of_a.keys().chain(of_b.keys()).cloned().collect::<BTreeSet<_>>().into_iter().zip(0..);
        let counts = [of_a.len(), of_b.len()];
        let apart = [apart(&of_a, &of_b), apart(&of_b, &of_a)];
        let shared = of_a.keys().any(|session| of_b.contains_key(session));
        // A block of both was measured at once; without any the clock says whether one side was over when the other began.
        let in_turn =
            plan.is_some_and(|blocks| !blocks.is_empty()) || one_after_the_other(a, b) != Some(true);
        let standing = match shared {
            false if has_pairs(&of_a, &of_b, plan) => Interleaving::Interleaved,
            true if !in_turn => Interleaving::OneSession,
            true if apart.iter().any(|(boots, _)| *boots > 0) => Interleaving::Partly,
            true => Interleaving::Interleaved,
            false if counts.iter().all(|n| *n >= 2) => Interleaving::Sessions,
            false => Interleaving::OneSession,
        };
        let weight = match standing {
            Interleaving::Interleaved | Interleaving::Sessions => 0.0,
            Interleaving::OneSession if shared => 2.0,
            _ => weight(&of_a, &of_b),
        };
        let (index, differ) = (index.collect(), differ(&of_a, &of_b));
        Sessions { index, standing, counts, apart, differ, order: Order::Unknown, weight }
    }

    /// Each host is compared within itself: what it did with one side alone takes no part.
    pub fn within_hosts(&mut self) {
        (self.standing, self.weight) = (Interleaving::Interleaved, 0.0);
    }

    /// The session is the replicate.
    pub fn are_replicates(&self) -> bool {
        self.standing == Interleaving::Sessions
    }

    /// The replicates of a side, the files of which are `range` of all.
    pub fn replicates(&self, own: &[Repeat], range: &Range<usize>) -> Replicates {
        if !self.are_replicates() {
            return Replicates {
                files: range.clone(),
                sessions: None,
                complete: own.len(),
                of_workload: of_workload(own),
                split: own.iter().map(|f| f.boots.len() > 1).collect(),
            };
        }
        let number = |file: &Repeat, boot: &BootName| {
            let session = file.origin.as_ref().map(|origin| Session::of(origin, boot));
            session.and_then(|session| self.index.get(&session).copied()).unwrap_or(u32::MAX)
        };
        let sessions: Vec<Vec<u32>> =
            own.iter().map(|file| file.boots.iter().map(|boot| number(file, boot)).collect()).collect();
        let complete = sessions.iter().flatten().collect::<BTreeSet<_>>().len();
        let of_workload = of_workload(own).into_keys().map(|name| (name, complete)).collect();
        Replicates {
            files: range.clone(),
            sessions: Some(sessions),
            complete,
            of_workload,
            split: Vec::new(),
        }
    }

    /// What a reader must know of a pair of sides before any number.
    ///
    /// `part`: what `--noise` adds to every error.
    pub fn banner(
        &self,
        labels: (&str, &str),
        options: &CompareOptions,
        part: Option<stats::ErrorPart>,
        rows: usize,
    ) -> Option<Warning> {
        let pair = format!("{} and {}", labels.0, labels.1);
        if let Some(known) = part.and_then(|_| self.as_known(&pair, options, rows)) {
            return Some(known);
        }
        match self.standing {
            Interleaving::Interleaved => None,
            Interleaving::Sessions => {
                let text = format!(
                    "{pair} share no session ({}): each session is one replicate ({} and {}), the mean over its boots",
                    self.differ,
                    counted(self.counts[0], "session"),
                    counted(self.counts[1], "session"),
                );
                Some(note(CODE, text, "", rows))
            }
            Interleaving::Partly => {
                let text = format!(
                    "{pair} were measured in turns only in part: {} of {} of {} and {} of {} of {} stand in sessions \
                     that the other side has no part in, and what those sessions do is part of the difference",
                    self.apart[0].0,
                    counted(self.apart[0].1, "boot"),
                    labels.0,
                    self.apart[1].0,
                    counted(self.apart[1].1, "boot"),
                    labels.1,
                );
                Some(blocking(CODE, text, "compare what was measured in turns, in one campaign", rows))
            }
            Interleaving::OneSession => Some(self.of_one_session(&pair, options.force, rows)),
            Interleaving::Unknown => Some(by_clock(self.order, labels, rows)),
        }
    }

    /// Sides of which `--noise` tells how much sessions differ.
    fn as_known(&self, pair: &str, options: &CompareOptions, rows: usize) -> Option<Warning> {
        let noise = options.noise.as_ref()?;
        let known = noise.session.as_ref()?;
        let how = if self.differ.is_empty() { "as far as anybody can tell" } else { self.differ };
        let text = format!(
            "{pair} were not measured in turns ({how}): how much sessions differ is a part of every error, as {} says ({})",
            noise.path,
            crate::noise::said(known)
        );
        Some(blocking(CODE, text, "it must be of this host, these rows and one build", rows))
    }

    /// Sides of one session each, of which no test tells a change from what sessions do.
    fn of_one_session(&self, pair: &str, force: bool, rows: usize) -> Warning {
        let text = format!(
            "{pair} were not measured in turns ({}), and at least one of them in a single session: what a session does to \
             its guests cannot be told from the change",
            self.differ
        );
        if force {
            let text = format!("{text}; --force judges as if sessions did not differ");
            let advice =
                "of real results of one build a quarter of the unchanged rows differ between two sessions";
            return blocking(CODE, text, advice, rows);
        }
        let text = format!("{text}, so that no test decides (INCONCLUSIVE, one-session)");
        blocking(CODE, text, WAY_OUT, rows)
    }
}

/// What the clock says of sides whose files do not tell their sessions.
fn by_clock(order: Order, (a, b): (&str, &str), rows: usize) -> Warning {
    let told = match order {
        Order::Unknown => format!("nothing tells whether {a} and {b} were measured in turns"),
        Order::SameDay => format!(
            "whether {a} and {b} were measured in turns is not known: their dates overlap, and tell no hours"
        ),
        Order::After { a_first, over, begun } => {
            let (first, second) = if a_first { (a, b) } else { (b, a) };
            format!(
                "{a} and {b} were not measured in turns: {first} was over ({}) before {second} began ({})",
                clock::said(over),
                clock::said(begun)
            )
        }
        Order::Overlap { turns, possible } if turns == possible => {
            let text = format!(
                "{a} and {b} were measured in turns, by the times of their files; nothing tells whether on one host"
            );
            return note(CODE, text, "", rows);
        }
        Order::Overlap { turns, possible } => {
            format!(
                "{a} and {b} were measured in turns only in part: in the order of time the side changes {turns} of {possible} times"
            )
        }
    };
    let text = format!(
        "{told}: of real results of one build a quarter of the unchanged rows differ between two sessions"
    );
    let advice = "measure in turns (A B A B ..), or let perfvt measure both in one campaign";
    blocking(CODE, text, advice, rows)
}

/// The banner.
const CODE: &str = "not-interleaved";

/// What to do about sides of one session each.
pub(crate) const WAY_OUT: &str = "measure both in one campaign (perfvt run --env .. --env ..), or each in two sessions or more, or \
     say how much sessions differ (perfvt calibrate, then --noise FILE); --force judges as if sessions did not differ";

/// Boots of a side in sessions that the other has no part in, and all of them.
fn apart(own: &Boots, other: &Boots) -> (usize, usize) {
    let alone = own.iter().filter(|(session, _)| !other.contains_key(session)).map(|(_, n)| n);
    (alone.sum(), own.values().sum())
}

/// Of the difference of two means: the sum over sessions of the squared difference of their shares of each side's boots.
fn weight(a: &Boots, b: &Boots) -> f64 {
    let all = |side: &Boots| side.values().sum::<usize>().max(1) as f64;
    let share = |side: &Boots, session: &Session| side.get(session).map_or(0.0, |n| *n as f64 / all(side));
    let sessions: BTreeSet<&Session> = a.keys().chain(b.keys()).collect();
    sessions.into_iter().map(|session| (share(a, session) - share(b, session)).powi(2)).sum()
}

/// In what the sessions of two sides differ.
fn differ(a: &Boots, b: &Boots) -> &'static str {
    fn apart<'s>(a: &'s Boots, b: &'s Boots, part: fn(&'s Session) -> &'s str) -> bool {
        let of = |side: &'s Boots| side.keys().map(part).filter(|p| !p.is_empty()).collect::<BTreeSet<_>>();
        let (a, b) = (of(a), of(b));
        !a.is_empty() && !b.is_empty() && a.is_disjoint(&b)
    }
    if apart(a, b, |s| &s.host) && apart(a, b, |s| &s.host_boot) {
        "on different hosts"
    } else if apart(a, b, |s| &s.host_boot) {
        "in different boots of the host"
    } else if apart(a, b, |s| &s.campaign) {
        "in different campaigns"
    } else if a.keys().any(|session| b.contains_key(session)) {
        "one after the other"
    } else {
        "in different campaigns and boots of the host"
    }
}
