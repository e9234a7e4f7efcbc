//! The program around the state: the event loop that turns events into actions, carries out effects and draws.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossterm::event::{Event, EventStream, KeyEvent};
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use crossterm::{execute, queue};
use futures_util::StreamExt;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use tokio::sync::mpsc;

use super::action::Action;
use super::app::{App, Choice, EngineState};
use super::background::{self, Job, News};
use super::effect::Effect;
use super::follow::{self, Follower};
use super::frames::Frames;
use super::images::{Gallery, Painted, Worker};
use super::late::Late;
use super::looking::Looks;
use super::mouse::MouseAction;
use super::probe::{ProbeNews, Thread as Probe, Who};
use super::sessions::{Chore, finder};
use super::signals::Signals;
use super::source::Live;
use super::update::pasted;
use super::{Setup, TuiError, guard, view};
use crate::benchmark::{Benchmark, Question, Selection};
use crate::engine::{Ask, Command, Debugging, ModelSource, PageSource, Warm};
use crate::model::Model;
use crate::session;

type Screenful = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

/// How often the engine's state is looked at; nothing is drawn unless it changed.
const LOOK: Duration = Duration::from_millis(40);

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The person left.
    Quit,
    /// A signal ended it.
    Interrupted,
}

/// What other threads tell the loop.
enum Message {
    News(Box<News>),
    Painted(Box<Painted>),
}

/// The running program.
pub struct Program {
    app: App,
    setup: Setup,
    gallery: Gallery,
    worker: Worker,
    frames: Frames,
    terminal: Screenful,
    started: Instant,
    late: Late,
    inbox: mpsc::UnboundedReceiver<Message>,
    outbox: mpsc::UnboundedSender<Message>,
    jobs: std::sync::mpsc::Sender<Job>,
    finder: finder::FinderSender,
    bench: Option<Arc<Benchmark>>,
    model: Slot,
    live: Option<Live>,
    /// The session's question as it was put, for forks of it.
    asked: Option<Ask>,
    /// The engine of the session before, which a fork takes over.
    warm: Option<Warm>,
    /// The question that waits for its page or its model.
    ticket: u64,
    pending: Option<Ask>,
    closing: Vec<JoinHandle<()>>,
    /// The probe that runs; dropped, it stops.
    probe: Option<Probe>,
    /// Looks at tokens of sessions that are over.
    looks: Looks,
    /// Looks at the run that is followed until it is dropped.
    follower: Option<Follower>,
    quit: bool,
}

/// The model, loaded once for all sessions.
enum Slot {
    Absent,
    Loading,
    Ready(Arc<Model>),
    Failed,
}

impl Program {
    /// Prepares everything that needs no event loop.
    ///
    /// # Errors
    /// The terminal or the system refuses.
    pub fn new(app: App, setup: Setup, gallery: Gallery) -> Result<Self, TuiError> {
        let backend = CrosstermBackend::new(BufWriter::with_capacity(1 << 16, io::stdout()));
        let terminal = Terminal::new(backend)?;
        let (outbox, inbox) = mpsc::unbounded_channel();
        let tell = outbox.clone();
        let worker = Worker::start(move |painted| {
            // The loop is gone: nobody wants the picture.
            let _ = tell.send(Message::Painted(Box::new(painted)));
        })?;
        let tell = outbox.clone();
        let news = move |news| {
            let _ = tell.send(Message::News(Box::new(news)));
        };
        let jobs = background::start(news)?;
        let tell = outbox.clone();
        let finder = finder::start(setup.desk.clone(), setup.record, move |action| {
            let _ = tell.send(Message::News(Box::new(News::Action(action))));
        })?;
        let frames = Frames::new(setup.frame_interval);
        Ok(Self {
            app,
            setup,
            late: Late::new(gallery.caps().answered),
            gallery,
            worker,
            frames,
            terminal,
            started: Instant::now(),
            inbox,
            outbox,
            jobs,
            finder,
            bench: None,
            model: Slot::Absent,
            live: None,
            asked: None,
            warm: None,
            ticket: 0,
            pending: None,
            closing: Vec::new(),
            probe: None,
            looks: Looks::default(),
            follower: None,
            quit: false,
        })
    }

    /// Runs until the person leaves or a signal comes.
    ///
    /// # Errors
    /// The terminal cannot be read or written.
    pub async fn run(mut self, first: Vec<Effect>) -> Result<Outcome, TuiError> {
        let size = self.terminal.size()?;
        self.act(Action::Resize(size.width, size.height))?;
        for effect in first {
            self.carry_out(effect)?;
        }
        self.begin()?;
        let mut events = EventStream::new();
        let mut signals = Signals::new()?;
        let mut outcome = Outcome::Quit;
        while !self.quit {
            self.draw_if_due()?;
            let deadline = self.deadline();
            tokio::select! {
                event = events.next() => match event {
                    Some(event) => self.event(event?)?,
                    // The terminal is gone.
                    None => { outcome = Outcome::Interrupted; break; }
                },
                arrivals = next_arrivals(&mut self.live) => self.arrived(arrivals)?,
                Some(message) = self.inbox.recv() => self.message(message)?,
                () = signals.next() => { outcome = Outcome::Interrupted; break; }
                () = tokio::time::sleep(deadline) => self.tick()?,
            }
        }
        self.close_session();
        for thread in std::mem::take(&mut self.closing) {
            // It has said what went wrong; what is left is to wait for it.
            let _ = thread.join();
        }
        Ok(outcome)
    }

    /// Sets the background to work: benchmark, recorded sessions, model, or the run that is followed.
    fn begin(&mut self) -> Result<(), TuiError> {
        if let Some((dir, manifest)) = &self.setup.run {
            let tell = self.outbox.clone();
            let follower = follow::start(dir.clone(), manifest, move |action| {
                // The loop is gone: nobody follows any more.
                let _ = tell.send(Message::News(Box::new(News::Action(action))));
            });
            self.follower = Some(follower?);
            let (name, selection) = (manifest.settings.benchmark.clone(), manifest.settings.selection());
            self.job(Job::Bench(name, selection));
            return Ok(());
        }
        if self.app.library.loading {
            self.job(Job::Bench(self.setup.bench.clone(), Selection::default()));
        }
        if self.app.home.is_some() {
            self.on_sessions(Chore::List);
            self.load_model();
        }
        Ok(())
    }

    fn now(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// How long nothing needs to be done.
    fn deadline(&self) -> Duration {
        let frame = self.frames.wait(self.now());
        // What moves is drawn at most as often as frames are.
        let due = self.app.next_due().map(|d| d.max(self.frames.wait(self.now()).unwrap_or(0.0)).max(0.001));
        let look = self.live.as_ref().map(|_| LOOK.as_secs_f64());
        let soonest = [frame, due, look].into_iter().flatten().fold(3600.0, f64::min);
        Duration::from_secs_f64(soonest)
    }

    pub(super) fn act(&mut self, action: Action) -> Result<(), TuiError> {
        let effects = self.app.update(action);
        for effect in effects {
            self.carry_out(effect)?;
        }
        self.paint_wanted();
        Ok(())
    }

    fn event(&mut self, event: Event) -> Result<(), TuiError> {
        match event {
            Event::Key(key) if self.late.takes(&key, self.now()) => return Ok(()),
            Event::Key(key) => self.key(&key)?,
            Event::Paste(text) if view::context(&self.app).takes_text() => self.act(pasted(&text))?,
            Event::Mouse(event) => match MouseAction::read(&event) {
                Some(event) => {
                    self.act(Action::Now(self.now()))?;
                    self.act(Action::Mouse(event))?;
                }
                None => return Ok(()),
            },
            Event::Resize(w, h) => {
                self.measure_cells();
                self.gallery.refresh();
                self.act(Action::Resize(w, h))?;
            }
            _ => return Ok(()),
        }
        self.frames.request_now();
        Ok(())
    }

    fn key(&mut self, key: &KeyEvent) -> Result<(), TuiError> {
        #[cfg(debug_assertions)]
        self.setup.panic_on(key);
        let now = Action::Now(self.now());
        match self.app.keymap.action(view::context(&self.app), key) {
            Some(action) => {
                self.act(now)?;
                self.act(action)
            }
            None => Ok(()),
        }
    }

    /// A terminal that was resized may have changed its font, too.
    fn measure_cells(&mut self) {
        if let Ok(window) = crossterm::terminal::window_size()
            && window.columns > 0
            && window.rows > 0
        {
            self.gallery.set_cell(window.width / window.columns, window.height / window.rows);
            self.app.cell_aspect = self.gallery.caps().cell_aspect();
        }
    }

    fn message(&mut self, message: Message) -> Result<(), TuiError> {
        match message {
            Message::Painted(painted) => {
                if self.gallery.ready(*painted) {
                    self.frames.request();
                }
                return Ok(());
            }
            Message::News(news) => match *news {
                News::Action(Action::Board(filter, made)) => {
                    let new = self.app.failures.is_new(&filter, &made);
                    self.act(Action::Now(self.now()))?;
                    self.act(Action::Board(filter, made))?;
                    if !new {
                        return Ok(());
                    }
                }
                News::Action(action) => self.act(action)?,
                News::Page { ticket, page, question } => self.page_found(ticket, page, question),
                News::Bench(bench) => {
                    let (title, entries) = match &self.setup.run {
                        Some((_, manifest)) => (follow::title(manifest), follow::entries(manifest, Some(&bench))),
                        None => (bench.name().to_owned(), super::entries(&bench)),
                    };
                    self.act(Action::Questions(title, entries))?;
                    if let Some(follower) = &self.follower {
                        follower.tell_all();
                    }
                    self.bench = Some(bench);
                }
                News::Fetching(words) => {
                    let words = super::clean(&words).replace('\n', " ");
                    self.app.fetching = Some(words).filter(|words| !words.is_empty());
                }
                News::Model(model) => self.model_loaded(model)?,
            },
        }
        self.frames.request();
        Ok(())
    }

    fn tick(&mut self) -> Result<(), TuiError> {
        self.look_at_engine()?;
        if self.app.next_due().is_some() {
            let now = self.now();
            let before = self.app.explorer.as_ref().map(|e| e.head.clone());
            self.act(Action::Now(now))?;
            if self.app.explorer.as_ref().map(|e| e.head.shown()) != before.as_ref().map(|h| h.shown())
                || self.app.explorer.as_ref().map(|e| e.head.at_edge()) != before.as_ref().map(|h| h.at_edge())
            {
                self.frames.request();
            }
        }
        Ok(())
    }

    fn look_at_engine(&mut self) -> Result<(), TuiError> {
        let Some(live) = &self.live else { return Ok(()) };
        let state = if live.is_over() { EngineState::Ended } else { live.state() };
        // The last records are still on their way when the engine says that it has ended.
        let known = self.app.explorer.as_ref().map(|e| e.engine);
        if known.is_some_and(|known| known != state) && (state != EngineState::Ended || live.is_over()) {
            self.act(Action::Engine(state))?;
            self.frames.request();
        }
        Ok(())
    }

    fn arrived(&mut self, arrivals: Option<Vec<super::action::Arrival>>) -> Result<(), TuiError> {
        match arrivals {
            Some(arrivals) => {
                let now = self.now();
                self.act(Action::Now(now))?;
                self.act(Action::Arrived(arrivals))?;
                self.look_at_engine()?;
            }
            None => {
                self.act(Action::Engine(EngineState::Ended))?;
                self.keep_engine();
                self.close_session();
            }
        }
        self.frames.request();
        Ok(())
    }

    /// Asks the worker for what the panes want and do not have.
    fn paint_wanted(&mut self) {
        for request in self.gallery.want(self.app.wants()) {
            self.worker.ask(request, self.gallery.caps().clone());
        }
    }

    fn draw_if_due(&mut self) -> Result<(), TuiError> {
        if !self.frames.is_due(self.now()) {
            return Ok(());
        }
        let (app, gallery, keymap) = (&self.app, &self.gallery, &self.app.keymap);
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| {
            view::draw(app, gallery, keymap, frame);
            gallery.settle(frame.buffer_mut());
        })?;
        self.gallery.flush(self.terminal.backend_mut())?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        Write::flush(self.terminal.backend_mut())?;
        let now = self.now();
        self.frames.drawn(now);
        Ok(())
    }

    pub(super) fn job(&mut self, job: Job) {
        if self.jobs.send(job).is_err() {
            self.app.toast = Some("the background thread is gone; please restart".to_owned());
        }
    }

    fn on_sessions(&mut self, chore: Chore) {
        if !self.finder.send(chore) {
            self.app.toast = Some("the thread that reads sessions is gone; please restart".to_owned());
        }
    }

    fn carry_out(&mut self, effect: Effect) -> Result<(), TuiError> {
        match effect {
            Effect::AskQuestion(index) => self.prepare(Choice::Question(index), None),
            Effect::AskTyped { page, text, choices } => {
                let question = Question { id: "typed".to_owned(), text, choices, ..Question::default() };
                self.prepare(page, Some(question));
            }
            Effect::OpenLog(path) => self.job(Job::Open(path)),
            Effect::LoadPreview(choice) => self.job(Job::Preview(choice)),
            Effect::OnSessions(chore) => self.on_sessions(chore),
            Effect::Run => self.send(Command::Run),
            Effect::Pause => self.send(Command::Pause),
            Effect::Step(unit) => self.send(unit.into()),
            Effect::CloseSession => {
                self.ticket += 1;
                self.pending = None;
                self.close_session();
            }
            Effect::Mouse(on) => self.take_mouse(on),
            Effect::Fork(order) => self.fork(&order)?,
            Effect::Breakpoints(points) => self.set_breakpoints(points),
            Effect::OpenBeside(path) => self.open_beside(path),
            Effect::FindBeside(id) => self.find_beside(&id)?,
            Effect::Copy(text) => self.copy(&text)?,
            Effect::Probe(kind) => self.start_probe(kind)?,
            Effect::StopProbe => self.stop_probe(),
            Effect::Look(look) => self.look_at(look)?,
            Effect::Watch(looking) => self.send(Command::Watch(looking)),
            Effect::Quit => self.quit = true,
        }
        Ok(())
    }

    fn take_mouse(&mut self, on: bool) {
        if let Err(why) = guard::mouse(on) {
            self.app.toast = Some(format!("the mouse cannot be switched: {why}"));
        }
    }

    pub(super) fn app(&self) -> &App {
        &self.app
    }

    pub(super) fn setup(&self) -> &Setup {
        &self.setup
    }

    pub(super) fn asked(&self) -> Option<&Ask> {
        self.asked.as_ref()
    }

    pub(super) fn out(&mut self) -> &mut impl Write {
        self.terminal.backend_mut()
    }

    /// What tells a probe's news to the loop.
    pub(super) fn teller(&self) -> impl Fn(ProbeNews) + Send + use<> {
        let tell = self.outbox.clone();
        move |news| {
            // The loop is gone: nobody waits for the probe any more.
            let _ = tell.send(Message::News(Box::new(News::Action(Action::Probed(Box::new(news))))));
        }
    }

    /// Keeps a running probe; the one before stops.
    pub(super) fn keep_probe(&mut self, probe: Option<Probe>) {
        self.probe = probe;
    }

    /// The model that answers probes.
    pub(super) fn who(&self) -> Who {
        match &self.model {
            Slot::Ready(model) => Who::Loaded(Arc::clone(model)),
            Slot::Absent | Slot::Loading | Slot::Failed => Who::Load(Box::new(self.setup.model.clone())),
        }
    }

    /// Whether a live session answers for itself.
    pub(super) fn is_live(&self) -> bool {
        self.live.as_ref().is_some_and(|live| !live.is_over())
    }

    /// The model for looks at sessions that are over; it is loaded where it is not there yet.
    pub(super) fn model_to_look(&mut self) -> Option<Result<Arc<Model>, String>> {
        self.load_model();
        match &self.model {
            Slot::Ready(model) => Some(Ok(Arc::clone(model))),
            Slot::Failed => Some(Err("there is no model at hand".to_owned())),
            Slot::Absent | Slot::Loading => None,
        }
    }

    /// What is looked at, and by whom.
    pub(super) fn looks(&mut self) -> &mut Looks {
        &mut self.looks
    }

    /// What tells the loop of anything.
    pub(super) fn teller_of_actions(&self) -> impl Fn(Action) + Send + use<> {
        let tell = self.outbox.clone();
        move |action| {
            // The loop is gone: nobody waits any more.
            let _ = tell.send(Message::News(Box::new(News::Action(action))));
        }
    }

    /// The benchmark that is open.
    pub(super) fn bench(&self) -> Option<Arc<Benchmark>> {
        self.bench.clone()
    }

    /// Starts a fork; the engine of the session it departs from is kept for it.
    pub(super) fn begin_fork(&mut self, ask: Ask) {
        self.ticket += 1;
        self.keep_engine();
        self.close_session();
        self.pending = Some(ask);
        self.load_model();
        self.start_pending();
    }

    /// The engine of the session on screen, for a fork that may follow.
    fn keep_engine(&mut self) {
        if let Some(engine) = self.live.as_mut().and_then(Live::take_engine) {
            self.warm = Some(engine);
        }
    }

    pub(super) fn send(&self, command: Command) {
        if let Some(live) = &self.live {
            live.send(command);
        }
    }

    /// Looks for the page of a question that is about to be asked.
    fn prepare(&mut self, of: Choice, typed: Option<Question>) {
        self.ticket += 1;
        let listed = match &of {
            Choice::Question(index) => self.bench.as_ref().and_then(|b| b.questions().get(*index)).cloned(),
            Choice::Page(_) | Choice::Session(_) | Choice::Named(_) => None,
        };
        let Some(question) = typed.or(listed) else { return };
        let ticket = self.ticket;
        self.job(Job::Page { ticket, of, question });
        self.load_model();
    }

    fn page_found(&mut self, ticket: u64, page: PageSource, question: Question) {
        if ticket != self.ticket {
            return;
        }
        let from_bench = question.task.is_some();
        self.pending = Some(Ask {
            benchmark: self.bench.as_ref().filter(|_| from_bench).map(|b| b.name().to_owned()),
            sampling: self.setup.sampling,
            seed: self.setup.seed,
            debug: Debugging {
                breakpoints: self.app.debug.points.on(),
                looking: self.setup.looking,
                ..Debugging::default()
            },
            ..Ask::new(session::new_id(), page, question, Arc::clone(&self.setup.profile))
        });
        self.start_pending();
    }

    fn load_model(&mut self) {
        if !matches!(self.model, Slot::Absent) {
            return;
        }
        if self.setup.scripted.is_some() {
            self.model = Slot::Failed;
            return;
        }
        let tell = self.outbox.clone();
        let started = background::load_model(self.setup.model.clone(), move |news| {
            let _ = tell.send(Message::News(Box::new(news)));
        });
        self.model = if started.is_ok() { Slot::Loading } else { Slot::Failed };
    }

    fn model_loaded(&mut self, model: Result<Arc<Model>, String>) -> Result<(), TuiError> {
        self.model = match model {
            Ok(model) => Slot::Ready(model),
            Err(why) => {
                self.act(Action::Failed(why))?;
                Slot::Failed
            }
        };
        self.start_pending();
        self.look_at_waiting()
    }

    /// Starts the session that waits, once its page and the model are there.
    fn start_pending(&mut self) {
        let model = match (&self.setup.scripted, &self.model) {
            (Some(scripted), _) => scripted.source(),
            (None, Slot::Ready(model)) => ModelSource::Loaded(Arc::clone(model)),
            // Loading again gives the session the error it has to tell of.
            (None, Slot::Failed) => ModelSource::Load(self.setup.model.clone()),
            (None, Slot::Absent | Slot::Loading) => return,
        };
        let Some(ask) = self.pending.take() else { return };
        self.close_session();
        // Only a fork gains by what the engine before it has computed.
        let model = match self.warm.take().filter(|_| ask.debug.fork.is_some()) {
            Some(warm) => ModelSource::Warm(warm, Box::new(model)),
            None => model,
        };
        self.asked = Some(ask.clone());
        let tell = self.outbox.clone();
        let trouble = move |why| {
            let _ = tell.send(Message::News(Box::new(News::Action(Action::Failed(why)))));
        };
        self.live = Some(Live::start(model, ask, self.setup.store.as_ref().filter(|_| self.setup.record), trouble));
        let looking = self.app.attend.looking();
        if !looking.is_off() {
            self.send(Command::Watch(looking));
        }
    }

    /// Stops the engine behind the screen and has its log finished.
    fn close_session(&mut self) {
        let Some(live) = self.live.take() else { return };
        let finder = self.finder.clone();
        match live.close(move || {
            finder.send(Chore::List);
        }) {
            Ok(thread) => {
                self.closing.retain(|t| !t.is_finished());
                self.closing.push(thread);
            }
            Err(why) => self.app.toast = Some(format!("the session could not be closed properly: {why}")),
        }
    }
}

/// The next records of a live session; waits for ever without one.
async fn next_arrivals(live: &mut Option<Live>) -> Option<Vec<super::action::Arrival>> {
    match live {
        Some(live) if !live.is_over() => live.next().await,
        _ => std::future::pending().await,
    }
}
