//! Memory of devices: what is free, what is needed, and what would fit.

use candle_core::Device;

use super::name;
use crate::model::error::ModelError;
use crate::model::memory;

/// Left to the driver's own needs (bytes): contexts, libraries' work space, fragments.
const RESERVE: u64 = 256 << 20;

/// What is free for this process (bytes), where it can be known.
pub(crate) fn free_bytes(device: &Device) -> Option<u64> {
    match device {
        Device::Cpu => memory::available(),
        #[cfg(feature = "cuda")]
        Device::Cuda(device) => super::cuda::free_bytes(device),
        _ => None,
    }
}

/// Refuses `needed` bytes if they exceed what is free; an unknown amount is not refused.
///
/// # Errors
/// [`ModelError::Memory`], [`ModelError::DeviceMemory`].
pub(crate) fn ensure(what: &'static str, needed: u64, device: &Device) -> Result<(), ModelError> {
    if device.is_cpu() {
        return memory::ensure(what, needed, memory::available());
    }
    Room { what, needed: Some(needed), free: free_bytes(device), advice: advice(what) }.check(device)
}

/// An amount of memory held against what there is.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(crate) what: &'static str,
    pub(crate) needed: Option<u64>,
    pub(crate) free: Option<u64>,
    pub(crate) advice: String,
}

impl Room {
    /// Refuses what does not fit.
    ///
    /// # Errors
    /// [`ModelError::DeviceMemory`].
    pub(crate) fn check(self, device: &Device) -> Result<(), ModelError> {
        match (self.needed, self.free) {
            (Some(needed), Some(free)) if needed.saturating_add(RESERVE) > free => Err(self.refusal(device)),
            _ => Ok(()),
        }
    }

    fn refusal(self, device: &Device) -> ModelError {
        let Self { what, needed, free, advice } = self;
        ModelError::DeviceMemory { device: name(device), what, needed, free, advice }
    }

    /// For weights of so many bytes and numbers, and so many bytes besides: names what would fit.
    pub(crate) fn of_weights(weights: u64, numbers: u64, besides: u64, free: Option<u64>) -> Self {
        let needed = weights.saturating_add(besides);
        let bytes = |sixteenths: u64| (numbers.saturating_mul(sixteenths) / 16).saturating_add(besides);
        // Sixteenths of a byte a number.
        let smaller = [("--dtype bf16", 32), ("--quant q8_0", 17), ("--quant q4_k", 9)];
        let fits = |sixteenths: u64| free.is_some_and(|free| bytes(sixteenths).saturating_add(RESERVE) <= free);
        let found = smaller.iter().find(|(_, sixteenths)| bytes(*sixteenths) < needed && fits(*sixteenths));
        let advice = match found {
            Some((flag, sixteenths)) => format!("{flag} takes {} and fits", told(bytes(*sixteenths))),
            None => "use --device cpu, or a smaller model".to_owned(),
        };
        Self { what: "the weights", needed: Some(needed), free, advice }
    }
}

fn advice(what: &str) -> String {
    match what {
        "the image" => "fewer pixels fit (--max-pixels), or use --device cpu",
        "the weights" => "use --quant q8_0, or --device cpu",
        _ => "a shorter context fits (--max-tokens, --max-pixels), or use --quant q8_0 or --device cpu",
    }
    .to_owned()
}

/// Turns a device's own "out of memory" into a sentence with figures; leaves every other error as it is.
pub(crate) fn told_of(error: ModelError, what: &'static str, device: &Device) -> ModelError {
    match &error {
        ModelError::Compute(source) if !device.is_cpu() && is_exhausted(&source.to_string()) => {
            Room { what, needed: None, free: free_bytes(device), advice: advice(what) }.refusal(device)
        }
        _ => error,
    }
}

/// Whether an error of the driver or of its libraries says that memory is used up.
fn is_exhausted(said: &str) -> bool {
    ["OUT_OF_MEMORY", "out of memory", "ALLOC_FAILED", "Failed to create metal resource"]
        .iter()
        .any(|w| said.contains(w))
}

/// Bytes as a person reads them.
pub(crate) fn told(bytes: u64) -> String {
    let gibibytes = bytes as f64 / f64::from(1 << 30);
    if gibibytes >= 1.0 { format!("{gibibytes:.1} GiB") } else { format!("{:.0} MiB", gibibytes * 1024.0) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn weights_that_do_not_fit_are_told_what_would() {
        let seven = 7_600_000_000;
        let refuse =
            |size: u64, free| Room::of_weights(seven * size, seven, GIB, Some(free)).check(&Device::Cpu).unwrap_err();
        let said = refuse(4, 24 * GIB).to_string();
        assert!(
            said.contains("29.3 GiB needed, 24.0 GiB free") && said.contains("--dtype bf16 takes 15.2 GiB"),
            "{said}"
        );
        let said = refuse(2, 12 * GIB).to_string();
        assert!(said.contains("15.2 GiB needed") && said.contains("--quant q8_0 takes 8.5 GiB"), "{said}");
        let said = refuse(2, 7 * GIB).to_string();
        assert!(said.contains("--quant q4_k takes 5.0 GiB"), "{said}");
        let said = refuse(2, 2 * GIB).to_string();
        assert!(said.contains("--device cpu"), "{said}");
        assert!(Room::of_weights(2 * seven, seven, GIB, Some(16 * GIB)).check(&Device::Cpu).is_ok());
        assert!(Room::of_weights(2 * seven, seven, GIB, None).check(&Device::Cpu).is_ok());
    }

    #[test]
    fn the_drivers_words_are_known() {
        for said in
            ["DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")", "CublasError(CUBLAS_STATUS_ALLOC_FAILED)"]
        {
            assert!(is_exhausted(said), "{said}");
        }
        assert!(!is_exhausted("DriverError(CUDA_ERROR_ILLEGAL_ADDRESS)"));
    }
}
