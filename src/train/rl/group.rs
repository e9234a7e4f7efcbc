//! Rollouts of one question compared with each other.

use super::rollout::Rollout;

/// Spread below which a group says nothing.
const QUIET: f64 = 1e-6;

/// A group's rewards as advantages: less their mean and, where asked for, over their spread. None where all rewards are
/// alike, so that there is nothing to learn.
pub fn advantages(rewards: &[f64], normalise: bool) -> Option<Vec<f64>> {
    let n = rewards.len().max(1) as f64;
    let mean = rewards.iter().sum::<f64>() / n;
    let spread = spread(rewards, mean);
    if !spread.is_finite() || spread < QUIET {
        return None;
    }
    // As in GRPO the small number only keeps the division finite.
    let scale = if normalise { 1.0 / (spread + 1e-4) } else { 1.0 };
    Some(rewards.iter().map(|reward| (reward - mean) * scale).collect())
}

/// Advantages of rollouts that stand group by group; none for those of groups without signal.
pub fn gains(rollouts: &[Rollout], normalise: bool) -> Vec<Option<f64>> {
    let mut all = Vec::with_capacity(rollouts.len());
    for group in rollouts.chunk_by(|a, b| a.group == b.group) {
        let rewards: Vec<f64> = group.iter().map(|rollout| rollout.reward.total).collect();
        match advantages(&rewards, normalise) {
            Some(found) => all.extend(found.into_iter().map(Some)),
            None => all.resize(all.len() + group.len(), None),
        }
    }
    all
}

/// Standard deviation with n − 1, as `torch.std` has it; 0 for fewer than two.
fn spread(rewards: &[f64], mean: f64) -> f64 {
    let squares: f64 = rewards.iter().map(|reward| (reward - mean).powi(2)).sum();
    if rewards.len() < 2 { 0.0 } else { (squares / (rewards.len() - 1) as f64).sqrt() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn better_than_the_mean_is_positive_and_they_add_up_to_nothing() {
        let found = advantages(&[0.0, 2.0, 4.0], true).unwrap();
        assert!((found.iter().sum::<f64>()).abs() < 1e-12);
        assert!((found[2] - 2.0 / (2.0 + 1e-4)).abs() < 1e-12);
        assert_eq!(advantages(&[0.0, 2.0, 4.0], false).unwrap(), [-2.0, 0.0, 2.0]);
    }

    #[test]
    fn a_group_without_differences_is_left_out() {
        assert_eq!(advantages(&[1.5; 8], true), None);
        assert_eq!(advantages(&[], true), None);
        assert_eq!(advantages(&[3.0], true), None);
        assert_eq!(advantages(&[1.0, f64::NAN], true), None);
    }
}
