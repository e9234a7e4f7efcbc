//! `panelscope fork`.

use std::path::Path;
use std::sync::Arc;

use clap::{ArgGroup, Args};

use super::ask::{Switch, Told, ask_one, parse_box};
use super::interrupt_flag;
use super::model_flags::LoadFlags;
use super::model_load::loaded;
use super::sessions::store;
use super::{CliError, CliResult, Global};
use crate::engine::{Ask, At, Edit, Fork, LocalEngine, OtherCrop, PageSource, Past, Setting, StepEngine};
use crate::geometry::PageBox;
use crate::model::PixelLimits;
use crate::page::Page;
use crate::protocol::Profile;
use crate::session::{self, PixelStore};
use crate::text::one_line;
use crate::trace::breakpoint::Breakpoint;
use crate::trace::{Body, ImageRole, SessionStart, Trace};

/// Arguments of `fork`.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("edit").args(["token", "token_id", "text", "page_box", "crop"])))]
pub struct ForkArgs {
    /// The session to depart from: its id, or a log file
    #[arg(value_name = "SESSION")]
    session: String,
    /// Where: a token position, zoom:K, segment:K, or end
    #[arg(long, value_name = "PLACE", allow_negative_numbers = true)]
    at: At,
    /// Another token there, by its text
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    token: Option<String>,
    /// Another token there, by its id
    #[arg(long, value_name = "ID")]
    token_id: Option<u32>,
    /// A text there, as many tokens as it takes
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// Another box in the call: X1,Y1,X2,Y2 in page pixels, or target
    #[arg(long = "box", value_name = "BOX", allow_hyphen_values = true)]
    page_box: Option<String>,
    /// Another crop for the call: blank, target, X1,Y1,X2,Y2 in page pixels, or an image file
    #[arg(long, value_name = "CROP", allow_hyphen_values = true)]
    crop: Option<String>,
    #[command(flatten)]
    settings: Settings,
    /// Model: demo, a folder, or owner/name[@revision] on a hub
    #[arg(long, value_name = "MODEL", default_value = "demo")]
    model: String,
    #[command(flatten)]
    load: LoadFlags,
    /// Profile (default: the session's)
    #[arg(long, value_name = "NAME|FILE")]
    profile: Option<String>,
    /// End the fork where this fires; repeat it for several
    #[arg(long = "break", value_name = "CONDITION")]
    breakpoint: Vec<Breakpoint>,
    /// Do not record the fork
    #[arg(long)]
    no_record: bool,
    /// Print the log's own lines
    #[arg(long)]
    json: bool,
}

/// What a fork may have otherwise beside, or instead of, its edit.
#[derive(Args, Debug, Default)]
struct Settings {
    /// Another temperature from there on
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    temperature: Option<f64>,
    /// Keep the K likeliest tokens from there on; 0 keeps all
    #[arg(long, value_name = "K")]
    top_k: Option<u32>,
    /// Keep the likeliest tokens that have this mass from there on
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    top_p: Option<f64>,
    /// Another penalty on tokens of the context from there on
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    repetition_penalty: Option<f64>,
    /// Another seed from there on
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Most tokens to write
    #[arg(long, value_name = "N")]
    max_tokens: Option<u32>,
    /// Another question; the conversation begins anew, as it does for all that follows
    #[arg(long, value_name = "TEXT")]
    question: Option<String>,
    /// The choices, in this order; repeat it for each
    #[arg(long, value_name = "TEXT")]
    choice: Vec<String>,
    /// Whether the zoom tool is offered
    #[arg(long, value_enum)]
    tool: Option<Switch>,
    /// Fewest pixels of a processed image
    #[arg(long, value_name = "N")]
    min_pixels: Option<u64>,
    /// Most pixels of a processed image
    #[arg(long, value_name = "N")]
    max_pixels: Option<u64>,
}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(args: ForkArgs, global: &Global) -> CliResult {
    let path = store(global)?.resolve(&args.session).map_err(CliError::failed)?;
    let past = past(&path)?;
    let missing = || CliError::failed(format!("{} does not say what it is", one_line(&path.display().to_string())));
    let start = past.trace.start.clone().ok_or_else(missing)?;
    // A name out of a log must not make the program read a file.
    let profile = args.profile.as_deref().map_or_else(|| Profile::builtin(&start.profile), Profile::find);
    let profile = Arc::new(profile.map_err(CliError::usage)?);
    if profile.hash() != start.profile_hash {
        eprintln!("note: the profile {} is not as it was when the session was recorded", one_line(&profile.name));
    }
    let (ask, names) = begin(&args, &start, &past, profile)?;
    let cancel = interrupt_flag();
    let model = loaded(&args.load.choice(Some(&args.model), global)?, &cancel)?;
    let mut engine = LocalEngine::new(Arc::new(model));
    if engine.info().weights != start.model.weights {
        let names = [&engine.info().name, &start.model.name].map(|name| one_line(name).into_owned());
        eprintln!("note: {} is not the model that was recorded, {}; --model gives another", names[0], names[1]);
    } else if engine.info().dtype != start.model.dtype {
        let kept = [&start.model.dtype, &engine.info().dtype].map(|dtype| one_line(dtype).into_owned());
        eprintln!("note: the weights were kept as {}, now as {}; --dtype and --quant say how", kept[0], kept[1]);
    }
    if engine.info().resampler() != start.model.resampler() {
        let names = [start.model.resampler(), engine.info().resampler()].map(|name| one_line(name).into_owned());
        eprintln!("note: images were resized as by {}, now as by {}; --resampler gives another", names[0], names[1]);
    }
    let told = Told { record: !args.no_record, json: args.json };
    let ask = planned(&args, (ask, names), past, &engine)?;
    ask_one(&mut engine, &ask, told, global, &cancel)
}

/// What is asked again, with other settings where there are some, and their names.
///
/// # Errors
/// The page is not kept; a setting is out of range.
pub(super) fn begin(
    args: &ForkArgs,
    start: &SessionStart,
    past: &Past,
    profile: Arc<Profile>,
) -> Result<(Ask, Vec<String>), CliError> {
    let mut ask = Ask::of_log(start, session::new_id(), page(past)?, profile);
    let names = args.settings.apply(&mut ask)?;
    Ok((ask, names))
}

/// The same with its fork worked out.
///
/// # Errors
/// What the edit or the place lacks.
pub(super) fn planned(
    args: &ForkArgs,
    (mut ask, names): (Ask, Vec<String>),
    past: Past,
    engine: &dyn StepEngine,
) -> Result<Ask, CliError> {
    let edit = edit(args, &ask.question.targets, engine, names)?;
    let fork = Fork::plan(Arc::new(past), args.at, edit, &ask.profile).map_err(CliError::usage)?;
    ask.debug.fork = Some(Arc::new(fork));
    ask.debug.breakpoints.clone_from(&args.breakpoint);
    Ok(ask)
}

/// What the log and its folder know.
fn past(path: &Path) -> Result<Past, CliError> {
    let log = session::read_log(path).map_err(CliError::failed)?;
    let mut store = PixelStore::for_log(path, &log.records);
    let mut past = Past { trace: Arc::new(Trace::of(&log.records)), ..Past::default() };
    for record in &log.records {
        if let Body::Image(image) = &record.body {
            let found = store.get(&image.hash);
            if found.problem.is_none() {
                past.pixels.insert(image.hash.clone(), found.image);
            }
        }
    }
    Ok(past)
}

fn page(past: &Past) -> Result<PageSource, CliError> {
    let image = past.trace.images.iter().find(|image| image.event.role == ImageRole::Page);
    let pixels = image.and_then(|image| past.pixels.get(&image.event.hash));
    let pixels = pixels.ok_or_else(|| CliError::failed("the page of this session is not kept, so it cannot go on"))?;
    let hash = image.map(|image| image.event.hash.clone()).unwrap_or_default();
    Ok(PageSource::Page(Arc::new(Page { pixels: Arc::clone(pixels), hash, path: None })))
}

fn edit(args: &ForkArgs, targets: &[PageBox], engine: &dyn StepEngine, names: Vec<String>) -> Result<Edit, CliError> {
    let boxed = |text: &str| match text {
        "target" => targets.first().copied().ok_or("this question has no target".to_owned()),
        text => parse_box(text),
    };
    let edit = if let Some(text) = &args.token {
        match engine.encode(text).map_err(CliError::usage)?.as_slice() {
            [id] => Edit::Token(*id),
            ids => {
                let what = format!("{:?} is {} tokens; --text puts in as many as it takes", text, ids.len());
                return Err(CliError::usage(what));
            }
        }
    } else if let Some(id) = args.token_id {
        Edit::Token(id)
    } else if let Some(text) = &args.text {
        Edit::Text(text.clone())
    } else if let Some(text) = &args.page_box {
        Edit::Box(boxed(text).map_err(|why| CliError::usage(format!("--box: {why}")))?)
    } else if let Some(text) = &args.crop {
        Edit::Crop(crop(text, boxed)?)
    } else if names.is_empty() {
        Edit::Nothing
    } else {
        return Ok(Edit::Settings(names));
    };
    match names.first() {
        None => Ok(edit),
        Some(name) => {
            Err(CliError::usage(format!("a fork has one edit: give {name}, or the other, in a fork of its own")))
        }
    }
}

fn crop(text: &str, boxed: impl Fn(&str) -> Result<PageBox, String>) -> Result<OtherCrop, CliError> {
    if text == "blank" {
        return Ok(OtherCrop::Blank);
    }
    let path = Path::new(text);
    if path.is_file() {
        let page = Page::open(path).map_err(CliError::usage)?;
        return Ok(OtherCrop::Image(page.pixels, text.to_owned()));
    }
    let region = boxed(text)
        .map_err(|why| CliError::usage(format!("--crop: {} is no file, and as a region: {why}", one_line(text))))?;
    Ok(OtherCrop::Region(region))
}

impl Settings {
    fn given(&self, ask: &Ask) -> Vec<Setting> {
        let all = [
            self.temperature.map(Setting::Temperature),
            self.top_k.map(Setting::TopK),
            self.top_p.map(Setting::TopP),
            self.repetition_penalty.map(Setting::RepetitionPenalty),
            self.seed.map(Setting::Seed),
            self.max_tokens.map(Setting::MaxTokens),
            self.question.clone().map(Setting::Question),
            (!self.choice.is_empty()).then(|| Setting::Choices(self.choice.clone())),
            self.tool.map(|tool| Setting::Tool(tool == Switch::On)),
            self.pixels(ask.debug.pixels),
        ];
        all.into_iter().flatten().collect()
    }

    /// Limits of images, where one was given at least; the session's other one goes along where it must.
    fn pixels(&self, known: Option<(u64, u64)>) -> Option<Setting> {
        let given = PixelLimits { min: self.min_pixels, max: self.max_pixels };
        let (min, max) = known.unwrap_or((1, u64::MAX));
        let limits = given.or(PixelLimits { min: Some(min), max: Some(max) });
        (given != PixelLimits::default()).then(|| Setting::Pixels(limits.min.unwrap_or(min), limits.max.unwrap_or(max)))
    }

    /// Puts what was given into the question to ask, and gives the names.
    fn apply(&self, ask: &mut Ask) -> Result<Vec<String>, CliError> {
        let given = self.given(ask);
        given.iter().try_for_each(|setting| setting.apply(ask)).map_err(CliError::usage)?;
        Ok(given.iter().map(|setting| setting.name().to_owned()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_limit_takes_the_sessions_other_one_with_it() {
        let pixels =
            |min_pixels, max_pixels, known| Settings { min_pixels, max_pixels, ..Settings::default() }.pixels(known);
        let known = Some((3136, 31_360));
        assert_eq!(pixels(None, None, known), None);
        assert_eq!(pixels(None, Some(2000), known), Some(Setting::Pixels(2000, 2000)));
        assert_eq!(pixels(Some(40_000), None, known), Some(Setting::Pixels(40_000, 40_000)));
        assert_eq!(pixels(None, Some(7840), known), Some(Setting::Pixels(3136, 7840)));
        assert_eq!(pixels(Some(9), Some(8), known), Some(Setting::Pixels(9, 8)), "the engine refuses it");
        assert_eq!(pixels(None, Some(784), None), Some(Setting::Pixels(1, 784)), "a log that does not say");
    }
}
