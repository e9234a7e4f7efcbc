//! Limits on an image's pixels that someone sets instead of the model's own.

use serde::{Deserialize, Serialize};

use super::{ImageProcessor, ProcessorError};

/// Fewest and most pixels of a processed image; what is none is as the model's files say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PixelLimits {
    /// Fewest.
    #[serde(rename = "min_pixels", default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u64>,
    /// Most.
    #[serde(rename = "max_pixels", default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
}

impl PixelLimits {
    /// These, else those.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { min: self.min.or(other.min), max: self.max.or(other.max) }
    }

    /// Puts them into a processor. A most below the model's fewest, or the other way round, takes both with it where only
    /// one was set.
    ///
    /// # Errors
    /// [`ProcessorError::Limits`]: both were set, and the fewest is 0 or more than the most.
    pub fn put_into(self, processor: &mut ImageProcessor) -> Result<(), ProcessorError> {
        let (min, max) = match (self.min, self.max) {
            (None, None) => return Ok(()),
            (Some(min), Some(max)) => (min, max),
            (Some(min), None) => (min, processor.max_pixels.max(min)),
            (None, Some(max)) => (processor.min_pixels.min(max), max),
        };
        if min == 0 || min > max {
            return Err(ProcessorError::Limits { min, max });
        }
        (processor.min_pixels, processor.max_pixels) = (min, max);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn put(min: Option<u64>, max: Option<u64>) -> Result<(u64, u64), ProcessorError> {
        let mut processor = ImageProcessor { min_pixels: 3136, max_pixels: 31_360, ..ImageProcessor::default() };
        PixelLimits { min, max }.put_into(&mut processor).map(|()| (processor.min_pixels, processor.max_pixels))
    }

    #[test]
    fn one_limit_takes_the_other_with_it() {
        for (min, max, wanted) in [
            (None, None, (3136, 31_360)),
            (None, Some(20_000), (3136, 20_000)),
            (None, Some(2000), (2000, 2000)),
            (Some(4000), None, (4000, 31_360)),
            (Some(40_000), None, (40_000, 40_000)),
            (Some(10), Some(20), (10, 20)),
        ] {
            assert_eq!(put(min, max).unwrap(), wanted, "{min:?} {max:?}");
        }
        for (min, max) in [(Some(0), None), (None, Some(0)), (Some(2), Some(1))] {
            let said = put(min, max).unwrap_err().to_string();
            assert!(said.contains("pixels"), "{said}");
        }
    }

    #[test]
    fn flags_win_one_by_one() {
        let (flag, known) = (PixelLimits { min: None, max: Some(9) }, PixelLimits { min: Some(1), max: Some(2) });
        assert_eq!(flag.or(known), PixelLimits { min: Some(1), max: Some(9) });
        assert_eq!(serde_json::to_string(&flag).unwrap(), r#"{"max_pixels":9}"#);
    }
}
