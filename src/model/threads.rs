//! The number of threads candle computes with, settled once; and work that is shared out among a few.

use std::sync::{Mutex, PoisonError};
use std::thread::Builder;

/// Variable that candle and its thread pool read.
const VARIABLE: &str = "RAYON_NUM_THREADS";
/// More threads than any product here keeps busy.
const MOST: usize = 64;

/// Fixes the thread count for the rest of the process, if nobody did yet. Call it first thing in `main`.
///
/// candle asks for the count at every matrix product, and where the variable is not set it reads all of
/// `/proc/cpuinfo` to find out: for a small model that is half of a decode step. The count chosen is candle's own
/// (physical cores), but not more than this process may use. Does nothing where other threads already run.
pub fn settle_threads() {
    if std::env::var_os(VARIABLE).is_some() || !alone() {
        return;
    }
    let allowed = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let count = candle_core::utils::get_num_threads().min(allowed).max(1);
    set(&count.to_string());
}

/// Makes every matrix product run on the thread that asks for it, for a caller that has threads of its own (training
/// computes parts of a step side by side). Only where no other thread runs yet; otherwise nothing changes.
pub fn settle_single_thread() {
    if alone() {
        set("1");
    }
}

/// Threads that the kernels of large models compute with: what the variable says, or the cores this process may use.
pub(crate) fn count() -> usize {
    let said = std::env::var(VARIABLE).ok().and_then(|text| text.trim().parse().ok());
    let allowed = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    said.filter(|count| *count > 0).unwrap_or_else(allowed).min(MOST)
}

/// Does `work` once for every item, on the calling thread and as many others as make `threads`. Where the system refuses
/// threads, those there are do everything.
pub(crate) fn share_out<T: Send>(threads: usize, items: impl Iterator<Item = T> + Send, work: impl Fn(T) + Sync) {
    share_out_by(&Builder::new, threads, items, work);
}

fn share_out_by<T: Send>(
    builder: &dyn Fn() -> Builder,
    threads: usize,
    items: impl Iterator<Item = T> + Send,
    work: impl Fn(T) + Sync,
) {
    let items = Mutex::new(items);
    let next = || items.lock().unwrap_or_else(PoisonError::into_inner).next();
    let all = || {
        while let Some(item) = next() {
            work(item);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            if builder().spawn_scoped(scope, all).is_err() {
                break;
            }
        }
        all();
    });
}

/// Whether this is the process's only thread; `false` where that cannot be known.
fn alone() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|tasks| tasks.count() == 1)
}

#[allow(unsafe_code, reason = "setting a variable has no safe form")]
fn set(count: &str) {
    // SAFETY: `alone` found this to be the only thread of the process, and only a running thread can start another; so
    // nobody reads or writes the environment at the same time.
    unsafe { std::env::set_var(VARIABLE, count) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_done_once_with_threads_and_without() {
        // No system has memory for a stack of that size.
        let refused: fn() -> Builder = || Builder::new().stack_size(1 << 60);
        for builder in [Builder::new, refused] {
            for (threads, count) in [(0, 3), (1, 7), (4, 0), (4, 1), (4, 50)] {
                let mut done = vec![0; count];
                share_out_by(&builder, threads, done.iter_mut(), |done| *done += 1);
                assert!(done.iter().all(|times| *times == 1), "{threads} {count}");
            }
        }
    }
}
