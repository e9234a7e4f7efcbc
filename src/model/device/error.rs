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

/// A version as CUDA counts them, in words: 13000 is 13.0.
#[cfg(any(feature = "cuda", test))]
pub(super) fn version_name(version: u32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

/// Refuses a driver that understands an older CUDA than the one the program was built with: it cannot translate the
/// program's kernels.
#[cfg(any(feature = "cuda", test))]
pub(super) fn refuse_old(driver: u32, built: u32) -> Result<(), DeviceError> {
    if driver >= built {
        return Ok(());
    }
    let (driver, built) = (version_name(driver), version_name(built));
    Err(DeviceError::OldDriver { said: format!("it understands CUDA {driver}, this program was built with {built}") })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_below_the_programs_cuda_is_told_with_both_versions() {
        for driver in [13_000, 13_010, 14_000] {
            assert_eq!(refuse_old(driver, 13_000), Ok(()));
        }
        for (driver, name) in [(12_080, "12.8"), (12_090, "12.9"), (11_040, "11.4")] {
            let said = refuse_old(driver, 13_000).map_err(|error| error.to_string());
            let wanted = format!("understands CUDA {name}, this program was built with 13.0");
            assert!(said.as_ref().is_err_and(|said| said.contains(&wanted) && said.contains("update it")), "{said:?}");
        }
    }
}
