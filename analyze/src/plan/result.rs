//! What a plan says.

use crate::show::Spread;
use crate::{Side, Spelled, Warning};
use model::{Keys, Role};
use serde::Serialize;
use stats::SessionVariance;

/// What a comparison will be able to find.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The pilot, from which the spread is taken.
    pub side: Side,
    /// The label of the second result, whose spread counts as much as the pilot's; absent where one was given.
    pub other: Option<String>,
    /// Level of the tests.
    pub alpha: f64,
    /// The share of comparisons that must find a change.
    pub power: f64,
    /// The chance with which the cautious end of each range holds.
    pub confidence: f64,
    /// Effect that was asked for, as a ratio minus 1; rows use twice their own `min_effect` without it.
    pub effect: Option<f64>,
    /// Boots of each side that were asked for; rows use as many as they have without it.
    pub at: Option<usize>,
    /// The design is that of a campaign; how many boots an effect needs was not asked.
    pub planned: bool,
    /// Both sides will be measured in the blocks of one campaign: from five boots on rows are judged by blocks.
    pub blocks: bool,
    /// The environment whose blocks beside the pilot's tell what is common to a block; absent where none does, and boots of a
    /// block are taken to be no more alike than others.
    pub beside: Option<String>,
    /// The sides share no session; absent where they are measured in turns.
    pub sessions: Option<PlanSessions>,
    /// The rule that stops the campaign.
    pub rule: Option<PlanRule>,
    /// The rows that are decided together.
    pub family: PlanFamily,
    /// Rows of the campaign that is planned of which the pilot tells nothing.
    pub unknown: usize,
    /// Rows that do not gate and were not looked at.
    pub hidden: usize,
    /// As in [`crate::Shown`].
    pub spelled: Vec<Spelled>,
    /// What must be known.
    pub warnings: Vec<Warning>,
    /// One case x one metric each, primary ones first.
    pub rows: Vec<PlanRow>,
}

/// Sides that share no session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanSessions {
    /// Sessions of each side for which power and [`PlanRow::mde`] are told. Several are the replicates, one is judged with the
    /// noise file.
    pub count: usize,
    /// The noise file that says how much they differ; absent where the pilot's own do.
    pub noise: Option<String>,
    /// How much they differ.
    pub variance: SessionVariance,
}

/// A rule that stops a row when its 95 % interval is narrow enough.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PlanRule {
    /// Boots of each side before the first look.
    pub floor: u32,
    /// The half-width that is enough, as a ratio minus 1.
    pub half_width: f64,
}

/// The rows that are decided together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PlanFamily {
    /// How many they are.
    pub size: usize,
    /// No row is primary, so that all gate.
    pub all_rows: bool,
    /// Level of all of them together at the gate.
    pub alpha_rows: f64,
}

/// What one row needs, and what it can show.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanRow {
    /// As in [`crate::Row::id`].
    pub id: String,
    /// Workload.
    pub workload: String,
    /// Canonical category.
    pub category: String,
    /// Factor levels.
    pub case: Keys,
    /// How much the metric counts.
    pub role: Role,
    /// Boots that the spread is taken from.
    pub n: usize,
    /// Coefficient of variation of the boots' values.
    pub cv: Option<f64>,
    /// Correlation of both sides of the pilot over its blocks, with [`Plan::beside`].
    pub correlation: Option<f64>,
    /// The effect, as a ratio minus 1.
    pub effect: f64,
    /// Boots per side with which the verdict finds it; absent when the spread is unknown, in a campaign that is planned and
    /// between sides that share no session.
    pub boots: Option<Boots>,
    /// Sessions per side with which the verdict finds it, of [`PlanRow::at`] boots each; with [`Plan::sessions`] alone.
    pub sessions: Option<Boots>,
    /// Boots per side with which a row that did not change is shown to be EQUIVALENT as often as [`Plan::power`] says; sessions
    /// where [`PlanRow::sessions`] are asked; absent in a campaign that is planned.
    pub equal: Option<Boots>,
    /// How often a row that did not change is shown to be EQUIVALENT with [`PlanRow::at`] boots.
    pub power_equal: Option<Power>,
    /// Boots per side (and session) for which power and [`PlanRow::mde`] are told.
    pub at: usize,
    /// How often the verdict finds the effect with so many, given the family: at the gate, for rows that gate.
    pub power: Option<Power>,
    /// The same of a page of this row alone.
    pub power_alone: Option<Power>,
    /// The smallest change that the verdict finds with so many, given the family.
    pub mde: Option<Effects>,
    /// Boots per side after which the rule stops the row, on average; with [`Plan::rule`] alone.
    pub mean_boots: Option<Means>,
    /// Where the spread comes from.
    pub spread: Option<Spread>,
    /// What makes the estimate sharper.
    pub advice: Advice,
}

/// Boots, or sessions, of each side: with the lower and with the upper bound of the SD. Null is more than were tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Boots {
    /// What may suffice.
    pub low: Option<usize>,
    /// What suffices, as sure as [`Plan::confidence`] says.
    pub high: Option<usize>,
}

/// Numbers of boots: with the lower and with the upper bound of the SD.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Means {
    /// What may be taken.
    pub low: f64,
    /// What is taken, where boots vary most.
    pub high: f64,
}

/// A share of comparisons: with the upper and with the lower bound of the SD.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Power {
    /// What is reached, as sure as [`Plan::confidence`] says.
    pub low: f64,
    /// What may be reached.
    pub high: f64,
}

/// Sizes of a change, as ratios minus 1: with the lower and with the upper bound of the SD. Null is more than a hundredfold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Effects {
    /// What may be found.
    pub low: Option<f64>,
    /// What is found, as sure as [`Plan::confidence`] says.
    pub high: Option<f64>,
}

/// What to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Advice {
    /// More boots: most of the spread is between them.
    Boots,
    /// Longer sessions or more iterations in each boot: most of the spread is within them.
    Iterations,
    /// Nothing is known of the spread within boots; more boots help in any case.
    Unknown,
    /// Nothing varies.
    Nothing,
}
