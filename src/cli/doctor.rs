//! `panelscope doctor`.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::card::print_card;
use super::images_flag::ImagesFlag;
use super::look;
use super::sessions::printed;
use super::{CliError, CliResult, Global};
use crate::demo;
use crate::model::{DeviceChoice, device};
use crate::session;
use crate::text::one_line;
use crate::tui::images::{Caps, ImageMode};
use crate::tui::terminal::Answers;
use crate::tui::theme::ColorDepth;

/// How long the terminal may take to answer.
const WAIT: Duration = Duration::from_millis(700);

/// Arguments of `doctor`.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// How pixels reach the terminal: try another way than the one that is found
    #[arg(long, value_enum, value_name = "HOW")]
    images: Option<ImagesFlag>,
    /// Print JSON, without the test card
    #[arg(long)]
    json: bool,
}

/// Says what was detected and draws a test card; asks and draws nothing where stdout is no terminal.
///
/// # Errors
/// stdout cannot be written; the configuration names no way of showing pixels.
pub fn run(args: DoctorArgs, global: &Global) -> CliResult {
    let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let screen = io::stdout().is_terminal();
    let depth = ColorDepth::detect(var);
    // With --json stdout may be read by a program even where it is a terminal: nothing but JSON goes there.
    let asked = screen && !args.json;
    let mode = if asked { look::images(args.images, &global.settings)?.mode() } else { ImageMode::None };
    let mut caps = Caps::detect(mode, depth, var);
    if !asked {
        caps.why = if screen { "a terminal is not asked with --json" } else { "the output is no terminal" };
    }
    let answers = if asked { Answers::ask(WAIT) } else { Answers::default() };
    let found = Found { caps: &caps, answers: &answers, asked, screen };
    let report = json!({
        "program": { "version": env!("CARGO_PKG_VERSION"), "system": std::env::consts::OS, "processor": std::env::consts::ARCH },
        "terminal": found.terminal(var),
        "images": found.images(),
        "sessions": sessions(global),
        "model": { "name": demo::MODEL_NAME, "place": "in the program" },
        "devices": devices(),
    });
    let mut out = io::stdout().lock();
    if args.json {
        return printed(writeln!(out, "{report}"), ExitCode::SUCCESS);
    }
    let written = lines(&report).iter().try_for_each(|line| writeln!(out, "{line}"));
    printed(written, ExitCode::SUCCESS)?;
    drop(out);
    if screen {
        print_card(&caps).map_err(|error| CliError::failed(format!("cannot print: {error}")))?;
    }
    Ok(ExitCode::SUCCESS)
}

struct Found<'a> {
    caps: &'a Caps,
    answers: &'a Answers,
    asked: bool,
    screen: bool,
}

impl Found<'_> {
    fn terminal(&self, var: impl Fn(&str) -> Option<String>) -> Value {
        let named = var("TERM_PROGRAM").map(|program| {
            let version = var("TERM_PROGRAM_VERSION").unwrap_or_default();
            one_line(format!("{program} {version}").trim_end()).into_owned()
        });
        let size = crossterm::terminal::size().ok().filter(|_| self.screen).map(|(w, h)| [w, h]);
        let colors = match self.caps.depth {
            ColorDepth::True => "24 bits",
            ColorDepth::Indexed => "256",
            ColorDepth::None => "none (NO_COLOR)",
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| var(name));
        let utf8 = locale.map(|l| l.to_lowercase().replace('-', "").contains("utf8"));
        let said = |answer: Option<bool>| if self.asked { json!(answer) } else { Value::Null };
        json!({
            "name": self.answers.version.clone().or(named),
            "term": var("TERM").map(|t| one_line(&t).into_owned()),
            "is_terminal": self.screen,
            "answers": if self.asked { json!(self.answers.answered) } else { Value::Null },
            "size": size,
            "colors": colors,
            "sync_updates": said(self.answers.sync),
            "mouse": said(self.answers.mouse),
            "kitty_keyboard": said(self.answers.keyboard),
            "utf8": utf8,
            "tmux": var("TMUX").is_some() || self.caps.tmux,
            "ssh": var("SSH_CONNECTION").is_some(),
        })
    }

    fn images(&self) -> Value {
        // A terminal that says nothing of its cells is drawn on as if they were twice as high as wide.
        let cell = self.answers.answered.then_some([self.caps.cell.0, self.caps.cell.1]);
        json!({ "way": self.caps.way.name(), "why": self.caps.why, "cell_pixels": cell })
    }
}

/// Where models can compute, and what `auto` takes for one that is not small.
fn devices() -> Value {
    let auto = device::open(DeviceChoice::Auto).map_or_else(|error| error.to_string(), |taken| taken.why);
    let mut devices = json!(device::survey());
    if let Some(devices) = devices.as_object_mut() {
        devices.insert("auto".to_owned(), Value::String(one_line(&auto).into_owned()));
    }
    devices
}

/// The devices for a person: what `auto` takes, then a line for each GPU.
fn device_lines(report: &Value) -> Vec<(&'static str, String)> {
    let text = |place: &str| report.pointer(place).and_then(Value::as_str).unwrap_or("unknown").to_owned();
    let mut rows = vec![("device", text("/devices/auto"))];
    for found in report.pointer("/devices/found").and_then(Value::as_array).into_iter().flatten() {
        let word = |key: &str| found.get(key).and_then(Value::as_str).map(str::to_owned);
        let size = |key: &str| found.get(key).and_then(Value::as_u64).map(|bytes| bytes as f64 / f64::from(1 << 30));
        let mut words = vec![word("name").unwrap_or_else(|| "a GPU".to_owned())];
        words.extend(size("free").zip(size("memory")).map(|(free, all)| format!("{free:.1} of {all:.1} GiB free")));
        words.extend(word("capability").map(|capability| format!("compute capability {capability}")));
        words.extend(word("driver").map(|driver| format!("its driver understands CUDA {driver}")));
        rows.push(("", format!("{}: {}", word("device").unwrap_or_default(), words.join(", "))));
    }
    rows
}

/// Where sessions go, and whether they can.
fn sessions(global: &Global) -> Value {
    let dir = match session::locate_dir(global.sessions_dir()) {
        Ok(dir) => dir,
        Err(why) => return json!({ "folder": null, "problem": one_line(&why.to_string()) }),
    };
    let folder = one_line(&dir.display().to_string()).into_owned();
    match writable(&dir) {
        Ok(exists) => json!({ "folder": folder, "exists": exists, "writable": true }),
        Err(why) => {
            json!({ "folder": folder, "exists": dir.is_dir(), "writable": false, "problem": one_line(&why.to_string()) })
        }
    }
}

/// Whether a folder can be written, by writing; `Ok(false)`: it is not there yet, and can be made.
fn writable(dir: &Path) -> io::Result<bool> {
    let there = dir.ancestors().find(|d| d.is_dir() || d.as_os_str().is_empty()).unwrap_or(dir);
    let there = if there.as_os_str().is_empty() { Path::new(".") } else { there };
    let probe = there.join(format!(".panelscope-doctor-{}", std::process::id()));
    std::fs::OpenOptions::new().write(true).create_new(true).open(&probe)?;
    std::fs::remove_file(&probe)?;
    Ok(dir.is_dir())
}

/// The report for a person.
fn lines(report: &Value) -> Vec<String> {
    let word = |place: &str| match report.pointer(place) {
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(sides)) => sides.iter().map(Value::to_string).collect::<Vec<_>>().join("×"),
        Some(Value::Number(number)) => number.to_string(),
        _ => "unknown".to_owned(),
    };
    let folder = match report.pointer("/sessions/exists").and_then(Value::as_bool) {
        _ if report.pointer("/sessions/writable") != Some(&Value::Bool(true)) => {
            format!("{} (cannot be written: {})", word("/sessions/folder"), word("/sessions/problem"))
        }
        Some(true) => format!("{} (can be written)", word("/sessions/folder")),
        _ => format!("{} (will be made)", word("/sessions/folder")),
    };
    let rows = [
        (
            "program",
            format!(
                "panelscope {} on {} {}",
                word("/program/version"),
                word("/program/system"),
                word("/program/processor")
            ),
        ),
        ("terminal", word("/terminal/name")),
        ("TERM", word("/terminal/term")),
        ("answers", word("/terminal/answers")),
        ("size", format!("{} cells, {} pixels each", word("/terminal/size"), word("/images/cell_pixels"))),
        ("colours", word("/terminal/colors")),
        ("images", format!("{}: {}", word("/images/way"), word("/images/why"))),
        ("whole frames", format!("{} (synchronised updates)", word("/terminal/sync_updates"))),
        ("mouse", word("/terminal/mouse")),
        ("keyboard", format!("kitty's protocol: {}", word("/terminal/kitty_keyboard"))),
        ("UTF-8", word("/terminal/utf8")),
        ("tmux, ssh", format!("{}, {}", word("/terminal/tmux"), word("/terminal/ssh"))),
        ("sessions", folder),
        ("model", format!("{} ({})", word("/model/name"), word("/model/place"))),
    ];
    let rows = rows.into_iter().chain(device_lines(report));
    rows.map(|(name, what)| format!("{name:<14}{what}")).collect()
}
