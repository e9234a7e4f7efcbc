#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use super::*;
use crate::model::kernels::{Format, Matrix, Stack};

const INPUTS: usize = 512;
const OUTPUTS: usize = 21;

/// Rows of a map in a format, by a processor of a level.
fn product(wide: Wide, format: Format, x: &[f32]) -> Vec<f32> {
    let number = |i: usize| ((i * 7919) % 1013) as f32 / 500.0 - 1.0;
    let weights: Vec<f32> = (0..INPUTS * OUTPUTS).map(number).collect();
    let matrix = Arc::new(Matrix::from_f32(wide, format, &weights, &[1.0; OUTPUTS], INPUTS).unwrap());
    let stack = Stack::new(Arc::new(Team::new(1)), vec![matrix]).unwrap();
    let (mut y, mut scratch) = (Vec::new(), Activations::default());
    stack.apply(x, &mut y, &mut scratch);
    y
}

/// Whole rows, and rows with one such number, among rows as they should be.
#[test]
fn what_is_no_number_stays_none_and_tiny_numbers_are_zeros() {
    let Some(wide) = Wide::detect() else { return };
    let fine: Vec<f32> = (0..INPUTS).map(|i| (i % 37) as f32 / 7.0 - 2.0).collect();
    for format in Format::ALL.into_iter().filter(|format| format.is_quantised()) {
        for wide in [wide, wide.narrow()] {
            let expected = product(wide, format, &fine);
            assert!(expected.iter().all(|y| y.is_finite()));
            for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut one = fine.clone();
                one[300] = bad;
                let rows = [one, fine.clone(), vec![bad; INPUTS], fine.clone(), fine.clone()];
                // Alone, and in tiles of every height.
                for count in [1, 4, 5] {
                    let y = product(wide, format, &rows[..count].concat());
                    for (row, y) in y.chunks(OUTPUTS).enumerate() {
                        match row {
                            0 | 2 => assert!(y.iter().all(|y| y.is_nan()), "{format} {wide:?} {bad} {count} {row}"),
                            _ => assert_eq!(y, expected, "{format} {wide:?} {bad} {count} {row}"),
                        }
                    }
                }
                let y = product(wide, format, &rows.concat().repeat(3));
                let bad_rows = y.chunks(OUTPUTS).filter(|y| y.iter().all(|y| y.is_nan())).count();
                assert_eq!(bad_rows, 6, "{format} {wide:?} {bad}");
            }
            for tiny in [1e-38, -1e-38, 1e-45, 3e-37, f32::MIN_POSITIVE, 0.0] {
                let y = product(wide, format, &[tiny; INPUTS]);
                assert!(y.iter().all(|y| (y - 1.0).abs() < 1e-6), "{format} {wide:?} {tiny}: {y:?}");
            }
            let y = product(wide, format, &[1e30; INPUTS]);
            assert!(y.iter().all(|y| y.is_finite()), "{format} {wide:?}");
        }
    }
}

#[test]
fn numbers_of_16_bits_are_the_nearest() {
    for bits in (0..=u32::MAX).step_by(4_093) {
        let (x, mine) = (f32::from_bits(bits), f32::from_bits(brain(f32::from_bits(bits)) << 16));
        let right = half::bf16::from_f32(x).to_f32();
        match x.is_subnormal() {
            true => assert!(mine == 0.0 && mine.is_sign_negative() == x.is_sign_negative()),
            false => assert!(mine == right || mine.is_nan() && x.is_nan(), "{x}: {mine}, not {right}"),
        }
    }
}
