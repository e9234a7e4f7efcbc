#!/bin/sh
# The comparison of docs/EXPERIMENT.md from end to end: cold start, SFT-S, SFT-R, RL, RARL, ablations, held-out evaluation.
#
#   scripts/experiment.sh [OUT]          (default: runs/experiment; about an hour on 2 cores)
#
# What is done already is skipped, what was interrupted goes on. PANELSCOPE names the program, QUESTIONS the number of
# held-out questions (2100: 300 a task), ABLATIONS=0 leaves the short trainings out. Needs python3 for the tables.
set -eu
cd "$(dirname "$0")/.."
out=${1:-runs/experiment}
program=${PANELSCOPE:-target/release/panelscope}
questions=${QUESTIONS:-2100}
bench=synth:12
recipes=assets/train/experiment
mkdir -p "$out/eval"

# train KIND RECIPE NAME [flags …]
train() {
    kind=$1 recipe=$2 name=$3
    shift 3
    if [ -d "$out/$name/model" ]; then return; fi
    resume=
    if [ -d "$out/$name/checkpoints" ]; then resume=--resume; fi
    echo "== $kind: $name" >&2
    "$program" train "$kind" --config "$recipe" --out "$out/$name" $resume "$@"
}

# ask LABEL MODEL [flags …]
ask() {
    label=$1 model=$2
    shift 2
    if [ -s "$out/eval/$label.json" ]; then return; fi
    echo "== held-out questions: $label" >&2
    "$program" run --bench "$bench" --limit "$questions" --concurrency 32 --no-record --json --model "$model" "$@" > "$out/eval/$label.json.part"
    mv "$out/eval/$label.json.part" "$out/eval/$label.json"
}

start="--start $out/cold-start/model"
train sft-r $recipes/cold-start.toml cold-start
train sft-s $recipes/sft-s.toml sft-s
train sft-r $recipes/sft-r.toml sft-r
train sft-r $recipes/sft-r.toml sft-r-exact --set stage.0.data.teacher.grow=0 --set stage.0.data.teacher.shift=0
train rl $recipes/rl.toml rl $start
train rarl $recipes/rarl.toml rarl $start

ask base models/base
ask base-blank-off models/base --page blank --tool off
ask base-blank models/base --page blank
ask base-off models/base --tool off
ask cold-start "$out/cold-start/model"
ask cold-start-off "$out/cold-start/model" --tool off
ask sft-s "$out/sft-s/model" --tool off
ask sft-r "$out/sft-r/model"
ask sft-r-exact "$out/sft-r-exact/model"
ask rl "$out/rl/model" --tool off
ask rarl "$out/rarl/model"
ask rarl-off "$out/rarl/model" --tool off
ask rarl-swapped "$out/rarl/model" --crop swapped
ask rarl-greyed "$out/rarl/model" --crop greyed

if [ "${ABLATIONS:-1}" != 0 ]; then
    quick=assets/train/rarl-quick.toml
    train rarl $quick quick $start
    train rarl $quick quick-no-region $start --set reward.region=0
    train rarl $quick quick-no-count $start --set reward.count=0
    train rarl $quick quick-no-gate $start --set reward.gate=false
    for name in quick quick-no-region quick-no-count quick-no-gate; do
        ask "$name" "$out/$name/model"
    done
fi

python3 scripts/experiment_tables.py "$out"
