//! `panelscope bench page`.

use std::path::PathBuf;

use clap::Args;

use super::{benchmark_error, printed};
use crate::benchmark::open;
use crate::cli::{CliError, CliResult};

/// Arguments of `bench page`.
#[derive(Args, Debug)]
pub(super) struct PageArgs {
    /// Benchmark: demo, synth:SEED, a benchmark's folder, a folder of images, or a .cbz
    #[arg(long, value_name = "B", default_value = "demo")]
    bench: String,
    /// Question id
    #[arg(long, required_unless_present = "name")]
    id: Option<String>,
    /// Page name
    #[arg(long, value_name = "NAME", conflicts_with = "id")]
    name: Option<String>,
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) fn run(args: &PageArgs) -> CliResult {
    let benchmark = open(&args.bench).map_err(benchmark_error)?;
    let page = match (&args.id, &args.name) {
        (Some(id), _) => benchmark.page(benchmark.find(id).map_err(benchmark_error)?),
        (None, name) => benchmark.page_named(name.as_deref().unwrap_or_default()),
    };
    let place = args.out.display().to_string();
    let pixels = &page.map_err(benchmark_error)?.pixels;
    pixels.save(&args.out).map_err(|e| CliError::failed(format!("{place}: {e}")))?;
    printed(std::io::Write::write_fmt(&mut std::io::stdout(), format_args!("{place}\n")))
}
