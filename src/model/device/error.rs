//! Why a device cannot be used.

/// Why a device cannot be used, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The program was built without it.
    #[error("this program was built without {kind}: {}; or use --device cpu", how(kind))]
    NotBuilt {
        /// `cuda` or `metal`.
        kind: &'static str,
    },
    /// There is no driver for NVIDIA's GPUs.
    #[error("no NVIDIA driver here: libcuda.so.1 is not on the loader's path")]
    NoDriver,
    /// A library of CUDA is missing.
    #[error("the NVIDIA driver is here, but {library} is not: {advice}", advice = ADVICE)]
    NoLibrary {
        /// The file.
        library: String,
    },
    /// The driver knows no GPU.
    #[error("the NVIDIA driver finds no GPU ({said})")]
    NoGpu {
        /// What it said.
        said: String,
    },
    /// There is no GPU of that number.
    #[error("there is no cuda:{asked}: the last is cuda:{last}")]
    NoSuchGpu {
        /// The number asked for.
        asked: usize,
        /// The largest there is.
        last: usize,
    },
    /// The driver is older than the CUDA this program was built with.
    #[error(
        "the NVIDIA driver is too old for this program's CUDA kernels ({said}): update it, or build against your CUDA \
         with `cargo build --release --features cuda`"
    )]
    OldDriver {
        /// What it said.
        said: String,
    },
    /// Anything else that went wrong while it was opened or tried.
    #[error("{kind} does not work here: {said}")]
    Broken {
        /// `cuda` or `metal`.
        kind: &'static str,
        /// What was said.
        said: String,
    },
}

const ADVICE: &str = "install CUDA 13's libraries, or name their folder in CUDA_HOME or LD_LIBRARY_PATH (a Python \
                      environment with PyTorch for CUDA 13 has them; docs/GPU.md)";

fn how(kind: &str) -> &'static str {
    match kind {
        "metal" => "on a Mac, build it with `cargo build --release --features metal`",
        _ => "build it with scripts/build_cuda.sh (docs/GPU.md)",
    }
}

/// Runs what may fail or, in the bindings, panic.
#[cfg(any(feature = "cuda", feature = "metal"))]
pub(super) fn guarded<T>(kind: &'static str, work: impl FnOnce() -> candle_core::Result<T>) -> Result<T, DeviceError> {
    let said = match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(error)) => error.to_string(),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
        }
    };
    let said = crate::text::one_line(&said).into_owned();
    let old = ["UNSUPPORTED_PTX_VERSION", "INSUFFICIENT_DRIVER", "INVALID_PTX", "SYSTEM_DRIVER_MISMATCH"];
    if old.iter().any(|word| said.contains(word)) {
        return Err(DeviceError::OldDriver { said });
    }
    Err(DeviceError::Broken { kind, said })
}
