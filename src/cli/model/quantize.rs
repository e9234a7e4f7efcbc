//! `panelscope model quantize`: a model as GGUF files.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use super::{fallen_line, print};
use crate::cli::model_flags::FetchFlags;
use crate::cli::model_load::fetched;
use crate::cli::{CliError, interrupt_flag};
use crate::demo;
use crate::model::gguf::{ExportError, Exported, export, format_of};
use crate::model::{DtypeChoice, FileSource, LoadOptions, ModelError, Quant};
use crate::text::one_line;

/// Arguments of `model quantize`.
#[derive(Args, Debug)]
pub struct QuantizeArgs {
    /// The model: a folder, a GGUF file, a name on a hub, or demo
    #[arg(value_name = "SOURCE")]
    source: String,
    /// The format of the language model's matrices; the vision tower stays as it is stored
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: To,
    /// A folder for both files, or the language model's file (the image part's is put beside it)
    #[arg(long, value_name = "DIR|FILE.gguf")]
    out: PathBuf,
    #[command(flatten)]
    fetch: FetchFlags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum To {
    /// 8.5 bits a weight
    #[value(name = "q8_0")]
    Q8_0,
    /// 6.6 bits a weight
    #[value(name = "q6_k")]
    Q6K,
    /// 5.5 bits a weight
    #[value(name = "q5_k")]
    Q5K,
    /// llama.cpp's medium mixture of 4.5 and 6.6 bits
    #[value(name = "q4_k_m")]
    Q4KM,
    /// 4.5 bits a weight
    #[value(name = "q4_k")]
    Q4K,
    /// As stored
    #[value(name = "auto")]
    Auto,
    /// 16 bits, five of them exponent
    #[value(name = "f16")]
    F16,
    /// 16 bits, eight of them exponent
    #[value(name = "bf16")]
    Bf16,
    /// 32 bits
    #[value(name = "f32")]
    F32,
}

impl To {
    fn options(self) -> LoadOptions {
        let (quant, dtype) = match self {
            Self::Q8_0 => (Some(Quant::Q8_0), DtypeChoice::Auto),
            Self::Q6K => (Some(Quant::Q6K), DtypeChoice::Auto),
            Self::Q5K => (Some(Quant::Q5K), DtypeChoice::Auto),
            Self::Q4KM => (Some(Quant::Q4KM), DtypeChoice::Auto),
            Self::Q4K => (Some(Quant::Q4K), DtypeChoice::Auto),
            Self::Auto => (None, DtypeChoice::Auto),
            Self::F16 => (None, DtypeChoice::F16),
            Self::Bf16 => (None, DtypeChoice::Bf16),
            Self::F32 => (None, DtypeChoice::F32),
        };
        LoadOptions { quant, dtype, ..LoadOptions::default() }
    }
}

/// Runs the command.
///
/// # Errors
/// The model cannot be read, a file is there already or cannot be written.
pub fn run(args: &QuantizeArgs) -> Result<(), CliError> {
    let cancel = interrupt_flag();
    let choice = args.fetch.choice(&args.source)?;
    let choice = fetched(&choice, Some(&cancel))?;
    let name = match choice.source {
        FileSource::Embedded(_) => demo::MODEL_NAME.to_owned(),
        _ => choice.name(),
    };
    // Of owner/name@revision:folder/file.gguf the file's own name.
    let name = name.rsplit(['/', ':']).next().unwrap_or(&name);
    let name = name.strip_suffix(".gguf").unwrap_or(name);
    let said = |error| failure(error, &args.source);
    let format = match args.to {
        // Called what it is, and that only once.
        To::Auto | To::F16 | To::Bf16 | To::F32 => format_of(&choice.source, &args.to.options()).map_err(said)?,
        to => to.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default(),
    };
    let name = without(name, &format);
    let (text, image) = places(&args.out, name, &format)?;
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:32} {bytes:>10} of {total_bytes} at {bytes_per_sec}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut progress = |done: u64, total: u64| {
        bar.set_length(total);
        bar.set_position(done);
        !cancel.load(Ordering::Relaxed)
    };
    let done = export(&choice.source, &args.to.options(), name, &text, &image, &mut progress);
    bar.finish_and_clear();
    print(&told(&done.map_err(said)?, &text, &image))
}

fn failure(error: ExportError, source: &str) -> CliError {
    match error {
        ExportError::Stopped => CliError::Interrupted,
        ExportError::Exists(_) => CliError::usage(format!("{error}; give another --out")),
        ExportError::Model(ModelError::Quantised { kept, .. }) => CliError::failed(format!(
            "{} is quantised already ({kept}): give the model it was made from, or --to auto",
            one_line(source)
        )),
        other => CliError::failed(other),
    }
}

/// A name without the format at its end, which would be said twice.
fn without<'n>(name: &'n str, format: &str) -> &'n str {
    match name.rsplit_once('-') {
        Some((name, end)) if !name.is_empty() && end.eq_ignore_ascii_case(format) => name,
        _ => name,
    }
}

/// Both files' places: their names where a folder is named.
fn places(out: &Path, name: &str, format: &str) -> Result<(PathBuf, PathBuf), CliError> {
    let format = format.to_ascii_uppercase();
    let is_file = out.extension().is_some_and(|end| end.eq_ignore_ascii_case("gguf"));
    if !is_file {
        std::fs::create_dir_all(out).map_err(|why| CliError::failed(format!("{}: {why}", out.display())))?;
        return Ok((out.join(format!("{name}-{format}.gguf")), out.join(format!("mmproj-{name}.gguf"))));
    }
    let stem = out.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((out.to_owned(), out.with_file_name(format!("mmproj-{stem}"))))
}

fn told(done: &Exported, text: &Path, image: &Path) -> Vec<String> {
    let line = |path: &Path, bytes: u64, what: &str| {
        let path = one_line(&path.display().to_string()).into_owned();
        format!("{path}  {:.1} MB, {what}", bytes as f64 / 1e6)
    };
    let mut lines = vec![
        line(text, done.text_bytes, &format!("the language model, {}", done.format)),
        line(
            image,
            done.image_bytes,
            if done.image_was_there { "the image part, which was there" } else { "the image part" },
        ),
    ];
    lines.extend(fallen_line(&done.instead));
    if !done.usual_tokenizer {
        lines.push(
            "texts are cut otherwise than the family's: panelscope reads the tokenizer from the file, other programs may not"
                .to_owned(),
        );
    }
    lines
}
