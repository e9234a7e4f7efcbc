//! Stages and their learning rates.

use serde::{Deserialize, Serialize};

/// One stage of a training: what is learnt from, for how long, how fast.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Name in metrics.
    pub name: String,
    /// Number of steps.
    pub steps: u64,
    /// Pages a step.
    #[serde(default = "pages")]
    pub pages: usize,
    /// Times the optimiser's learning rate.
    #[serde(default = "one")]
    pub rate: f64,
    /// Steps over which the rate rises from 0.
    #[serde(default)]
    pub warmup: u64,
    /// Share of the stage, at its end, over which the rate falls in a straight line.
    #[serde(default)]
    pub decay: f64,
    /// What the rate falls to, as a share.
    #[serde(default = "floor")]
    pub floor: f64,
    /// What the data source should draw.
    #[serde(default)]
    pub data: toml::Table,
}

fn pages() -> usize {
    16
}

fn one() -> f64 {
    1.0
}

fn floor() -> f64 {
    0.02
}

impl Stage {
    /// Checks ranges.
    pub(crate) fn check(&self) -> Result<(), String> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        if self.steps == 0 || !(1..=4096).contains(&self.pages) {
            return Err(format!("stage {:?} needs steps of 1 or more and 1 … 4096 pages", self.name));
        }
        if !(self.rate.is_finite() && self.rate > 0.0 && share(self.decay) && share(self.floor)) {
            return Err(format!("stage {:?}: rate must be above 0, decay and floor between 0 and 1", self.name));
        }
        Ok(())
    }

    /// Factor on the learning rate for a step counted from 0 within the stage.
    pub fn factor(&self, step: u64) -> f64 {
        let rise = if self.warmup == 0 { 1.0 } else { ((step + 1) as f64 / self.warmup as f64).min(1.0) };
        let progress = step as f64 / self.steps as f64;
        let start = 1.0 - self.decay;
        let fall = if progress <= start { 1.0 } else { (1.0 - (progress - start) / self.decay).max(self.floor) };
        self.rate * rise * fall
    }
}

/// The stage a step (counted from 0 over the whole training) falls into, and its number within it.
pub fn locate(stages: &[Stage], step: u64) -> Option<(&Stage, u64)> {
    let mut first = 0;
    stages.iter().find_map(|stage| {
        let inside = step.checked_sub(first).filter(|&at| at < stage.steps);
        first += stage.steps;
        inside.map(|at| (stage, at))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn stage(steps: u64, warmup: u64, decay: f64) -> Stage {
        let data = toml::Table::new();
        Stage { name: "s".into(), steps, pages: 1, rate: 2.0, warmup, decay, floor: 0.1, data }
    }

    #[test]
    fn rate_rises_holds_and_falls_in_a_line() {
        let s = stage(100, 10, 0.4);
        let close =
            |step: u64, value: f64| assert!((s.factor(step) - value).abs() < 1e-12, "{step}: {}", s.factor(step));
        close(0, 0.2);
        close(9, 2.0);
        close(60, 2.0);
        close(80, 1.0);
        close(99, 0.2);
        assert!((stage(5, 0, 0.0).factor(4) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn steps_fall_into_stages() {
        let stages = [stage(3, 0, 0.0), stage(2, 0, 0.0)];
        let at = |step| locate(&stages, step).map(|(s, inside)| (s.steps, inside));
        assert_eq!((at(0), at(2), at(3), at(4), at(5)), (Some((3, 0)), Some((3, 2)), Some((2, 0)), Some((2, 1)), None));
    }
}
