//! Charts on the terminal that are drawn anew where they stand, while messages go by above them.
//!
//! No mode of the terminal is changed and the cursor always stands below the charts, so that Ctrl-C, a panic or a kill
//! leaves nothing to restore.

mod block;
mod charts;
mod view;

#[cfg(test)]
mod tests;

use std::io::{self, Stderr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use block::Block;
pub(super) use view::Shown;

use super::number;
use crate::text::{one_line, sanitise};
use crate::train::trainer::Watch;

/// The smallest terminal that has room.
const LEAST: (u16, u16) = (60, 16);
/// Drawn at most this often.
const PAUSE: Duration = Duration::from_millis(250);
/// Drawn at least this often, so that the clock goes on while a step takes long.
const BEAT: Duration = Duration::from_secs(1);

/// Whether a terminal of so many columns and rows has room for charts.
pub(super) fn has_room((columns, rows): (u16, u16)) -> bool {
    columns >= LEAST.0 && rows >= LEAST.1
}

/// The charts, and the thread that keeps their clock.
#[derive(Debug)]
pub struct Live {
    screen: Arc<Mutex<Screen>>,
    over: Arc<AtomicBool>,
    clock: Option<JoinHandle<()>>,
}

/// What is shown, and where.
#[derive(Debug)]
struct Screen {
    shown: Shown,
    block: Block<Stderr>,
    begun: Instant,
    drawn: Option<Instant>,
    size: (u16, u16),
    colours: bool,
}

impl Live {
    pub(super) fn new(shown: Shown) -> Self {
        let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let (block, begun, size) = (Block::new(io::stderr()), Instant::now(), (0, 0));
        let screen = Arc::new(Mutex::new(Screen { shown, block, begun, drawn: None, size, colours }));
        let over = Arc::new(AtomicBool::new(false));
        let (shared, ended) = (Arc::clone(&screen), Arc::clone(&over));
        let clock = std::thread::Builder::new().name("progress".into()).spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                std::thread::park_timeout(BEAT);
                lock(&shared).draw_if(BEAT / 2);
            }
        });
        Self { screen, over, clock: clock.ok() }
    }

    /// Draws a last time and lets the charts stand.
    pub(super) fn finish(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(clock) = self.clock.take() {
            clock.thread().unpark();
            let _ = clock.join();
            lock(&self.screen).draw_if(Duration::ZERO);
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.finish();
    }
}

/// A watcher that panicked has left numbers behind that can still be shown.
fn lock(screen: &Mutex<Screen>) -> MutexGuard<'_, Screen> {
    screen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Screen {
    fn draw_if(&mut self, pause: Duration) {
        if self.drawn.is_some_and(|drawn| drawn.elapsed() < pause) {
            return;
        }
        self.drawn = Some(Instant::now());
        let Ok(size) = crossterm::terminal::size() else { return };
        if size != self.size {
            // What was drawn may have been wrapped anew by the terminal: where it is now cannot be known, so it stays,
            // and the charts begin below it once the size has settled.
            let first = self.size == (0, 0);
            self.size = size;
            self.block.leave();
            if !first {
                return;
            }
        }
        self.shown.elapsed = self.begun.elapsed().as_secs_f64();
        // A terminal that went away is no reason to stop a training.
        let _ = self.block.draw(&view::draw(&self.shown, size, self.colours));
    }
}

impl Watch for Live {
    fn step(&mut self, step: u64, of: u64, stage: &str, loss: f64) {
        let mut screen = lock(&self.screen);
        (screen.shown.step, screen.shown.of) = (step, of);
        if screen.shown.stage != stage {
            screen.shown.stage = one_line(stage).into_owned();
        }
        screen.shown.curves.push(charts::STEP_LOSS, step as f64, loss);
        screen.draw_if(PAUSE);
    }

    fn line(&mut self, line: &Value) {
        let mut screen = lock(&self.screen);
        screen.shown.curves.take(line);
        screen.shown.curves.settle();
        screen.shown.speed = number(line, "samples_per_second");
        screen.draw_if(PAUSE);
    }

    fn say(&mut self, text: &str) {
        let mut screen = lock(&self.screen);
        let _ = screen.block.above(&sanitise(text));
        screen.draw_if(Duration::ZERO);
    }

    fn saved(&mut self, checkpoint: &Path) {
        self.say(&format!("saved {}", checkpoint.display()));
    }
}
