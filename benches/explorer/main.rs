//! What the explorer costs: a frame, a key, a token, nothing at all. Prints one table, each figure beside its limit.
//!
//! `cargo bench --bench explorer [-- --in-process]`; headless. Quantiles are over steps, a step's time the best of several rounds. The parts that need a terminal start the real program in a
//! pseudo-terminal (Unix only); `--in-process` leaves them out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod sample;
mod state;
#[cfg(unix)]
mod wire;

use std::time::Duration;

/// One figure with its limit.
pub struct Figure {
    pub what: String,
    pub value: String,
    pub limit: String,
    pub good: Option<bool>,
}

impl Figure {
    /// A time that should not be longer than so many milliseconds.
    pub fn time(what: impl Into<String>, value: Duration, limit_ms: f64) -> Self {
        let ms = value.as_secs_f64() * 1000.0;
        Self {
            what: what.into(),
            value: format!("{ms:.3} ms"),
            limit: format!("{limit_ms} ms"),
            good: Some(ms <= limit_ms),
        }
    }

    /// A number of bytes that should not be greater.
    pub fn bytes(what: impl Into<String>, value: f64, limit: f64) -> Self {
        Self {
            what: what.into(),
            value: format!("{value:.0} B"),
            limit: format!("{limit:.0} B"),
            good: Some(value <= limit),
        }
    }

    /// A figure without a limit.
    pub fn note(what: impl Into<String>, value: impl Into<String>) -> Self {
        Self { what: what.into(), value: value.into(), limit: String::new(), good: None }
    }
}

/// The value below which this share of the times lie.
pub fn quantile(times: &[Duration], share: f64) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    let at = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
    sorted.get(at).copied().unwrap_or_default()
}

/// Times of the same steps, gone through several times.
pub struct Rounds {
    /// Each step's best: on a busy machine a step is sometimes put aside for a while, which says nothing about the program.
    pub best: Vec<Duration>,
    /// Every time that was taken: what a person felt, other programs' work included.
    pub all: Vec<Duration>,
}

impl Rounds {
    /// The 95 % quantile of both, beside the limit; only the first is held against it.
    pub fn p95(&self, what: &str, limit_ms: f64) -> [Figure; 2] {
        let raw = quantile(&self.all, 0.95).as_secs_f64() * 1000.0;
        [
            Figure::time(format!("{what}, p95"), quantile(&self.best, 0.95), limit_ms),
            Figure::note(format!("{what}, p95 of every time taken"), format!("{raw:.3} ms")),
        ]
    }
}

/// Goes through the same steps so many times.
pub fn best_of(rounds: usize, mut round: impl FnMut() -> Vec<Duration>) -> Rounds {
    let mut best = round();
    let mut all = best.clone();
    for _ in 1..rounds {
        let times = round();
        for (best, time) in best.iter_mut().zip(&times) {
            *best = (*time).min(*best);
        }
        all.extend(times);
    }
    Rounds { best, all }
}

/// How often steps are repeated.
pub const ROUNDS: usize = 7;

fn main() {
    let in_process = std::env::args().any(|a| a == "--in-process");
    let figures = state::figures().into_iter();
    #[cfg(unix)]
    let figures = figures.chain(if in_process { Vec::new() } else { wire::figures() });
    #[cfg(not(unix))]
    let _ = in_process;
    let figures: Vec<_> = figures.collect();
    let wide = figures.iter().map(|f| f.what.chars().count()).max().unwrap_or(0);
    println!();
    for figure in &figures {
        let mark = match figure.good {
            Some(true) => "✓",
            Some(false) => "✗ over",
            None => "",
        };
        println!("{:<wide$}  {:>12}  {:>9}  {mark}", figure.what, figure.value, figure.limit);
    }
    let over = figures.iter().filter(|f| f.good == Some(false)).count();
    println!("\n{over} of {} over their limit", figures.iter().filter(|f| f.good.is_some()).count());
}
