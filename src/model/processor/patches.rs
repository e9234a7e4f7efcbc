//! Pixels cut into rows of patches, in the order Hugging Face puts them.

#![allow(clippy::indexing_slicing, reason = "sides are checked to divide into merged patches before any index is made")]

use image::RgbImage;

use super::{ImageProcessor, ProcessorError, Resampler};
use crate::geometry::Size;

/// One image as the vision tower reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Patches {
    /// Size of the image that was given, in pixels.
    pub original: Size,
    /// Size it was resized to, in pixels.
    pub processed: Size,
    /// Patches in time, down and across: `[t, h, w]`; `t` is 1 for a still.
    pub grid: [usize; 3],
    /// Patches per side of a merged patch (one token).
    pub merge: usize,
    /// `(t·h·w, channels·temporal·patch·patch)` row-major: `(t·h·w, 1176)` for Qwen2.5-VL. Rows run over merged cells,
    /// and inside a cell over its 2×2 patches; columns run over channel, time, y, x.
    pub data: Vec<f32>,
}

impl Patches {
    /// How many image tokens the language model sees.
    pub fn tokens(&self) -> usize {
        let [t, h, w] = self.grid;
        t * (h / self.merge.max(1)) * (w / self.merge.max(1))
    }

    /// How many rows `data` has.
    pub fn rows(&self) -> usize {
        self.grid.iter().product()
    }

    /// How many numbers a row has (1176 for Qwen2.5-VL).
    pub fn columns(&self) -> usize {
        self.data.len().checked_div(self.rows()).unwrap_or(0)
    }
}

impl ImageProcessor {
    /// Resizes, normalises and cuts one image.
    ///
    /// # Errors
    /// Those of [`ImageProcessor::resize`].
    pub fn process(&self, image: &RgbImage) -> Result<Patches, ProcessorError> {
        let original = Size::new(image.width(), image.height());
        let resized;
        let pixels = if self.target(original)? == original {
            image
        } else {
            resized = self.resize(image)?;
            &resized
        };
        Ok(self.cut(original, pixels))
    }

    /// [`ImageProcessor::process`] for several images, of any sizes.
    ///
    /// # Errors
    /// The first image's error that occurs.
    pub fn process_all<'a>(
        &self,
        images: impl IntoIterator<Item = &'a RgbImage>,
    ) -> Result<Vec<Patches>, ProcessorError> {
        images.into_iter().map(|image| self.process(image)).collect()
    }

    /// Cuts an image whose sides divide by the factor.
    fn cut(&self, original: Size, image: &RgbImage) -> Patches {
        let (patch, merge, temporal) = (self.patch_size, self.merge_size, self.temporal_patch_size);
        let (rows, columns) = (image.height() as usize / patch, image.width() as usize / patch);
        let area = patch * patch;
        let mut data = vec![0f32; rows * columns * 3 * temporal * area];
        let tables = self.tables();
        let cells = (0..rows / merge).flat_map(|y| (0..columns / merge).map(move |x| (y, x)));
        let places = cells.flat_map(|(y, x)| {
            (0..merge).flat_map(move |my| (0..merge).map(move |mx| (y * merge + my, x * merge + mx)))
        });
        for ((row, column), target) in places.zip(data.chunks_exact_mut(3 * temporal * area)) {
            for (channel, planes) in target.chunks_exact_mut(temporal * area).enumerate() {
                fill_plane(image, (row * patch, column * patch), patch, channel, &tables[channel], planes);
                for copy in 1..temporal {
                    planes.copy_within(..area, copy * area);
                }
            }
        }
        let processed = Size::new(image.width(), image.height());
        Patches { original, processed, grid: [1, rows, columns], merge, data }
    }

    /// The normalised value of every byte, per channel, rounded where the reference rounds.
    fn tables(&self) -> [[f32; 256]; 3] {
        let mut tables = [[0f32; 256]; 3];
        for (channel, table) in tables.iter_mut().enumerate() {
            for (value, entry) in (0..=u8::MAX).zip(table.iter_mut()) {
                *entry = match self.resampler {
                    Resampler::Pillow => self.slow_value(value, channel),
                    Resampler::Torchvision => self.fast_value(value, channel),
                };
            }
        }
        tables
    }

    /// Rescaled in f64, rounded to f32, then `(v − mean) / std` in f32.
    fn slow_value(&self, value: u8, channel: usize) -> f32 {
        let rescaled = f64::from(value) * self.rescale_factor;
        let value = if self.do_rescale { rescaled as f32 } else { f32::from(value) };
        let (mean, std) = (self.image_mean[channel] as f32, self.image_std[channel] as f32);
        if self.do_normalize { (value - mean) / std } else { value }
    }

    /// All in f32; with both steps on, mean and deviation are scaled instead: `(v − 255·mean) / (255·std)`.
    fn fast_value(&self, value: u8, channel: usize) -> f32 {
        let value = f32::from(value);
        let (mean, std) = (self.image_mean[channel] as f32, self.image_std[channel] as f32);
        match (self.do_rescale, self.do_normalize) {
            (true, true) => {
                let back = (1.0 / self.rescale_factor) as f32;
                (value - mean * back) / (std * back)
            }
            (false, true) => (value - mean) / std,
            (true, false) => value * self.rescale_factor as f32,
            (false, false) => value,
        }
    }
}

/// Writes one channel of the patch whose top left corner is `(y, x)` to the first `patch²` places of `plane`.
fn fill_plane(
    image: &RgbImage,
    (top, left): (usize, usize),
    patch: usize,
    channel: usize,
    table: &[f32; 256],
    plane: &mut [f32],
) {
    let (bytes, stride) = (image.as_raw(), image.width() as usize * 3);
    for (dy, line) in plane.chunks_exact_mut(patch).take(patch).enumerate() {
        let start = (top + dy) * stride + left * 3;
        for (value, pixel) in line.iter_mut().zip(bytes[start..start + patch * 3].chunks_exact(3)) {
            *value = table[usize::from(pixel[channel])];
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use image::Rgb;

    /// Identity normalisation: every number of `data` is a byte of the image.
    fn plain() -> ImageProcessor {
        ImageProcessor { do_rescale: false, do_normalize: false, min_pixels: 1, ..ImageProcessor::default() }
    }

    #[test]
    fn rows_are_patches_in_merge_order() {
        let image = RgbImage::from_fn(84, 56, |x, y| Rgb([(x / 14) as u8, (y / 14) as u8, (x % 14) as u8]));
        let patches = plain().process(&image).unwrap();
        assert_eq!((patches.grid, patches.tokens(), patches.rows(), patches.columns()), ([1, 4, 6], 6, 24, 1176));
        let places: Vec<_> = patches.data.chunks(1176).map(|row| (row[392], row[0])).take(8).collect();
        let expected = [(0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (0, 3), (1, 2), (1, 3)];
        assert_eq!(places, expected.map(|(y, x)| (y as f32, x as f32)));
        assert_eq!(patches.data[784..784 + 14], std::array::from_fn::<_, 14, _>(|x| x as f32), "x runs last");
        assert_eq!(patches.data[784..980], patches.data[980..1176], "a still is shown twice");
    }

    #[test]
    fn several_sizes_in_one_go() {
        let images = [RgbImage::new(28, 500), RgbImage::new(300, 301), RgbImage::new(1, 1)];
        let all = ImageProcessor::default().process_all(&images).unwrap();
        let grids: Vec<_> = all.iter().map(|p| p.grid).collect();
        assert_eq!(grids, [[1, 36, 2], [1, 22, 22], [1, 4, 4]]);
        assert!(all.iter().all(|p| p.data.len() == p.rows() * 1176));
    }

    #[test]
    fn without_resizing_sides_must_divide() {
        let processor = ImageProcessor { do_resize: false, ..plain() };
        assert!(processor.process(&RgbImage::new(56, 28)).is_ok());
        assert!(matches!(processor.process(&RgbImage::new(57, 28)), Err(ProcessorError::NotDivisible { .. })));
        assert!(matches!(processor.process(&RgbImage::new(0, 28)), Err(ProcessorError::Empty { .. })));
    }
}
