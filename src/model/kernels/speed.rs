//! Times of single kernels beside a read of as much memory; run by hand:
//! `cargo test --release --lib kernels::speed -- --ignored --nocapture`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "run by hand")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::model::clock::{now, on_core};

fn least(times: usize, mut work: impl FnMut()) -> f64 {
    let once = |work: &mut dyn FnMut()| {
        let start = now();
        work();
        now() - start
    };
    if on_core() {
        // Time on a core is told in ticks.
        return once(&mut || (0..times).for_each(|_| work())) / times as f64;
    }
    (0..times).map(|_| once(&mut work)).fold(f64::INFINITY, f64::min)
}

/// GB/s at which the team reads.
fn probe(team: &Team, memory: &[u64]) -> f64 {
    let total = AtomicU64::new(0);
    let seconds = least(5, || {
        team.run(memory.len() / (1 << 14), |task| {
            let part = &memory[task << 14..][..1 << 14];
            let mut sums = [0_u64; 16];
            for part in part.as_chunks::<16>().0 {
                sums.iter_mut().zip(part).for_each(|(sum, number)| *sum ^= number);
            }
            total.fetch_add(sums.iter().fold(0, |a, b| a ^ b), Ordering::Relaxed);
        });
    });
    std::hint::black_box(total.into_inner());
    memory.len() as f64 * 8e-9 / seconds
}

#[test]
#[ignore = "run by hand"]
fn speed() {
    let wide = Wide::detect().unwrap();
    let team = Arc::new(Team::new(std::env::var("THREADS").ok().and_then(|text| text.parse().ok()).unwrap_or(2)));
    let memory: Vec<u64> = (0..64_u64 << 20).collect();
    let env = |name: &str, or: usize| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or);
    let (inputs, outputs) = (env("INPUTS", 2048), env("OUTPUTS", 65536));
    let only = std::env::var("FORMAT").ok();
    for format in Format::ALL {
        if only.as_ref().is_some_and(|only| Format::from_name(only) != Some(format)) {
            continue;
        }
        let raw: Vec<u8> = vec![0x11; format.bytes(inputs).unwrap() * outputs];
        for wide in [wide, wide.narrow()] {
            let matrix = Arc::new(Matrix::from_raw(wide, format, &raw, &[], outputs, inputs).unwrap());
            let stack = Stack::new(team.clone(), vec![matrix]).unwrap();
            let (mut y, mut scratch) = (Vec::new(), Activations::default());
            let x: Vec<f32> = (0..inputs).map(|i| (i % 17) as f32).collect();
            stack.apply(&x, &mut y, &mut scratch);
            let one = least(env("REPEAT", 7), || stack.apply(&x, &mut y, &mut scratch));
            let probe = probe(&team, &memory);
            let rows = env("ROWS", 252);
            let few = Stack::new(
                team.clone(),
                vec![Arc::new(
                    Matrix::from_raw(wide, format, &raw[..raw.len() / 16], &[], outputs / 16, inputs).unwrap(),
                )],
            )
            .unwrap();
            let x: Vec<f32> = (0..inputs * rows).map(|i| (i % 17) as f32).collect();
            let many = least(env("TIMES", 5), || few.apply(&x, &mut y, &mut scratch));
            println!(
                "{format:<5} {:?}: one row {:6.2} GB/s (reading alone {probe:5.2}); {rows} rows {:6.1} Gop/s",
                wide.level,
                raw.len() as f64 * 1e-9 / one,
                2e-9 * (rows * inputs * (outputs / 16)) as f64 / many,
            );
        }
    }
}
