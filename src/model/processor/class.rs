//! Which library's pixels a checkpoint was made for, as far as its files say, and what a person says instead.

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResamplerChoice {
    /// As the model's files say.
    #[default]
    Auto,
    /// This one.
    Fixed(Resampler),
}

/// What may be written.
const WANTED: &str = "auto, pillow or torchvision";

impl ResamplerChoice {
    /// The resampler to use for a model whose files say `own`.
    pub fn or(self, own: Resampler) -> Resampler {
        match self {
            Self::Auto => own,
            Self::Fixed(resampler) => resampler,
        }
    }
}

impl std::str::FromStr for ResamplerChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "pillow" => Ok(Self::Fixed(Resampler::Pillow)),
            "torchvision" => Ok(Self::Fixed(Resampler::Torchvision)),
            _ => Err(format!("{text:?} is not a resampler: it is {WANTED}")),
        }
    }
}

impl std::fmt::Display for ResamplerChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Fixed(resampler) => resampler.name(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_and_win() {
        for text in ["auto", "pillow", "torchvision"] {
            assert_eq!(text.parse::<ResamplerChoice>().unwrap().to_string(), text);
        }
        assert!("Pillow".parse::<ResamplerChoice>().unwrap_err().contains("auto, pillow or torchvision"));
        assert_eq!(ResamplerChoice::Auto.or(Resampler::Torchvision), Resampler::Torchvision);
        assert_eq!("pillow".parse::<ResamplerChoice>().unwrap().or(Resampler::Torchvision), Resampler::Pillow);
    }
}
