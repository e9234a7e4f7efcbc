//! A reinforcement training of the shipped model on one page: stopped, killed and resumed it is the same training, its
//! rollouts are sessions, and it learns nothing from what it was not rewarded for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod train_support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::Device;
use panelscope::protocol::Profile;
use panelscope::session::read_log;
use panelscope::trace::Trace;
use panelscope::train::rl::settings::RlSettings;
use panelscope::train::rl::trainer::{RlSurroundings, RlTrainer};
use panelscope::train::trainer::Outcome;
use serde_json::Value;
use train_support::Witness;

const STEPS: u64 = 3;

fn settings() -> RlSettings {
    let text = format!(
        r#"
name = "small"
seed = 5
start = "{}"
[rollout]
group = 4
max_tokens = 120
batch = 4
keep = 2
[policy]
updates = 2
segments_per_part = 3
[optimizer]
learning_rate = 1e-3
[run]
log_every = 1
save_every = 1
threads = 2
keep = 9
[[stage]]
name = "count"
steps = 1
pages = 1
data = {{ segments = 3, tasks = ["panel-understanding", "character-counting", "character-identification"], reward = {{ region = 0.0 }} }}
[[stage]]
name = "region"
steps = {}
pages = 1
data = {{ segments = 3, tasks = ["panel-understanding", "character-counting", "character-identification"] }}
"#,
        Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo-rarl").display(),
        STEPS - 1
    );
    RlSettings::parse(&text).unwrap()
}

fn profile() -> Arc<Profile> {
    Arc::new(Profile::builtin("rarl").unwrap())
}

fn start(out: &Path, tool: bool) -> RlTrainer {
    RlTrainer::start(settings(), tool, profile(), out, &Device::Cpu).unwrap()
}

fn resume(out: &Path) -> RlTrainer {
    RlTrainer::resume(settings(), true, profile(), out, &Device::Cpu).unwrap().0
}

fn go(trainer: &mut RlTrainer, stop_after: Option<u64>) -> Outcome {
    let mut witness = Witness { stop_after, ..Witness::default() };
    let stop = Arc::clone(&witness.stop);
    trainer.run(&mut RlSurroundings { validator: None, watch: &mut witness, stop: &stop }).unwrap()
}

fn checkpoint(out: &Path, step: u64) -> PathBuf {
    out.join(format!("checkpoints/step-{step:08}"))
}

fn bytes(out: &Path) -> [Vec<u8>; 2] {
    ["model.safetensors", "state.safetensors"].map(|name| std::fs::read(checkpoint(out, STEPS).join(name)).unwrap())
}

fn lines(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What does not depend on the clock.
fn metrics(out: &Path) -> Vec<Value> {
    let mut all = lines(&out.join("metrics.jsonl"));
    for line in &mut all {
        line.as_object_mut().unwrap().retain(|key, _| !key.contains("second"));
    }
    all
}

#[test]
fn stopped_killed_and_resumed_it_is_the_same_training_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, stopped, killed] = ["whole", "stopped", "killed"].map(|name| folder.path().join(name));
    assert_eq!(go(&mut start(&whole, true), None), Outcome::Finished(whole.join("model")));
    let expected = bytes(&whole);

    let outcome = go(&mut start(&stopped, true), Some(1));
    assert_eq!(outcome, Outcome::Stopped { step: 1, checkpoint: checkpoint(&stopped, 1) });
    go(&mut resume(&stopped), None);
    assert!(expected == bytes(&stopped), "stopped and resumed it has other weights");
    assert_eq!(metrics(&whole), metrics(&stopped));

    // A kill after a step's rollouts and lines were written, before its checkpoint was.
    go(&mut start(&killed, true), None);
    for step in [2, 3] {
        std::fs::remove_dir_all(checkpoint(&killed, step)).unwrap();
    }
    let torn = std::fs::read_to_string(killed.join("rollouts.jsonl")).unwrap();
    std::fs::write(killed.join("rollouts.jsonl"), &torn[..torn.len() - 40]).unwrap();
    go(&mut resume(&killed), None);
    assert!(expected == bytes(&killed), "killed and resumed it has other weights");
    assert_eq!(lines(&whole.join("rollouts.jsonl")), lines(&killed.join("rollouts.jsonl")));
    the_rollouts_are_sessions(&whole);
    the_metrics_tell_each_term(&whole);
}

fn the_rollouts_are_sessions(out: &Path) {
    let all = lines(&out.join("rollouts.jsonl"));
    assert_eq!(all.len(), 3 * 3 * 4);
    let kept: Vec<&Value> = all.iter().filter(|line| line["session"].is_string()).collect();
    assert_eq!(kept.len(), 3 * 2, "two of each step");
    for line in kept {
        let (step, id) = (line["step"].as_u64().unwrap(), line["session"].as_str().unwrap());
        let log = out.join(format!("rollouts/step-{step:06}/{id}.jsonl.zst"));
        let trace = Trace::of(&read_log(&log).unwrap().records);
        assert_eq!(trace.end.as_ref().unwrap().generated, line["tokens"].as_u64().unwrap());
        assert_eq!(trace.score.as_ref().is_some_and(|score| score.value >= 1.0), line["right"].as_bool().unwrap());
        assert_eq!(trace.start.unwrap().question.id, line["question"].as_str().unwrap());
    }
}

fn the_metrics_tell_each_term(out: &Path) {
    for line in metrics(out) {
        for key in ["reward", "reward_answer", "reward_format", "reward_count", "reward_region"] {
            assert!(line[key].is_f64() && line[&format!("{key}_std")].is_f64(), "{key} is missing");
        }
        assert!(line["kl"].as_f64().unwrap() >= 0.0 && line["entropy"].as_f64().unwrap() > 0.0);
        assert!(line["moved"].as_f64().unwrap() < 0.5, "engine and learner disagree: {}", line["moved"]);
        assert!((1..=3).contains(&line["tasks"].as_object().unwrap().len()));
        assert_eq!(line["rollouts"], 12);
    }
}

#[test]
fn without_the_tool_nothing_is_zoomed_and_other_settings_do_not_resume() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("rl");
    go(&mut start(&out, false), None);
    for line in lines(&out.join("rollouts.jsonl")) {
        assert_eq!((&line["zooms"], &line["count"], &line["region"]), (&0.into(), &0.0.into(), &0.0.into()));
    }
    let refused = RlTrainer::resume(settings(), true, profile(), &out, &Device::Cpu).unwrap_err().to_string();
    assert!(refused.contains("tool: false → true"), "{refused}");
    let again = RlTrainer::start(settings(), false, profile(), &out, &Device::Cpu).unwrap_err().to_string();
    assert!(again.contains("--resume"), "{again}");
}
