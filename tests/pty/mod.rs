//! A pseudo-terminal with the real program in it. Tests wait for what is on the screen, never for a time.

#![allow(dead_code, reason = "every test uses another part of it")]

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long anything may take; a slow machine under load is slow, not wrong.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the harness knows of the screen.
struct Seen {
    parser: vt100::Parser,
    over: bool,
    bytes: usize,
    raw: Vec<u8>,
}

fn sized(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

/// How many bytes a terminal with synchronized updates shows now: a frame that has begun is shown when it has ended.
fn whole_frames(bytes: &[u8]) -> usize {
    const BEGIN: &[u8] = b"\x1b[?2026h";
    const END: &[u8] = b"\x1b[?2026l";
    let find = |from: usize, what: &[u8]| {
        bytes.get(from..).and_then(|rest| rest.windows(what.len()).position(|w| w == what)).map(|at| from + at)
    };
    let mut from = 0;
    while let Some(begin) = find(from, BEGIN) {
        match find(begin, END) {
            Some(end) => from = end + END.len(),
            None => return begin,
        }
    }
    // The beginning itself may be cut in two.
    let tail =
        (1..BEGIN.len()).rev().find(|n| bytes.len() - from >= *n && BEGIN.starts_with(&bytes[bytes.len() - n..]));
    bytes.len() - tail.unwrap_or(0)
}

/// What the terminal does with what is typed.
fn mode(master: &dyn MasterPty) -> Option<String> {
    #[cfg(unix)]
    return master.get_termios().map(|mode| format!("{:?} {:?}", mode.local_flags, mode.input_flags));
    #[cfg(not(unix))]
    return None;
}

/// The program in its terminal.
pub struct Pty {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    /// How the terminal was before, in words; none where the system does not say.
    before: Option<String>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

impl Pty {
    /// Starts the program with these arguments, in this folder, in a terminal of this size.
    pub fn start(args: &[&str], dir: &Path, (cols, rows): (u16, u16), env: &[(&str, &str)]) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_panelscope"));
        command.args(args);
        command.cwd(dir);
        for name in ["NO_COLOR", "TERM_PROGRAM", "TMUX", "ZELLIJ", "SSH_CONNECTION", "COLORFGBG", "RUST_BACKTRACE"] {
            command.env_remove(name);
        }
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        // Nobody's own configuration has a say, nor have their sessions, models and keys.
        for name in ["PANELSCOPE_CONFIG", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_ENDPOINT", "RAYON_NUM_THREADS"] {
            command.env_remove(name);
        }
        for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "HF_HOME"] {
            command.env(name, dir.join("nobody").join(name));
        }
        for (name, value) in env {
            command.env(name, value);
        }
        let before = mode(&*pair.master);
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut output = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let parser = vt100::Parser::new(sized(rows), sized(cols), 0);
        let seen = Arc::new((Mutex::new(Seen { parser, over: false, bytes: 0, raw: Vec::new() }), Condvar::new()));
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            let (mut buffer, mut held) = ([0; 8192], Vec::new());
            loop {
                let n = output.read(&mut buffer).unwrap_or(0);
                let mut seen = shared.0.lock().unwrap();
                if n == 0 {
                    seen.over = true;
                    let rest = std::mem::take(&mut held);
                    seen.parser.process(&rest);
                } else {
                    held.extend_from_slice(&buffer[..n]);
                    let whole = whole_frames(&held);
                    seen.parser.process(&held[..whole]);
                    held.drain(..whole);
                    seen.bytes += n;
                    seen.raw.extend_from_slice(&buffer[..n]);
                }
                shared.1.notify_all();
                if n == 0 {
                    return;
                }
            }
        });
        Self { child, master: pair.master, keys, before, seen }
    }

    /// Types.
    pub fn send(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// The screen as text.
    pub fn screen(&self) -> String {
        self.seen.0.lock().unwrap().parser.screen().contents()
    }

    /// The background of a cell.
    #[allow(dead_code, reason = "not every test that uses this looks at it")]
    pub fn ground(&self, column: u16, row: u16) -> vt100::Color {
        self.seen.0.lock().unwrap().parser.screen().cell(row, column).unwrap().bgcolor()
    }

    /// What of the mouse the program has asked for.
    #[allow(dead_code, reason = "not every test that uses this looks at it")]
    pub fn mouse(&self) -> vt100::MouseProtocolMode {
        self.seen.0.lock().unwrap().parser.screen().mouse_protocol_mode()
    }

    /// Bytes the program has written.
    #[allow(dead_code, reason = "not every test that uses this looks at it")]
    pub fn bytes(&self) -> usize {
        self.seen.0.lock().unwrap().bytes
    }

    /// Everything the program has written, as text.
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.seen.0.lock().unwrap().raw).into_owned()
    }

    /// Waits until the screen satisfies `good` and gives it.
    pub fn wait(&self, what: &str, good: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.seen.0.lock().unwrap();
        loop {
            let text = seen.parser.screen().contents();
            if good(&text) {
                return text;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !seen.over, "waiting for {what}; the screen is\n{text}");
            seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Waits until this text is on the screen.
    pub fn wait_for(&self, text: &str) -> String {
        self.wait(text, |screen| screen.contains(text))
    }

    /// Waits for the program's end and gives everything it has written.
    pub fn over(&self) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.seen.0.lock().unwrap();
        while !seen.over {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the program does not end");
            seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
        }
        String::from_utf8_lossy(&seen.raw).into_owned()
    }

    /// Changes the terminal's size.
    #[allow(dead_code, reason = "not every test that uses this looks at it")]
    pub fn resize(&self, cols: u16, rows: u16) {
        self.seen.0.lock().unwrap().parser.screen_mut().set_size(sized(rows), sized(cols));
        self.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
    }

    /// The program's process id.
    #[allow(dead_code, reason = "not every test that uses this looks at it")]
    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Waits for the program's end, checks that the terminal was given back, and gives the exit code and what is left on
    /// the screen.
    pub fn end(mut self) -> (u32, String) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "the program does not end; the screen is\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(10));
        };
        // What it wrote last is still on its way through the terminal.
        let mut seen = self.seen.0.lock().unwrap();
        while !seen.over && Instant::now() < deadline {
            let (next, timeout) = self.seen.1.wait_timeout(seen, Duration::from_secs(1)).unwrap();
            seen = next;
            if timeout.timed_out() && !seen.parser.screen().alternate_screen() {
                break;
            }
        }
        assert_eq!(mode(&*self.master), self.before, "the terminal echoes and reads lines as before");
        let screen = seen.parser.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is left");
        assert!(!screen.hide_cursor(), "the cursor is shown");
        assert!(!screen.bracketed_paste(), "pasting is as before");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is given back");
        (status.exit_code(), screen.contents())
    }
}
