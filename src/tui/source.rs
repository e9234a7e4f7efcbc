//! Where the records on screen come from: an engine that writes them, recorded on the way, or a file that has them.
//!
//! Nothing but this file and `program` knows the difference; the state sees arrivals.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use image::RgbImage;

use super::action::Arrival;
use super::action::Unit;
use super::app::{Choice, EngineState};
use super::explorer::{Explorer, Kind};
use super::playhead::Pace;
use crate::engine::{self, Ask, Command, Emission, Handle, ModelSource, StepUnit};
use crate::session::{self, Recorder, SessionStore};
use crate::trace::Body;

/// Emissions taken at once before the screen is drawn again.
const BATCH: usize = 512;

/// A live session: the engine's handle and the thread that writes its log.
pub struct Live {
    handle: Handle,
    log: Option<Log>,
    over: bool,
}

/// The thread that writes a log. It ends when its sender is dropped.
struct Log {
    records: mpsc::Sender<Emission>,
    thread: JoinHandle<()>,
}

impl Live {
    /// Starts a session; with a store it is recorded. `trouble` is told what goes wrong with the recording.
    pub fn start(
        model: ModelSource,
        ask: Ask,
        store: Option<&SessionStore>,
        trouble: impl FnMut(String) + Send + 'static,
    ) -> Self {
        let log = store.and_then(|store| Log::start(store.clone(), ask.id.clone(), trouble));
        let handle = engine::spawn(model, ask, engine::Start::Running);
        Self { handle, log, over: false }
    }

    /// The next records, waiting for the first. `None` once the session is over. Cancel-safe.
    pub async fn next(&mut self) -> Option<Vec<Arrival>> {
        let Some(first) = self.handle.emissions().recv().await else {
            self.over = true;
            return None;
        };
        let mut batch = vec![self.take(first)];
        while batch.len() < BATCH {
            let Ok(emission) = self.handle.emissions().try_recv() else { break };
            batch.push(self.take(emission));
        }
        Some(batch)
    }

    fn take(&self, emission: Emission) -> Arrival {
        let arrival = Arrival { record: emission.record.clone(), pixels: emission.pixels.clone() };
        if let Some(log) = self.log.as_ref().filter(|_| !emission.aside) {
            // A log that cannot be written has said so; the session goes on without it.
            let _ = log.records.send(emission);
        }
        arrival
    }

    /// The engine, once the session is over; the first caller gets it.
    pub fn take_engine(&mut self) -> Option<engine::Warm> {
        self.handle.take_engine()
    }

    /// Tells the engine something.
    pub fn send(&self, command: Command) {
        self.handle.send(command);
    }

    /// Whether the last record was taken.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// What the engine is doing.
    pub fn state(&self) -> EngineState {
        match self.handle.state() {
            engine::EngineState::Loading => EngineState::Loading,
            engine::EngineState::Paused => EngineState::Paused,
            engine::EngineState::Running => EngineState::Running,
            engine::EngineState::Ended => EngineState::Ended,
        }
    }

    /// Ends the session and its log on a thread of their own, so that a screen need not wait for a token at hand.
    ///
    /// # Errors
    /// The system refuses a thread; the session is then stopped all the same, its log stays as it is.
    pub fn close(self, done: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
        let Self { mut handle, log, .. } = self;
        std::thread::Builder::new().name("close".to_owned()).spawn(move || {
            handle.send(Command::Stop);
            while let Some(emission) = handle.emissions().blocking_recv() {
                if let Some(log) = log.as_ref().filter(|_| !emission.aside) {
                    let _ = log.records.send(emission);
                }
            }
            if let Some(Log { records, thread }) = log {
                drop(records);
                // A writer that panicked has nothing more to write.
                let _ = thread.join();
            }
            done();
        })
    }
}

impl From<Unit> for Command {
    fn from(unit: Unit) -> Self {
        Self::Step(match unit {
            Unit::Token => StepUnit::Token,
            Unit::Segment => StepUnit::Segment,
            Unit::Turn => StepUnit::Turn,
        })
    }
}

impl Log {
    fn start(store: SessionStore, id: String, mut trouble: impl FnMut(String) + Send + 'static) -> Option<Self> {
        let (records, inbox) = mpsc::channel::<Emission>();
        let work = move || {
            if let Err(why) = write_log(&store, &id, &inbox, &mut trouble) {
                trouble(format!("not recorded: {why}"));
            }
        };
        let thread = std::thread::Builder::new().name("recorder".to_owned()).spawn(work).ok()?;
        Some(Self { records, thread })
    }
}

fn write_log(
    store: &SessionStore,
    id: &str,
    inbox: &mpsc::Receiver<Emission>,
    trouble: &mut impl FnMut(String),
) -> Result<(), session::SessionError> {
    let mut recorder = Recorder::create(store, &session::today(), id)?;
    for emission in inbox {
        recorder.write(&emission.record, emission.pixels.as_ref())?;
    }
    for warning in recorder.warnings() {
        trouble(warning.clone());
    }
    recorder.finish().map(|_| ())
}

/// Most bytes of pixels that a recording may hold in memory; images beyond them are not shown.
const MOST_PIXEL_BYTES: usize = 256 << 20;
/// Most problems of a recording that are told.
const MOST_PROBLEMS: usize = 20;

/// A recorded session, shown to its end.
///
/// # Errors
/// As `read_recording`.
pub fn read_explorer(path: &Path) -> Result<Explorer, String> {
    let (arrivals, problems) = read_recording(path)?;
    let mut explorer = Explorer::new(Kind::Replay, Choice::Session(path.to_owned()), Pace::Unlimited, false);
    explorer.problems = problems;
    explorer.arrive(arrivals);
    let end = explorer.written();
    explorer.step_to(end);
    Ok(explorer)
}

/// A recorded session: its records with the pixels of its images, and what is wrong with it, in words.
///
/// # Errors
/// The file cannot be read, or nothing in it can.
pub fn read_recording(path: &Path) -> Result<(Vec<Arrival>, Vec<String>), String> {
    let (log, mut pixels) = session::open_recording(path).map_err(|e| e.to_string())?;
    let mut problems: Vec<String> =
        log.problems.list.iter().map(|p| format!("line {}: {}", p.line, p.message)).take(MOST_PROBLEMS).collect();
    if log.records.is_empty() {
        let why = problems.first().cloned().unwrap_or_else(|| "it is empty".to_owned());
        return Err(format!("{}: {why}", path.display()));
    }
    let mut arrivals = Vec::with_capacity(log.records.len());
    // What a log speaks of twice is held once, and a log may speak of any number of images.
    let mut held: HashMap<String, Arc<RgbImage>> = HashMap::new();
    let mut bytes = 0;
    for record in log.records {
        let image = match &record.body {
            Body::Image(event) => match held.get(&event.hash) {
                Some(image) => Some(Arc::clone(image)),
                None if bytes < MOST_PIXEL_BYTES => {
                    let found = pixels.get(&event.hash);
                    problems.extend(found.problem.filter(|_| problems.len() < MOST_PROBLEMS));
                    bytes += found.image.as_raw().len();
                    held.insert(event.hash.clone(), Arc::clone(&found.image));
                    Some(found.image)
                }
                None => None,
            },
            _ => None,
        };
        arrivals.push(Arrival { record, pixels: image });
    }
    Ok((arrivals, problems))
}
