//! `panelscope replay`.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::explore;
use super::images_flag::ImagesFlag;
use super::look::Look;
use super::print_image::print_image;
use super::sessions::{printed, store};
use super::story::{Part, story};
use super::{CliError, CliResult, Global};
use crate::session::{self, LogReader, PixelStore, State};
use crate::text::one_line;
use crate::tui::{Options, Shot, Start, TuiError, film, screenshot};

/// Arguments of `replay`.
#[derive(Args, Debug)]
pub struct ReplayArgs {
    /// A session's id, a log file, or what sessions pack made (default: the newest session)
    #[arg(value_name = "SESSION")]
    session: Option<String>,
    /// Print the story in lines instead of opening the explorer (always, where stdout is no terminal)
    #[arg(long, visible_alias = "plain")]
    print: bool,
    /// How many times as fast as it was recorded
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed, allow_negative_numbers = true)]
    speed: f64,
    #[command(flatten)]
    look: Look,
    /// Print the explorer's screen as SVG: COLUMNSxROWS, or COLUMNSxROWS@N after N of the model's tokens
    #[arg(long, value_name = "SIZE", value_parser = shot)]
    svg: Option<Shot>,
    /// Press these before the picture: names of actions as keys.toml has them, =text to type; words apart
    #[arg(long, value_name = "NAMES", requires = "svg", conflicts_with = "film")]
    press: Option<String>,
    /// Write the session as a film into this file; --svg says its size, and with @N how many tokens from frame to frame
    #[arg(long, value_name = "FILE", requires = "svg")]
    film: Option<PathBuf>,
}

/// Reads `120x40` or `120x40@57`.
fn shot(text: &str) -> Result<Shot, String> {
    let wrong = || "use COLUMNSxROWS or COLUMNSxROWS@TOKEN".to_owned();
    let (size, token) = text.split_once('@').map_or((text, None), |(size, token)| (size, Some(token)));
    let (width, height) = size.split_once('x').ok_or_else(wrong)?;
    let side = |s: &str| s.parse::<u16>().ok().filter(|n| (1..=500).contains(n)).ok_or_else(wrong);
    let token = token.map(|t| t.parse::<usize>().map_err(|_| wrong())).transpose()?;
    Ok(Shot { width: side(width)?, height: side(height)?, token, blocks: false })
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    let good = speed.is_finite() && (0.01..=1000.0).contains(&speed);
    good.then_some(speed).ok_or_else(|| "must lie between 0.01 and 1000".to_owned())
}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(args: ReplayArgs, global: &Global) -> CliResult {
    let path = find(args.session.as_deref(), global)?;
    if let Some(shot) = args.svg {
        return picture(&path, shot, &args, global);
    }
    if args.print || !io::stdout().is_terminal() {
        return print(&path, args.look.images(&global.settings)?);
    }
    open(path, &args, global)
}

fn find(wanted: Option<&str>, global: &Global) -> Result<PathBuf, CliError> {
    let store = store(global)?;
    let found = wanted.map_or_else(|| session::newest(&store), |wanted| store.resolve(wanted));
    found.map_err(CliError::failed)
}

/// Prints the explorer's screen, or writes the film.
fn picture(path: &Path, shot: Shot, args: &ReplayArgs, global: &Global) -> CliResult {
    let shot = Shot { blocks: args.look.images(&global.settings)? == ImagesFlag::Blocks, ..shot };
    let theme = args.look.theme(&global.settings)?;
    let said = |why: TuiError| match why {
        TuiError::NoSuchPress { .. } => CliError::usage(one_line(&why.to_string())),
        why => CliError::failed(one_line(&why.to_string())),
    };
    if let Some(file) = &args.film {
        let svg = film(path, shot, theme).map_err(said)?;
        let told = |why| CliError::failed(format!("{}: {why}", one_line(&file.display().to_string())));
        return std::fs::write(file, svg).map_err(told).map(|()| ExitCode::SUCCESS);
    }
    let presses: Vec<String> = args.press.iter().flat_map(|p| p.split_whitespace()).map(str::to_owned).collect();
    let svg = screenshot(path, shot, theme, &presses, store(global).ok().as_ref()).map_err(said)?;
    printed(io::stdout().write_all(svg.as_bytes()), ExitCode::SUCCESS)
}

/// Opens the explorer.
fn open(path: PathBuf, args: &ReplayArgs, global: &Global) -> CliResult {
    let options = Options { speed: args.speed, ..args.look.options(global)? };
    explore::open(Start::Replay(path), options)
}

fn print(path: &Path, images: ImagesFlag) -> CliResult {
    let (log, mut pixels) = session::open_recording(path).map_err(CliError::failed)?;
    if log.records.is_empty() {
        let why = log.problems.list.first().map_or("nothing can be read", |problem| &problem.message);
        return Err(CliError::failed(one_line(&format!("{}: {why}", path.display()))));
    }
    warn(path, &log);
    printed(story(&log.records).into_iter().try_for_each(|part| show(part, &mut pixels, images)), ExitCode::SUCCESS)
}

fn show(part: Part, pixels: &mut PixelStore, images: ImagesFlag) -> io::Result<()> {
    match part {
        Part::Text(text) => writeln!(io::stdout(), "{text}"),
        Part::Image(_) if !io::stdout().is_terminal() => Ok(()),
        Part::Image(hash) => {
            let found = pixels.get(&hash);
            if let Some(problem) = found.problem {
                eprintln!("note: {}", one_line(&problem));
            }
            print_image(&found.image, images, None).map(|_| ())
        }
    }
}

fn warn(path: &Path, log: &LogReader) {
    let report = session::verify(log);
    if report.state == State::Damaged {
        let n = report.problems.len() + report.more_problems;
        let file = path.display().to_string();
        eprintln!("warning: {} is damaged ({n} problems; see sessions verify)", one_line(&file));
    }
}
