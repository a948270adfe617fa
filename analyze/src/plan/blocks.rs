//! What the boots of a block have in common, as the other environments of a pilot's campaign tell.

use crate::input::environments;
use crate::options::{CompareOptions, TestChoice};
use crate::scale::on_scale;
use crate::warnings::note;
use crate::{AnalyzeError, Row, Sample, Warning, compare};
use model::RunFile;
use model::store::{self, RUN_FILE};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Variances of a row on its scale, of one boot, as the blocks of two environments tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Paired {
    /// Of what is not common to a block: half of that of the blocks' differences.
    pub within: f64,
    /// Of everything: the mean of both sides'.
    pub total: f64,
    /// Complete blocks - 1.
    pub df: f64,
}

/// What the blocks of a pilot tell.
#[derive(Default)]
pub(super) struct Blocks {
    /// The environment that stood beside the pilot.
    pub beside: Option<String>,
    /// By row.
    pub rows: HashMap<String, Paired>,
    /// Why they tell nothing, where they should.
    pub warning: Option<Warning>,
}

impl Blocks {
    /// Of the first other environment that was measured in the blocks of the pilot, of `second` alone where it is given; nothing
    /// where there is none.
    pub fn of(options: &CompareOptions, pilot: &Path, second: Option<&Path>) -> Blocks {
        match Blocks::read(options, pilot, second) {
            Ok(found) => found.unwrap_or_default(),
            Err(error) => {
                let text = format!(
                    "the other environments of the pilot's campaign tell nothing of its blocks: {error}"
                );
                let advice = "what is common to a block is not known, and boots count as if nothing were";
                Blocks { warning: Some(note("pilot-blocks", text, advice, 1)), ..Blocks::default() }
            }
        }
    }

    fn read(
        options: &CompareOptions,
        pilot: &Path,
        second: Option<&Path>,
    ) -> Result<Option<Blocks>, AnalyzeError> {
        if !pilot.join(RUN_FILE).is_file() {
            return Ok(None);
        }
        let own: RunFile = store::read_json(&pilot.join(RUN_FILE), model::run::RUN_FORMAT)?;
        let all = match second {
            Some(second) => Some(vec![second.to_owned()]).filter(|_| second.join(RUN_FILE).is_file()),
            None => environments(&pilot.join(".."))?,
        };
        for other in all.unwrap_or_default() {
            let run: RunFile = store::read_json(&other.join(RUN_FILE), model::run::RUN_FORMAT)?;
            let common = common_blocks(&own, &run);
            if run.campaign != own.campaign || run.environment == own.environment || common.len() < 2 {
                continue;
            }
            let paths = vec![pilot.to_owned(), other];
            // How they compare is not asked: only their values are looked at.
            let options = CompareOptions {
                paths,
                test: TestChoice::Auto,
                noise: None,
                ..CompareOptions::new(options.conf.clone(), Vec::new())
            };
            let rows = compare(&options)?.rows;
            let paired = |row: &Row| Some((row.id.clone(), Paired::of(row, &common)?));
            let rows = rows.iter().filter_map(paired).collect();
            return Ok(Some(Blocks { beside: Some(run.environment), rows, warning: None }));
        }
        Ok(None)
    }
}

/// Blocks of the plan that hold both environments.
fn common_blocks(a: &RunFile, b: &RunFile) -> Vec<u32> {
    let holds = |members: &[String]| members.contains(&a.environment) && members.contains(&b.environment);
    let blocks = a.blocks.iter().filter(|block| !block.sequential && holds(&block.environments));
    blocks.map(|block| block.block).collect()
}

impl Paired {
    /// `None`: fewer than two complete blocks, or more boots of a side in one, of which nothing is asked here.
    fn of(row: &Row, common: &[u32]) -> Option<Paired> {
        let side = |sample: &Sample| -> Option<BTreeMap<u32, f64>> {
            let values = on_scale(&sample.values, row.scale);
            let known: BTreeMap<u32, f64> = sample
                .blocks
                .iter()
                .copied()
                .zip(values)
                .filter(|(block, _)| common.contains(block))
                .collect();
            (sample.blocks.len() == sample.values.len() && known.len() == sample.blocks.len())
                .then_some(known)
        };
        let (a, b) = (side(&row.a)?, side(&row.b)?);
        let pairs: Vec<(f64, f64)> = a.iter().filter_map(|(block, x)| Some((*x, *b.get(block)?))).collect();
        let variance = |values: Vec<f64>| Some(stats::moments(&values).ok()?.sd?.powi(2));
        let differences = variance(pairs.iter().map(|(x, y)| y - x).collect())?;
        let of_a = variance(pairs.iter().map(|(x, _)| *x).collect())?;
        let of_b = variance(pairs.iter().map(|(_, y)| *y).collect())?;
        Some(Paired { within: 0.5 * differences, total: 0.5 * (of_a + of_b), df: pairs.len() as f64 - 1.0 })
    }
}
