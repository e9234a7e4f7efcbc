//! `--min-pixels` and `--max-pixels`: how large a model sees images, for commands that show it new ones.

use clap::Args;

use super::{CliError, Global};
use crate::model::{ModelChoice, PixelLimits};

/// How large images are seen. Flags win over the configuration, and that over the model's files.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(super) struct PixelFlags {
    /// Fewest pixels of a processed image [default: the model's own]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    min_pixels: Option<u64>,
    /// Most pixels of a processed image; fewer take less time and memory [default: the model's own]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_pixels: Option<u64>,
}

impl PixelFlags {
    /// What flags say, else what is known.
    ///
    /// # Errors
    /// The fewest are more than the most.
    pub(super) fn or(self, known: PixelLimits) -> Result<PixelLimits, CliError> {
        let limits = PixelLimits { min: self.min_pixels, max: self.max_pixels }.or(known);
        match (limits.min, limits.max) {
            (Some(min), Some(max)) if min > max || min == 0 => {
                Err(CliError::usage(format!("--min-pixels {min} and --max-pixels {max}: the first is 1 to the second")))
            }
            _ => Ok(limits),
        }
    }

    /// What flags say, else the configuration.
    ///
    /// # Errors
    /// As [`PixelFlags::or`].
    pub(super) fn limits(self, global: &Global) -> Result<PixelLimits, CliError> {
        let settings = &global.settings;
        self.or(PixelLimits { min: settings.min_pixels, max: settings.max_pixels })
    }

    /// The model with images seen so.
    ///
    /// # Errors
    /// As [`PixelFlags::or`].
    pub(super) fn on(self, choice: ModelChoice, global: &Global) -> Result<ModelChoice, CliError> {
        Ok(ModelChoice { pixels: self.limits(global)?, ..choice })
    }
}
