#!/usr/bin/env bash
# Everything there is to check and measure on a machine with an NVIDIA GPU. See docs/GPU.md.
#
#   scripts/gpu_check.sh [OUT]       (default: target/gpu-check; the build takes 15 minutes and more, the rest a few)
#
# Writes OUT/parity.txt, OUT/bench.json, OUT/bench.txt, OUT/peer.txt. Without a GPU everything runs and says what it did not prove.
# SHAPE=3b measures the smaller shape; PANELSCOPE_GPU=required makes a missing GPU a failure; BUILD=no uses what was built before.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-target/gpu-check}
mkdir -p "$out"
if [ "${BUILD:-yes}" = yes ]; then scripts/build_cuda.sh --checks; fi
built=${CARGO_TARGET_DIR:-target/cuda}
# Cargo numbers tests and benches: the newest of each name is the one just built.
newest() {
    find "$built"/*/release/deps -maxdepth 1 -type f -name "$1-*" -perm -u+x -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-
}
"$(find "$built" -path '*/release/panelscope' -type f | head -n 1)" doctor | tee "$out/doctor.txt"
"$(newest gpu_parity)" --nocapture --test-threads 1 2>&1 | tee "$out/parity.txt"
rm -f "$out/bench.json"
"$(newest gpu)" --shape "${SHAPE:-7b}" --json "$out/bench.json" 2>&1 | tee "$out/bench.txt"
if python3 -c 'import torch, transformers' 2> /dev/null; then
    if [ -e "$out/bench.json" ]; then ours=(--ours "$out/bench.json"); else ours=(); fi
    python3 scripts/peer_gpu.py "${ours[@]}" 2>&1 | tee "$out/peer.txt"
else
    echo "no peer: torch and transformers are not installed" | tee "$out/peer.txt"
fi
