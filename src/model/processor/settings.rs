//! The settings of a `preprocessor_config.json`.

use image::RgbImage;
use serde::Deserialize;

use super::{ClassPlace, ProcessorError, Resampler, smart_resize};
use crate::geometry::Size;

/// Pillow's number for bicubic, the one filter that Qwen2.5-VL checkpoints ask for.
const BICUBIC: u64 = 3;

/// How images are resized and normalised before the vision tower.
///
/// The default is that of the `Qwen2VLImageProcessor` class; checkpoints usually raise `max_pixels`.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageProcessor {
    /// Least area after resizing, in pixels.
    pub min_pixels: u64,
    /// Largest area after resizing, in pixels.
    pub max_pixels: u64,
    /// Pixels per side of a patch.
    pub patch_size: usize,
    /// Frames per patch; a still is shown this many times.
    pub temporal_patch_size: usize,
    /// Patches per side of a merged patch (one token).
    pub merge_size: usize,
    /// Mean per channel, subtracted after rescaling.
    pub image_mean: [f64; 3],
    /// Standard deviation per channel.
    pub image_std: [f64; 3],
    /// What bytes are multiplied by.
    pub rescale_factor: f64,
    /// Whether images are resized at all.
    pub do_resize: bool,
    /// Whether bytes are multiplied by `rescale_factor`.
    pub do_rescale: bool,
    /// Whether mean and deviation are applied.
    pub do_normalize: bool,
    /// Whose resampling and whose rounding.
    pub resampler: Resampler,
}

impl Default for ImageProcessor {
    fn default() -> Self {
        Self {
            min_pixels: 56 * 56,
            max_pixels: 28 * 28 * 1280,
            patch_size: 14,
            temporal_patch_size: 2,
            merge_size: 2,
            image_mean: [0.481_454_66, 0.457_827_5, 0.408_210_73],
            image_std: [0.268_629_54, 0.261_302_58, 0.275_777_11],
            rescale_factor: 1.0 / 255.0,
            do_resize: true,
            do_rescale: true,
            do_normalize: true,
            resampler: Resampler::Pillow,
        }
    }
}

impl ImageProcessor {
    /// Reads a `preprocessor_config.json`, or a `processor_config.json` that holds one under `image_processor`.
    ///
    /// `min_pixels` and `max_pixels` at the top win over `size`, as in Hugging Face's class; absent fields keep the
    /// class's defaults; unknown fields are ignored. The resampler is the one of the class that is named: see
    /// [`Resampler::of_class`].
    ///
    /// # Errors
    /// [`ProcessorError::Json`] for broken JSON or types, [`ProcessorError::Field`] for a value that is not supported.
    pub fn from_json(text: &str) -> Result<Self, ProcessorError> {
        let mut file: File = serde_json::from_str(text).map_err(|e| ProcessorError::Json(e.to_string()))?;
        let nested = file.image_processor.take();
        let place = if nested.is_some() { ClassPlace::Nested } else { ClassPlace::Flat };
        if let Some(inner) = nested {
            file = *inner;
        }
        file.into_processor(place)?.checked()
    }

    /// Pixels per side of a merged patch: sides after resizing are multiples of this (28).
    pub fn factor(&self) -> u32 {
        u32::try_from(self.patch_size * self.merge_size).unwrap_or(u32::MAX)
    }

    /// The size an image of this size is resized to.
    ///
    /// # Errors
    /// Those of [`smart_resize`]; with `do_resize` off, [`ProcessorError::NotDivisible`].
    pub fn target(&self, size: Size) -> Result<Size, ProcessorError> {
        let factor = self.factor();
        if self.do_resize {
            let (h, w) = smart_resize(size.h, size.w, factor, self.min_pixels, self.max_pixels)?;
            return Ok(Size::new(w, h));
        }
        if size.w == 0 || size.h == 0 {
            return Err(ProcessorError::Empty { size });
        }
        let divides = size.w.is_multiple_of(factor) && size.h.is_multiple_of(factor);
        if divides { Ok(size) } else { Err(ProcessorError::NotDivisible { size, factor }) }
    }

    /// The image as the model sees it, before normalisation.
    ///
    /// # Errors
    /// Those of [`ImageProcessor::target`].
    pub fn resize(&self, image: &RgbImage) -> Result<RgbImage, ProcessorError> {
        let target = self.target(Size::new(image.width(), image.height()))?;
        self.resampler.resize(image, target.w, target.h)
    }

    /// The same settings, if this program can follow them.
    fn checked(self) -> Result<Self, ProcessorError> {
        within("patch_size", self.patch_size, 64)?;
        within("temporal_patch_size", self.temporal_patch_size, 8)?;
        within("merge_size", self.merge_size, 8)?;
        if self.max_pixels == 0 {
            return Err(field("max_pixels", "must be at least 1"));
        }
        if !self.rescale_factor.is_finite() {
            return Err(field("rescale_factor", "must be a finite number"));
        }
        if !self.image_mean.iter().all(|m| m.is_finite()) {
            return Err(field("image_mean", "must hold finite numbers"));
        }
        if !self.image_std.iter().all(|s| s.is_finite() && *s != 0.0) {
            return Err(field("image_std", "must hold finite numbers other than 0"));
        }
        Ok(self)
    }
}

fn field(field: &'static str, reason: impl Into<String>) -> ProcessorError {
    ProcessorError::Field { field, reason: reason.into() }
}

fn within(name: &'static str, value: usize, limit: usize) -> Result<(), ProcessorError> {
    if (1..=limit).contains(&value) {
        return Ok(());
    }
    Err(field(name, format!("is {value}; 1 to {limit} is supported")))
}

/// The file as written.
#[derive(Deserialize)]
struct File {
    image_processor: Option<Box<File>>,
    image_processor_type: Option<String>,
    min_pixels: Option<u64>,
    max_pixels: Option<u64>,
    size: Option<Edges>,
    patch_size: Option<usize>,
    temporal_patch_size: Option<usize>,
    merge_size: Option<usize>,
    image_mean: Option<Channels>,
    image_std: Option<Channels>,
    rescale_factor: Option<f64>,
    resample: Option<u64>,
    do_resize: Option<bool>,
    do_rescale: Option<bool>,
    do_normalize: Option<bool>,
}

#[derive(Deserialize)]
struct Edges {
    #[serde(alias = "min_pixels")]
    shortest_edge: Option<u64>,
    #[serde(alias = "max_pixels")]
    longest_edge: Option<u64>,
}

/// One number for all channels, or one each.
#[derive(Deserialize)]
#[serde(untagged)]
enum Channels {
    All(f64),
    Each([f64; 3]),
}

impl Channels {
    const fn values(&self) -> [f64; 3] {
        match self {
            Self::All(value) => [*value; 3],
            Self::Each(values) => *values,
        }
    }
}

impl File {
    fn into_processor(self, place: ClassPlace) -> Result<ImageProcessor, ProcessorError> {
        if let Some(other) = self.resample.filter(|r| *r != BICUBIC) {
            return Err(field("resample", format!("is {other}; only {BICUBIC} (bicubic) is supported")));
        }
        let class = ImageProcessor::default();
        let (low, high) = self.size.map_or((None, None), |s| (s.shortest_edge, s.longest_edge));
        Ok(ImageProcessor {
            min_pixels: self.min_pixels.or(low).unwrap_or(class.min_pixels),
            max_pixels: self.max_pixels.or(high).unwrap_or(class.max_pixels),
            patch_size: self.patch_size.unwrap_or(class.patch_size),
            temporal_patch_size: self.temporal_patch_size.unwrap_or(class.temporal_patch_size),
            merge_size: self.merge_size.unwrap_or(class.merge_size),
            image_mean: self.image_mean.map_or(class.image_mean, |c| c.values()),
            image_std: self.image_std.map_or(class.image_std, |c| c.values()),
            rescale_factor: self.rescale_factor.unwrap_or(class.rescale_factor),
            do_resize: self.do_resize.unwrap_or(class.do_resize),
            do_rescale: self.do_rescale.unwrap_or(class.do_rescale),
            do_normalize: self.do_normalize.unwrap_or(class.do_normalize),
            resampler: Resampler::of_class(self.image_processor_type.as_deref(), place),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn old_and_new_files() {
        let old = r#"{"min_pixels":3136,"max_pixels":12845056,"patch_size":14,"temporal_patch_size":2,"merge_size":2,
            "image_mean":[0.48145466,0.4578275,0.40821073],"image_std":[0.26862954,0.26130258,0.27577711],
            "image_processor_type":"Qwen2VLImageProcessor","processor_class":"Qwen2_5_VLProcessor"}"#;
        let expected = ImageProcessor { max_pixels: 12_845_056, ..ImageProcessor::default() };
        assert_eq!(ImageProcessor::from_json(old).unwrap(), expected);
        let new = r#"{"size":{"shortest_edge":3136,"longest_edge":12845056},"resample":3,"do_resize":null}"#;
        assert_eq!(ImageProcessor::from_json(new).unwrap(), expected);
        let nested = format!(r#"{{"image_processor":{new},"processor_class":"X"}}"#);
        assert_eq!(ImageProcessor::from_json(&nested).unwrap(), expected);
        assert_eq!(ImageProcessor::from_json("{}").unwrap(), ImageProcessor::default());
    }

    #[test]
    fn the_class_of_the_folder_chooses_the_resampler() {
        for (text, expected) in [
            ("{}", Resampler::Pillow),
            (r#"{"image_processor_type":"Qwen2VLImageProcessor"}"#, Resampler::Pillow),
            (r#"{"image_processor_type":"Qwen2VLImageProcessorFast"}"#, Resampler::Torchvision),
            (r#"{"image_processor":{"image_processor_type":"Qwen2VLImageProcessor"}}"#, Resampler::Torchvision),
            (r#"{"image_processor":{"image_processor_type":"Qwen2VLImageProcessorPil"}}"#, Resampler::Pillow),
            (r#"{"image_processor":{"image_processor_type":"Qwen2VLImageProcessorFast"}}"#, Resampler::Torchvision),
            (r#"{"image_processor":{}}"#, Resampler::Pillow),
        ] {
            assert_eq!(ImageProcessor::from_json(text).unwrap().resampler, expected, "{text}");
        }
    }

    #[test]
    fn the_top_wins_over_size() {
        let text = r#"{"max_pixels":27440,"size":{"shortest_edge":784,"longest_edge":99}}"#;
        let processor = ImageProcessor::from_json(text).unwrap();
        assert_eq!((processor.min_pixels, processor.max_pixels), (784, 27440));
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (text, name) in [
            (r#"{"resample":2}"#, "resample"),
            (r#"{"patch_size":0}"#, "patch_size"),
            (r#"{"merge_size":4096}"#, "merge_size"),
            (r#"{"image_std":0}"#, "image_std"),
            (r#"{"max_pixels":0}"#, "max_pixels"),
        ] {
            assert!(ImageProcessor::from_json(text).unwrap_err().to_string().contains(name), "{text}");
        }
        for text in ["", "[]", r#"{"image_mean":[1,2]}"#, r#"{"min_pixels":-1}"#] {
            assert!(matches!(ImageProcessor::from_json(text), Err(ProcessorError::Json(_))), "{text}");
        }
    }
}
