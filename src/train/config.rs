//! Settings of a training: one TOML file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::batch::HeadSpec;
use super::error::{Result, TrainError, io};
use super::optim::OptimiserSpec;
use super::schedule::Stage;
use super::shape::{TextShape, VisionShape};

/// Longest settings file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Everything a training depends on, except the data's code.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Name of the model.
    pub name: String,
    /// Seed of weights and data.
    pub seed: u64,
    /// Folder with `tokenizer.json` and `preprocessor_config.json` (and perhaps `generation_config.json`), relative to
    /// the settings file.
    pub files: PathBuf,
    /// Architecture.
    pub model: ModelSettings,
    /// Optimiser.
    #[serde(default)]
    pub optimizer: OptimiserSpec,
    /// Loss.
    #[serde(default)]
    pub loss: LossSettings,
    /// Saving, logging, threads.
    #[serde(default)]
    pub run: RunSettings,
    /// What is learnt, in order.
    #[serde(rename = "stage")]
    pub stages: Vec<Stage>,
}

/// The two towers.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSettings {
    /// Text tower.
    pub text: TextShape,
    /// Vision tower.
    pub vision: VisionShape,
}

/// Auxiliary heads and their weight.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LossSettings {
    /// Weight of all heads together.
    pub aux_weight: f64,
    /// The heads, in the order labels come in.
    pub heads: Vec<HeadSpec>,
}

/// What does not change the result (except the rounding, by `pages_per_part`).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunSettings {
    /// Steps between lines of `metrics.jsonl`.
    pub log_every: u64,
    /// Steps between checkpoints.
    pub save_every: u64,
    /// Steps between validations; 0 for none.
    pub validate_every: u64,
    /// Held-out questions a validation asks.
    pub validate_questions: usize,
    /// The benchmark they come from; results are reported on another.
    pub validate_bench: String,
    /// Threads; 0 takes what the machine has.
    pub threads: usize,
    /// Pages computed together; gradients are added.
    pub pages_per_part: usize,
    /// Checkpoints kept.
    pub keep: usize,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            log_every: 10,
            save_every: 500,
            validate_every: 0,
            validate_questions: 100,
            validate_bench: "synth:4001".into(),
            threads: 0,
            pages_per_part: 2,
            keep: 2,
        }
    }
}

impl RunSettings {
    /// Threads to use on this machine.
    pub fn workers(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads.min(256),
        }
    }
}

impl Settings {
    /// Reads and checks a settings file.
    ///
    /// # Errors
    /// A file that cannot be read, a key nobody knows, a number out of range: named, with its place.
    pub fn open(path: &Path) -> Result<Self> {
        let size = std::fs::metadata(path).map_err(io(path))?.len();
        if size > MAX_FILE {
            return Err(settings(path, format!("{size} bytes are too many for a settings file")));
        }
        let text = std::fs::read_to_string(path).map_err(io(path))?;
        let mut parsed = Self::parse(&text).map_err(|message| settings(path, message))?;
        if parsed.files.is_relative() {
            parsed.files = path.parent().unwrap_or(Path::new("")).join(&parsed.files);
        }
        Ok(parsed)
    }

    /// Parses and checks the text of a settings file.
    ///
    /// # Errors
    /// What is wrong, with line and column where the parser knows them.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let parsed: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        parsed.check()?;
        Ok(parsed)
    }

    fn check(&self) -> std::result::Result<(), String> {
        if self.stages.is_empty() {
            return Err("there is no [[stage]]".into());
        }
        self.stages.iter().try_for_each(Stage::check)?;
        let o = &self.optimizer;
        let positive = [("learning_rate", o.learning_rate), ("eps", o.eps), ("clip", o.clip)];
        if let Some((name, value)) = positive.iter().find(|(_, value)| !(value.is_finite() && *value > 0.0)) {
            return Err(format!("optimizer.{name} is {value}; it must be above 0"));
        }
        if o.betas.iter().any(|beta| !(0.0..1.0).contains(beta)) || !(0.0..1.0).contains(&o.weight_decay) {
            return Err("optimizer.betas and weight_decay must lie in 0 … 1".into());
        }
        if let Some(muon) = &o.muon {
            let good = muon.learning_rate.is_finite() && muon.learning_rate > 0.0;
            if !good || !(0.0..1.0).contains(&muon.momentum) || !(0.0..1.0).contains(&muon.weight_decay) {
                return Err("optimizer.muon: learning_rate must be above 0, momentum and weight_decay in 0 … 1".into());
            }
        }
        if !(self.loss.aux_weight.is_finite() && self.loss.aux_weight >= 0.0) {
            return Err(format!("loss.aux_weight is {}; it must be 0 or more", self.loss.aux_weight));
        }
        for head in &self.loss.heads {
            let named = |other: &HeadSpec| other.labels.is_none() && Some(&other.name) == head.labels.as_ref();
            if head.labels.is_some() && !self.loss.heads.iter().any(named) {
                return Err(format!("loss.heads: {:?} takes labels from a head that does not exist", head.name));
            }
            let good = |weight: f32| weight.is_finite() && weight >= 0.0;
            if !head.words.is_empty() && head.classes != 0 {
                return Err(format!("loss.heads: {:?} has words, so its classes follow from them", head.name));
            }
            if !(2..=65_536).contains(&head.classes()) || !good(head.weight) || !good(head.background_weight) {
                return Err(format!("loss.heads: {:?} needs 2 … 65536 classes and weights of 0 or more", head.name));
            }
        }
        let run = &self.run;
        if run.log_every == 0 || run.save_every == 0 || run.pages_per_part == 0 || run.keep == 0 {
            return Err("run.log_every, save_every, pages_per_part and keep must be 1 or more".into());
        }
        Ok(())
    }

    /// Steps of all stages.
    pub fn steps(&self) -> u64 {
        self.stages.iter().map(|stage| stage.steps).sum()
    }

    /// The settings that decide the result, for comparing a checkpoint's with the file's.
    pub fn fingerprint(&self) -> serde_json::Value {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(object) = value.as_object_mut() {
            object.remove("files");
            object.remove("run");
            // The size of a part decides the order of sums; the number of threads does not.
            object.insert("pages_per_part".into(), self.run.pages_per_part.into());
        }
        value
    }
}

fn settings(path: &Path, message: impl Into<String>) -> TrainError {
    TrainError::Settings { path: path.into(), message: message.into() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const SMALL: &str = r#"
name = "tiny"
seed = 3
files = "files"
[model.text]
vocab = 40
hidden = 16
layers = 2
heads = 2
kv_heads = 1
intermediate = 24
rope_theta = 1000.0
mrope_section = [1, 1, 2]
[model.vision]
hidden = 16
depth = 2
heads = 2
intermediate = 20
full_attention = [1]
[[stage]]
name = "one"
steps = 4
"#;

    #[test]
    fn unknown_keys_and_bad_numbers_are_named() {
        assert_eq!(Settings::parse(SMALL).unwrap().steps(), 4);
        let fails = |from: &str, to: &str| Settings::parse(&SMALL.replace(from, to)).unwrap_err();
        let unknown = fails("seed = 3", "seed = 3\nsede = 4");
        assert!(unknown.contains("sede") && unknown.contains("line 4"), "{unknown}");
        assert!(fails("steps = 4", "steps = 4\nspeed = 1").contains("speed"));
        assert!(fails("steps = 4", "steps = 0").contains("steps"));
        assert!(fails("[[stage]]", "[optimizer]\nclip = -1.0\n[[stage]]").contains("optimizer.clip"));
        assert!(fails("hidden = 16\nlayers", "layers").contains("hidden"));
    }

    #[test]
    fn shipped_recipes_are_valid() {
        for text in [include_str!("../../assets/train/demo.toml"), include_str!("../../assets/train/sft-r-quick.toml")]
        {
            let settings = Settings::parse(text).unwrap();
            assert!(settings.steps() > 100 && settings.loss.heads.len() == 12);
        }
    }
}
