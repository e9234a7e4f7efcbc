//! `panelscope show`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::images_flag::ImagesFlag;
use super::look;
use super::print_image::print_image;
use super::{CliError, CliResult, Global};
use crate::page::Page;

/// Arguments of `show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// Pages to print: PNG, JPEG, WebP, GIF or BMP
    #[arg(required = true, value_name = "PAGE")]
    pages: Vec<PathBuf>,
    /// At most this many columns (default: the window's)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    width: Option<u16>,
    /// How pixels reach the terminal
    #[arg(long, value_enum, value_name = "HOW")]
    images: Option<ImagesFlag>,
}

/// Prints each page with a line that names it; where there is no terminal, only the lines.
///
/// # Errors
/// Says which page cannot be read, after printing the others; the configuration names no way of showing pixels.
pub fn run(args: ShowArgs, global: &Global) -> CliResult {
    let images = look::images(args.images, &global.settings)?;
    let mut failed = Vec::new();
    for path in &args.pages {
        match Page::open(path) {
            Ok(page) => show(path, &page, images, args.width).map_err(CliError::failed)?,
            Err(error) => failed.push(printable(&error.to_string())),
        }
    }
    if failed.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(CliError::failed(failed.join("\n       "))) }
}

fn show(path: &Path, page: &Page, images: ImagesFlag, width: Option<u16>) -> std::io::Result<()> {
    print_image(&page.pixels, images, width)?;
    let line =
        writeln!(std::io::stdout(), "{}  {}  {}", printable(&path.display().to_string()), page.size(), page.hash);
    match line {
        // `panelscope show … | head -1`: nobody reads on, and that is no failure.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// A name without control characters, which a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_command_the_terminal() {
        assert_eq!(printable("a\x1b[2J\u{9b}b.png"), "a\u{fffd}[2J\u{fffd}b.png");
    }
}
