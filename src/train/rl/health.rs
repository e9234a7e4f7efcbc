//! Watching for a reward that collapses.

use std::collections::VecDeque;

use super::settings::PolicySettings;
use crate::train::error::{Result, TrainError};

/// Mean rewards of the last steps, and the best mean of as many there was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// Oldest first.
    pub recent: VecDeque<f64>,
    /// Best mean so far.
    pub best: f64,
}

impl Health {
    /// Takes in a step's mean reward.
    ///
    /// # Errors
    /// [`TrainError::NotFinite`], or [`TrainError::Collapsed`] where the mean over `patience` steps has fallen below its
    /// share of the best one.
    pub fn check(&mut self, reward: f64, step: u64, settings: &PolicySettings) -> Result<()> {
        if !reward.is_finite() {
            return Err(TrainError::NotFinite { step, what: "reward" });
        }
        let patience = settings.patience as usize;
        if patience == 0 {
            return Ok(());
        }
        self.recent.push_back(reward);
        if self.recent.len() > patience {
            self.recent.pop_front();
        }
        if self.recent.len() < patience {
            return Ok(());
        }
        let mean = self.recent.iter().sum::<f64>() / patience as f64;
        self.best = self.best.max(mean);
        if self.best > 0.0 && mean < settings.collapse * self.best {
            return Err(TrainError::Collapsed { step, mean, best: self.best });
        }
        Ok(())
    }

    /// Whether the last steps went so badly that a checkpoint of them is not worth keeping.
    pub fn declining(&self, settings: &PolicySettings) -> bool {
        let last = self.recent.iter().rev().take(5);
        let count = last.clone().count();
        let mean = last.sum::<f64>() / count.max(1) as f64;
        settings.patience > 0 && count == 5 && self.best > 0.0 && mean < settings.collapse * self.best
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_lasting_fall_is_a_collapse_and_a_bad_step_is_none() {
        let settings = PolicySettings { patience: 4, collapse: 0.5, ..PolicySettings::default() };
        let mut health = Health::default();
        for (step, reward) in [2.0, 2.2, 1.9, 2.1, 0.1, 2.0, 2.1].into_iter().enumerate() {
            health.check(reward, step as u64, &settings).unwrap();
        }
        assert!(!health.declining(&settings));
        let fell = (0..4).map(|step| health.check(0.1, step, &settings)).find_map(std::result::Result::err);
        let said = fell.unwrap().to_string();
        assert!(said.contains("collapsed"), "{said}");
        assert!(Health::default().check(f64::NAN, 3, &settings).is_err());
    }
}
