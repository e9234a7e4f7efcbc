//! Who computes: the calling thread alone or with others, and what each of them works in.

#![allow(unsafe_code, reason = "rows of results are written by several threads; see the proofs")]

use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use super::pool::Pool;
use super::staged::Stage;

/// Threads with their working memory; one for a network.
#[derive(Debug)]
pub(crate) struct Team {
    pool: Option<Pool>,
    stages: Vec<Mutex<Stage>>,
}

impl Team {
    /// A team of so many threads.
    pub(crate) fn new(threads: usize) -> Self {
        let pool = Pool::new(threads);
        let count = pool.as_ref().map_or(1, Pool::threads);
        Self { pool, stages: (0..count).map(|_| Mutex::default()).collect() }
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

    /// The same, with a thread's working memory.
    pub(super) fn run_staged(&self, tasks: usize, work: impl Fn(&mut Stage, usize) + Sync) {
        let staged = |thread: usize, task: usize| {
            if let Some(stage) = self.stages.get(thread) {
                // What a panic left there is overwritten anyway.
                work(&mut stage.lock().unwrap_or_else(PoisonError::into_inner), task);
            }
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
