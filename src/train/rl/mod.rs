//! Reinforcement learning with verifiable rewards: GRPO without the zoom tool (RL) and with it in the loop (RARL).
//!
//! A step draws pages, asks each question several times through the engine at temperature ([`rollout`]), rewards what came
//! of it ([`reward`]), compares the rollouts of one question with each other ([`group`]) and moves the policy towards the
//! better ones ([`policy`]). A sample of every step's rollouts is kept as ordinary sessions.
//!
//! Group-relative advantages and the clipped ratio are those of GRPO (DeepSeekMath, arXiv 2402.03300); dropping groups
//! without signal and averaging over tokens follow DAPO (arXiv 2503.14476); the k3 estimate of the divergence is Schulman's.

pub mod group;
pub mod health;
pub mod journal;
pub mod learn;
pub mod metrics;
pub mod policy;
pub mod questions;
pub mod reward;
pub mod rollout;
pub mod settings;
pub mod trainer;
