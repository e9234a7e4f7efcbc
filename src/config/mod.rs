//! A person's configuration: TOML in the place where their system keeps such files.
//!
//! Takes: a file. Gives: what is written in it, checked; what is not written stays open, so that flags win over it and it wins
//! over what is usual. A leaf: every room may use it, and it knows of none but `text`. Names that only others can check
//! (themes, keys, images) are kept as written.

mod analysis;
mod fault;
mod pace;
mod place;
mod record;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use analysis::Thresholds;
pub use fault::{ConfigError, Fault};
pub use pace::Pace;
pub use place::{dir, usual_file};
pub use record::{Record, RecordAttention};

/// Keys: context → action → keys, as in `assets/keys.toml`.
pub type KeyTable = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// What a configuration says. Nothing is required.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "panelscope configuration")]
pub struct Config {
    /// A theme's name, or "auto": theme_dark or theme_light, as the terminal's background is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
    /// The theme on a dark background (usually "dark").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme_dark: Option<String>,
    /// The theme on a light background (usually "light").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme_light: Option<String>,
    /// How pixels reach the terminal, as --images has it: "auto", "kitty", "iterm2", "sixel", "blocks", "none".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<String>,
    /// Whether the explorer takes the mouse (usually it does; M gives it back).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mouse: Option<bool>,
    /// How fast a live session is shown: tokens a second, or "full" (usually 40).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pace: Option<Pace>,
    /// Folder of recorded sessions; from this file's folder on where it is relative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<PathBuf>,
    /// The model the explorer asks: "demo", a folder, or owner/name on a hub.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Type the weights of models are kept in, as --dtype has it: "auto", "f32", "bf16", "f16".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dtype: Option<String>,
    /// What language models are quantised to while they are loaded, as --quant has it: "none", "q8_0", "q6_k", "q5_k",
    /// "q4_k_m", "q4_k".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quant: Option<String>,
    /// Whose resampling images are prepared with, as --resampler has it: "auto", "pillow", "torchvision".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resampler: Option<String>,
    /// Fewest pixels of an image as a model sees it, as --min-pixels has it (usually as the model's files say).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_pixels: Option<u64>,
    /// Most pixels of an image as a model sees it, as --max-pixels has it; fewer take less time and memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pixels: Option<u64>,
    /// Where models compute, as --device has it: "auto", "cpu", "cuda", "cuda:N", "metal".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The profile the explorer talks to it with: a name, or a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The benchmark the explorer lists, as --bench has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bench: Option<String>,
    /// Breakpoints of every live session, as --break has them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub breakpoints: Vec<String>,
    /// Where automatic labels of sessions draw their lines.
    #[serde(skip_serializing_if = "Thresholds::is_usual")]
    pub analysis: Thresholds,
    /// What logs say of every token besides the token.
    #[serde(skip_serializing_if = "Record::is_off")]
    pub record: Record,
    /// Your name, as it stands beside your labels and notes (usually $USER).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Keys: a table for every context ("explorer", "library", …), in it a list of keys for every action that is to have
    /// other keys than usual. An empty list unbinds it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: KeyTable,
}

/// Most bytes a configuration may have.
const MOST_BYTES: u64 = 1 << 20;

impl Config {
    /// Reads the file that was named (it must be there), else the usual one (it need not be).
    ///
    /// # Errors
    /// [`ConfigError`]: the file cannot be read, or what it says is wrong.
    pub fn load(named: Option<&Path>) -> Result<Self, ConfigError> {
        match (named, usual_file()) {
            (Some(path), _) => Self::read(path),
            (None, Some(path)) if path.is_file() => Self::read(&path),
            (None, _) => Ok(Self::default()),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`]: it cannot be read, or what it says is wrong.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let read = |source| ConfigError::Read { path: path.to_owned(), source };
        let Some(text) = read_bounded(path, MOST_BYTES).map_err(read)? else {
            return Err(ConfigError::Large { path: path.to_owned() });
        };
        let mut config = Self::parse(&text).map_err(|fault| ConfigError::Wrong { path: path.to_owned(), fault })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        config.sessions = config.sessions.map(|dir| folder.join(dir));
        Ok(config)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// Line, column and what is wrong there, with the nearest right key where one is near.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        toml::from_str(text).map_err(|error| Fault::of(text, &error))
    }
}

/// The JSON Schema of a configuration.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Config).to_value()
}

/// A text file of at most so many bytes, whatever its size claims to be; `None` for a larger one.
///
/// # Errors
/// It cannot be read, or is not UTF-8.
pub fn read_bounded(path: &Path, most: u64) -> std::io::Result<Option<String>> {
    let mut text = String::new();
    let read = std::fs::File::open(path)?.take(most + 1).read_to_string(&mut text)?;
    Ok((read as u64 <= most).then_some(text))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
