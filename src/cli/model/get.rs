//! `panelscope model get`: a model from a hub into the cache that all tools share.

use clap::Args;
use serde_json::json;

use crate::cli::model_load::{Watching, failure};
use crate::cli::{CliError, interrupt_flag};
use crate::hub::{Hub, Reference};
use crate::model::gguf::is_cut;
use crate::text::one_line;

/// Arguments of `model get`.
#[derive(Args, Debug)]
pub struct GetArgs {
    /// owner/name[@revision][:file.gguf]
    #[arg(value_name = "MODEL", value_parser = reference)]
    model: Reference,
    /// Ask whether the revision stands for another commit by now, even where it is whole in the cache
    #[arg(long, conflicts_with = "offline")]
    update: bool,
    /// Fetch nothing: say where it is in the cache, or what is missing
    #[arg(long)]
    offline: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn reference(text: &str) -> Result<Reference, String> {
    Reference::parse(text).ok_or_else(|| format!("{:?} is not owner/name[@revision][:file.gguf]", one_line(text)))
}

/// Runs the command.
///
/// # Errors
/// What could not be had, and what to do; what has been fetched until then stays.
pub fn run(args: &GetArgs) -> Result<(), CliError> {
    let stop = interrupt_flag();
    let hub = Hub::from_env(args.offline, is_cut).map_err(failure)?;
    let mut watching = Watching::new(Some(&stop));
    let local = hub.get(&args.model, args.update, &mut watching);
    watching.finish();
    let local = local.map_err(failure)?;
    let place = local.gguf.as_ref().unwrap_or(&local.folder);
    let text = if args.json {
        json!({
            "v": 1,
            "model": local.reference.to_string(),
            "commit": local.commit,
            "folder": local.folder,
            "file": local.gguf,
            "vision_tower": local.tower,
        })
        .to_string()
    } else {
        one_line(&place.display().to_string()).into_owned()
    };
    super::print(&[text])
}
