//! Threads that wait for work and share it in small pieces.

#![allow(unsafe_code, reason = "work is lent to threads that live longer; see the proofs")]

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// How often a thread looks for work before it goes to sleep: some tens of microseconds, longer than the gaps between
/// the products of one token.
const LOOKS: usize = 4000;

/// A piece of work: `(thread, task)`.
type Work<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// A few threads beside the calling one. Tasks are taken one by one, so a thread that the system takes off its core
/// holds up one task at most.
pub(super) struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// Held while work is shared: one piece of work at a time.
    busy: Mutex<()>,
}

struct Shared {
    /// Counts pieces of work, and the end.
    epoch: AtomicUsize,
    /// Whether `job` may be looked at.
    open: AtomicBool,
    /// Threads that may be looking at `job`.
    inside: AtomicUsize,
    job: UnsafeCell<Option<Job>>,
    /// The next task.
    next: AtomicUsize,
    stop: AtomicBool,
    asleep: Vec<AtomicBool>,
    /// What a task panicked with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

#[derive(Clone, Copy)]
struct Job {
    work: *const Work<'static>,
    tasks: usize,
}

// SAFETY: `job` is written only while `open` is false and nobody is `inside` (see `Pool::run`), and read only by threads
// that are `inside` while `open` is true. What it points to is `Sync`. Everything else is atomic or locked.
unsafe impl Sync for Shared {}
// SAFETY: as above; the pointer is only followed while its owner waits in `Pool::run`.
unsafe impl Send for Shared {}

impl Pool {
    /// A pool in which `threads` threads compute, the calling one among them; `None` where that is one, or where the
    /// system gives no more.
    pub(super) fn new(threads: usize) -> Option<Self> {
        let more = threads.saturating_sub(1);
        let shared = Arc::new(Shared {
            epoch: AtomicUsize::new(0),
            open: AtomicBool::new(false),
            inside: AtomicUsize::new(0),
            job: UnsafeCell::new(None),
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            asleep: (0..more).map(|_| AtomicBool::new(false)).collect(),
            panic: Mutex::new(None),
        });
        let mut pool = Self { shared, threads: Vec::new(), busy: Mutex::new(()) };
        for index in 0..more {
            let shared = Arc::clone(&pool.shared);
            let builder = std::thread::Builder::new().name(format!("kernel-{}", index + 1));
            pool.threads.push(builder.spawn(move || shared.serve(index)).ok()?);
        }
        (more > 0).then_some(pool)
    }

    /// Threads that compute.
    pub(super) fn threads(&self) -> usize {
        self.threads.len() + 1
    }

    /// Does `work(thread, task)` once for every task; returns when all are done. A thread number is used by one thread at
    /// a time, except that 0 stands for every caller: where the pool is busy already, the caller does everything itself.
    ///
    /// A panic of a task is passed on once the others are done.
    pub(super) fn run(&self, tasks: usize, work: &Work<'_>) {
        let guard = if tasks > 1 { self.busy.try_lock().ok() } else { None };
        let Some(_guard) = guard else {
            return (0..tasks).for_each(|task| work(0, task));
        };
        let shared = &*self.shared;
        // SAFETY: only the lifetime changes. The pointer is followed by threads that are `inside` while `open` is true.
        // Below, `open` becomes false and `inside` is waited for before this function returns or unwinds, so nobody
        // follows it once `work` may be gone.
        let work: *const Work<'static> = unsafe { std::mem::transmute(std::ptr::from_ref(work)) };
        // SAFETY: `open` is false and `inside` was 0 at the end of the last call; `busy` is held. A thread that enters
        // meanwhile finds `open` false and does not look.
        unsafe { *shared.job.get() = Some(Job { work, tasks }) };
        shared.next.store(0, SeqCst);
        shared.open.store(true, SeqCst);
        shared.epoch.fetch_add(1, SeqCst);
        self.wake();
        shared.work(0, Job { work, tasks });
        shared.open.store(false, SeqCst);
        let mut looks = 0_usize;
        while shared.inside.load(SeqCst) != 0 {
            looks += 1;
            if looks.is_multiple_of(LOOKS) { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
        let panic = shared.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(panic) = panic {
            drop(_guard);
            resume_unwind(panic);
        }
    }

    fn wake(&self) {
        for (asleep, thread) in self.shared.asleep.iter().zip(&self.threads) {
            if asleep.swap(false, SeqCst) {
                thread.thread().unpark();
            }
        }
    }
}

impl Shared {
    /// The life of a thread.
    fn serve(&self, index: usize) {
        let mut seen = 0;
        while !self.stop.load(SeqCst) {
            self.look(index);
            seen = self.wait(index, seen);
        }
    }

    /// Takes part in what is being done.
    fn look(&self, index: usize) {
        let _inside = Inside::enter(&self.inside);
        // Either this sees that the job is closed, or the owner sees that somebody is inside, and waits.
        if self.open.load(SeqCst) {
            // SAFETY: open, and this thread is inside: nobody writes.
            if let Some(job) = unsafe { *self.job.get() } {
                self.work(index + 1, job);
            }
        }
    }

    /// Waits for the next piece of work, spinning at first.
    fn wait(&self, index: usize, seen: usize) -> usize {
        for _ in 0..LOOKS {
            let epoch = self.epoch.load(SeqCst);
            if epoch != seen {
                return epoch;
            }
            std::hint::spin_loop();
        }
        loop {
            if let Some(asleep) = self.asleep.get(index) {
                asleep.store(true, SeqCst);
            }
            let epoch = self.epoch.load(SeqCst);
            if epoch != seen {
                return epoch;
            }
            std::thread::park();
        }
    }

    /// Takes tasks until there are none.
    fn work(&self, thread: usize, job: Job) {
        let tasks = || {
            loop {
                let task = self.next.fetch_add(1, SeqCst);
                if task >= job.tasks {
                    return;
                }
                // SAFETY: the owner waits for this thread (`inside`) or is this thread.
                unsafe { (*job.work)(thread, task) };
            }
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(tasks)) {
            // The rest of the tasks is worthless now.
            self.next.store(usize::MAX / 2, SeqCst);
            let mut first = self.panic.lock().unwrap_or_else(PoisonError::into_inner);
            if first.is_none() {
                *first = Some(panic);
            } else {
                // One is passed on. To drop another might panic again, where nobody catches it.
                std::mem::forget(panic);
            }
        }
    }
}

/// Somebody may be looking at the job, for as long as this is there, whatever happens.
struct Inside<'a>(&'a AtomicUsize);

impl<'a> Inside<'a> {
    fn enter(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, SeqCst);
        Self(count)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, SeqCst);
        self.shared.epoch.fetch_add(1, SeqCst);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // A thread only ends by `stop`; its panics were passed on.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("threads", &self.threads()).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_task_is_done_once() {
        for threads in [2, 3, 5] {
            let pool = Pool::new(threads).unwrap();
            for round in 0..300 {
                let tasks = round * 7 % 97;
                let done: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                pool.run(tasks, &|thread, task| {
                    assert!(thread < threads);
                    done[task].fetch_add(1, SeqCst);
                });
                assert!(done.iter().all(|count| count.load(SeqCst) == 1), "{threads} threads, {tasks} tasks");
                if round % 60 == 59 {
                    std::thread::sleep(std::time::Duration::from_millis(3)); // Long enough to fall asleep.
                }
            }
        }
        assert!(Pool::new(1).is_none() && Pool::new(0).is_none());
    }

    #[test]
    fn callers_side_by_side_and_within_each_other() {
        let pool = Pool::new(3).unwrap();
        let total = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        pool.run(20, &|_, _| {
                            pool.run(2, &|_, _| {
                                total.fetch_add(1, SeqCst);
                            });
                        });
                    }
                });
            }
        });
        assert_eq!(total.load(SeqCst), 4 * 50 * 20 * 2);
    }

    #[test]
    fn a_panic_is_passed_on_and_the_pool_goes_on() {
        let pool = Pool::new(2).unwrap();
        let caught = catch_unwind(AssertUnwindSafe(|| pool.run(50, &|_, task| assert!(task != 30, "thirty"))));
        assert!(caught.is_err());
        let total = AtomicUsize::new(0);
        pool.run(50, &|_, _| {
            total.fetch_add(1, SeqCst);
        });
        assert_eq!(total.load(SeqCst), 50);
    }

    /// What panics once more where it is dropped.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }

    #[test]
    fn two_panics_are_one_and_nobody_is_lost() {
        let (done, heard) = std::sync::mpsc::channel();
        // Where it goes wrong, the caller waits for ever.
        std::thread::spawn(move || {
            let pool = Pool::new(2).unwrap();
            for _ in 0..3 {
                let both = std::sync::Barrier::new(2);
                let caught = catch_unwind(AssertUnwindSafe(|| {
                    pool.run(2, &|_, _| {
                        both.wait();
                        std::panic::panic_any(Bomb);
                    });
                }));
                std::mem::forget(caught.unwrap_err());
            }
            let total = AtomicUsize::new(0);
            pool.run(50, &|_, _| {
                total.fetch_add(1, SeqCst);
            });
            done.send(total.load(SeqCst)).unwrap();
        });
        assert_eq!(heard.recv_timeout(std::time::Duration::from_secs(30)), Ok(50));
    }
}
