//! `panelscope train plot`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::cli::sessions::printed;
use crate::cli::{CliError, CliResult};
use crate::text::sanitise;
use crate::train::plot::{self, read};

/// Arguments of `train plot`.
#[derive(Args, Debug)]
pub(super) struct PlotArgs {
    /// Folders of trainings, or their metrics.jsonl
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The file to write, .svg or .png (default: training.svg in the training's folder; here for several)
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What to draw, such as reward,accuracy+zoom_rate,tasks.*.coverage: one panel for each (default: what fits)
    #[arg(long, value_name = "KEYS", value_delimiter = ',')]
    keys: Vec<String>,
}

/// Draws metrics into a file, and prints its name.
pub(super) fn run(args: &PlotArgs) -> CliResult {
    let out = args.out.clone().unwrap_or_else(|| usual_place(&args.runs));
    let ending = out.extension().map(|ending| ending.to_ascii_lowercase());
    let png = match ending.as_ref().and_then(|ending| ending.to_str()) {
        Some("png") => true,
        Some("svg") => false,
        _ => return Err(CliError::usage(format!("--out {}: the name must end in .svg or .png", out.display()))),
    };
    let runs = args.runs.iter().map(|run| read::read_run(run)).collect::<Result<Vec<_>, _>>();
    let runs = runs.map_err(CliError::failed)?;
    let page = plot::page(&runs, &args.keys).map_err(CliError::usage)?;
    let file = if png { plot::png(&page).map_err(CliError::failed)? } else { plot::svg(&page).into_bytes() };
    fs::write(&out, file).map_err(|error| CliError::failed(format!("{}: {error}", out.display())))?;
    printed(writeln!(std::io::stdout(), "{}", sanitise(&out.display().to_string())), ExitCode::SUCCESS)
}

fn usual_place(runs: &[PathBuf]) -> PathBuf {
    let file = Path::new("training.svg");
    match runs {
        [run] if run.is_dir() => run.join(file),
        [run] => run.with_file_name(file),
        _ => file.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(runs: &[&Path], out: Option<&Path>, keys: &[&str]) -> CliResult {
        let runs = runs.iter().map(|run| run.to_path_buf()).collect();
        let keys = keys.iter().map(|&key| key.to_owned()).collect();
        super::run(&PlotArgs { runs, out: out.map(Path::to_path_buf), keys })
    }

    #[test]
    fn charts_go_where_they_are_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        let metrics = place.join("metrics.jsonl");
        fs::write(&metrics, "{\"step\":1,\"loss\":2}\n{\"step\":2,\"loss\":1}\n{\"st").unwrap();
        draw(&[place], None, &[]).unwrap();
        assert!(fs::read_to_string(place.join("training.svg")).unwrap().ends_with("</svg>\n"));
        let picture = place.join("two.PNG");
        draw(&[place, &metrics], Some(&picture), &["loss"]).unwrap();
        assert!(fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
    }

    #[test]
    fn wrong_use_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        assert!(matches!(draw(&[place], Some(Path::new("x.pdf")), &[]), Err(CliError::Usage(_))));
        assert!(matches!(draw(&[place], None, &[]), Err(CliError::Failed(_))));
        fs::write(place.join("metrics.jsonl"), "{\"step\":1,\"loss\":2}").unwrap();
        assert!(matches!(draw(&[place], None, &["reward"]), Err(CliError::Usage(_))));
        assert!(!place.join("training.svg").exists());
    }
}
