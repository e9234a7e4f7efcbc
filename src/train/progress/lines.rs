//! Plain lines, for files and pipes.

use std::path::Path;

use serde_json::Value;

use super::number;
use crate::text::{one_line, sanitise};
use crate::train::trainer::Watch;

/// Writes a line for every line of metrics.
#[derive(Debug, Default)]
pub struct Lines {}

impl Watch for Lines {
    fn step(&mut self, _step: u64, _of: u64, _stage: &str, _loss: f64) {}

    fn line(&mut self, line: &Value) {
        eprintln!("{}", sentence(line));
    }

    fn say(&mut self, text: &str) {
        eprintln!("{}", sanitise(text));
    }

    fn saved(&mut self, checkpoint: &Path) {
        self.say(&format!("saved {}", checkpoint.display()));
    }
}

/// A line of metrics in words: what is there of step, stage, loss, reward, speed and what was measured with the tool.
fn sentence(line: &Value) -> String {
    let percent = |key: &str| number(line, key).map(|share| 100.0 * share);
    let mut parts = vec![format!("step {}", number(line, "step").unwrap_or_default())];
    parts.extend(line.get("stage").and_then(Value::as_str).map(|stage| one_line(stage).into_owned()));
    parts.extend(number(line, "loss").map(|loss| format!("loss {loss:.4}")));
    parts.extend(number(line, "reward").map(|reward| format!("reward {reward:.3}")));
    parts.extend(number(line, "samples_per_second").map(|speed| format!("{speed:.1} samples/s")));
    if let (Some(right), Some(zoom)) = (percent("accuracy"), percent("zoom_rate")) {
        // A validation has questions; a training by reinforcement tells of its own answers.
        let of = if line.get("questions").is_some() { "held out: " } else { "" };
        let iou = number(line, "iou").map(|iou| format!(", IoU {iou:.2}")).unwrap_or_default();
        parts.push(format!("{of}{right:.1} % right, {zoom:.1} % zoom{iou}"));
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_what_is_there() {
        let line = serde_json::json!({
            "step": 20, "stage": "te\u{1b}xt", "loss": 0.5, "samples_per_second": 19.06, "questions": 48,
            "accuracy": 0.905, "zoom_rate": 1.0, "coverage": 0.8, "iou": 0.701,
        });
        let words = "step 20 · te␛xt · loss 0.5000 · 19.1 samples/s · held out: 90.5 % right, 100.0 % zoom, IoU 0.70";
        assert_eq!(sentence(&line), words);
        let line = serde_json::json!({"step": 3, "loss": null, "reward": 1.9342, "accuracy": 0.5});
        assert_eq!(sentence(&line), "step 3 · reward 1.934");
    }
}
