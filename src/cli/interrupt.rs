//! Ctrl-C as a flag.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that the first Ctrl-C (or SIGTERM) sets; a second one ends the program at once with 130.
pub(super) fn interrupt_flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // Order matters: the conditional exit looks at the flag before the plain handler sets it.
        let exit = signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag));
        if exit.and_then(|_| signal_hook::flag::register(signal, Arc::clone(&flag))).is_err() {
            flag.store(false, Ordering::Relaxed);
        }
    }
    flag
}
