//! Several sessions stepped together: one pass of the model gives each its next token.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::beginnings::Beginnings;
use super::drive::{guarded_step, outcome};
use super::{Ask, Emission, ImageCache, LocalEngine, Looking, Outcome, StepEngine, TurnLoop};
use crate::model::{Feed, Model};

/// Most rows of one pass, unless a single session has more: activations stay in a core's cache, and many openings at once
/// do not add up to memory that one alone would not need.
const PASS_ROWS: usize = 256;

/// Sessions stepped together on one thread.
///
/// [`Batch::add`] while [`Batch::has_room`], then [`Batch::step`] until nothing is [`Batch::running`]. Each session is
/// what [`super::run_to_end`] would make of it, record for record and in the same order; its `session_start` states the
/// batch's size. Whatever ends one early (a bad page, a full context, even a panic) leaves the others alone: where the
/// pass they share fails, each computes its own. The kernels for x86 CPUs compute every row alone, so numbers are those
/// of a session alone, to the bit. Where candle computes (GPUs, other processors), they may differ in the last bits, since
/// its products of many rows add up in another order than those of one.
#[derive(Debug)]
pub struct Batch {
    model: Arc<Model>,
    images: Arc<ImageCache>,
    slots: Vec<Option<Running>>,
    beginnings: Beginnings,
}

#[derive(Debug)]
struct Running {
    session: TurnLoop,
    engine: LocalEngine,
    opened: bool,
}

impl Batch {
    /// An empty batch of `size` slots (at least one). Images go through `images`.
    pub fn new(model: Arc<Model>, size: usize, images: Arc<ImageCache>) -> Self {
        let slots = (0..size.max(1)).map(|_| None).collect();
        Self { model, images, slots, beginnings: Beginnings::default() }
    }

    /// The same, keeping no more than so many bytes of what sessions begin with.
    #[cfg(test)]
    pub(super) fn keeping(self, most_bytes: u64) -> Self {
        Self { beginnings: Beginnings::of_at_most(most_bytes), ..self }
    }

    /// What is kept of what sessions begin with: contexts, and their bytes.
    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, u64) {
        (self.beginnings.len(), self.beginnings.bytes())
    }

    /// Slots.
    pub fn size(&self) -> usize {
        self.slots.len()
    }

    /// Sessions that have not ended.
    pub fn running(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    /// Whether a slot is free.
    pub fn has_room(&self) -> bool {
        self.slots.iter().any(Option::is_none)
    }

    /// Starts a session in a free slot and gives the slot's number; `None` where all are taken. Its first records come
    /// with the next step.
    pub fn add(&mut self, ask: Ask) -> Option<usize> {
        let size = u32::try_from(self.size()).unwrap_or(u32::MAX);
        let (number, slot) = self.slots.iter_mut().enumerate().find(|(_, slot)| slot.is_none())?;
        let engine = LocalEngine::with_images(Arc::clone(&self.model), Arc::clone(&self.images));
        let mut session = TurnLoop::new(ask).in_batch(size);
        session.start(engine.info(), engine.pixel_limits());
        *slot = Some(Running { session, engine, opened: false });
        Some(number)
    }

    /// One token of every running session; a new one's page and question come first. Records go to `sink` with the
    /// slot's number, in the order of each session. Gives the sessions that ended; their slots are free again.
    pub fn step(&mut self, sink: &mut dyn FnMut(usize, Emission)) -> Vec<(usize, Outcome)> {
        for (number, running) in numbered(&mut self.slots).filter(|(_, running)| !running.opened) {
            running.opened = true;
            running.step(number, sink);
        }
        let going = self.slots.iter_mut().flatten().filter(|running| running.session.end().is_none());
        let mut going: Vec<&mut Running> = going.collect();
        for running in &mut going {
            let missing = self.beginnings.lend(&mut running.engine);
            let rows = running.engine.rows_ahead();
            if !missing.is_empty() && rows > 0 {
                pass(&self.model, &mut vec![(&mut **running, rows)], rows);
                self.beginnings.keep(&running.engine, &missing);
            }
        }
        compute_ahead(&self.model, going.into_iter());
        for (number, running) in numbered(&mut self.slots).filter(|(_, running)| running.session.end().is_none()) {
            running.step(number, sink);
        }
        self.leave()
    }

    /// Ends what is running, as if a person had stopped each session.
    pub fn stop(&mut self, sink: &mut dyn FnMut(usize, Emission)) -> Vec<(usize, Outcome)> {
        for (number, running) in numbered(&mut self.slots) {
            running.session.stop(running.engine.position());
            running.hand_over(number, sink);
        }
        self.leave()
    }

    /// Frees the slots of sessions that ended.
    fn leave(&mut self) -> Vec<(usize, Outcome)> {
        let mut left = Vec::new();
        for (number, slot) in self.slots.iter_mut().enumerate() {
            if let Some(running) = slot.take_if(|running| running.session.end().is_some()) {
                left.push((number, outcome(&running.session)));
            }
        }
        left
    }
}

impl Running {
    fn step(&mut self, number: usize, sink: &mut dyn FnMut(usize, Emission)) {
        guarded_step(&mut self.session, &mut self.engine);
        self.hand_over(number, sink);
    }

    fn hand_over(&mut self, number: usize, sink: &mut dyn FnMut(usize, Emission)) {
        self.session.drain().into_iter().for_each(|emission| sink(number, emission));
    }
}

fn numbered(slots: &mut [Option<Running>]) -> impl Iterator<Item = (usize, &mut Running)> {
    slots.iter_mut().enumerate().filter_map(|(number, slot)| slot.as_mut().map(|running| (number, running)))
}

/// Computes the next pass of every session, as many together as fit [`PASS_ROWS`]. A session whose pass fails here
/// computes it alone in its own step, and fails there if it must.
fn compute_ahead<'a>(model: &Model, sessions: impl Iterator<Item = &'a mut Running>) {
    let (mut group, mut total) = (Vec::new(), 0);
    for running in sessions {
        let rows = running.engine.rows_ahead();
        if rows == 0 {
            continue;
        }
        if total + rows > PASS_ROWS {
            pass(model, &mut group, total);
            total = 0;
        }
        total += rows;
        group.push((running, rows));
    }
    pass(model, &mut group, total);
}

/// One pass over `rows` rows of these sessions, which leave the group.
fn pass(model: &Model, group: &mut Vec<(&mut Running, usize)>, rows: usize) {
    if group.is_empty() {
        return;
    }
    let clock = Instant::now();
    let bases: Vec<usize> = group.iter().map(|(running, _)| running.engine.computed()).collect();
    let looks = group.iter().fold(Looking::default(), |all, (running, _)| all.and(running.engine.looking));
    let mut watch = looks.watch();
    let done = catch_unwind(AssertUnwindSafe(|| {
        let mut feeds: Vec<Feed<'_>> =
            group.iter_mut().filter_map(|(running, _)| running.engine.feed_ahead()).collect();
        model.forward_traced(&mut feeds, &mut watch)
    }));
    // After a panic or an error every sequence is cut back to where it was: nothing a half-done pass left is read.
    let mut logits =
        done.ok().and_then(Result::ok).filter(|all| all.len() == group.len()).unwrap_or_default().into_iter();
    let seconds = clock.elapsed().as_secs_f64();
    let mut kept = watch.take().into_iter();
    for ((running, own), base) in group.drain(..).zip(bases) {
        running.session.charge(seconds * own as f64 / rows.max(1) as f64);
        match logits.next() {
            Some(logits) => running.engine.set_ahead(logits, base, kept.next()),
            None => running.engine.no_ahead(base),
        }
    }
}
