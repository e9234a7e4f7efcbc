//! The whole way once: drawn pages, a few steps, a checkpoint that the engine runs with its tool.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use candle_core::Device;
use panelscope::model::{FileSource, ImageProcessor, read_tokenizer};
use panelscope::protocol::Profile;
use panelscope::train::batch::TrainPage;
use panelscope::train::config::Settings;
use panelscope::train::data::DrawnSource;
use panelscope::train::pack::pack;
use panelscope::train::schedule::locate;
use panelscope::train::shape::ModelShape;
use panelscope::train::source::PageSource;
use panelscope::train::trainer::{Outcome, Surroundings, Trainer, Watch};
use panelscope::train::validate::ToolValidator;
use serde_json::Value;

#[derive(Default)]
struct Lines(Vec<Value>);

impl Watch for Lines {
    fn step(&mut self, _: u64, _: u64, _: &str, _: f64) {}
    fn line(&mut self, line: &Value) {
        self.0.push(line.clone());
    }
    fn say(&mut self, _: &str) {}
    fn saved(&mut self, _: &Path) {}
}

fn quick() -> Settings {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/train/sft-r-quick.toml");
    let mut settings = Settings::open(&file, &[]).unwrap();
    for stage in &mut settings.stages {
        (stage.steps, stage.pages, stage.warmup) = (2, 2, 0);
    }
    (settings.run.log_every, settings.run.validate_every, settings.run.validate_questions) = (1, 4, 4);
    settings
}

fn source(settings: &Settings) -> DrawnSource {
    let folder = FileSource::Folder(settings.files.clone());
    let tokenizer = read_tokenizer(&folder).unwrap().unwrap();
    let processor = std::fs::read_to_string(settings.files.join("preprocessor_config.json")).unwrap();
    let processor = ImageProcessor::from_json(&processor).unwrap();
    DrawnSource::new(tokenizer, processor, Profile::builtin("rarl").unwrap()).unwrap()
}

#[test]
fn a_quick_training_runs_from_pages_to_validation() {
    let folder = tempfile::tempdir().unwrap();
    let settings = quick();
    let source = source(&settings);
    let stop = Arc::new(AtomicBool::new(false));
    let mut validator = ToolValidator {
        tool: true,
        bench: settings.run.validate_bench.clone(),
        profile: Arc::new(Profile::builtin("rarl").unwrap()),
        stop: Arc::clone(&stop),
    };
    let mut trainer = Trainer::start(settings, &folder.path().join("out"), &Device::Cpu).unwrap();
    let mut lines = Lines::default();
    let mut around = Surroundings { source: &source, validator: Some(&mut validator), watch: &mut lines, stop: &stop };
    let outcome = trainer.run(&mut around).unwrap();
    assert_eq!(outcome, Outcome::Finished(folder.path().join("out/model")));
    let lines = lines.0;
    assert_eq!(lines.len(), 4);
    assert_eq!((&lines[1]["stage"], &lines[2]["stage"]), (&"text".into(), &"trajectories".into()));
    // Text only: nothing is seen, so no head learns; later all do.
    let learning =
        |line: &Value| line["aux"].as_object().unwrap().values().filter(|loss| loss.as_f64().unwrap() > 0.0).count();
    assert_eq!((learning(&lines[0]), learning(&lines[3])), (0, 12));
    assert_eq!(lines[3]["questions"], 4);
    let number = |line: &Value, key: &str| line[key].as_f64().unwrap();
    assert!(lines.iter().all(|line| number(line, "loss").is_finite() && number(line, "gradient_norm") > 0.0));
}

#[test]
fn the_same_step_has_the_same_pages_and_fits_the_heads() {
    let settings = quick();
    let source = source(&settings);
    let (stage, _) = locate(&settings.stages, 3).unwrap();
    let pages = source.pages(stage, 3).unwrap();
    let said = |pages: &[TrainPage]| format!("{pages:?}");
    assert_eq!(said(&pages), said(&source.pages(stage, 3).unwrap()));
    assert_ne!(said(&pages), said(&source.pages(stage, 2).unwrap()));
    let folder = tempfile::tempdir().unwrap();
    let trainer = Trainer::start(settings.clone(), folder.path(), &Device::Cpu).unwrap();
    let shape: &ModelShape = trainer.shape();
    let packed = pack(&pages, shape, &settings.loss.heads).unwrap();
    assert_eq!(packed.labels.len(), 12);
    assert!(packed.targets.iter().any(|target| target.weight > 1.0));
}
