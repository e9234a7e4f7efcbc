//! The terminal's state: taken on entry, given back exactly once, however the program ends.
//!
//! One `restore` serves the guard's drop, the panic hook and the watchdog of signals. A panic on another thread must
//! not restore a terminal that the user interface still draws on; its message is kept and printed after the interface ended.

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ThreadId;

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::style::ResetColor;
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute};

/// Whether the terminal is ours now.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// The user interface's thread, what frees its pictures, and what other threads said when they panicked.
static KEPT: Mutex<Kept> = Mutex::new(Kept { thread: None, free: String::new(), messages: Vec::new() });

struct Kept {
    thread: Option<ThreadId>,
    free: String,
    messages: Vec<String>,
}

fn kept<T>(work: impl FnOnce(&mut Kept) -> T) -> T {
    work(&mut KEPT.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// Holds the terminal; dropping it gives the terminal back.
pub struct Guard(());

impl Guard {
    /// Takes the terminal: raw mode, alternate screen, pasted text as one event, the mouse where it is
    /// wanted. `free` is written on the way out: what
    /// frees the pictures that were sent.
    ///
    /// # Errors
    /// The terminal refuses; what was already changed is changed back.
    pub fn enter(free: String, with_mouse: bool) -> io::Result<Self> {
        kept(|k| {
            k.thread = Some(std::thread::current().id());
            k.free = free;
        });
        install_hook();
        watch_signals();
        TAKEN.store(true, Ordering::SeqCst);
        let guard = Self(());
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
        if with_mouse {
            mouse(true)?;
        }
        Ok(guard)
    }
}

/// Takes the mouse from the terminal, or gives it back.
///
/// # Errors
/// The terminal refuses.
pub fn mouse(on: bool) -> io::Result<()> {
    if on { execute!(io::stdout(), TakeMouse) } else { execute!(io::stdout(), DisableMouseCapture) }
}

/// Buttons, the wheel, and movements with a button held: not every movement, which would wake the program for nothing.
struct TakeMouse;

impl crossterm::Command for TakeMouse {
    fn write_ansi(&self, f: &mut impl std::fmt::Write) -> std::fmt::Result {
        f.write_str("\x1b[?1000h\x1b[?1002h\x1b[?1006h")
    }

    #[cfg(windows)]
    fn execute_winapi(&self) -> io::Result<()> {
        crossterm::event::EnableMouseCapture.execute_winapi()
    }

    #[cfg(windows)]
    fn is_ansi_code_supported(&self) -> bool {
        false
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
        for message in kept(|k| std::mem::take(&mut k.messages)) {
            eprintln!("{message}");
        }
    }
}

/// Gives the terminal back, once. Errors are passed over: there is nobody left to tell.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let free = kept(|k| std::mem::take(&mut k.free));
    let mut out = io::stdout();
    drop(execute!(out, EndSynchronizedUpdate));
    drop(out.write_all(free.as_bytes()));
    drop(execute!(out, ResetColor, DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show));
    drop(disable_raw_mode());
    drop(out.flush());
}

/// How long a signal may wait for the interface to end by itself.
#[cfg(unix)]
const GRACE: std::time::Duration = std::time::Duration::from_secs(3);

/// The interface ends by itself when a signal comes; should it be stuck, this gives the terminal back and ends the program.
#[cfg(unix)]
fn watch_signals() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    static WATCHING: AtomicBool = AtomicBool::new(false);
    if WATCHING.swap(true, Ordering::SeqCst) {
        return;
    }
    let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGTERM, SIGHUP, SIGINT]) else { return };
    let watch = move || {
        if signals.forever().next().is_some() {
            std::thread::sleep(GRACE);
            if TAKEN.load(Ordering::SeqCst) {
                restore();
                std::process::exit(130);
            }
        }
    };
    // Without the thread the interface still ends by itself.
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(watch);
}

#[cfg(not(unix))]
fn watch_signals() {}

/// Puts a hook before the one that is there; once in a process.
fn install_hook() {
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if INSTALLED.swap(true, Ordering::SeqCst) {
        return;
    }
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let ours = kept(|k| k.thread == Some(std::thread::current().id()));
        if ours || !TAKEN.load(Ordering::SeqCst) {
            restore();
            before(info);
        } else {
            // The interface lives on; a message now would be drawn into its screen.
            kept(|k| {
                if k.messages.len() < 20 {
                    k.messages.push(format!("internal error: {info}"));
                }
            });
        }
    }));
}
