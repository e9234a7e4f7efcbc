//! The thread that paints. Of several requests for one place only the latest is painted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::caps::{Caps, Way};
use super::kitty::free;
use super::paint::{Painted, Painter};
use super::request::{Request, Slot};
use super::stage;

#[derive(Default)]
struct Desk {
    jobs: [Option<(Request, Caps)>; 2],
    closed: bool,
}

#[derive(Default)]
struct Shared {
    desk: Mutex<Desk>,
    bell: Condvar,
}

impl Shared {
    /// The desk; a painter that panicked left it whole, for painting happens away from it.
    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The painting thread; it ends when this is dropped.
pub struct Worker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread; `done` receives every picture on that thread.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub fn start(mut done: impl FnMut(Painted) + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let desk = Arc::clone(&shared);
        let run = move || {
            let mut turn = 0u32;
            let mut painter = Painter::default();
            while let Some((request, caps)) = next(&desk) {
                turn = turn.wrapping_add(1);
                let id = picture_id(request.slot, turn);
                let painted =
                    catch_unwind(AssertUnwindSafe(|| painter.paint(&request, &caps, id))).unwrap_or_else(|_| {
                        // What it remembers may be half made.
                        painter = Painter::default();
                        let art = Err("the picture could not be drawn".to_owned());
                        Painted { request, cells: (0, 0), art, labels: Vec::new() }
                    });
                done(painted);
            }
        };
        let thread = std::thread::Builder::new().name("images".to_owned()).spawn(run)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Asks for a picture; a request for the same place that waits is forgotten.
    pub fn ask(&self, request: Request, caps: Caps) {
        let mut desk = self.shared.lock();
        let [page, crop] = &mut desk.jobs;
        let place = if request.slot == Slot::Page { page } else { crop };
        *place = Some((request, caps));
        self.shared.bell.notify_one();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.bell.notify_one();
        if let Some(thread) = self.thread.take() {
            // A painter that panicked outside a job has nothing more to say.
            drop(thread.join());
        }
    }
}

fn next(shared: &Shared) -> Option<(Request, Caps)> {
    let mut desk = shared.lock();
    loop {
        if desk.closed {
            return None;
        }
        if let Some(request) = desk.jobs.iter_mut().find_map(Option::take) {
            return Some(request);
        }
        desk = shared.bell.wait(desk).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Two names a place, taken in turn: the shown picture stays while the next is sent, and the terminal holds no more than four.
fn picture_id(slot: Slot, turn: u32) -> u32 {
    let place = match slot {
        Slot::Page => 0,
        Slot::Crop => 2,
    };
    FIRST_ID + place + turn % 2
}

/// Names of this program's pictures begin here; any 24-bit number that others are unlikely to use.
const FIRST_ID: u32 = 0x70_53_10;

/// What frees every picture this program can have sent to a kitty-like terminal; empty for other ways.
pub fn free_sequence(caps: &Caps) -> String {
    let mut out = String::new();
    match caps.way {
        Way::Kitty => stage::all_ids().for_each(|id| free(&mut out, id)),
        Way::KittyPlaceholders => {
            let (start, escape, end) = if caps.tmux { ("\x1bPtmux;", "\x1b\x1b", "\x1b\\") } else { ("", "\x1b", "") };
            out.extend((0..4).map(|i| format!("{start}{escape}_Ga=d,d=I,i={},q=2{escape}\\{end}", FIRST_ID + i)));
        }
        Way::Iterm2 | Way::Sixel | Way::Blocks | Way::None => {}
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::tui::theme::ColorDepth;
    use image::RgbImage;
    use std::sync::mpsc;
    use std::time::Duration;

    fn request(cells: u16) -> Request {
        Request::new(Slot::Page, Arc::new(RgbImage::new(64, 64)), (cells, cells))
    }

    #[test]
    fn the_latest_request_wins_and_the_thread_ends() {
        let (tx, rx) = mpsc::channel();
        let worker = Worker::start(move |p| {
            let _ = tx.send(p.request.cells);
        })
        .unwrap();
        for cells in 1..=50 {
            worker.ask(request(cells), Caps::blocks(ColorDepth::True));
        }
        let mut got = Vec::new();
        while got.last() != Some(&(50, 50)) {
            got.push(rx.recv_timeout(Duration::from_secs(20)).unwrap());
        }
        assert!(got.len() <= 50);
        drop(worker);
        assert!(rx.recv().is_err(), "the thread is gone with its sender");
    }

    #[test]
    fn ids_alternate_and_are_all_freed() {
        let caps = Caps { way: Way::KittyPlaceholders, ..Caps::blocks(ColorDepth::True) };
        let free = free_sequence(&caps);
        assert!(free_sequence(&Caps { way: Way::Sixel, ..caps }).is_empty());
        for slot in Slot::ALL {
            assert_ne!(picture_id(slot, 1), picture_id(slot, 2));
            for turn in 0..5 {
                assert!(free.contains(&format!("i={},", picture_id(slot, turn))));
            }
        }
    }
}
