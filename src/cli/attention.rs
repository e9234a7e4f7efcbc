//! `panelscope attention`.

mod numbers;
mod sight;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use self::sight::Sight;
use super::model_flags::LoadFlags;
use super::sessions::{printed, store};
use super::{CliError, CliResult, Global};
use crate::session;
use crate::text::one_line;
use crate::tui::attention_png;

/// Arguments of `attention`.
#[derive(Args, Debug)]
pub struct AttentionArgs {
    /// A session's id, a log file, or what sessions pack made (default: the newest session)
    #[arg(value_name = "SESSION")]
    session: Option<String>,
    /// Position of the token (default: the last the model wrote)
    #[arg(long, value_name = "N")]
    token: Option<u64>,
    /// One layer, from 1 (default: the mean of all)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    layer: Option<u32>,
    /// One head, from 1 (default: the mean of all)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    head: Option<u32>,
    /// Subtract nothing: show sinks, too
    #[arg(long)]
    raw: bool,
    /// Look through the layers, too
    #[arg(long)]
    lens: bool,
    /// Model for what is not recorded: a folder, demo, or a hub's name; its weights must be the session's
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    #[command(flatten)]
    load: LoadFlags,
    /// Write the page with the attention over it as a PNG
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Lay it over this image instead of the page: 1 is the first crop
    #[arg(long, value_name = "K", default_value_t = 0)]
    image: usize,
    /// Print all numbers as JSON
    #[arg(long)]
    json: bool,
}

/// Says what a token attended to.
///
/// # Errors
/// The session cannot be read, has no such token, or neither it nor the model says what is asked.
pub fn run(args: &AttentionArgs, global: &Global) -> CliResult {
    let store = store(global)?;
    let path = args.session.as_deref().map_or_else(|| session::newest(&store), |wanted| store.resolve(wanted));
    let path = path.map_err(CliError::failed)?;
    let sight = Sight::of(&path, args, global)?;
    if let Some(file) = &args.png {
        let picture = sight.picture(args.image)?;
        let png = attention_png(&picture).ok_or_else(|| CliError::failed("there is no memory for the picture"))?;
        // The error names the file itself.
        session::write_atomic(file, &png).map_err(|e| CliError::failed(one_line(&e.to_string())))?;
    }
    let mut out = std::io::stdout().lock();
    let written = match args.json {
        true => writeln!(out, "{}", numbers::json(&sight)),
        false => write!(out, "{}", numbers::words(&sight)),
    };
    printed(written, ExitCode::SUCCESS)
}
