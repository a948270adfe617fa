//! What several hosts will be able to say: hosts before blocks (statistics.md, "Hosts").

use super::result::{Boots, Power};
use super::{CONFIDENCE, MOST_BOOTS};
use crate::family::Members;
use crate::options::CompareOptions;
use crate::row::{POWER, finite};
use crate::{AnalyzeError, Comparison, Row, Warning, compare};
use model::{Keys, Role, Scale};
use serde::Serialize;
use stats::{HOSTS_RANDOM_MIN, TTest};

/// What is asked of a plan over hosts.
#[derive(Clone, Debug)]
pub struct AskedOfHosts {
    /// The change that must not be missed, as a ratio minus 1; without it twice each metric's `min_effect`.
    pub effect: Option<f64>,
    /// Hosts that will be measured; without it those that the pilot planned.
    pub hosts: Option<usize>,
    /// Blocks on each of them; without it five.
    pub blocks: Option<usize>,
    /// Rows that do not gate, too.
    pub all: bool,
}

/// What a comparison on several hosts will find, from a pilot on some of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HostsPlan {
    /// The baseline of the pilot.
    pub a: String,
    /// The candidate of the pilot.
    pub b: String,
    /// Hosts of the pilot with a complete block; one does not tell how much hosts differ.
    pub pilot: usize,
    /// Hosts that will be measured.
    pub hosts: usize,
    /// Blocks on each.
    pub blocks: usize,
    /// Level of one row: that of the family over its rows.
    pub level: f64,
    /// Rows that are decided together.
    pub family: usize,
    /// No metric is primary, so that all rows are.
    pub all_rows: bool,
    /// The share that must be found.
    pub power: f64,
    /// How sure the cautious ends are.
    pub confidence: f64,
    /// The change that is asked for.
    pub effect: Option<f64>,
    /// Rows that do not gate and are not shown.
    pub hidden: usize,
    /// What must be known of the pilot.
    pub warnings: Vec<Warning>,
    /// A line for each row.
    pub rows: Vec<HostsPlanRow>,
}

/// A row of a plan over hosts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HostsPlanRow {
    /// As in a comparison.
    pub id: String,
    /// Workload.
    pub workload: String,
    /// Category.
    pub category: String,
    /// Case.
    pub case: Keys,
    /// How much the metric counts.
    pub role: Role,
    /// The change that is looked for, as a ratio minus 1.
    pub effect: f64,
    /// SD of the difference of one block, relative; null where nothing tells it.
    pub block_sd: Option<f64>,
    /// SD of the hosts' own changes, relative; null where the pilot has one host.
    pub host_sd: Option<f64>,
    /// The share of comparisons that find the change.
    pub found: Option<Power>,
    /// Hosts of so many blocks each that a sentence about hosts like these needs.
    pub hosts: Option<Boots>,
    /// Blocks on each of so many hosts; without an end where the hosts differ too much for any number of them.
    pub blocks: Option<Boots>,
}

/// How a row varies, in units of the change that is looked for.
#[derive(Clone, Copy, Debug)]
struct Spread {
    block: f64,
    host: f64,
}

/// Says what so many hosts will find, and how many are needed.
///
/// # Errors
/// As [`compare`]; numbers of hosts or blocks that are none.
pub fn plan_hosts(options: &CompareOptions, asked: &AskedOfHosts) -> Result<HostsPlan, AnalyzeError> {
    let wrong = |what: &str, n: usize| {
        Err(AnalyzeError::Option(format!("{what} = {n}: want a number from 2 to {MOST_BOOTS}")))
    };
    let (hosts, blocks) = (asked.hosts, asked.blocks.unwrap_or(5));
    if !(2..=MOST_BOOTS).contains(&blocks) {
        return wrong("boots", blocks);
    }
    if let Some(n) = hosts.filter(|n| !(2..=MOST_BOOTS).contains(n)) {
        return wrong("hosts", n);
    }
    let options = CompareOptions { force: true, noise: None, ..options.clone() };
    let found = compare(&options)?;
    let planned = found.hosts.as_ref().map_or(HOSTS_RANDOM_MIN, |hosts| hosts.planned);
    let hosts = hosts.unwrap_or(planned);
    let members = Members::among(found.rows.iter().map(|row| row.role));
    let family = found.families.iter().find(|family| family.candidate == 0);
    let (size, alpha) = family.map_or((1, options.alpha), |f| (f.size.max(1), f.alpha_rows));
    let level = alpha / size as f64;
    let plan = Hosts { hosts, blocks, level, asked: asked.effect };
    let own = || found.rows.iter().filter(|row| row.candidate == 0);
    let shown = |row: &&Row| asked.all || members.has(row.role);
    let rows: Vec<HostsPlanRow> = own().filter(shown).map(|row| plan.row(row)).collect();
    let hidden = own().count() - rows.len();
    Ok(HostsPlan {
        a: found.a.label.clone(),
        b: found.b.first().map_or(String::new(), |side| side.label.clone()),
        pilot: pilot(&found),
        hosts,
        blocks,
        level,
        family: size,
        all_rows: members.all_rows,
        power: POWER,
        confidence: CONFIDENCE,
        effect: asked.effect,
        hidden,
        warnings: found.warnings.into_iter().filter(|w| w.code == "missing-hosts").collect(),
        rows,
    })
}

fn pilot(found: &Comparison) -> usize {
    found.hosts.as_ref().map_or(1, |hosts| hosts.heard().count())
}

/// The hosts that will be measured.
struct Hosts {
    hosts: usize,
    blocks: usize,
    level: f64,
    asked: Option<f64>,
}

impl Hosts {
    fn row(&self, row: &Row) -> HostsPlanRow {
        let effect = self.asked.unwrap_or(2.0 * row.min_effect);
        let unit = unit(row);
        let size = match row.scale {
            Scale::Log => effect.ln_1p(),
            Scale::Linear => effect,
        };
        let varies = unit.and_then(|unit| Varies::of(row, unit));
        let ends = varies.map(|varies| {
            [CONFIDENCE, 1.0 - CONFIDENCE]
                .map(|level| varies.at(level))
                .map(|spread| Spread { block: spread.block / size, host: spread.host / size })
        });
        let both = |number: fn(&Hosts, Spread) -> Option<usize>| {
            ends.map(|[upper, lower]| Boots { low: number(self, lower), high: number(self, upper) })
        };
        HostsPlanRow {
            id: row.id.clone(),
            workload: row.workload.to_string(),
            category: row.category.to_string(),
            case: (*row.case).clone(),
            role: row.role,
            effect,
            block_sd: varies.and_then(|varies| finite(varies.within.sqrt())),
            host_sd: varies.and_then(|varies| varies.between).and_then(|(v, _)| finite(v.max(0.0).sqrt())),
            found: ends.map(|[upper, lower]| Power {
                low: self.power(self.hosts, self.blocks, upper),
                high: self.power(self.hosts, self.blocks, lower),
            }),
            hosts: both(|plan, spread| {
                (HOSTS_RANDOM_MIN..=MOST_BOOTS).find(|n| plan.power(*n, plan.blocks, spread) >= POWER)
            }),
            blocks: both(|plan, spread| {
                (2..=MOST_BOOTS).find(|n| plan.power(plan.hosts, *n, spread) >= POWER)
            }),
        }
    }

    /// The power of so many hosts and blocks, by the sentence that so many hosts have.
    fn power(&self, hosts: usize, blocks: usize, spread: Spread) -> f64 {
        if spread.block <= 0.0 && spread.host <= 0.0 {
            return 1.0;
        }
        let tiny = spread.block.max(f64::MIN_POSITIVE);
        if hosts >= HOSTS_RANDOM_MIN {
            return stats::hosts_power(hosts, blocks, (1.0 / tiny, spread.host / tiny), self.level)
                .unwrap_or(0.0);
        }
        let n = hosts as f64 * blocks as f64;
        stats::power(n.sqrt() / tiny, n - hosts as f64, self.level)
    }
}

/// A row's unit: 1 on the log scale, the mean of A on the linear one; `None` where that may be 0.
fn unit(row: &Row) -> Option<f64> {
    match row.scale {
        Scale::Log => Some(1.0),
        Scale::Linear => row.a.mean.map(f64::abs).filter(|mean| *mean > 0.0),
    }
}

/// Variances of a row, relative.
#[derive(Clone, Copy, Debug)]
struct Varies {
    /// Of the difference of one block on a host, and its degrees of freedom.
    within: f64,
    df: f64,
    /// Of the hosts' own changes, what is left when that within them is taken out, and hosts - 1.
    between: Option<(f64, f64)>,
    /// Blocks of a host of the pilot.
    blocks: f64,
}

impl Varies {
    fn of(row: &Row, unit: f64) -> Option<Varies> {
        let Some(hosts) = row.hosts.as_deref() else {
            let test = row.test?;
            let n = row.n_min as f64;
            return Some(Varies {
                within: (test.se / unit).powi(2) * n,
                df: test.df,
                between: None,
                blocks: n,
            });
        };
        let estimate = |host: &crate::HostRow| match row.scale {
            Scale::Log => host.ratio.map(f64::ln),
            Scale::Linear => host.diff,
        };
        let own: Vec<(TTest, f64)> = (hosts.each.iter())
            .filter_map(|host| {
                let (test, estimate) = (host.test?, estimate(host)? / unit);
                let test = TTest { estimate, se: test.se / unit, df: test.df, t: test.t, p: 1.0 };
                Some((test, host.blocks as f64))
            })
            .collect();
        let df: f64 = own.iter().map(|(test, _)| test.df).sum();
        if own.is_empty() || df <= 0.0 {
            return None;
        }
        let within = own.iter().map(|(test, n)| test.df * test.se.powi(2) * n).sum::<f64>() / df;
        let blocks = own.iter().map(|(_, n)| n).sum::<f64>() / own.len() as f64;
        let estimates: Vec<f64> = own.iter().map(|(test, _)| test.estimate).collect();
        let of_means = stats::moments(&estimates).ok().and_then(|m| m.sd).map(|sd| sd * sd);
        let between = of_means.map(|v| (v - within / blocks, estimates.len() as f64 - 1.0));
        Some(Varies { within, df, between, blocks })
    }

    /// The SDs that the true ones exceed with the chance of 1 - `level`.
    fn at(self, level: f64) -> Spread {
        let bound = |variance: f64, df: f64| {
            let sd = variance.max(0.0).sqrt();
            stats::sd_bound(sd, df, level).unwrap_or(sd)
        };
        let block = bound(self.within, self.df);
        let host = self.between.map_or(0.0, |(left, df)| {
            let of_means = bound(left + self.within / self.blocks, df);
            (of_means.powi(2) - self.within / self.blocks).max(0.0).sqrt()
        });
        Spread { block, host }
    }
}
