//! Long work that looks at no flag, such as loading a model: Ctrl-C ends the program in the middle of it, which leaves
//! nothing behind as long as nothing is written.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::CliError;

/// How often the flag is looked at.
const POLL: Duration = Duration::from_millis(50);
/// How often it is said that the work goes on.
const EVERY: Duration = Duration::from_secs(10);

/// Does the work, which is called `doing` ("loading the model"). Where `stop` is set meanwhile, the program says so and
/// ends with 130 at once.
///
/// # Errors
/// [`CliError::Interrupted`] where it was set in the last moment.
pub(super) fn at_once<T>(stop: &AtomicBool, doing: &str, work: impl FnOnce() -> T) -> Result<T, CliError> {
    let over = AtomicBool::new(false);
    let result = std::thread::scope(|scope| {
        let watch = std::thread::Builder::new().name("stop".to_owned());
        let watch = watch.spawn_scoped(scope, || {
            watch_over(stop, &over, EVERY, &mut |line| eprintln!("{doing}: {line}"));
        });
        let result = work();
        over.store(true, Ordering::Relaxed);
        if let Ok(watch) = watch {
            watch.thread().unpark();
        }
        result
    });
    if stop.load(Ordering::Relaxed) {
        eprintln!("{doing}: {STOPPED}");
        return Err(CliError::Interrupted);
    }
    Ok(result)
}

const STOPPED: &str = "stopped; nothing was written";

/// Tells now and then how long it takes, until the work is over or stopped.
fn watch_over(stop: &AtomicBool, over: &AtomicBool, every: Duration, tell: &mut dyn FnMut(&str)) {
    let begun = Instant::now();
    let mut told = begun;
    while !over.load(Ordering::Relaxed) {
        if stop.load(Ordering::Relaxed) {
            tell(STOPPED);
            // Without waiting for the threads of the work.
            signal_hook::low_level::exit(130);
        }
        if told.elapsed() >= every {
            told = Instant::now();
            tell(&format!("{} s so far; Ctrl-C stops it", begun.elapsed().as_secs()));
        }
        std::thread::park_timeout(POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_takes_long_is_told_of_and_work_that_is_done_is_not() {
        let (stop, over) = (AtomicBool::new(false), AtomicBool::new(false));
        let mut told = Vec::new();
        watch_over(&stop, &over, Duration::from_millis(1), &mut |line| {
            told.push(line.to_owned());
            over.store(true, Ordering::Relaxed);
        });
        assert_eq!(told, ["0 s so far; Ctrl-C stops it"]);
        watch_over(&stop, &over, Duration::ZERO, &mut |line| told.push(line.to_owned()));
        assert_eq!(told.len(), 1, "it is over");
        assert_eq!(at_once(&stop, "counting", || 7).ok(), Some(7));
    }
}
