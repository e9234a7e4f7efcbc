#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn number(i: usize) -> f32 {
    ((i * 7919) % 1013) as f32 / 500.0 - 1.0
}

/// A row as the quantised formats see it.
fn rounded(x: &[f32]) -> Vec<f32> {
    let block = |x: &[f32]| -> Vec<f32> {
        let most = x.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        x.iter().map(|x| (x * (127.0 / most)).round_ties_even() * (most / 127.0)).collect()
    };
    x.chunks(32).flat_map(block).collect()
}

/// Results for rows, with the weights a matrix was made of.
fn check(wide: Wide, format: Format, threads: usize, rows: usize, inputs: usize, outputs: usize) -> Vec<f32> {
    let x: Vec<f32> = (0..rows * inputs).map(|i| number(i * 31 + 7) * if i % 97 == 5 { 3.0 } else { 1.0 }).collect();
    let weights: Vec<f32> = (0..outputs * inputs).map(|i| number(i + 5)).collect();
    let bias: Vec<f32> = (0..outputs).map(|i| number(i * 3)).collect();
    let matrix = Arc::new(Matrix::from_f32(wide, format, &weights, &bias, inputs).unwrap());
    let stack = Stack::new(Arc::new(Team::new(threads)), vec![matrix.clone()]).unwrap();
    let (mut y, mut scratch) = (Vec::new(), Activations::default());
    stack.apply(&x, &mut y, &mut scratch);
    let mut row = vec![0.0; inputs];
    for output in 0..outputs {
        matrix.row(output, &mut row);
        for (index, x) in x.chunks(inputs).enumerate() {
            let x = match format {
                Format::F32 | Format::F16 => x.to_vec(),
                Format::BF16 => x.iter().map(|x| half::bf16::from_f32(*x).to_f32()).collect(),
                Format::Q8_0 | Format::Q4K | Format::Q5K | Format::Q6K => rounded(x),
            };
            let terms = || x.iter().zip(&row).map(|(x, w)| f64::from(*x) * f64::from(*w));
            let right = terms().sum::<f64>() + f64::from(bias[output]);
            let size = terms().map(f64::abs).sum::<f64>() + 1.0;
            let wrong = (f64::from(y[index * outputs + output]) - right).abs() / size;
            assert!(wrong < 2e-6, "{format} {wide:?} {rows}x{inputs}x{outputs} at {index} {output}: {wrong}");
        }
    }
    y
}

#[test]
fn products_are_right_and_the_same_on_every_processor() {
    let Some(wide) = Wide::detect() else { return };
    for format in Format::ALL {
        let least = format.block().max(32);
        for (rows, inputs, outputs) in [(1, least, 1), (1, 3 * least, 70), (3, least, 37), (29, 2 * least, 33)] {
            let here = check(wide, format, 1, rows, inputs, outputs);
            assert_eq!(here, check(wide.narrow(), format, 2, rows, inputs, outputs), "{format} {rows}");
            assert_eq!(here, check(wide.without_brain(), format, 2, rows, inputs, outputs), "{format} {rows}");
        }
    }
    for format in [Format::F32, Format::F16, Format::BF16] {
        for (rows, inputs, outputs) in [(1, 7, 3), (1, 1, 1), (6, 1030, 33), (17, 1031, 70)] {
            let here = check(wide, format, 1, rows, inputs, outputs);
            assert_eq!(here, check(wide.narrow(), format, 3, rows, inputs, outputs), "{format} {rows}");
            assert_eq!(here, check(wide.without_brain(), format, 2, rows, inputs, outputs), "{format} {rows}");
        }
    }
}

/// Alone, among others, with one thread and with several: the same bits.
#[test]
fn a_row_does_not_depend_on_others() {
    let Some(wide) = Wide::detect() else { return };
    let (inputs, outputs, rows) = (1280, 50, 31);
    let x: Vec<f32> = (0..rows * inputs).map(|i| number(i * 17)).collect();
    let weights: Vec<f32> = (0..outputs * inputs).map(number).collect();
    for format in Format::ALL {
        let matrix = Arc::new(Matrix::from_f32(wide, format, &weights, &[], inputs).unwrap());
        let mut scratch = Activations::default();
        let mut of = |x: &[f32], threads: usize| {
            let mut y = Vec::new();
            let stack = Stack::new(Arc::new(Team::new(threads)), vec![matrix.clone()]).unwrap();
            stack.apply(x, &mut y, &mut scratch);
            y
        };
        let all = of(&x, 3);
        for (row, expected) in x.chunks(inputs).zip(all.chunks(outputs)) {
            assert_eq!(of(row, 1), expected, "{format}");
        }
        assert_eq!(of(&x[..5 * inputs], 2), all[..5 * outputs]);
    }
}

#[test]
fn matrices_of_different_formats_stand_side_by_side() {
    let Some(wide) = Wide::detect() else { return };
    let x: Vec<f32> = (0..256 * 2).map(|i| number(i * 17)).collect();
    let part = |format, outputs: usize| {
        let weights: Vec<f32> = (0..outputs * 256).map(number).collect();
        Arc::new(Matrix::from_f32(wide, format, &weights, &[], 256).unwrap())
    };
    let parts = vec![part(Format::Q4K, 5), part(Format::Q6K, 40), part(Format::F16, 33)];
    let team = Arc::new(Team::new(2));
    let (mut y, mut scratch) = (Vec::new(), Activations::default());
    let stack = Stack::new(team.clone(), parts.clone()).unwrap();
    stack.apply(&x, &mut y, &mut scratch);
    assert_eq!(stack.outputs(), 78);
    let mut first = 0;
    for part in parts {
        let (mut alone, count) = (Vec::new(), part.outputs());
        Stack::new(team.clone(), vec![part]).unwrap().apply(&x, &mut alone, &mut scratch);
        for row in 0..2 {
            assert_eq!(y[row * 78 + first..][..count], alone[row * count..][..count]);
        }
        first += count;
    }
    assert!(Stack::new(team.clone(), vec![]).is_none());
    let other = Arc::new(Matrix::from_f32(wide, Format::F32, &[0.0; 64], &[], 64).unwrap());
    assert!(Stack::new(team, vec![part(Format::F32, 2), other]).is_none());
}
