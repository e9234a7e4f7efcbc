//! A model as a person names it, before anything is opened.

use std::borrow::Cow;

use super::arithmetic::{DtypeChoice, LoadOptions, Quant};
use super::config::Config;
use super::device::{self, DeviceChoice};
use super::error::ModelError;
use super::gguf::{GgufFiles, is_cut};
use super::processor::{PixelLimits, ResamplerChoice};
use super::source::FileSource;
use crate::hub::{Hub, HubError, Progress, Reference};

/// Which model, and how it is to be loaded.
#[derive(Clone, Debug)]
pub struct ModelChoice {
    /// Its files; for a model on a hub they are known once it is [`ModelChoice::fetched`].
    pub source: FileSource,
    /// The type of the numbers that are not quantised.
    pub dtype: DtypeChoice,
    /// What the linear maps of the language model are quantised to.
    pub quant: Option<Quant>,
    /// Whose resampling images are prepared with.
    pub resampler: ResamplerChoice,
    /// How large images are seen, where not as the model's files say.
    pub pixels: PixelLimits,
    /// Where it computes; `None` is what is usual.
    pub device: Option<DeviceChoice>,
    /// Where the files come from, for a model on a hub.
    pub remote: Option<Remote>,
}

/// How a model will be loaded, once its device is open.
#[derive(Clone, Debug)]
pub struct Placed {
    /// How.
    pub options: LoadOptions,
    /// Which device was taken and why, where a person may like to know: one was asked for, or this program could use
    /// others than the CPU.
    pub line: Option<String>,
}

/// A model on a hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Which.
    pub reference: Reference,
    /// Whether only the cache is looked into.
    pub offline: bool,
}

impl ModelChoice {
    /// Opens the device it is to be loaded on; of files that are on this machine no more is read than the model's
    /// configuration.
    ///
    /// # Errors
    /// [`ModelError::Device`], or what is wrong with `config.json`.
    pub fn place(&self) -> Result<Placed, ModelError> {
        let asked = self.device.unwrap_or_default();
        let taken = match asked {
            DeviceChoice::Auto => device::open_for(asked, &Config::from_json(&self.source.read("config.json")?)?)?,
            _ => device::open(asked)?,
        };
        let line = (self.device.is_some() || !device::built_for().is_empty()).then(|| format!("device: {}", taken.why));
        let Self { dtype, quant, resampler, pixels, .. } = *self;
        Ok(Placed {
            options: LoadOptions { device: taken.device, dtype, quant, resampler, pixels, ..LoadOptions::default() },
            line,
        })
    }

    /// Finds at once what would make loading fail in the end: no model where it is said to be, a device that was asked
    /// for and is not there.
    ///
    /// # Errors
    /// As [`Self::place`].
    pub fn check(&self) -> Result<(), ModelError> {
        if self.remote.is_none() {
            Config::from_json(&self.source.read("config.json")?)?;
        }
        match self.device {
            Some(asked @ (DeviceChoice::Cuda(_) | DeviceChoice::Metal)) => Ok(device::open(asked).map(drop)?),
            Some(DeviceChoice::Auto | DeviceChoice::Cpu) | None => Ok(()),
        }
    }

    /// A model on a hub, loaded as is usual.
    pub fn remote(reference: Reference, offline: bool) -> Self {
        let source = FileSource::Folder(reference.to_string().into());
        Self { remote: Some(Remote { reference, offline }), ..Self::from(source) }
    }

    /// The same with files that are on this machine: those of a model on a hub are fetched where they are not in the
    /// cache. What is in the cache costs a few looks at folders, so this may be asked again.
    ///
    /// # Errors
    /// [`HubError`].
    pub fn fetched(&self, progress: &mut dyn Progress) -> Result<Cow<'_, Self>, HubError> {
        let Some(remote) = &self.remote else { return Ok(Cow::Borrowed(self)) };
        let local = Hub::from_env(remote.offline, is_cut)?.get(&remote.reference, false, progress)?;
        let source = match local.gguf {
            Some(file) => FileSource::Gguf(GgufFiles::new(file, local.tower)),
            None => FileSource::Folder(local.folder),
        };
        // With the file that was taken, where nobody named one: logs say which.
        let remote = Some(Remote { reference: local.reference, ..remote.clone() });
        Ok(Cow::Owned(Self { source, remote, ..self.clone() }))
    }

    /// What logs call the model: its name on a hub, else what its files are called.
    pub fn name(&self) -> String {
        self.remote.as_ref().map_or_else(|| self.source.name(), |remote| remote.reference.to_string())
    }
}

impl From<FileSource> for ModelChoice {
    fn from(source: FileSource) -> Self {
        Self {
            source,
            dtype: DtypeChoice::Auto,
            quant: None,
            resampler: ResamplerChoice::Auto,
            pixels: PixelLimits::default(),
            device: None,
            remote: None,
        }
    }
}

impl From<&FileSource> for ModelChoice {
    fn from(source: &FileSource) -> Self {
        source.clone().into()
    }
}

impl From<&Self> for ModelChoice {
    fn from(choice: &Self) -> Self {
        choice.clone()
    }
}
