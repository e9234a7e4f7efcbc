#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::io::{Cursor, Write};

use image::{DynamicImage, GrayImage, ImageFormat, LumaA, Rgb, Rgba};
use proptest::prelude::*;

use super::*;

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn sample() -> RgbImage {
    RgbImage::from_fn(9, 5, |x, y| Rgb([x as u8 * 20, y as u8 * 40, 7]))
}

#[test]
fn the_hash_names_pixels_and_not_files() {
    let page = Page::from_pixels(sample());
    for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::WebP] {
        let again = Page::from_bytes(&encoded(sample(), format)).unwrap();
        assert_eq!((again.hash.as_str(), again.size()), (page.hash.as_str(), Size::new(9, 5)), "{format:?}");
    }
    let turned = RgbImage::from_raw(5, 9, sample().into_raw()).unwrap();
    assert_ne!(pixel_hash(&turned), page.hash, "the same bytes in another shape are another image");
    assert_eq!(page.hash.len(), 64);
}

#[test]
fn alpha_is_dropped_and_grey_repeated() {
    let clear = image::RgbaImage::from_pixel(2, 2, Rgba([10, 20, 30, 0]));
    assert!(Page::from_bytes(&encoded(clear, ImageFormat::Png)).unwrap().pixels.pixels().all(|p| p.0 == [10, 20, 30]));
    let grey = GrayImage::from_pixel(2, 2, image::Luma([77]));
    assert!(Page::from_bytes(&encoded(grey, ImageFormat::Png)).unwrap().pixels.pixels().all(|p| p.0 == [77; 3]));
    let deep = image::ImageBuffer::<LumaA<u16>, _>::from_pixel(1, 1, LumaA([0x12ff, 3]));
    let deep = DynamicImage::ImageLumaA16(deep);
    assert_eq!(Page::from_bytes(&encoded(deep, ImageFormat::Png)).unwrap().pixels.get_pixel(0, 0).0, [0x12; 3]);
}

#[test]
fn bad_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let message = |path: &Path| Page::open(path).unwrap_err().to_string();
    let missing = dir.path().join("missing.png");
    assert!(message(&missing).contains("missing.png"));
    assert!(message(dir.path()).contains("not a regular file"));
    let text = dir.path().join("text.png");
    std::fs::File::create(&text).unwrap().write_all(b"hello, this is not an image").unwrap();
    let said = message(&text);
    assert!(said.contains("text.png") && said.contains("not a PNG"), "{said}");
    let torn = dir.path().join("torn.png");
    let whole = encoded(sample(), ImageFormat::Png);
    std::fs::write(&torn, &whole[..whole.len() / 2]).unwrap();
    let said = message(&torn);
    assert!(said.contains("torn.png") && said.contains("damaged"), "{said}");
    assert!(matches!(Page::from_bytes(b""), Err(PageError::Image { path: None, fault: ImageFault::Unknown })));
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    let mut bytes = encoded(sample(), ImageFormat::Bmp);
    bytes[18..22].copy_from_slice(&60_000u32.to_le_bytes());
    bytes[22..26].copy_from_slice(&60_000u32.to_le_bytes());
    let error = Page::from_bytes(&bytes).unwrap_err();
    let expected = ImageFault::TooLarge { size: Size::new(60_000, 60_000) };
    assert!(matches!(&error, PageError::Image { fault, .. } if *fault == expected), "{error}");
}

#[test]
fn an_unread_format_says_what_to_do() {
    let said = Page::from_bytes(b"qoif\0\0\0\x01\0\0\0\x01\x03\0").unwrap_err().to_string();
    assert!(said.contains("not read") && said.contains("PNG"), "{said}");
}

#[test]
fn crops_round_outwards() {
    let page = Page::from_pixels(sample());
    let crop = page.crop(&PageBox::new(1.2, 0.9, 2.1, 1.0)).unwrap();
    assert_eq!(crop.dimensions(), (2, 1));
    assert_eq!(crop.get_pixel(0, 0).0, [20, 0, 7]);
    assert_eq!(page.crop(&PageBox::new(-5.0, -1e308, f64::INFINITY, 1e308)).unwrap(), sample());
    for [x1, y1, x2, y2] in
        [[3.0, 1.0, 3.0, 2.0], [4.0, 1.0, 2.0, 2.0], [9.0, 0.0, 20.0, 5.0], [f64::NAN, 0.0, 1.0, 1.0]]
    {
        assert!(matches!(page.crop(&PageBox::new(x1, y1, x2, y2)), Err(PageError::Crop { .. })), "{x1} {y1} {x2} {y2}");
    }
}

proptest! {
    #[test]
    fn any_box_gives_a_crop_or_an_error(x1: f64, y1: f64, x2: f64, y2: f64, near in prop::array::uniform4(-3.0f64..12.0)) {
        let page = Page::from_pixels(sample());
        for b in [PageBox::new(x1, y1, x2, y2), PageBox::new(near[0], near[1], near[2], near[3])] {
            if let Ok(crop) = page.crop(&b) {
                prop_assert!(crop.width() >= 1 && crop.width() <= 9 && crop.height() >= 1 && crop.height() <= 5);
            }
        }
    }

    #[test]
    fn any_bytes_give_a_page_or_an_error(at in 0usize..400, value: u8, cut in 8usize..400) {
        for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Gif, ImageFormat::Jpeg, ImageFormat::WebP] {
            let mut bytes = encoded(sample(), format);
            let place = at % bytes.len();
            bytes[place] = value;
            let _ = Page::from_bytes(&bytes);
            bytes.truncate(cut.min(bytes.len()));
            let _ = Page::from_bytes(&bytes);
        }
    }
}
