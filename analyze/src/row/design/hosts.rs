//! Several hosts that each measured both sides: the model of each host, and all of them joined (statistics.md, "Hosts").

use super::super::outcome::{Outcome, finite, interval};
use super::Design;
use crate::comparison::{HostRow, HostsDiffer, RowHosts};
use crate::pairing::{PairHost, PairHosts};
use crate::{Interval, Model, ModelTest, Verdict};
use model::Scale;
use stats::{Block, RatioOfGeometricMeans, TTest, Unavailable};
use std::collections::BTreeMap;

/// The values of a row by host.
#[derive(Clone, Debug)]
pub(crate) struct Hosts<'a> {
    /// The sentence is about hosts like these, else about these.
    pub random: bool,
    /// Each host, those without a value too.
    pub parts: Vec<Part<'a>>,
}

/// What one host has of a row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part<'a> {
    /// Baseline's values.
    pub a: &'a [f64],
    /// Candidate's values.
    pub b: &'a [f64],
    /// Its complete blocks, where its model is that of blocks.
    pub blocks: Option<Vec<Block<'a>>>,
}

impl Part<'_> {
    /// Blocks with both sides; where the model knows none, the values of the smaller side.
    fn complete(&self) -> usize {
        self.blocks.as_deref().map_or(self.a.len().min(self.b.len()), stats::complete_blocks)
    }

    /// The same with A's values multiplied.
    fn scaled(&self, by: f64) -> (Vec<f64>, Option<Vec<Vec<f64>>>) {
        let scaled = |values: &[f64]| values.iter().map(|value| by * value).collect::<Vec<f64>>();
        let blocks =
            self.blocks.as_deref().map(|blocks| blocks.iter().map(|block| scaled(block.a)).collect());
        (scaled(self.a), blocks)
    }
}

impl Hosts<'_> {
    /// The model by which the hosts are joined.
    pub fn model(&self) -> Model {
        if self.random { Model::HostsRandom } else { Model::HostsFixed }
    }

    /// The tests of several hosts as one; those without an error (not a number) say something of hosts in general only.
    fn join(&self, tests: &[TTest]) -> Result<TTest, Unavailable> {
        match tests {
            _ if self.random => stats::hosts_random(tests),
            [] => Err(Unavailable::TooFew { needed: 1, found: 0 }),
            [one] if one.se > 0.0 => Ok(*one),
            [_] => Err(Unavailable::ZeroVariance),
            several => stats::hosts_fixed(several),
        }
    }
}

/// An estimate whose error is 0, where nothing varies, or not known.
fn point(estimate: f64, se: f64, df: usize) -> TTest {
    TTest { estimate, se, df: df.max(1) as f64, t: 0.0, p: 1.0 }
}

impl<'a> Design<'a> {
    /// Nothing but values by host, on the log scale.
    fn plain(a: &'a [f64], b: &'a [f64], hosts: &'a Hosts<'a>) -> Design<'a> {
        Design {
            a,
            b,
            blocks: None,
            hosts: Some(hosts),
            student: false,
            scale: Scale::Log,
            margin: 0.0,
            margin_abs: None,
            exact: false,
            alpha: 0.05,
            look: None,
            session: None,
            moderation: None,
            detectable: false,
        }
    }

    /// The design of one host alone: what a campaign there would be judged by.
    pub fn of_host(&self, part: &'a Part<'a>) -> Design<'a> {
        let blocks = part.blocks.as_deref();
        Design {
            a: part.a,
            b: part.b,
            blocks,
            hosts: None,
            look: None,
            session: None,
            moderation: None,
            ..*self
        }
    }

    /// The test of a host; one without two values a side has an estimate that counts among hosts in general.
    fn test_of_host(&self, part: &'a Part<'a>, random: bool, scale: Scale) -> Option<TTest> {
        let of = self.of_host(part);
        if part.complete() == 0 {
            return None;
        }
        let found = match scale {
            Scale::Log => of.log_test().map(|found| found.test),
            Scale::Linear => of.raw_test(),
        };
        let estimate = || match (scale, of.descriptive()) {
            (Scale::Log, out) => out.ratio.map(f64::ln),
            (Scale::Linear, out) => out.diff,
        };
        match found {
            Ok(test) => Some(test),
            Err(Unavailable::ZeroVariance) => {
                estimate().map(|e| point(e, 0.0, part.complete().saturating_sub(1)))
            }
            Err(_) if random => estimate().map(|e| point(e, f64::NAN, 1)),
            Err(_) => None,
        }
    }

    /// The hosts that count, with their tests.
    fn counted(&self, hosts: &'a Hosts<'a>, scale: Scale) -> Vec<(&'a Part<'a>, TTest)> {
        let of = |part| Some((part, self.test_of_host(part, hosts.random, scale)?));
        hosts.parts.iter().filter_map(of).collect()
    }

    fn tests(&self, hosts: &'a Hosts<'a>, scale: Scale) -> Vec<TTest> {
        self.counted(hosts, scale).into_iter().map(|(_, test)| test).collect()
    }

    /// Whether enough hosts count: one says something of itself, of others two are the least.
    pub fn is_of_enough_hosts(&self, hosts: &'a Hosts<'a>, needed: usize) -> bool {
        let needed = if hosts.random { needed } else { 1 };
        self.counted(hosts, self.scale).len() >= needed
    }

    /// The test of all hosts together.
    pub fn joined(&self, hosts: &'a Hosts<'a>, scale: Scale) -> Result<TTest, Unavailable> {
        hosts.join(&self.tests(hosts, scale))
    }

    /// Both means, each host counting the same.
    pub fn levels_of_hosts(&self, hosts: &'a Hosts<'a>) -> Result<(f64, f64), Unavailable> {
        let mut sums = (0.0, 0.0);
        let counted = self.counted(hosts, Scale::Linear);
        for (part, _) in &counted {
            let (a, b) = self.of_host(part).levels()?;
            sums = (sums.0 + a, sums.1 + b);
        }
        let n = counted.len() as f64;
        if counted.is_empty() {
            Err(Unavailable::TooFew { needed: 1, found: 0 })
        } else {
            Ok((sums.0 / n, sums.1 / n))
        }
    }

    /// Point estimates, each host counting the same.
    pub fn described_by_hosts(&self, hosts: &'a Hosts<'a>) -> Outcome {
        let mean = |tests: Vec<TTest>| {
            let sum: f64 = tests.iter().map(|test| test.estimate).sum();
            (!tests.is_empty()).then(|| sum / tests.len() as f64).and_then(finite)
        };
        let diff = mean(self.tests(hosts, Scale::Linear));
        let ratio = match self.scale {
            Scale::Log => mean(self.tests(hosts, Scale::Log)).map(f64::exp).and_then(finite),
            Scale::Linear => {
                self.levels_of_hosts(hosts).ok().filter(|(a, _)| *a != 0.0).and_then(|(a, b)| finite(b / a))
            }
        };
        Outcome { diff, ratio, ..Outcome::default() }
    }

    /// The exact p of differences that do not vary: of hosts in general each host is one sign, of these each block.
    pub fn p_of_constant_hosts(&self, hosts: &'a Hosts<'a>) -> f64 {
        let counted = self.counted(hosts, self.scale);
        let blocks = counted.iter().map(|(part, _)| part.complete()).sum::<usize>();
        let signs = if hosts.random { counted.len() } else { blocks };
        0.5f64.powf(signs as f64 - 1.0).min(1.0)
    }

    /// Fieller's interval of the ratio of the means, on the linear scale.
    pub fn fieller_of_hosts(&self, hosts: &'a Hosts<'a>, level: f64) -> Option<Interval> {
        let test_at = |r: f64| {
            let tests: Vec<TTest> =
                hosts.parts.iter().filter_map(|part| self.scaled_test(part, hosts.random, r)).collect();
            match hosts.join(&tests) {
                Err(Unavailable::ZeroVariance) => {
                    let n = tests.len() as f64;
                    Ok(point(tests.iter().map(|test| test.estimate / n).sum(), 0.0, tests.len() - 1))
                }
                other => other,
            }
        };
        stats::hosts_fieller(test_at, level).ok().and_then(interval)
    }

    /// The test of B - r A of a host.
    fn scaled_test(&self, part: &Part<'_>, random: bool, r: f64) -> Option<TTest> {
        let (a, of_blocks) = part.scaled(r);
        let blocks = part.blocks.as_deref().zip(of_blocks.as_deref()).map(|(blocks, scaled)| {
            blocks.iter().zip(scaled).map(|(block, a)| Block { a, ..*block }).collect::<Vec<Block<'_>>>()
        });
        let scaled = Part { a: &a, b: part.b, blocks };
        let of = Design { a: &a, b: part.b, blocks: None, hosts: None, ..*self };
        of.test_of_host(&scaled, random, Scale::Linear)
    }

    /// What each host says, and whether they differ. The verdicts of hosts come when all rows are known.
    pub fn hosts_of_row(
        &self,
        hosts: &'a Hosts<'a>,
        pair: &PairHosts,
        later: &BTreeMap<u32, bool>,
    ) -> RowHosts {
        let tests = self.tests(hosts, self.scale);
        let errors: Vec<TTest> = tests.iter().copied().filter(|test| test.se.is_finite()).collect();
        let differ = stats::heterogeneity(&errors).ok().map(|found| HostsDiffer {
            f: found.f,
            df_between: found.df_between,
            df_within: found.df_within,
            p: found.p,
        });
        let each = hosts.parts.iter().zip(&pair.each).enumerate();
        let each = each.map(|(host, (part, plan))| {
            let of = self.of_host(part);
            let (out, _) = of.outcome();
            HostRow {
                host,
                a: part.a.len(),
                b: part.b.len(),
                blocks: part.complete(),
                counted: self.test_of_host(part, hosts.random, self.scale).is_some(),
                model: out.model,
                ratio: out.ratio,
                ratio_ci: out.ratio_ci,
                diff: out.diff,
                diff_ci: out.diff_ci,
                test: out.test.as_ref().and_then(ModelTest::of),
                p: out.p,
                q: None,
                verdict: Verdict::Invalid,
                reason: None,
                b_later: if plan.in_order { later_of(plan, later) } else { Vec::new() },
                blocked: plan.blocked,
            }
        });
        RowHosts { counted: tests.len(), differ, each: each.collect(), random: hosts.random }
    }
}

/// Blocks of a host in which the candidate was booted after the baseline.
fn later_of(plan: &PairHost, later: &BTreeMap<u32, bool>) -> Vec<u32> {
    plan.plan.iter().copied().filter(|block| later.get(block) == Some(&true)).collect()
}

/// The ratio of positive values of several hosts.
pub(crate) fn joined_log(
    a: &[f64],
    b: &[f64],
    hosts: &Hosts<'_>,
) -> Result<RatioOfGeometricMeans, Unavailable> {
    Design::plain(a, b, hosts).log_test()
}
