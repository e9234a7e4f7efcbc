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
    /// What flags say, else what is known; a flag alone takes the other end along.
    ///
    /// # Errors
    /// The fewest are more than the most.
    pub(super) fn or(self, known: PixelLimits) -> Result<PixelLimits, CliError> {
        let limits = PixelLimits { min: self.min_pixels, max: self.max_pixels }.or(known);
        match (limits.min, limits.max) {
            (Some(min), Some(max)) if min > max || min == 0 => {
                let (low, high) = if self.min_pixels.is_some() || self.max_pixels.is_some() {
                    ("--min-pixels", "--max-pixels")
                } else {
                    ("min_pixels", "max_pixels")
                };
                Err(CliError::usage(format!("{low} {min} and {high} {max}: the first is 1 to the second")))
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_over_the_other_end_of_the_configuration() {
        let or = |min_pixels, max_pixels, min, max| PixelFlags { min_pixels, max_pixels }.or(PixelLimits { min, max });
        let both = |min, max| PixelLimits { min: Some(min), max: Some(max) };
        assert_eq!(or(None, Some(784), Some(1000), None).unwrap(), both(784, 784));
        assert_eq!(or(Some(9000), None, Some(10), Some(1000)).unwrap(), both(9000, 9000));
        let said = |limits: Result<PixelLimits, CliError>| format!("{:?}", limits.unwrap_err());
        assert!(said(or(Some(9), Some(8), None, None)).contains("--min-pixels 9 and --max-pixels 8"));
        // Nobody typed a flag.
        let configured = said(or(None, None, Some(9), Some(8)));
        assert!(configured.contains("min_pixels 9 and max_pixels 8") && !configured.contains("--"), "{configured}");
    }
}
