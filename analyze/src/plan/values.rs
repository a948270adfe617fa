//! The values of a row that is yet to be measured.

use model::Scale;
use stats::SplitMix64;

/// One row, and the change that is looked for in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Change {
    pub scale: Scale,
    /// The mean of the baseline (the geometric one on the log scale); 1 where the unit makes no difference.
    pub base: f64,
    /// SD between boots on the row's scale, without what is common to a block.
    pub sd: f64,
    /// SD between blocks of what is common to the boots of both sides in a block.
    pub shared: f64,
    /// m, as a ratio minus 1.
    pub margin: f64,
    /// Smallest difference that matters, in the metric's unit.
    pub margin_abs: Option<f64>,
    /// The metric is deterministic.
    pub exact: bool,
    /// The row belongs to the family.
    pub in_family: bool,
}

impl Change {
    /// What tells two changes apart, so that those that are alike are looked at once.
    pub fn key(&self) -> [u64; 6] {
        let flags = u64::from(self.scale == Scale::Log)
            | u64::from(self.exact) << 1
            | u64::from(self.in_family) << 2
            | u64::from(self.margin_abs.is_some()) << 3;
        let numbers = [self.base, self.sd, self.shared, self.margin, self.margin_abs.unwrap_or(0.0)];
        let [base, sd, shared, margin, margin_abs] = numbers.map(f64::to_bits);
        [flags, base, sd, shared, margin, margin_abs]
    }

    /// A value: what its session, its block and its boot add.
    fn value(&self, mean: f64, session: f64, rest: f64) -> f64 {
        match self.scale {
            Scale::Log => mean * (session + rest).exp(),
            Scale::Linear => mean * (1.0 + session) + rest,
        }
    }

    /// SD of the mean over so many boots of one session, on the row's scale. A mean of log-normal values is nearly one itself,
    /// with the variance of its logarithm by Fenton (1960).
    fn sd_of_mean(&self, boots: usize) -> f64 {
        let (boots, variance) = (boots.max(1) as f64, self.sd * self.sd);
        match self.scale {
            Scale::Log => (variance.exp_m1() / boots).ln_1p().sqrt(),
            Scale::Linear => (variance / boots).sqrt(),
        }
    }
}

/// How much each side has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// Boots, of each session.
    pub boots: usize,
    /// Sessions, where the sides do not share them; 1 else.
    pub sessions: usize,
}

/// Standard normal numbers of one page.
pub(super) struct Drawn {
    sides: [Vec<f64>; 2],
    blocks: Vec<f64>,
    sessions: [f64; 2],
}

impl Drawn {
    /// For so many boots (or sessions) of each side.
    pub fn of(random: &mut SplitMix64, most: usize) -> Drawn {
        let sessions = [random.next_normal(), random.next_normal()];
        let mut numbers = || (0..most).map(|_| random.next_normal()).collect();
        Drawn { sides: [numbers(), numbers()], blocks: numbers(), sessions }
    }

    /// The values of both sides, of which the second differs by so much.
    pub fn sides(&self, change: &Change, effect: f64, size: Size, session_sd: f64) -> (Vec<f64>, Vec<f64>) {
        let [a, b] = &self.sides;
        let [of_a, of_b] = self.sessions;
        let means = (change.base, change.base + effect * change.base.abs());
        if size.sessions > 1 {
            // Each value is the mean of a session.
            let of_mean = change.sd_of_mean(size.boots);
            let (relative, own) = match change.scale {
                Scale::Log => (0.0, session_sd.hypot(of_mean)),
                Scale::Linear => (session_sd, of_mean),
            };
            let side = |normals: &[f64], mean: f64| -> Vec<f64> {
                let sd = own.hypot(relative * mean);
                normals.iter().take(size.sessions).map(|z| change.value(mean, 0.0, sd * z)).collect()
            };
            return (side(a, means.0), side(b, means.1));
        }
        let side = |normals: &[f64], mean: f64, session: f64| -> Vec<f64> {
            let boot = |(z, block): (&f64, &f64)| {
                change.value(mean, session_sd * session, change.shared * block + change.sd * z)
            };
            normals.iter().zip(&self.blocks).take(size.boots).map(boot).collect()
        };
        (side(a, means.0, of_a), side(b, means.1, of_b))
    }
}
