#!/usr/bin/env bash
# Everything there is to check and measure on a machine with an NVIDIA GPU. See docs/GPU.md.
#
#   scripts/gpu_check.sh [OUT]       (default: target/gpu-check; the build takes 15 minutes and more, the rest a few)
#
# Writes OUT/doctor.txt, OUT/parity.txt, OUT/bench.json, OUT/bench.txt, OUT/peer.txt. A step that fails does not keep the others from
# running; the last line says which failed, and the exit code is then 1. Without a GPU everything runs and says what it did not prove.
# SHAPE=3b measures the smaller shape; PANELSCOPE_GPU=required makes a missing GPU a failure; BUILD=no uses what was built before.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-target/gpu-check}
shape=${SHAPE:-7b}
mkdir -p "$out"

# The build's last line is the program; tests and benches lie beside it.
if [ "${BUILD:-yes}" = yes ]; then
    program=$(scripts/build_cuda.sh --checks | tee /dev/stderr | tail -n 1)
else
    program=${CARGO_TARGET_DIR:-target/cuda}/$(rustc -vV | sed -n 's/^host: //p')/release/panelscope
fi
# Cargo numbers tests and benches: the newest of each name is the one just built.
newest() {
    { find "$(dirname "$program")/deps" -maxdepth 1 -type f -name "$1-*" -perm -u+x -printf '%T@ %p\n' 2> /dev/null || true; } |
        sort -n | tail -n 1 | cut -d ' ' -f 2-
}
parity=$(newest gpu_parity)
bench=$(newest gpu)
if [ ! -x "$program" ] || [ -z "$parity" ] || [ -z "$bench" ]; then
    echo "gpu_check.sh: nothing was built at $program; run it without BUILD=no" >&2
    exit 1
fi

failed=()
# step NAME COMMAND…: what it says goes to OUT/NAME.txt, too.
step() {
    local name=$1
    shift
    "$@" 2>&1 | tee "$out/$name.txt" || failed+=("$name")
}
step doctor "$program" doctor
step parity "$parity" --nocapture --test-threads 1
rm -f "$out/bench.json"
step bench "$bench" --shape "$shape" --json "$out/bench.json"
if python3 -c 'import torch, transformers' 2> /dev/null; then
    ours=()
    if [ -e "$out/bench.json" ]; then ours=(--ours "$out/bench.json"); fi
    step peer python3 scripts/peer_gpu.py --shape "$shape" ${ours[@]+"${ours[@]}"}
else
    echo "no peer: torch and transformers are not installed" | tee "$out/peer.txt"
fi
if [ ${#failed[@]} -gt 0 ]; then
    echo "gpu_check.sh: failed: ${failed[*]} (see $out)" >&2
    exit 1
fi
