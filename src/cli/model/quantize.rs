//! `panelscope model quantize`: a model as GGUF files.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use clap::{Args, ValueEnum};

use super::pace::Pace;
use super::{fallen_line, print};
use crate::cli::model_flags::FetchFlags;
use crate::cli::model_load::fetched;
use crate::cli::{CliError, interrupt_flag};
use crate::demo;
use crate::model::gguf::{ExportError, Exported, export, format_of, remove_leftovers};
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
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

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
        to => to.name(),
    };
    let name = without(name, &format);
    let (text, image, folder) = places(&args.out, name, &format)?;
    for left in [&text, &image].into_iter().flat_map(|path| remove_leftovers(path)) {
        eprintln!("removed {}, which a run that was killed had left", one_line(&left.display().to_string()));
    }
    let mut pace = Pace::new("writing");
    let mut progress = |done: u64, total: u64| {
        pace.at(done, total);
        !cancel.load(Ordering::Relaxed)
    };
    let done = export(&choice.source, &args.to.options(), name, &text, &image, &mut progress);
    pace.finish();
    if done.is_err() {
        folder.remove();
    }
    print(&told(&done.map_err(said)?, args.to, &text, &image))
}

fn failure(error: ExportError, source: &str) -> CliError {
    match error {
        ExportError::Stopped => {
            eprintln!("{error}");
            CliError::Interrupted
        }
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

/// Both files' places, their names where a folder is named, and what was made for them.
fn places(out: &Path, name: &str, format: &str) -> Result<(PathBuf, PathBuf, Made), CliError> {
    let format = format.to_ascii_uppercase();
    let is_file = out.extension().is_some_and(|end| end.eq_ignore_ascii_case("gguf"));
    if !is_file {
        let made = Made::of(out);
        std::fs::create_dir_all(out).map_err(|why| CliError::failed(format!("{}: {why}", out.display())))?;
        return Ok((out.join(format!("{name}-{format}.gguf")), out.join(format!("mmproj-{name}.gguf")), made));
    }
    let stem = out.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((out.to_owned(), out.with_file_name(format!("mmproj-{stem}")), Made::default()))
}

/// Folders that are made for the files, the innermost first.
#[derive(Debug, Default)]
struct Made(Vec<PathBuf>);

impl Made {
    /// Those of a path that are not there yet.
    fn of(out: &Path) -> Self {
        let missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        Self(out.ancestors().take_while(missing).map(Path::to_path_buf).collect())
    }

    /// Takes them away again, as far as they are empty.
    fn remove(&self) {
        // The first that holds something, or is not ours to remove, keeps those around it.
        let _ = self.0.iter().try_for_each(std::fs::remove_dir);
    }
}

fn told(done: &Exported, to: To, text: &Path, image: &Path) -> Vec<String> {
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
    if let Some(line) = fallen_line(&done.instead, done.matrices, to.options().quant) {
        // As llama.cpp's: a folder's file is called what was asked for.
        let named =
            text.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with(&to.name().to_ascii_uppercase()));
        let none = named && done.instead.len() == done.matrices;
        lines.push(line + if none { " (the file's name says what was asked for)" } else { "" });
    }
    if !done.usual_tokenizer {
        lines.push(
            "texts are cut otherwise than the family's: panelscope reads the tokenizer from the file, other programs may not"
                .to_owned(),
        );
    }
    lines
}
