//! Progress on stderr: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

use super::metrics::Line;
use super::step::StepLoss;
use super::trainer::Watch;

/// Shows loss, speed and time left.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    lines: bool,
    loss: Option<f64>,
    speed: f64,
}

impl Progress {
    /// A bar over `steps`, of which `done` are done.
    pub fn new(done: u64, steps: u64) -> Self {
        let lines = !std::io::stderr().is_terminal();
        let bar = (!lines).then(|| {
            let bar = ProgressBar::new(steps).with_position(done);
            let template = "{prefix} {bar:24} {pos}/{len} · {msg} · {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.reset_eta();
            bar
        });
        Self { bar, lines, loss: None, speed: 0.0 }
    }

    /// Says something without breaking the bar.
    pub fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    /// Leaves the terminal as it was.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Watch for Progress {
    fn step(&mut self, step: u64, _of: u64, stage: &str, loss: &StepLoss) {
        let mean = self.loss.map_or(loss.total, |mean| 0.95 * mean + 0.05 * loss.total);
        self.loss = Some(mean);
        if let Some(bar) = &self.bar {
            bar.set_prefix(stage.to_owned());
            bar.set_message(format!("loss {mean:.4} · {:.1} samples/s", self.speed));
            bar.set_position(step);
        }
    }

    fn line(&mut self, line: &Line) {
        self.speed = line.samples_per_second;
        if self.lines {
            let check = line.validation.as_ref().map_or(String::new(), |v| {
                format!(
                    " · held out: {:.1} % right, {:.1} % zoom, IoU {:.2}",
                    100.0 * v.accuracy,
                    100.0 * v.zoom_rate,
                    v.iou
                )
            });
            let (step, stage, speed) = (line.step, &line.stage, line.samples_per_second);
            eprintln!("step {step} · {stage} · loss {:.4} · {speed:.1} samples/s{check}", line.loss);
        }
    }

    fn saved(&mut self, checkpoint: &Path) {
        self.say(&format!("saved {}", checkpoint.display()));
    }
}
