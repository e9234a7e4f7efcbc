#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::PathBuf;

use candle_core::Device;

use super::Format;

/// Numbers of about a normal distribution, some of them large.
fn row(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut uniform = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 16_777_216.0
    };
    (0..count).map(|_| (0..12).map(|_| uniform()).sum::<f32>() - 6.0).map(|x| x * 0.02).collect()
}

fn relative_error(format: Format, row: &[f32]) -> f64 {
    let mut bytes = vec![0; format.bytes(row.len()).unwrap()];
    format.quantise(row, &mut bytes);
    let mut back = vec![0.0; row.len()];
    format.dequantise(&bytes, &mut back);
    let square = |x: f64| x * x;
    let error: f64 = row.iter().zip(&back).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    let total: f64 = row.iter().map(|a| square(f64::from(*a))).sum();
    (error / total).sqrt()
}

/// Root mean square of the error, as a share of the numbers'.
#[test]
fn rounding_costs_what_it_costs_elsewhere() {
    let row = row(256 * 64, 7);
    for (format, bound) in [
        (Format::F32, 1e-12),
        (Format::F16, 3e-4),
        (Format::BF16, 2.5e-3),
        (Format::Q8_0, 6e-3),
        (Format::Q6K, 0.018),
        (Format::Q5K, 0.037),
        (Format::Q4K, 0.075),
    ] {
        let error = relative_error(format, &row);
        println!("{format}: {error:.5}");
        assert!(error < bound, "{format}: {error}");
    }
}

#[test]
fn blocks_of_equal_numbers_and_of_nonsense_do_no_harm() {
    for format in Format::ALL {
        let mut bytes = vec![0; format.bytes(256).unwrap()];
        let mut back = vec![0.0; 256];
        for number in [0.0_f32, 1.5, -3.25, 1e-30, 6e4, f32::MAX, f32::INFINITY, f32::NAN] {
            format.quantise(&[number; 256], &mut bytes);
            format.dequantise(&bytes, &mut back);
            if number.abs() < 1e4 && number.abs() > 1.0 || number == 0.0 {
                let wrong = back.iter().map(|x| (x - number).abs()).fold(0.0, f32::max);
                assert!(wrong <= number.abs() * 0.01, "{format}: {number} became {}", back[0]);
            }
        }
        // One number that is none: nothing of its block is a number any more, and of the next everything is.
        for number in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut row = row(512, 5);
            row[17] = number;
            let (mut bytes, mut back) = (vec![0; format.bytes(512).unwrap()], vec![0.0; 512]);
            format.quantise(&row, &mut bytes);
            format.dequantise(&bytes, &mut back);
            let own = if format.is_quantised() { format.block() } else { 18 };
            assert!(!back[17].is_finite(), "{format}: {number} became {}", back[17]);
            assert!(!format.is_quantised() || back[..own].iter().all(|x| x.is_nan()), "{format}: {number}");
            assert!(back[own..].iter().all(|x| x.is_finite()), "{format}: {number}");
        }
        // Any bytes can be read.
        let noise: Vec<u8> = (0..bytes.len()).map(|i| (i * 7919 % 251) as u8).collect();
        format.dequantise(&noise, &mut back);
    }
}

#[test]
fn what_was_rounded_stays() {
    let row = row(512, 3);
    for format in [Format::F16, Format::BF16, Format::Q8_0] {
        let (mut bytes, mut again) = (vec![0; format.bytes(512).unwrap()], vec![0; format.bytes(512).unwrap()]);
        let mut back = vec![0.0; 512];
        format.quantise(&row, &mut bytes);
        format.dequantise(&bytes, &mut back);
        format.quantise(&back, &mut again);
        let mut twice = vec![0.0; 512];
        format.dequantise(&again, &mut twice);
        let wrong = back.iter().zip(&twice).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(wrong < 2e-5, "{format}: {wrong}");
    }
}

#[test]
fn names_and_sizes() {
    for format in Format::ALL {
        assert_eq!(Format::from_name(&format.name().to_lowercase().replace('_', "")), Some(format));
        assert_eq!(Format::from_ggml_type(format.ggml_type()), Some(format));
    }
    assert_eq!(Format::Q4K.bytes(2048), Some(1152));
    assert_eq!(Format::Q6K.bytes(100), None);
    assert_eq!(Format::F32.bytes(usize::MAX / 2), None);
    assert_eq!(Format::from_name("q3_k"), None);
}

/// `make_blocks.py` wrote random blocks and what GGML's Python package makes of them.
#[test]
fn blocks_read_as_the_reference_reads_them() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/blocks.safetensors");
    let golden = candle_core::safetensors::load(file, &Device::Cpu).unwrap();
    for format in Format::ALL {
        let bytes: Vec<u8> = golden[&format!("{}.bytes", format.name())].to_vec1().unwrap();
        let numbers: Vec<f32> = golden[&format!("{}.numbers", format.name())].to_vec1().unwrap();
        let mut read = vec![0.0; numbers.len()];
        format.dequantise(&bytes, &mut read);
        let bits = |numbers: &[f32]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read), bits(&numbers), "{format}");
    }
    let row: Vec<f32> = golden["Q8_0.row"].to_vec1().unwrap();
    let mut bytes = vec![0; Format::Q8_0.bytes(row.len()).unwrap()];
    Format::Q8_0.quantise(&row, &mut bytes);
    assert_eq!(bytes, golden["Q8_0.row.bytes"].to_vec1::<u8>().unwrap());
}
