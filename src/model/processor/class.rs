//! Which library's pixels a checkpoint was made for, as far as its files say, and what a person says instead.

use serde::{Deserialize, Serialize};

use super::Resampler;

/// Where a processor's class was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassPlace {
    /// At the top of a `preprocessor_config.json`, as transformers before 5 wrote it.
    Flat,
    /// Under `image_processor` of a `processor_config.json`, as transformers 5 writes it.
    Nested,
}

impl Resampler {
    /// The resampler that the class of an image processor stood for when its file was written.
    ///
    /// `…Fast` is torchvision's and `…Pil` is Pillow's. A plain name meant the Pillow class until transformers 5 gave it
    /// to torchvision's; that version writes it under `image_processor`. Where nothing is named: Pillow, which is also
    /// what `qwen_vl_utils` resizes with before any processor sees the image.
    ///
    /// transformers 5 itself reads every folder with torchvision where that is installed and with Pillow where it is
    /// not, whatever the file names. Here a folder is read as it was written, so that a checkpoint sees the pixels it
    /// was trained with.
    pub fn of_class(name: Option<&str>, place: ClassPlace) -> Self {
        match name {
            Some(name) if name.ends_with("Fast") => Self::Torchvision,
            Some(name) if name.ends_with("Pil") => Self::Pillow,
            Some(_) if place == ClassPlace::Nested => Self::Torchvision,
            _ => Self::Pillow,
        }
    }
}

/// What a person asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResamplerChoice {
    /// As the model's files say.
    #[default]
    Auto,
    /// Pillow's.
    Pillow,
    /// torchvision's.
    Torchvision,
}

impl ResamplerChoice {
    /// The resampler to use for a model whose files say `own`.
    pub fn or(self, own: Resampler) -> Resampler {
        match self {
            Self::Auto => own,
            Self::Pillow => Resampler::Pillow,
            Self::Torchvision => Resampler::Torchvision,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_win() {
        for own in [Resampler::Pillow, Resampler::Torchvision] {
            assert_eq!(ResamplerChoice::Auto.or(own), own);
            assert_eq!(ResamplerChoice::Pillow.or(own), Resampler::Pillow);
            assert_eq!(ResamplerChoice::Torchvision.or(own), Resampler::Torchvision);
        }
    }
}
