//! `panelscope model info`: what a model is, without loading its numbers.

use clap::Args;

use crate::cli::model_flags::{FetchFlags, ResamplingFlag};
use crate::cli::model_load::{fetched, size};
use crate::cli::{CliError, Global};
use crate::model::inspect::{ModelFacts, Need, Needs};
use crate::text::one_line;

/// Arguments of `model info`.
#[derive(Args, Debug)]
pub struct InfoArgs {
    /// Model: demo, a folder, or owner/name[@revision] on a hub
    #[arg(value_name = "MODEL", default_value = "demo")]
    model: String,
    #[command(flatten)]
    resampling: ResamplingFlag,
    #[command(flatten)]
    fetch: FetchFlags,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// What is missing or damaged, as loading would say it.
pub fn run(args: &InfoArgs, global: &Global) -> Result<(), CliError> {
    let choice = args.fetch.choice(&args.model)?;
    let choice = fetched(&choice, None)?;
    let mut facts = ModelFacts::read(&choice.source, &super::name(&choice)).map_err(CliError::failed)?;
    facts.images.resampler = args.resampling.choice(global)?.or(facts.images.resampler);
    let lines = match args.json {
        true => vec![serde_json::to_string(&facts).map_err(CliError::failed)?],
        false => lines(&facts),
    };
    super::print(&lines)
}

/// The same for people.
fn lines(facts: &ModelFacts) -> Vec<String> {
    let (sizes, numbers, images) = (&facts.sizes, &facts.parameters, &facts.images);
    let mut rows = vec![
        ("model", format!("{} ({})", facts.name, facts.architecture)),
        ("place", facts.place.clone()),
        (
            "language",
            format!(
                "{} blocks of width {}, {} heads of {} on {}, feed-forward {}",
                sizes.layers, sizes.hidden, sizes.heads, sizes.head_dim, sizes.kv_heads, sizes.feed_forward
            ),
        ),
        (
            "vision",
            format!(
                "{} blocks of width {}, {} heads, patches of {} pixels, windows of {}",
                sizes.vision_layers, sizes.vision_hidden, sizes.vision_heads, sizes.patch, sizes.window
            ),
        ),
        ("parameters", format!("{} in all", count(numbers.total))),
    ];
    let head = if numbers.tied { "the embedding".to_owned() } else { count(numbers.head) };
    let parts = [
        ("language", count(numbers.language)),
        ("embedding", count(numbers.embedding)),
        ("head", head),
        ("vision", count(numbers.vision)),
        ("merger", count(numbers.merger)),
    ];
    rows.push(("", parts.map(|(name, count)| format!("{name} {count}")).join(", ")));
    for (number, row) in facts.stored.iter().enumerate() {
        let words =
            format!("{:<13} {:<5} {:>8}  {}", row.part.words(), row.stored, count(row.numbers), size(row.bytes));
        rows.push((if number == 0 { "stored" } else { "" }, words));
    }
    for (number, file) in facts.files.iter().enumerate() {
        let words = format!("{:<34} {}", file.name, size(file.bytes));
        rows.push((if number == 0 { "files" } else { "" }, words));
    }
    rows.push(("bytes", size(facts.bytes)));
    let tokenizer = facts.vocabulary.tokenizer.map_or("no tokenizer".to_owned(), |count| format!("{count} tokens"));
    rows.push(("vocabulary", format!("{tokenizer} in a table of {}", facts.vocabulary.table)));
    rows.push(("context", format!("{} tokens", sizes.context)));
    rows.push((
        "images",
        format!(
            "{} to {} pixels, {} to {} tokens, resampled as {} does",
            images.min_pixels,
            images.max_pixels,
            images.min_tokens,
            images.max_tokens,
            images.resampler.name()
        ),
    ));
    rows.push(("template", template(facts)));
    rows.extend(memory(facts));
    rows.into_iter().map(|(name, what)| one_line(format!("{name:<12}{what}").trim_end()).into_owned()).collect()
}

fn template(facts: &ModelFacts) -> String {
    let found = match (&facts.template.file, facts.template.qwen_turns && facts.template.qwen_images) {
        (None, _) => "none".to_owned(),
        (Some(file), true) => format!("Qwen's layout ({file})"),
        (Some(file), false) => format!("another layout ({file})"),
    };
    format!("{found}; read with the profile rarl unless --profile names another")
}

fn memory(facts: &ModelFacts) -> Vec<(&'static str, String)> {
    let needs = &facts.needs;
    let mut rows = Vec::new();
    for (number, need) in needs.weights.iter().enumerate() {
        let format = if need.format == "auto" { "as stored" } else { need.format };
        let words = format!("{format:<9} {:>10}  {}", size(need.weights), place(need, needs));
        rows.push((if number == 0 { "memory" } else { "" }, words));
    }
    let kv = (size(needs.kv_1000_f32), size(needs.kv_1000_16_bits));
    rows.push(("", format!("and {} for 1,000 tokens of context ({} in 16 bits)", kv.0, kv.1)));
    let free = |bytes: Option<u64>| bytes.map_or("nobody says how much".to_owned(), size);
    rows.push(("cpu", format!("{} free", free(needs.available))));
    for gpu in &needs.gpus {
        let name = gpu.name.as_deref().unwrap_or("a GPU");
        rows.push(("gpu", format!("{} free on {}, {name}", free(gpu.free), gpu.device)));
    }
    rows
}

/// Where a format fits.
fn place(need: &Need, needs: &Needs) -> String {
    let cpu = (need.fits == Some(true)).then_some("cpu");
    let places: Vec<&str> = cpu.into_iter().chain(need.gpus.iter().map(String::as_str)).collect();
    let nobody_knows = need.fits.is_none() && needs.gpus.iter().all(|gpu| gpu.free.is_none());
    match places.as_slice() {
        [] if nobody_knows => String::new(),
        [] => "too large here".to_owned(),
        places => format!("fits here: {}", places.join(", ")),
    }
}

/// 7615616512 as 7.62 B.
fn count(numbers: u64) -> String {
    match numbers {
        0..1_000 => numbers.to_string(),
        1_000..1_000_000 => format!("{:.1} k", numbers as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} M", numbers as f64 / 1e6),
        _ => format!("{:.2} B", numbers as f64 / 1e9),
    }
}
