//! Progress on stderr: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::trainer::Watch;
use crate::text::{one_line, sanitise};

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

    /// Leaves the terminal as it was.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Watch for Progress {
    fn step(&mut self, step: u64, _of: u64, stage: &str, loss: f64) {
        let mean = self.loss.map_or(loss, |mean| 0.95 * mean + 0.05 * loss);
        self.loss = Some(mean);
        if let Some(bar) = &self.bar {
            bar.set_prefix(stage.to_owned());
            bar.set_message(format!("loss {mean:.4} · {:.1} samples/s", self.speed));
            bar.set_position(step);
        }
    }

    fn line(&mut self, line: &Value) {
        let number = |key: &str| line.get(key).and_then(Value::as_f64);
        self.speed = number("samples_per_second").unwrap_or_default();
        if self.lines {
            let check = number("questions").map_or(String::new(), |_| {
                let of = |key: &str| number(key).unwrap_or_default();
                let (right, zoom, iou) = (100.0 * of("accuracy"), 100.0 * of("zoom_rate"), of("iou"));
                format!(" · held out: {right:.1} % right, {zoom:.1} % zoom, IoU {iou:.2}")
            });
            let stage = line.get("stage").and_then(Value::as_str).unwrap_or_default();
            let (step, loss) = (number("step").unwrap_or_default(), number("loss").unwrap_or(f64::NAN));
            let speed = self.speed;
            eprintln!("step {step} · {} · loss {loss:.4} · {speed:.1} samples/s{check}", one_line(stage));
        }
    }

    /// Says something without breaking the bar.
    fn say(&mut self, text: &str) {
        let text = sanitise(text);
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    fn saved(&mut self, checkpoint: &Path) {
        self.say(&format!("saved {}", checkpoint.display()));
    }
}
