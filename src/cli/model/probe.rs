//! `panelscope model probe`: one prompt through a checkpoint.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use candle_core::Tensor;
use clap::Args;

use super::report::{Greedy, ImageReport, Report, Seconds, Top};
use crate::cli::at_once::at_once;
use crate::cli::model_flags::LoadFlags;
use crate::cli::model_load::{LOADING, fetched, placed};
use crate::cli::pixel_flags::PixelFlags;
use crate::cli::{CliError, Global, interrupt_flag};
use crate::demo;
use crate::model::{
    Chunk, Dump, Feed, FileSource, ImageEmbedding, ImageProcessor, ModelChoice, Network, Patches, Sequence, Tokenizer,
    read_processor, read_tokenizer,
};
use crate::page::Page;

/// The system line of the chat layout when nobody gives one.
const SYSTEM: &str = "You are a helpful assistant.";
/// Most tokens that are listed or decoded.
const MOST: u32 = 100_000;

/// Arguments of `model probe`.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("input").required(true))]
pub struct ProbeArgs {
    /// A Hugging Face model folder, `demo` for the shipped checkpoint, or owner/name[@revision] on a hub
    #[arg(value_name = "MODEL")]
    model: String,
    #[command(flatten)]
    load: LoadFlags,
    #[command(flatten)]
    pixels: PixelFlags,
    /// One user turn in the Qwen chat layout: the images, then this text
    #[arg(long, value_name = "TEXT", group = "input", allow_hyphen_values = true)]
    prompt: Option<String>,
    /// Token ids as they are, with one image pad for each image
    #[arg(long, value_name = "ID,…", group = "input", value_delimiter = ',', value_parser = token_id)]
    ids: Option<Vec<u32>>,
    /// An image; give it again for more
    #[arg(long = "image", value_name = "FILE")]
    images: Vec<PathBuf>,
    /// How many of the likeliest next tokens to list
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=i64::from(MOST)))]
    top: u32,
    /// How many tokens to decode greedily (plain argmax: generation_config.json and end tokens are ignored)
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=i64::from(MOST)))]
    greedy: u32,
    /// Write every intermediate result of the prompt to a safetensors file
    #[arg(long, value_name = "FILE")]
    dump: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn token_id(text: &str) -> Result<u32, String> {
    text.trim().parse().map_err(|_| format!("{text:?} is not a token id"))
}

/// A checkpoint, without insisting on a tokenizer: raw ids need none.
struct Subject {
    network: Network,
    tokenizer: Option<Tokenizer>,
    processor: ImageProcessor,
    name: String,
}

/// What goes in: ids with one pad an image.
struct Input {
    ids: Vec<u32>,
    patches: Vec<Patches>,
}

/// Runs the command.
///
/// # Errors
/// Exit 2 for ids and images that do not match; exit 1 for anything the checkpoint or an image lacks.
pub fn run(args: &ProbeArgs, global: &Global) -> Result<(), CliError> {
    let choice = args.pixels.on(args.load.choice(Some(&args.model), global)?, global)?;
    let stop = interrupt_flag();
    let choice = fetched(&choice, Some(&stop))?;
    let subject = at_once(&stop, LOADING, || open(&choice))??;
    let input = input(args, &subject)?;
    let (report, dump) = at_once(&stop, "computing", || probe(args, &subject, &input))??;
    if let (Some(dump), Some(path)) = (dump, &args.dump) {
        write_dump(dump, path)?;
    }
    let lines = match args.json {
        true => vec![serde_json::to_string(&report).map_err(CliError::failed)?],
        false => report.lines(),
    };
    super::print(&lines)
}

fn open(choice: &ModelChoice) -> Result<Subject, CliError> {
    let source = &choice.source;
    let embedded = matches!(source, FileSource::Embedded(_));
    let name = if embedded { demo::MODEL_NAME.to_owned() } else { choice.name() };
    let tokenizer = read_tokenizer(source).map_err(CliError::failed)?;
    let network = Network::load_with(source, &placed(choice)?.options).map_err(CliError::failed)?;
    let mut processor = read_processor(source, network.config()).map_err(CliError::failed)?;
    processor.resampler = choice.resampler.or(processor.resampler);
    choice.pixels.put_into(&mut processor).map_err(CliError::failed)?;
    Ok(Subject { network, tokenizer, processor, name })
}

fn input(args: &ProbeArgs, subject: &Subject) -> Result<Input, CliError> {
    let ids = match (&args.prompt, &args.ids) {
        (Some(prompt), _) => chat_ids(prompt, args.images.len(), subject)?,
        (None, Some(ids)) => ids.clone(),
        (None, None) => return Err(CliError::usage("give --prompt or --ids")),
    };
    if ids.is_empty() {
        return Err(CliError::usage("the prompt has no tokens"));
    }
    let config = subject.network.config();
    if let Some(id) = ids.iter().find(|id| **id as usize >= config.text.vocabulary) {
        let most = config.text.vocabulary;
        return Err(CliError::usage(format!("--ids: {id} is outside the vocabulary of {most} tokens")));
    }
    let pads = ids.iter().filter(|id| **id == config.image_token).count();
    if pads != args.images.len() {
        let pad = config.image_token;
        let message =
            format!("{} image(s) and {pads} image pad(s): give one pad (id {pad}) an image", args.images.len());
        return Err(CliError::usage(message));
    }
    let patches = args.images.iter().map(|path| {
        let page = Page::open(path).map_err(CliError::failed)?;
        let told = |error| CliError::failed(format!("{}: {error}", path.display()));
        subject.processor.process(&page.pixels).map_err(told)
    });
    Ok(Input { ids, patches: patches.collect::<Result<_, _>>()? })
}

/// One user turn, images first. The marks around an image come from `config.json`, not from their spelling.
fn chat_ids(prompt: &str, images: usize, subject: &Subject) -> Result<Vec<u32>, CliError> {
    let Some(tokenizer) = &subject.tokenizer else {
        return Err(CliError::failed(format!("{}: no tokenizer.json; give --ids", subject.name)));
    };
    let config = subject.network.config();
    let encode = |text: &str| tokenizer.encode(text).map_err(CliError::failed);
    let mut ids = encode(&format!("<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n"))?;
    for _ in 0..images {
        ids.extend([config.vision_start, config.image_token, config.vision_end]);
    }
    ids.extend(encode(&format!("{prompt}<|im_end|>\n<|im_start|>assistant\n"))?);
    Ok(ids)
}

fn probe(args: &ProbeArgs, subject: &Subject, input: &Input) -> Result<(Report, Option<Dump>), CliError> {
    let network = &subject.network;
    let mut dump = args.dump.as_ref().map(|_| Dump::default());
    let start = Instant::now();
    let images = encode(network, &input.patches, dump.as_mut())?;
    let encoded = Instant::now();
    let mut sequence = network.new_sequence().map_err(CliError::failed)?;
    let chunks = chunks(&input.ids, network.config().image_token, &images);
    let mut batch = [Feed { sequence: &mut sequence, chunks }];
    let logits = match dump.as_mut() {
        Some(dump) => network.forward_traced(&mut batch, dump),
        None => network.forward(&mut batch),
    };
    let logits = logits.map_err(CliError::failed)?.pop().unwrap_or_default();
    let prefilled = Instant::now();
    let axis = |axis: usize| sequence.positions().iter().filter_map(|p| p.get(axis).copied()).collect();
    let mut report = Report {
        v: 1,
        model: network.info(&subject.name),
        token_ids: sequence.ids().to_vec(),
        images: input.patches.iter().zip(&images).map(|(patches, image)| image_report(patches, image)).collect(),
        position_ids: [axis(0), axis(1), axis(2)],
        next_position: sequence.next_position(),
        top: top(&logits, args.top as usize, subject.tokenizer.as_ref()),
        greedy: Vec::new(),
        seconds: Seconds::default(),
    };
    let decoding = Instant::now();
    report.greedy = greedy(network, &mut sequence, logits, args.greedy, subject.tokenizer.as_ref())?;
    report.seconds = Seconds {
        images: (encoded - start).as_secs_f64(),
        prompt: (prefilled - encoded).as_secs_f64(),
        greedy: decoding.elapsed().as_secs_f64(),
    };
    Ok((report, dump))
}

fn encode(
    network: &Network,
    patches: &[Patches],
    mut dump: Option<&mut Dump>,
) -> Result<Vec<ImageEmbedding>, CliError> {
    let encode = |patches| match dump.as_deref_mut() {
        Some(dump) => network.encode_image_traced(patches, dump),
        None => network.encode_image(patches),
    };
    patches.iter().map(encode).collect::<Result<_, _>>().map_err(CliError::failed)
}

/// Splits the ids at the pads, whose number is that of the images.
fn chunks<'a>(ids: &'a [u32], pad: u32, images: &'a [ImageEmbedding]) -> Vec<Chunk<'a>> {
    let mut chunks = Vec::new();
    let mut images = images.iter();
    for (number, text) in ids.split(|id| *id == pad).enumerate() {
        if number > 0 {
            chunks.extend(images.next().map(Chunk::Image));
        }
        if !text.is_empty() {
            chunks.push(Chunk::Tokens(text));
        }
    }
    chunks
}

fn image_report(patches: &Patches, image: &ImageEmbedding) -> ImageReport {
    ImageReport { original: patches.original, processed: patches.processed, grid: patches.grid, tokens: image.tokens() }
}

fn write_dump(dump: Dump, path: &Path) -> Result<(), CliError> {
    let tensors: HashMap<String, Tensor> = dump.tensors.into_iter().collect();
    candle_core::safetensors::save(&tensors, path)
        .map_err(|error| CliError::failed(format!("{}: {error}", path.display())))
}

/// ln of the sum of exponentials.
fn log_sum(logits: &[f32]) -> f64 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - most).exp()).sum();
    f64::from(most) + sum.ln()
}

fn logprob(logit: f32, log_sum: f64) -> f32 {
    (f64::from(logit) - log_sum) as f32
}

fn text(id: u32, tokenizer: Option<&Tokenizer>) -> String {
    tokenizer.map(|tokenizer| String::from_utf8_lossy(&tokenizer.piece_bytes(id)).into_owned()).unwrap_or_default()
}

/// The likeliest tokens, the lower id first among equals.
fn top(logits: &[f32], count: usize, tokenizer: Option<&Tokenizer>) -> Vec<Top> {
    let mut ranked: Vec<(u32, f32)> = (0..).zip(logits.iter().copied()).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let sum = log_sum(logits);
    let entry = |(id, logit)| Top { id, text: text(id, tokenizer), logit, logprob: logprob(logit, sum) };
    ranked.into_iter().take(count).map(entry).collect()
}

fn greedy(
    network: &Network,
    sequence: &mut Sequence,
    mut logits: Vec<f32>,
    count: u32,
    tokenizer: Option<&Tokenizer>,
) -> Result<Vec<Greedy>, CliError> {
    let mut tokens = Vec::new();
    for number in 0..count {
        let best = (0..).zip(&logits).max_by(|a: &(u32, &f32), b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
        let Some((id, logit)) = best else { return Err(CliError::failed("the model gave no logits")) };
        tokens.push(Greedy { id, text: text(id, tokenizer), logprob: logprob(*logit, log_sum(&logits)) });
        if number + 1 < count {
            let ids = [id];
            let mut batch = [Feed { sequence, chunks: vec![Chunk::Tokens(&ids)] }];
            logits = network.forward(&mut batch).map_err(CliError::failed)?.pop().unwrap_or_default();
        }
    }
    Ok(tokens)
}
