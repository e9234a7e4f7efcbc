//! Who computes: the calling thread alone or with others, and what each of them works in.

#![allow(unsafe_code, reason = "rows of results are written by several threads; see the proofs")]

use std::marker::PhantomData;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use super::pool::Pool;
use super::staged::Stage;

/// Threads with their working memory; one for a network.
#[derive(Debug)]
pub(crate) struct Team {
    pool: Option<Pool>,
    stages: Vec<Mutex<Stage>>,
    /// For callers beside the one whose tasks the pool shares out.
    spare: Mutex<Vec<Stage>>,
}

impl Team {
    /// A team of so many threads.
    pub(crate) fn new(threads: usize) -> Self {
        let pool = Pool::new(threads);
        let count = pool.as_ref().map_or(1, Pool::threads);
        Self { pool, stages: (0..count).map(|_| Mutex::default()).collect(), spare: Mutex::default() }
    }

    /// Threads that compute.
    pub(crate) fn threads(&self) -> usize {
        self.stages.len()
    }

    /// Does `work` once for every task.
    pub(crate) fn run(&self, tasks: usize, work: impl Fn(usize) + Sync) {
        match &self.pool {
            Some(pool) => pool.run(tasks, &|_, task| work(task)),
            None => (0..tasks).for_each(work),
        }
    }

    /// The same, with a thread's working memory. A caller never waits for another's.
    pub(super) fn run_staged(&self, tasks: usize, work: impl Fn(&mut Stage, usize) + Sync) {
        let staged = |thread: usize, task: usize| {
            if let Some(mut stage) = self.stages.get(thread).and_then(at_once) {
                return work(&mut stage, task);
            }
            let spare = || self.spare.lock().unwrap_or_else(PoisonError::into_inner);
            let mut stage = spare().pop().unwrap_or_default();
            work(&mut stage, task);
            spare().push(stage);
        };
        match &self.pool {
            Some(pool) => pool.run(tasks, &staged),
            None => (0..tasks).for_each(|task| staged(0, task)),
        }
    }

    /// Splits `0..count` into pieces of at least `least` and does `work` for each.
    pub(crate) fn pieces(&self, count: usize, least: usize, work: impl Fn(std::ops::Range<usize>) + Sync) {
        let piece = count.div_ceil(4 * self.threads()).max(least).max(1);
        if self.threads() == 1 || piece >= count {
            return work(0..count);
        }
        self.run(count.div_ceil(piece), |task| work(task * piece..((task + 1) * piece).min(count)));
    }
}

/// Working memory, unless somebody works in it; what a panic left there is overwritten anyway.
pub(crate) fn at_once<T>(memory: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match memory.try_lock() {
        Ok(memory) => Some(memory),
        Err(TryLockError::Poisoned(memory)) => Some(memory.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// A slice that several threads write, each its own part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    length: usize,
    of: PhantomData<&'a mut [T]>,
}

// SAFETY: it is a mutable slice whose parts are handed out by `part`, whose caller answers for their being disjoint.
unsafe impl<T: Send> Sync for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), length: slice.len(), of: PhantomData }
    }

    /// The part of `count` from `first`; empty where that is not inside.
    ///
    /// # Safety
    /// Nobody else has a part that overlaps this one while it is in use.
    #[allow(clippy::mut_from_ref, reason = "the point of it")]
    pub(crate) unsafe fn part(&self, first: usize, count: usize) -> &'a mut [T] {
        if first.checked_add(count).is_none_or(|end| end > self.length) {
            return &mut [];
        }
        // SAFETY: inside the slice, and the caller has it alone.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(first), count) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// The first caller's task ends when the second caller is done.
    #[test]
    fn callers_do_not_wait_for_each_others_memory() {
        for threads in [1, 2] {
            let team = Team::new(threads);
            let ((begun, first), (done, second)) = (mpsc::channel(), mpsc::channel());
            let second = Mutex::new(second);
            std::thread::scope(|scope| {
                let team = &team;
                scope.spawn(move || {
                    team.run_staged(1, |_, _| {
                        begun.send(()).unwrap();
                        let waited = second.lock().unwrap().recv_timeout(Duration::from_secs(20));
                        assert!(waited.is_ok(), "the second caller waits for the first");
                    });
                });
                first.recv().unwrap();
                for _ in 0..2 {
                    team.run_staged(3, |stage, _| stage.panels = None);
                }
                done.send(()).unwrap();
            });
            // Of two threads the one that is free may have done everything.
            let spare = team.spare.lock().unwrap().len();
            assert!(spare == 1 || spare == 0 && threads == 2, "{threads}: {spare}");
        }
    }

    #[test]
    fn memory_that_a_panic_left_is_used_again() {
        let memory = Mutex::new(1);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let _held = memory.lock();
            assert!(at_once(&memory).is_none());
            panic!("left");
        }));
        assert!(caught.is_err() && memory.is_poisoned());
        assert_eq!(at_once(&memory).map(|memory| *memory), Some(1));
    }
}
