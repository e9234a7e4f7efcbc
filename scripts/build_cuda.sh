#!/usr/bin/env bash
# Builds the program with the CUDA device on a machine that has neither a GPU nor CUDA. See docs/GPU.md.
#
#   scripts/build_cuda.sh [--arch CAP] [--features LIST] [--out DIR] [--checks] [--clean]
#
#     --arch CAP       compute capability to compile for, two or three digits (default 80: runs on 8.0 and everything
#                      newer, where the driver translates it at the first start; 90 is for 9.0 alone, 89 for 8.9)
#     --features LIST  further features, separated by commas: cudnn, flash-attn (both need what docs/GPU.md says)
#     --out DIR        where toolkit and build go (default target/cuda; $CARGO_TARGET_DIR is used if it is set)
#     --checks         also build the parity test and the bench for the GPU
#     --clean          forget a toolkit that was put together before
#
# Needs: cargo, a C and a C++ compiler, python3 with pip, unzip; Linux. The compiler of CUDA comes as Python wheels from the
# package index that pip is set up for (about 100 MB). Prints the path of the program last.
#
# What it does that `cargo build --features cuda` does not: candle links the CUDA libraries so that a program does not
# start without them. Here `--cfg feature="dynamic-loading"` makes the bindings (cudarc) open them at run time, empty
# stand-ins satisfy the linker, and the CUDA runtime goes in statically: one program for machines with and without a GPU.
set -euo pipefail
cd "$(dirname "$0")/.."

arch=80
features=cuda
out=${CARGO_TARGET_DIR:-target/cuda}
checks=no
clean=no
usage() { sed -n '2,/^set /p' "$0" | sed -e '/^set /d' -e 's/^# \{0,1\}//'; }
while [ $# -gt 0 ]; do
    case $1 in
        --arch) arch=${2:?--arch needs a value} && shift ;;
        --features) features=cuda,${2:?--features needs a value} && shift ;;
        --out) out=${2:?--out needs a value} && shift ;;
        --checks) checks=yes ;;
        --clean) clean=yes ;;
        -h | --help) usage && exit 0 ;;
        *) echo "build_cuda.sh: unknown argument $1; see --help" >&2 && exit 2 ;;
    esac
    shift
done
case $arch in
    [0-9][0-9] | [0-9][0-9][0-9]) ;;
    *) echo "build_cuda.sh: --arch is two or three digits, such as 80" >&2 && exit 2 ;;
esac
for tool in cargo rustc cc c++ python3 unzip readelf; do
    command -v "$tool" > /dev/null || { echo "build_cuda.sh: needs $tool" >&2 && exit 1; }
done

if ! python3 -m pip --version > /dev/null 2>&1; then
    echo "build_cuda.sh: needs pip (python3 -m pip)" >&2
    exit 1
fi

# Releases that belong together; the major one is what the libraries at run time must have too.
wheels=(
    nvidia-cuda-nvcc==13.0.88
    nvidia-cuda-crt==13.0.88
    nvidia-nvvm==13.0.88
    nvidia-cuda-runtime==13.0.96
    nvidia-cuda-cccl==13.0.85
)
mkdir -p "$out"
out=$(cd "$out" && pwd)
kit=$out/toolkit
if [ "$clean" = yes ]; then rm -rf "$kit"; fi

# The toolkit: the wheels' common folder, with run bits, the folder names that builds look for, and stand-ins. One of other releases
# is made anew.
if [ "$(cat "$kit/done" 2> /dev/null || true)" != "${wheels[*]}" ]; then
    rm -rf "$kit"
    mkdir -p "$kit/wheels" "$kit/wrap"
    python3 -m pip download --no-deps --only-binary=:all: --dest "$kit/wheels" "${wheels[@]}"
    for wheel in "$kit"/wheels/*.whl; do unzip -q -o "$wheel" -d "$kit/unpacked"; done
    rm -rf "$kit/wheels"
    home=$(dirname "$(dirname "$(find "$kit/unpacked" -path '*/bin/nvcc' | head -n 1)")")
    find "$home/bin" "$home/nvvm/bin" -type f -exec chmod +x {} +
    [ -e "$home/lib64" ] || ln -s lib "$home/lib64"
    ln -s "$home" "$kit/home"
    mkdir -p "$home/lib/stubs"
    for library in cuda nvrtc curand cublas cublasLt cudnn; do
        cc -shared -x c /dev/null -Wl,-soname,"lib$library.so" -o "$home/lib/stubs/lib$library.so"
    done
    # A search for the shared runtime then finds the static one.
    rm -f "$home/lib/libcudart.so"
    cp "$home/lib/libcudart_static.a" "$home/lib/libcudart.a"
    echo "${wheels[*]}" > "$kit/done"
fi

# Object files would hold machine code for one architecture only: add the translatable form, so that newer GPUs can run
# them too. (PTX files are that form already, and nvcc takes one architecture for them.)
cat > "$kit/wrap/nvcc" <<WRAP
#!/bin/sh
for argument; do
    case \$argument in
        --ptx | -ptx | --version) exec "$kit/home/bin/nvcc" "\$@" ;;
    esac
done
exec "$kit/home/bin/nvcc" "\$@" -gencode=arch=compute_$arch,code=compute_$arch
WRAP
chmod +x "$kit/wrap/nvcc"

target=$(rustc -vV | sed -n 's/^host: //p')
export CUDA_HOME=$kit/home CUDA_PATH=$kit/home NVCC=$kit/wrap/nvcc PATH=$kit/wrap:$PATH
export CUDA_COMPUTE_CAP=$arch CARGO_TARGET_DIR=$out
# With an explicit target the flag does not reach build scripts, which refuse both ways of linking at once.
export RUSTFLAGS="${RUSTFLAGS:-} --cfg feature=\"dynamic-loading\""
flags=(--release --locked --features "$features" --target "$target")
cargo build "${flags[@]}" --bin panelscope
if [ "$checks" = yes ]; then cargo build "${flags[@]}" --test gpu_parity --bench gpu; fi

program=$out/$target/release/panelscope
if readelf -d "$program" | grep -E 'NEEDED.*lib(cuda|cublas|curand|nvrtc|cudart)'; then
    echo "build_cuda.sh: the program is linked to the libraries above and will not start without them" >&2
    exit 1
fi
echo "$program"
