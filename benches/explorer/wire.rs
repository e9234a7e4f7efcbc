//! What needs a terminal: the real program in a pseudo-terminal, from the key to the bytes.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use panelscope::session::{Recorder, SessionStore};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::sample::{Shape, TOP, session};
use super::{Figure, ROUNDS, best_of, quantile};

/// How a frame ends.
const FRAME: &[u8] = b"\x1b[?2026l";
/// How long anything may take before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Seen {
    bytes: usize,
    frames: usize,
    /// When the last frame ended.
    last: Option<Instant>,
    first: Option<Instant>,
    tail: Vec<u8>,
    screen: Vec<u8>,
}

struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    started: Instant,
}

impl Terminal {
    fn start(args: &[&str], dir: &Path) -> Self {
        let size = PtySize { rows: 60, cols: 200, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_panelscope"));
        command.args(args);
        command.cwd(dir);
        for name in ["NO_COLOR", "TERM_PROGRAM", "TMUX", "ZELLIJ", "SSH_CONNECTION", "COLORFGBG", "RUST_BACKTRACE"] {
            command.env_remove(name);
        }
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("XDG_CONFIG_HOME", dir);
        let seen = Arc::new((Mutex::new(Seen::default()), Condvar::new()));
        let mut output = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let shared = Arc::clone(&seen);
        let started = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(n) = output.read(&mut buffer)
                && n > 0
            {
                let now = Instant::now();
                let mut seen = shared.0.lock().unwrap();
                seen.bytes += n;
                seen.tail.extend_from_slice(&buffer[..n]);
                seen.screen.extend_from_slice(&buffer[..n]);
                let frames = seen.tail.windows(FRAME.len()).filter(|w| *w == FRAME).count();
                if frames > 0 {
                    seen.frames += frames;
                    seen.last = Some(now);
                    seen.first.get_or_insert(now);
                    seen.tail.clear();
                }
                let keep = seen.tail.len().saturating_sub(FRAME.len() - 1);
                seen.tail.drain(..keep);
                shared.1.notify_all();
            }
        });
        Self { child, _master: pair.master, keys, seen, started }
    }

    fn wait(&self, what: &str, good: impl Fn(&Seen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.seen.0.lock().unwrap();
        while !good(&seen) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waiting for {what}: {}", String::from_utf8_lossy(&seen.screen));
            seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
        }
    }

    fn wait_for(&self, text: &str) {
        self.wait(text, |seen| {
            let plain = String::from_utf8_lossy(&seen.screen);
            plain.contains(text)
        });
    }

    fn bytes(&self) -> usize {
        self.seen.0.lock().unwrap().bytes
    }

    /// Waits until nothing has been written for so long.
    fn settle(&self, quiet: Duration) {
        let mut before = self.bytes();
        loop {
            std::thread::sleep(quiet);
            let now = self.bytes();
            if now == before {
                return;
            }
            before = now;
        }
    }

    fn send(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// From the key to the last byte of its frame.
    fn press(&mut self, key: &str) -> Duration {
        let before = self.seen.0.lock().unwrap().frames;
        let clock = Instant::now();
        self.send(key);
        self.wait(key, |seen| seen.frames > before);
        self.seen.0.lock().unwrap().last.unwrap().saturating_duration_since(clock)
    }

    /// Bytes written in two seconds in which nothing happens.
    fn idle(&self) -> usize {
        self.settle(Duration::from_millis(300));
        let before = self.bytes();
        std::thread::sleep(Duration::from_secs(2));
        self.bytes() - before
    }

    fn first_frame(&self) -> Duration {
        self.wait("the first frame", |seen| seen.first.is_some());
        self.seen.0.lock().unwrap().first.unwrap() - self.started
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Records ten thousand tokens.
fn recorded(dir: &Path) -> String {
    let store = SessionStore::open(dir.join("sessions")).unwrap();
    let mut recorder = Recorder::create(&store, "bench", "20260102-030405-abcdef").unwrap();
    for arrival in session(Shape::Turns, 10_000, TOP).done() {
        recorder.write(&arrival.record, arrival.pixels.as_ref()).unwrap();
    }
    recorder.finish().unwrap().to_str().unwrap().to_owned()
}

pub fn figures() -> Vec<Figure> {
    let dir = tempfile::tempdir().unwrap();
    let log = recorded(dir.path());
    let mut figures = Vec::new();
    first_paint(dir.path(), &log, &mut figures);
    keys(dir.path(), &log, &mut figures);
    live(dir.path(), &mut figures);
    figures
}

fn first_paint(dir: &Path, log: &str, figures: &mut Vec<Figure>) {
    let shipped = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/sessions/demo")).unwrap();
    let mut logs: Vec<_> =
        shipped.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "zst")).collect();
    logs.sort();
    let shipped = logs.first().unwrap().to_str().unwrap().to_owned();
    let cases: [(&str, Vec<&str>, f64); 3] = [
        ("the library", vec!["--images", "blocks"], 100.0),
        ("replay of a shipped session", vec!["replay", &shipped, "--images", "blocks"], 100.0),
        ("replay of 10,000 tokens", vec!["replay", log, "--images", "blocks"], 100.0),
    ];
    for (what, args, limit) in cases {
        let times: Vec<Duration> = (0..15).map(|_| Terminal::start(&args, dir).first_frame()).collect();
        figures.push(Figure::time(format!("first paint: {what}, median of 15"), quantile(&times, 0.5), limit));
    }
}

fn keys(dir: &Path, log: &str, figures: &mut Vec<Figure>) {
    let mut terminal = Terminal::start(&["replay", log, "--images", "blocks"], dir);
    terminal.first_frame();
    terminal.send("G");
    figures.push(Figure::bytes("idle: replay at its end, bytes in 2 s", terminal.idle() as f64, 0.0));
    let times = best_of(ROUNDS, || {
        terminal.send("G");
        let step = |i: usize| {
            // The page is painted anew where a box goes or comes: its frame is another one, and may come first.
            terminal.settle(Duration::from_millis(4));
            terminal.press(["h", "h", "[", "h", "l", "]", "g", "l", "]", "G", "["][i % 11])
        };
        (0..99).map(step).collect()
    });
    figures.extend(times.p95("key to flush, 10,000 tokens", 8.0));
    terminal.send("q");
}

fn live(dir: &Path, figures: &mut Vec<Figure>) {
    let text =
        format!("<think>{}</think><answer>running</answer>\n", "The legs are bent, so it is running. ".repeat(60));
    std::fs::write(dir.join("turns.txt"), text).unwrap();
    let args = ["--images", "blocks", "--scripted", "turns.txt", "--scripted-delay", "5"];
    let mut terminal = Terminal::start(&args, dir);
    terminal.wait_for("24 questions");
    terminal.settle(Duration::from_millis(200));
    figures.push(Figure::bytes("idle: the library, bytes in 2 s", terminal.idle() as f64, 0.0));
    terminal.send("\r");
    terminal.wait_for("legs");
    terminal.send(" ");
    terminal.wait_for("paused");
    figures.push(Figure::bytes("idle: a live session, paused, bytes in 2 s", terminal.idle() as f64, 0.0));
    terminal.send("\x03");
}
