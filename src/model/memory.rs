//! Memory is estimated before it is asked for, and refused with figures.

use super::error::ModelError;

/// Left to everything else in the process and the system (bytes).
const RESERVE: u64 = 64 << 20;

/// What the system says it could give without swapping (bytes): `MemAvailable` of `/proc/meminfo`; `None` where there
/// is no such file.
pub fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    parse_available(&text)
}

fn parse_available(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Refuses `needed` bytes if they exceed `available` less a reserve; an unknown amount is not refused.
///
/// # Errors
/// [`ModelError::Memory`] with both figures.
pub(crate) fn ensure(what: &'static str, needed: u64, available: Option<u64>) -> Result<(), ModelError> {
    match available {
        Some(available) if needed.saturating_add(RESERVE) > available => {
            Err(ModelError::Memory { what, needed, available })
        }
        _ => Ok(()),
    }
}

/// Bytes of so many f32 numbers; saturates.
pub(crate) fn f32_bytes(count: u64) -> u64 {
    count.saturating_mul(4)
}

/// Product of sizes as u64; saturates.
pub(crate) fn product(sizes: &[usize]) -> u64 {
    sizes.iter().fold(1_u64, |product, size| product.saturating_mul(*size as u64))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_line_of_meminfo() {
        let text = "MemTotal:       24000000 kB\nMemFree: 5 kB\nMemAvailable:   12000 kB\n";
        assert_eq!(parse_available(text), Some(12_000 * 1024));
        assert_eq!(parse_available("MemTotal: 3 kB\n"), None);
        assert_eq!(parse_available("MemAvailable: many kB\n"), None);
    }

    #[test]
    fn refuses_with_figures() {
        let error = ensure("the weights", 3 << 30, Some(1 << 30)).unwrap_err();
        assert_eq!(error.to_string(), "not enough memory for the weights: 3072.0 MiB needed, 1024.0 MiB available");
        assert!(ensure("the weights", u64::MAX, None).is_ok());
        assert!(ensure("the weights", 1 << 20, Some(1 << 30)).is_ok());
    }
}
