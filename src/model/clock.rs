//! The clock of what is timed by hand.

use std::sync::OnceLock;
use std::time::Instant;

static START: OnceLock<Instant> = OnceLock::new();

/// Seconds of wall time, as peers count it; with `CPU_TIME=1` those that this thread was on a core, so that what else runs
/// counts less (for one thread, on Linux).
pub(crate) fn now() -> f64 {
    if on_core() {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        return text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap_or(f64::NAN)
            * 1e-9;
    }
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// Whether time on a core is asked for.
pub(crate) fn on_core() -> bool {
    std::env::var("CPU_TIME").is_ok_and(|text| text == "1")
}
