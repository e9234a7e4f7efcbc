//! `panelscope train` as a person runs it: a reinforcement training of the shipped model on a page, killed and resumed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod alone;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const SMALL: [&str; 8] = [
    "stage.0.steps=4",
    "stage.0.pages=1",
    "stage.0.data.segments=3",
    "rollout.group=4",
    "rollout.keep=2",
    "run.save_every=1",
    "run.validate_every=0",
    "run.threads=2",
];

fn train(out: &Path, more: &[&str]) -> Command {
    let mut command = alone::program();
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(["train", "rarl", "--config", "assets/train/rarl-quick.toml"]);
    command.args(["--start", "assets/demo-rarl", "--out"]).arg(out).args(more);
    command.args(SMALL.iter().flat_map(|set| ["--set", set]));
    command
}

fn done(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

fn weights(out: &Path) -> Vec<u8> {
    std::fs::read(out.join("checkpoints/step-00000004/model.safetensors")).unwrap()
}

#[test]
fn killed_and_resumed_it_gives_the_weights_of_an_unbroken_run_and_its_rollouts_open() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
    let said = done(&train(&whole, &[]).output().unwrap());
    assert!(said.contains("step 4 · region") && said.contains("done: the model is in"), "{said}");

    let mut child = train(&broken, &[]).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while !broken.join("checkpoints/step-00000001").exists() {
        assert!(began.elapsed() < Duration::from_secs(120), "no checkpoint after two minutes");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!broken.join("checkpoints/step-00000004").exists(), "it was killed too late to prove anything");
    done(&train(&broken, &["--resume"]).output().unwrap());
    assert!(weights(&whole) == weights(&broken), "killed and resumed it has other weights");

    let panelscope = |args: &[&str]| {
        let mut command = alone::program();
        done(&command.args(args).current_dir(folder.path()).output().unwrap())
    };
    let mut list = alone::program();
    let listed = list.args(["sessions", "list", "--sessions"]).arg(broken.join("rollouts")).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    for step in ["step-000001-q00-s00", "step-000004-q00-s01"] {
        assert!(listed.contains(step), "{step} is not in\n{listed}");
    }
    panelscope(&["train", "plot", "broken", "--out", "b.svg"]);
    let svg = std::fs::read_to_string(folder.path().join("b.svg")).unwrap();
    assert!(svg.contains("<svg") && svg.contains("reward"));
}

#[test]
fn what_is_wrong_is_said_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let fails = |more: &[&str]| {
        let mut command = alone::program();
        command.current_dir(env!("CARGO_MANIFEST_DIR")).args(["train", "rarl", "--out"]).arg(folder.path().join("o"));
        let output = command.args(more).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let quick = ["--config", "assets/train/rarl-quick.toml"];
    let nowhere = fails(&[&quick[..], &["--start", "nowhere"]].concat());
    assert!(nowhere.contains("nowhere: no checkpoint to start from"), "{nowhere}");
    let unknown = fails(&[&quick[..], &["--set", "reward.regoin=0"]].concat());
    assert!(unknown.contains("regoin"), "{unknown}");
    let alone = fails(&[&quick[..], &["--set", "rollout.group=1"]].concat());
    assert!(alone.contains("rollout.group is 1"), "{alone}");
    assert!(fails(&["--config", "assets/train/sft-r-quick.toml"]).contains("sft-r-quick.toml"));
}
