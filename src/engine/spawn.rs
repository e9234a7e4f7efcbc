//! A session on its own thread: commands in, emissions out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc as commands;
use std::thread;

use tokio::sync::mpsc as emissions;

use super::drive::{guarded_step, panic_text};
use super::watch::Watch;
use super::{Ask, Boundary, Emission, EngineError, LocalEngine, Look, Looking, StepEngine, TurnLoop};
use crate::demo;
use crate::hub::Quiet;
use crate::model::{FileSource, Model, ModelChoice, ModelError, Placed};
use crate::trace::ModelInfo;
use crate::trace::breakpoint::Breakpoint;

/// Emissions that may wait for their reader; then the engine waits.
const WAITING: usize = 256;
/// Name of the engine's thread: a panic hook that owns a terminal can tell by it that the panic will be caught.
const THREAD: &str = "panelscope-engine";

/// Makes an engine on the session's thread.
pub type EngineMaker = Box<dyn FnOnce() -> Result<Box<dyn StepEngine + Send>, EngineError> + Send>;

/// Where the model comes from.
pub enum ModelSource {
    /// Loaded already.
    Loaded(Arc<Model>),
    /// To be loaded on the session's thread.
    Load(ModelChoice),
    /// Another engine, by name: scripted ones, and what is to come.
    Made(String, EngineMaker),
    /// The engine of a session that ends or has ended, with what it has computed; else another.
    Warm(Warm, Box<ModelSource>),
}

/// The engine of a session, to be had once the session is over.
pub struct Warm(commands::Receiver<Box<dyn StepEngine + Send>>);

impl std::fmt::Debug for Warm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Warm")
    }
}

/// How a session begins once its opening stands in the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Waits for a command.
    Paused,
    /// Goes on at once.
    Running,
}

/// How far a step goes. Each stops earlier where the session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepUnit {
    /// One token.
    Token,
    /// Until a segment closes or the turn ends.
    Segment,
    /// Until the model's turn ends and the tool has replied.
    Turn,
}

/// What a person tells a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Go on until the end.
    Run,
    /// Stop after the token at hand.
    Pause,
    /// Go on a little, then pause.
    Step(StepUnit),
    /// Pause where one of these fires, from now on.
    Breakpoints(Vec<Breakpoint>),
    /// Keep what looking at the latest token needs, from now on; or no longer.
    Watch(Looking),
    /// Look at a token. The answer comes among the emissions, as no part of the log; one that holds nothing where this engine
    /// cannot look, or there is no such token.
    Look(Look),
    /// End the session.
    Stop,
}

/// What a session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum EngineState {
    /// Loading the model and putting in the opening.
    Loading,
    /// Waiting for a command.
    Paused,
    /// Writing tokens.
    Running,
    /// Over; nothing more will be emitted.
    Ended,
}

/// A running session. Dropping it stops the session.
#[derive(Debug)]
pub struct Handle {
    commands: commands::Sender<Command>,
    emissions: emissions::Receiver<Emission>,
    state: Arc<AtomicU8>,
    warm: Option<Warm>,
}

impl Handle {
    /// The engine, for a session that is to follow; the first caller gets it.
    pub fn take_engine(&mut self) -> Option<Warm> {
        self.warm.take()
    }

    /// Tells the session something; after its end this does nothing.
    pub fn send(&self, command: Command) {
        // The thread is gone once the session is over: then there is nobody to tell.
        let _ = self.commands.send(command);
    }

    /// The records as they are made; closed after `session_end`. Read them, or the session waits.
    pub fn emissions(&mut self) -> &mut emissions::Receiver<Emission> {
        &mut self.emissions
    }

    /// What the session is doing.
    pub fn state(&self) -> EngineState {
        match self.state.load(Ordering::Acquire) {
            0 => EngineState::Loading,
            1 => EngineState::Paused,
            2 => EngineState::Running,
            _ => EngineState::Ended,
        }
    }
}

/// Starts a session on its own thread (`panelscope-engine`). Nothing fails here: what goes wrong becomes `error` and
/// `session_end` records.
pub fn spawn(model: ModelSource, ask: Ask, start: Start) -> Handle {
    let (command_in, command_out) = commands::channel();
    let (emission_in, emission_out) = emissions::channel(WAITING);
    let (engine_in, engine_out) = commands::channel();
    let state = Arc::new(AtomicU8::new(EngineState::Loading as u8));
    let session = TurnLoop::new(ask);
    let worker = Worker {
        watch: Watch::new(&session),
        engine: engine_in,
        session,
        commands: command_out,
        emissions: emission_in,
        state: Arc::clone(&state),
        stepping: None,
        running: start == Start::Running,
    };
    let warm = Some(Warm(engine_out));
    let handle = Handle { commands: command_in, emissions: emission_out, state, warm };
    let slot = Arc::new(std::sync::Mutex::new(Some((worker, model))));
    let taken = Arc::clone(&slot);
    let take = |slot: &std::sync::Mutex<Option<(Worker, ModelSource)>>| slot.lock().ok().and_then(|mut s| s.take());
    let spawned = thread::Builder::new().name(THREAD.to_owned()).spawn(move || {
        if let Some((worker, model)) = take(&taken) {
            worker.work(model);
        }
    });
    if let Err(error) = spawned
        && let Some((worker, model)) = take(&slot)
    {
        worker.give_up(&model, &EngineError::Internal(format!("no thread for the model: {error}")));
    }
    handle
}

/// The reader of the emissions is gone.
struct Abandoned;

struct Worker {
    session: TurnLoop,
    commands: commands::Receiver<Command>,
    emissions: emissions::Sender<Emission>,
    state: Arc<AtomicU8>,
    stepping: Option<StepUnit>,
    running: bool,
    watch: Watch,
    /// Where the engine goes in the end.
    engine: commands::Sender<Box<dyn StepEngine + Send>>,
}

impl Worker {
    fn work(mut self, model: ModelSource) {
        // Nobody is left to tell when the reader is gone.
        let _ = self.session(model);
        self.set(EngineState::Ended);
    }

    fn session(&mut self, model: ModelSource) -> Result<(), Abandoned> {
        let known = known_of(&model);
        let made = catch_unwind(AssertUnwindSafe(|| make(model)));
        let made = made.unwrap_or_else(|panic| Err(EngineError::Internal(panic_text(&*panic))));
        let mut engine = match made {
            Ok(engine) => engine,
            Err(error) => {
                self.session.start(known, (0, 0));
                self.session.fail(&error, 0);
                return self.hand_over();
            }
        };
        let done = self.steps(engine.as_mut());
        // A half-done step may have left anything; what is whole serves the next session.
        if self.session.error().is_none() {
            let _ = self.engine.send(engine);
        }
        done
    }

    fn steps(&mut self, engine: &mut dyn StepEngine) -> Result<(), Abandoned> {
        // Before the start is told, so that it tells the limits in force.
        let limited = engine.limit_pixels(self.session.pixels());
        self.session.start(engine.info(), engine.pixel_limits());
        if let Err(why) = limited {
            self.session.fail(&why, 0);
        }
        self.hand_over()?;
        guarded_step(&mut self.session, engine);
        self.hand_over()?;
        self.watch.pass();
        if self.running {
            self.set(EngineState::Running);
        }
        while self.session.end().is_none() {
            self.obey(engine);
            let forcing = self.session.is_forcing();
            if self.session.end().is_none() && (self.running || forcing) {
                let reached = guarded_step(&mut self.session, engine);
                let broke = self.look(forcing)?;
                if broke || (!forcing && self.stepping.is_some_and(|unit| reached >= unit.boundary())) {
                    self.pause();
                }
            }
            self.hand_over()?;
        }
        Ok(())
    }

    /// Whether a breakpoint fires on the token at hand; what a person put there is passed over.
    fn look(&mut self, forced: bool) -> Result<bool, Abandoned> {
        if self.watch.is_idle() {
            return Ok(false);
        }
        self.session.flush();
        self.hand_over()?;
        let fired = self.watch.fired();
        if forced || fired.is_empty() || self.session.end().is_some() {
            return Ok(false);
        }
        fired.into_iter().for_each(|event| self.session.broke(event));
        Ok(true)
    }

    /// Takes commands: all that wait while running, at least one while paused.
    fn obey(&mut self, engine: &mut dyn StepEngine) {
        loop {
            let next = if self.running || self.session.is_forcing() {
                match self.commands.try_recv() {
                    Ok(command) => Some(command),
                    Err(commands::TryRecvError::Empty) => return,
                    Err(commands::TryRecvError::Disconnected) => None,
                }
            } else {
                self.set(EngineState::Paused);
                self.commands.recv().ok()
            };
            let position = engine.position();
            match next {
                // The handle was dropped.
                None | Some(Command::Stop) => self.session.stop(position),
                Some(Command::Pause) if self.running => {
                    self.session.control("pause", position);
                    self.pause();
                }
                Some(Command::Pause) => {}
                Some(Command::Run) if self.running && self.stepping.is_none() => {}
                Some(Command::Run) => self.go("run", None, position),
                Some(Command::Step(unit)) => self.go(unit.action(), Some(unit), position),
                Some(Command::Watch(looking)) => self.session.watch(engine, looking),
                Some(Command::Look(look)) => {
                    let done = catch_unwind(AssertUnwindSafe(|| self.session.look(engine, &look)));
                    if done.is_err() {
                        let why = EngineError::Internal("a look at a token failed".to_owned());
                        self.session.fail(&why, position);
                    }
                }
                Some(Command::Breakpoints(points)) => {
                    // Tokens that were written before are no news.
                    self.session.flush();
                    if self.hand_over().is_err() {
                        return self.session.stop(position);
                    }
                    self.watch.set(points);
                }
            }
            if self.running || self.session.end().is_some() {
                return;
            }
            if self.hand_over().is_err() {
                return self.session.stop(position);
            }
        }
    }

    fn go(&mut self, action: &str, stepping: Option<StepUnit>, position: u64) {
        self.session.control(action, position);
        self.session.set_single(stepping.is_some());
        self.stepping = stepping;
        self.running = true;
        self.set(EngineState::Running);
    }

    fn pause(&mut self) {
        self.session.flush();
        self.running = false;
        self.stepping = None;
    }

    fn hand_over(&mut self) -> Result<(), Abandoned> {
        for emission in self.session.drain() {
            if !emission.aside {
                self.watch.see(&emission.record.body);
            }
            self.emissions.blocking_send(emission).map_err(|_| Abandoned)?;
        }
        Ok(())
    }

    /// Without a thread: what there is to say fits into the channel.
    fn give_up(mut self, model: &ModelSource, error: &EngineError) {
        self.session.start(known_of(model), (0, 0));
        self.session.fail(error, 0);
        for emission in self.session.drain() {
            let _ = self.emissions.try_send(emission);
        }
        self.set(EngineState::Ended);
    }

    fn set(&self, state: EngineState) {
        self.state.store(state as u8, Ordering::Release);
    }
}

impl StepUnit {
    const fn boundary(self) -> Boundary {
        match self {
            Self::Token => Boundary::Token,
            Self::Segment => Boundary::Segment,
            Self::Turn => Boundary::Turn,
        }
    }

    const fn action(self) -> &'static str {
        match self {
            Self::Token => "step_token",
            Self::Segment => "step_segment",
            Self::Turn => "step_turn",
        }
    }
}

fn make(model: ModelSource) -> Result<Box<dyn StepEngine + Send>, EngineError> {
    match model {
        ModelSource::Loaded(model) => Ok(Box::new(LocalEngine::new(model))),
        ModelSource::Load(choice) => Ok(Box::new(LocalEngine::new(Arc::new(load_model(choice)?)))),
        ModelSource::Made(_, maker) => maker(),
        ModelSource::Warm(Warm(engine), other) => engine.recv().map_or_else(|_| make(*other), Ok),
    }
}

/// What can be said of a model that could not be loaded.
fn known_of(model: &ModelSource) -> ModelInfo {
    match model {
        ModelSource::Loaded(model) => model.info(),
        ModelSource::Load(choice) => ModelInfo { name: name_of(choice), ..ModelInfo::default() },
        ModelSource::Made(name, _) => ModelInfo { name: name.clone(), ..ModelInfo::default() },
        ModelSource::Warm(_, other) => known_of(other),
    }
}

/// Loads a model as it was chosen, from a hub's cache or the network where it is there; the embedded one gets its
/// catalogue name.
///
/// # Errors
/// As [`Model::load_with`].
pub fn load_model(choice: impl Into<ModelChoice>) -> Result<Model, ModelError> {
    let choice = choice.into();
    let choice = choice.fetched(&mut Quiet)?;
    load_placed(&choice, &choice.place()?)
}

/// As [`load_model`], once its files are here and its device is open.
///
/// # Errors
/// As [`Model::load_with`].
pub fn load_placed(choice: &ModelChoice, placed: &Placed) -> Result<Model, ModelError> {
    Model::load_with(&choice.source, &placed.options).map(|model| model.named(name_of(choice)))
}

fn name_of(choice: &ModelChoice) -> String {
    match choice.source {
        FileSource::Embedded(_) => demo::MODEL_NAME.to_owned(),
        _ => choice.name(),
    }
}
