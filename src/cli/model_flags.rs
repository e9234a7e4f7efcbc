//! `--model` and how it is loaded, for every command that asks one.

use clap::{Args, ValueEnum};

use super::{CliError, Global};
use crate::config::Config;
use crate::demo;
use crate::hub::{Meaning, meaning};
use crate::model::device::UnknownDevice;
use crate::model::{DeviceChoice, DtypeChoice, ModelChoice, Quant, ResamplerChoice};
use crate::text::one_line;

/// How a model is loaded. Flags win over the configuration, and that over what is usual.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(super) struct LoadFlags {
    /// Type the weights are kept in (on a GPU: of all arithmetic) [default: auto]
    #[arg(long, value_enum, value_name = "TYPE")]
    dtype: Option<DtypeFlag>,
    /// Quantise the language model while it is loaded
    #[arg(long, value_enum, value_name = "FORMAT")]
    quant: Option<QuantFlag>,
    /// Where it computes: auto, cpu, cuda, cuda:N or metal [default: auto]
    #[arg(long, value_name = "WHERE")]
    device: Option<DeviceChoice>,
    #[command(flatten)]
    resampling: ResamplingFlag,
    #[command(flatten)]
    fetch: FetchFlags,
}

/// Whether a model may be fetched, for commands that look at its files only.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(super) struct FetchFlags {
    /// Fetch nothing: a model on a hub must be in the cache (as with HF_HUB_OFFLINE=1)
    #[arg(long)]
    offline: bool,
}

/// Whose resampling, as a flag.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(super) struct ResamplingFlag {
    /// Whose resampling images are prepared with [default: auto]
    #[arg(long, value_enum, value_name = "WHOSE")]
    resampler: Option<ResamplerFlag>,
}

/// [`ResamplerChoice`] as a flag.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum ResamplerFlag {
    /// As the class that the model's files name
    Auto,
    /// Pillow's, as slow image processors resize
    Pillow,
    /// torchvision's, as fast image processors resize
    Torchvision,
}

/// [`DtypeChoice`] as a flag.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum DtypeFlag {
    /// As the checkpoint stores them
    Auto,
    /// 32 bits
    F32,
    /// 16 bits, eight of them exponent
    Bf16,
    /// 16 bits, five of them exponent
    F16,
}

/// [`Quant`] as a flag.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[value(rename_all = "snake_case")]
pub(super) enum QuantFlag {
    /// Nothing is quantised
    None,
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
}

/// How a model is to be loaded, as flags and configuration say together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Loading {
    pub(super) dtype: DtypeChoice,
    pub(super) quant: Option<Quant>,
    pub(super) resampler: ResamplerChoice,
    /// `None` where nobody named one.
    pub(super) device: Option<DeviceChoice>,
    /// Nothing is fetched.
    pub(super) offline: bool,
}

impl LoadFlags {
    /// What flags say, else the configuration, else what is usual.
    ///
    /// # Errors
    /// The configuration names what is not there.
    pub(super) fn loading(self, global: &Global) -> Result<Loading, CliError> {
        Ok(self.or(configured(&global.settings)?.or(Loading::default())))
    }

    /// What flags say, else what is known.
    pub(super) fn or(self, known: Loading) -> Loading {
        Loading {
            dtype: self.dtype.map_or(known.dtype, DtypeFlag::choice),
            quant: self.quant.map_or(known.quant, QuantFlag::quant),
            resampler: self.resampling.resampler.map_or(known.resampler, ResamplerFlag::choice),
            device: self.device.or(known.device),
            offline: self.fetch.offline || known.offline,
        }
    }

    /// Where it computes, by flag or configuration.
    ///
    /// # Errors
    /// The configuration names what is not there.
    pub(super) fn device(self, global: &Global) -> Result<Option<DeviceChoice>, CliError> {
        Ok(self.device.or(configured(&global.settings)?.device))
    }

    /// The model of that name (none is the shipped one), to be loaded so.
    ///
    /// # Errors
    /// The configuration names what is not there.
    pub(super) fn choice(self, name: Option<&str>, global: &Global) -> Result<ModelChoice, CliError> {
        self.loading(global)?.of(name)
    }

    /// The model of that name as it is stored, whatever flags and configuration say of formats.
    ///
    /// # Errors
    /// The configuration names what is not there.
    pub(super) fn as_stored(self, name: Option<&str>, global: &Global) -> Result<ModelChoice, CliError> {
        Loading { dtype: DtypeChoice::Auto, quant: None, ..self.loading(global)? }.of(name)
    }
}

impl FetchFlags {
    /// The model of that name, as it is stored.
    ///
    /// # Errors
    /// There is no such model.
    pub(super) fn choice(self, name: &str) -> Result<ModelChoice, CliError> {
        Loading { offline: self.offline, ..Loading::default() }.of(Some(name))
    }
}

impl ResamplingFlag {
    /// What the flag says, else the configuration.
    ///
    /// # Errors
    /// The configuration names what is not there.
    pub(super) fn choice(self, global: &Global) -> Result<ResamplerChoice, CliError> {
        Ok(LoadFlags { resampling: self, ..LoadFlags::default() }.loading(global)?.resampler)
    }
}

impl Loading {
    /// The model of that name (none is the shipped one), to be loaded so.
    ///
    /// A shipped name is meant first, then a path that exists, then `owner/name` on a hub; it is not opened yet.
    ///
    /// # Errors
    /// There is no such model.
    pub(super) fn of(self, name: Option<&str>) -> Result<ModelChoice, CliError> {
        let shipped = demo::is_shipped(name);
        let choice = match name.filter(|_| !shipped).map(meaning) {
            Some(Meaning::Hub(reference)) => ModelChoice::remote(reference, self.offline),
            _ => ModelChoice::from(demo::model_named(name)),
        };
        let Self { dtype, quant, resampler, device, .. } = self;
        Ok(ModelChoice { dtype, quant, resampler, device, ..choice })
    }
}

impl DtypeFlag {
    const fn choice(self) -> DtypeChoice {
        match self {
            Self::Auto => DtypeChoice::Auto,
            Self::F32 => DtypeChoice::F32,
            Self::Bf16 => DtypeChoice::Bf16,
            Self::F16 => DtypeChoice::F16,
        }
    }
}

impl ResamplerFlag {
    const fn choice(self) -> ResamplerChoice {
        match self {
            Self::Auto => ResamplerChoice::Auto,
            Self::Pillow => ResamplerChoice::Pillow,
            Self::Torchvision => ResamplerChoice::Torchvision,
        }
    }
}

impl QuantFlag {
    pub(super) const fn quant(self) -> Option<Quant> {
        match self {
            Self::None => None,
            Self::Q8_0 => Some(Quant::Q8_0),
            Self::Q6K => Some(Quant::Q6K),
            Self::Q5K => Some(Quant::Q5K),
            Self::Q4KM => Some(Quant::Q4KM),
            Self::Q4K => Some(Quant::Q4K),
        }
    }
}

/// Checks what only commands can: the configuration's formats.
///
/// # Errors
/// Says which value is none, and what there is.
pub(super) fn check(settings: &Config) -> Result<(), CliError> {
    configured(settings).map(|_| ())
}

/// What the configuration says, as if it had been said by flags.
fn configured(settings: &Config) -> Result<LoadFlags, CliError> {
    let device = settings.device.as_deref().map(|name| {
        let wrong = |why: UnknownDevice| CliError::usage(one_line(&format!("configuration: device = {why}")));
        name.parse().map_err(wrong)
    });
    Ok(LoadFlags {
        device: device.transpose()?,
        dtype: word("dtype", settings.dtype.as_deref())?,
        quant: word("quant", settings.quant.as_deref())?,
        resampling: ResamplingFlag { resampler: word("resampler", settings.resampler.as_deref())? },
        fetch: FetchFlags::default(),
    })
}

fn word<T: ValueEnum>(key: &str, value: Option<&str>) -> Result<Option<T>, CliError> {
    let Some(value) = value else { return Ok(None) };
    let flag = T::from_str(value, true).map_err(|_| {
        let known = T::value_variants().iter().filter_map(T::to_possible_value);
        let known: Vec<String> = known.map(|v| v.get_name().to_owned()).collect();
        CliError::usage(one_line(&format!("configuration: {key} = \"{value}\" is none of {}", known.join(", "))))
    })?;
    Ok(Some(flag))
}
