//! The seeded initialiser.
//!
//! Matrices are normal with a deviation scaled by fan-in; what writes into a residual stream starts small, so that the
//! towers begin close to the identity. Each tensor draws from its own stream, keyed by seed and name: adding a layer or
//! a head does not change the others.

use candle_core::{Device, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::error::Result;
use super::params::{Params, Part};

/// Gives every parameter its starting value.
///
/// # Errors
/// A tensor operation that fails.
pub fn initialise(params: &Params, seed: u64) -> Result<()> {
    for param in params.list() {
        let value = param.join(|part| start(part, seed))?;
        param.var.set(&value)?;
    }
    Ok(())
}

fn start(part: &Part, seed: u64) -> Result<Tensor> {
    let count: usize = part.shape.iter().product();
    let values = match deviation(part) {
        None => vec![if part.name.ends_with(".bias") { 0.0 } else { 1.0 }; count],
        Some(deviation) => normal(count, deviation, stream(&part.name, seed)),
    };
    Ok(Tensor::from_vec(values, part.shape.as_slice(), &Device::Cpu)?)
}

/// Standard deviation of a matrix; none for biases and norm gains.
fn deviation(part: &Part) -> Option<f64> {
    let count: usize = part.shape.iter().product();
    if part.shape.len() < 2 {
        return None;
    }
    let fan_in = (count / part.rows.max(1)) as f64;
    let name = part.name.as_str();
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
    Some(if ends(&["embed_tokens.weight", "lm_head.weight", "merger.mlp.2.weight"]) {
        0.02
    } else if ends(&["down_proj.weight", "o_proj.weight", "attn.proj.weight"]) {
        0.2 / fan_in.sqrt()
    } else {
        0.6 / fan_in.sqrt()
    })
}

fn stream(name: &str, seed: u64) -> ChaCha8Rng {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(name.as_bytes());
    ChaCha8Rng::from_seed(*hasher.finalize().as_bytes())
}

/// Box–Muller pairs in f64, rounded once.
fn normal(count: usize, deviation: f64, mut rng: ChaCha8Rng) -> Vec<f32> {
    let mut uniform = move || (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let mut out = Vec::with_capacity(count + 1);
    while out.len() < count {
        let radius = (-2.0 * (1.0 - uniform()).ln()).sqrt() * deviation;
        let (sin, cos) = (std::f64::consts::TAU * uniform()).sin_cos();
        out.push((radius * cos) as f32);
        out.push((radius * sin) as f32);
    }
    out.truncate(count);
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::train::shape::tests::tiny;

    #[test]
    fn values_depend_on_seed_and_name_only() {
        let (a, b) =
            (Params::zeros(&tiny(), &[], &Device::Cpu).unwrap(), Params::zeros(&tiny(), &[], &Device::Cpu).unwrap());
        initialise(&a, 7).unwrap();
        initialise(&b, 7).unwrap();
        for (x, y) in a.list().iter().zip(b.list()) {
            let flat = |p: &crate::train::params::Param| p.var.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(flat(x), flat(y), "{}", x.parts[0].name);
        }
        initialise(&b, 8).unwrap();
        let first = |p: &Params| p.tensor(p.embed).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_ne!(first(&a), first(&b));
    }

    #[test]
    fn deviations_are_as_asked() {
        let values = normal(100_000, 0.5, stream("x", 1));
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / 1e5;
        let spread = (values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / 1e5).sqrt();
        assert!(mean.abs() < 0.01 && (spread - 0.5).abs() < 0.01, "{mean} {spread}");
    }
}
