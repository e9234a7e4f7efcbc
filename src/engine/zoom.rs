//! The zoom tool: from a call to the pixels the model gets.

use image::{Rgb, RgbImage};

use super::{Ask, CropMode, EngineError};
use crate::geometry::{PageBox, Size, iou};
use crate::page::{Page, PageError};

const GREY: Rgb<u8> = Rgb([128, 128, 128]);

/// A grey image of the same size.
pub(super) fn grey(image: &RgbImage) -> RgbImage {
    RgbImage::from_pixel(image.width(), image.height(), GREY)
}

/// The place cut and the pixels returned for a zoom that asks for `asked`, under the session's intervention.
///
/// # Errors
/// When a region given by the intervention is not on the page.
pub(super) fn cut(ask: &Ask, page: &Page, asked: PageBox) -> Result<(PageBox, RgbImage), PageError> {
    let place = match ask.crop_mode {
        CropMode::Normal | CropMode::Greyed | CropMode::Withheld => asked,
        CropMode::Swapped(other) => other.clamped(page.size()),
        CropMode::True => nearest(&ask.question.targets, &asked, page.size()),
    };
    let pixels = page.crop(&place)?;
    let pixels = if ask.crop_mode == CropMode::Greyed { grey(&pixels) } else { pixels };
    Ok((place, pixels))
}

/// Whether the interventions make sense for this question.
///
/// # Errors
/// [`EngineError::Ask`] in words.
pub(super) fn check(ask: &Ask, page: &Page) -> Result<(), EngineError> {
    let area = |b: &PageBox| b.clamped(page.size()).area();
    match ask.crop_mode {
        CropMode::True if !ask.question.targets.iter().any(|t| area(t) > 0.0) => {
            Err(EngineError::Ask("the true crop was asked for, but the question has no target on the page".into()))
        }
        CropMode::Swapped(b) if area(&b).partial_cmp(&0.0) != Some(std::cmp::Ordering::Greater) => {
            Err(EngineError::Ask("the region to swap in does not lie on the page".into()))
        }
        _ => Ok(()),
    }
}

/// The target on the page with the largest IoU, the first where none overlaps; `asked` itself where there is none.
fn nearest(targets: &[PageBox], asked: &PageBox, page: Size) -> PageBox {
    let mut best: Option<(f64, PageBox)> = None;
    for target in targets.iter().map(|t| t.clamped(page)).filter(|t| t.area() > 0.0) {
        let overlap = iou(&target, asked);
        if best.is_none_or(|(most, _)| overlap > most) {
            best = Some((overlap, target));
        }
    }
    best.map_or(*asked, |(_, target)| target)
}
