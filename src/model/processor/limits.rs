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
    /// These, else those. One that is set here alone takes the other's other end along where it must.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self.min, self.max) {
            (Some(min), None) => Self { max: other.max.map(|max| max.max(min)), ..self },
            (None, Some(max)) => Self { min: other.min.map(|min| min.min(max)), ..self },
            (Some(_), Some(_)) => self,
            (None, None) => other,
        }
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
        let limits = |min, max| PixelLimits { min, max };
        let known = limits(Some(1000), Some(9000));
        for (flags, wanted) in [
            (limits(None, Some(784)), limits(Some(784), Some(784))),
            (limits(Some(10_000), None), limits(Some(10_000), Some(10_000))),
            (limits(Some(2), None), limits(Some(2), Some(9000))),
            (limits(Some(5), Some(4)), limits(Some(5), Some(4))),
            (limits(None, None), known),
        ] {
            assert_eq!(flags.or(known), wanted, "{flags:?}");
        }
        assert_eq!(limits(None, Some(3)).or(limits(Some(8), None)), limits(Some(3), Some(3)));
        assert_eq!(serde_json::to_string(&flag).unwrap(), r#"{"max_pixels":9}"#);
    }
}
