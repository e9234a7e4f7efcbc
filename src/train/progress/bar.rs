//! A bar, for terminals too small for charts.

use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::number;
use crate::text::{one_line, sanitise};
use crate::train::trainer::Watch;

/// Shows loss, speed and time left.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    loss: Option<f64>,
    speed: f64,
}

impl Bar {
    /// A bar over `steps`, of which `done` are done.
    pub(super) fn new(done: u64, steps: u64) -> Self {
        let bar = ProgressBar::new(steps).with_position(done);
        if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len} · {msg} · {eta} left") {
            bar.set_style(style);
        }
        bar.reset_eta();
        Self { bar, loss: None, speed: 0.0 }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Bar {
    fn step(&mut self, step: u64, _of: u64, stage: &str, loss: f64) {
        let mean = self.loss.map_or(loss, |mean| 0.95 * mean + 0.05 * loss);
        self.loss = Some(mean);
        self.bar.set_prefix(one_line(stage).into_owned());
        self.bar.set_message(format!("loss {mean:.4} · {:.1} samples/s", self.speed));
        self.bar.set_position(step);
    }

    fn line(&mut self, line: &Value) {
        self.speed = number(line, "samples_per_second").unwrap_or_default();
    }

    fn say(&mut self, text: &str) {
        self.bar.println(sanitise(text));
    }

    fn saved(&mut self, checkpoint: &Path) {
        self.say(&format!("saved {}", checkpoint.display()));
    }
}
