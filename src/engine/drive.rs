//! Running a session to its end on the caller's thread.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use super::watch::Watch;
use super::{Ask, Boundary, Emission, EngineError, StepEngine, TurnLoop};
use crate::trace::{Answer, ErrorEvent, ScoreEvent, SessionEnd};

/// How a session ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The `session_end` record.
    pub end: SessionEnd,
    /// The answer, where one was read.
    pub answer: Option<Answer>,
    /// The score, where the truth is known and the session was neither stopped nor failed before an answer.
    pub score: Option<ScoreEvent>,
    /// What went wrong.
    pub error: Option<ErrorEvent>,
}

/// Asks, and gives every record to `sink` as it is made. `cancel` stops the session after the token at hand.
///
/// Never fails and never panics for the engine's sake: errors are records, and in the outcome.
pub fn run_to_end(
    engine: &mut dyn StepEngine,
    ask: &Ask,
    sink: &mut dyn FnMut(Emission),
    cancel: &AtomicBool,
) -> Outcome {
    run_measured(engine, ask, sink, cancel, &mut |_| Ok(Vec::new()))
}

/// What measures a session on its way: gives the tokens that are put into the model's mouth next.
pub type Measure<'a> = dyn FnMut(&mut dyn StepEngine) -> Result<Vec<u32>, EngineError> + 'a;

/// As [`run_to_end`]; `measure` gets the engine where the opening and all that was put into the model's mouth stand in the
/// context, leaves it at that place, and says what is put into its mouth next. Nothing: the model goes on by itself, and
/// `measure` is not asked again. Its error ends the session.
pub fn run_measured(
    engine: &mut dyn StepEngine,
    ask: &Ask,
    sink: &mut dyn FnMut(Emission),
    cancel: &AtomicBool,
    measure: &mut Measure<'_>,
) -> Outcome {
    let mut session = TurnLoop::new(ask.clone());
    let limited = engine.limit_pixels(session.pixels());
    session.start(engine.info(), engine.pixel_limits());
    if let Err(why) = limited {
        session.fail(&why, 0);
    }
    let mut watch = Watch::new(&session);
    // What is told again of a parent, and what an edit puts there, fires nothing.
    let mut quiet = true;
    let (mut opened, mut measured) = (false, false);
    loop {
        if !watch.is_idle() {
            session.flush();
        }
        for emission in session.drain() {
            if !watch.is_idle() {
                watch.see(&emission.record.body);
            }
            sink(emission);
        }
        if session.end().is_some() {
            break;
        }
        let fired = if watch.is_idle() { Vec::new() } else { watch.fired() };
        if !quiet && !fired.is_empty() {
            fired.into_iter().for_each(|event| session.broke(event));
            session.end_at_break(engine.position());
        } else if cancel.load(Ordering::Relaxed) {
            session.stop(engine.position());
        } else if opened && !measured && !session.is_forcing() {
            let done = catch_unwind(AssertUnwindSafe(|| measure(engine)));
            let done = done.unwrap_or_else(|panic| Err(EngineError::Internal(panic_text(&*panic))));
            match done {
                Ok(ids) => {
                    measured = ids.is_empty();
                    session.put(ids);
                }
                Err(why) => session.fail(&why, engine.position()),
            }
        } else {
            quiet = session.is_forcing();
            quiet |= guarded_step(&mut session, engine) == Boundary::Opened;
            opened = true;
        }
    }
    outcome(&session)
}

/// One step; a panic in it ends the session with an error of kind `internal`.
pub(super) fn guarded_step(session: &mut TurnLoop, engine: &mut dyn StepEngine) -> Boundary {
    // After a panic only `fail` and `drain` are called on the session, and `begin` on the engine before its next use:
    // none of them relies on what a half-done step may have left.
    let done = catch_unwind(AssertUnwindSafe(|| session.step(engine)));
    done.unwrap_or_else(|panic| {
        session.fail(&EngineError::Internal(panic_text(&*panic)), engine.position());
        Boundary::Ended
    })
}

/// What a caught panic says.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("panic").to_owned()
}

/// What there is to say of an ended session.
pub(super) fn outcome(session: &TurnLoop) -> Outcome {
    let end = session.end().cloned().unwrap_or_else(|| SessionEnd {
        reason: "error".into(),
        generated: 0,
        context: 0,
        turns: 0,
        zooms: 0,
        refused: 0,
        seconds: 0.0,
        compute_seconds: 0.0,
    });
    let (answer, score, error) = (session.answer(), session.score(), session.error());
    Outcome { end, answer: answer.cloned(), score: score.cloned(), error: error.cloned() }
}
