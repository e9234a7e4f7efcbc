#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;

use super::*;

const LOGITS: [f32; 6] = [1.0, 3.0, 2.0, -1.0, 3.0, 0.0];

fn hot(top_k: u32, top_p: f64) -> Sampling {
    Sampling { temperature: 1.0, top_k, top_p, repetition_penalty: 1.0 }
}

fn kept(sampling: Sampling, logits: &[f32], context: &[u32]) -> Vec<usize> {
    let p = Sampler::new(sampling, 0).probabilities(logits, context).unwrap();
    (0..p.len()).filter(|i| p[*i] > 0.0).collect()
}

#[test]
fn greedy_takes_the_first_of_the_likeliest() {
    let drawn = Sampler::new(Sampling::default(), 1).next(&LOGITS, &[]).unwrap();
    assert_eq!((drawn.id, drawn.sampled_logprob), (1, 0.0));
    let ids: Vec<_> = drawn.top.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [1, 4, 2, 0, 5, 3]);
    assert_eq!(drawn.top[0].1, drawn.logprob);
    let cold = Sampling { temperature: 9e-6, ..hot(0, 1.0) };
    assert!((0..20).all(|seed| Sampler::new(cold, seed).next(&LOGITS, &[]).unwrap().id == 1));
}

#[test]
fn shown_numbers_are_of_the_raw_logits() {
    let sampling = Sampling { temperature: 0.3, top_k: 2, repetition_penalty: 2.0, ..hot(2, 0.5) };
    let drawn = Sampler::new(sampling, 3).next(&LOGITS, &[1, 4]).unwrap();
    let sum: f64 = LOGITS.iter().map(|l| f64::from(*l).exp()).sum();
    let p: Vec<f64> = LOGITS.iter().map(|l| f64::from(*l).exp() / sum).collect();
    let entropy: f64 = -p.iter().map(|p| p * p.ln()).sum::<f64>();
    assert!((f64::from(drawn.entropy) - entropy).abs() < 1e-6);
    assert!((f64::from(drawn.logprob) - p[drawn.id as usize].ln()).abs() < 1e-6);
    assert!((f64::from(drawn.top[0].1) - p[1].ln()).abs() < 1e-6);
}

#[test]
fn the_penalty_counts_an_id_once_and_knows_signs() {
    let sampling = Sampling { repetition_penalty: 2.0, ..hot(0, 1.0) };
    let p = Sampler::new(sampling, 0).probabilities(&LOGITS, &[1, 1, 3, 3, 999]).unwrap();
    let ratio = |a: usize, b: usize| f64::from(p[a]).ln() - f64::from(p[b]).ln();
    assert!((ratio(1, 0) - 0.5).abs() < 1e-5, "3 / 2 against 1");
    assert!((ratio(3, 0) + 3.0).abs() < 1e-5, "−1 · 2 against 1");
    let greedy = Sampling { repetition_penalty: 2.0, ..Sampling::default() };
    assert_eq!(Sampler::new(greedy, 0).next(&LOGITS, &[1]).unwrap().id, 4, "greedy decoding is penalised too");
}

#[test]
fn cuts_keep_ties_and_at_least_one() {
    assert_eq!(kept(hot(1, 1.0), &LOGITS, &[]), [1, 4], "both equal the largest");
    assert_eq!(kept(hot(3, 1.0), &LOGITS, &[]), [1, 2, 4]);
    assert_eq!(kept(hot(0, 0.0), &LOGITS, &[]), [4], "rising and stable: the higher id stays");
    assert_eq!(kept(hot(2, 0.6), &LOGITS, &[]), [1, 4], "renormalised: each has half of what top-k left");
    assert_eq!(kept(hot(2, 0.4), &LOGITS, &[]), [4]);
    assert_eq!(kept(hot(100, 1.0), &LOGITS, &[]).len(), 6);
}

#[test]
fn a_seed_gives_the_same_tokens_and_a_clone_goes_on() {
    let draw = |s: &mut Sampler| (0..50).map(|_| s.next(&LOGITS, &[]).unwrap().id).collect::<Vec<_>>();
    let (mut a, mut b) = (Sampler::new(hot(0, 1.0), 7), Sampler::new(hot(0, 1.0), 7));
    assert_eq!(draw(&mut a), draw(&mut b));
    let mut copy = a.clone();
    let _ = b.force(&LOGITS, 3).unwrap();
    assert_eq!(draw(&mut a), draw(&mut copy));
    assert_eq!(
        draw(&mut copy),
        {
            draw(&mut b);
            draw(&mut b)
        },
        "forcing draws no number"
    );
    assert_ne!(draw(&mut a), draw(&mut Sampler::new(hot(0, 1.0), 8)));
}

#[test]
fn frequencies_follow_the_distribution() {
    let mut sampler = Sampler::new(Sampling { temperature: 0.7, ..hot(4, 0.95) }, 11);
    let p = sampler.probabilities(&LOGITS, &[]).unwrap();
    let n = 20_000;
    let mut counts = [0usize; 6];
    for _ in 0..n {
        counts[sampler.next(&LOGITS, &[]).unwrap().id as usize] += 1;
    }
    for (count, p) in counts.iter().zip(&p) {
        let p = f64::from(*p);
        let sigma = (p * (1.0 - p) / f64::from(n)).sqrt();
        assert!((*count as f64 / f64::from(n) - p).abs() <= 5.0 * sigma + 1e-12, "{counts:?} {p}");
    }
}

#[test]
fn broken_logits_are_named() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let error = Sampler::new(hot(0, 1.0), 0).next(&[0.0, value], &[]).unwrap_err();
        assert!(matches!(error, SamplerError::NotFinite { index: 1, len: 2, .. }), "{error}");
    }
    assert_eq!(Sampler::new(hot(0, 1.0), 0).next(&[], &[]), Err(SamplerError::Empty));
    assert_eq!(Sampler::new(hot(0, 1.0), 0).force(&LOGITS, 6), Err(SamplerError::Unknown { id: 6, len: 6 }));
    let hot_numbers = Sampling { temperature: 1e-4, ..hot(0, 1.0) };
    let error = Sampler::new(hot_numbers, 0).next(&[3e38, 0.0], &[]).unwrap_err();
    assert!(error.to_string().contains("after temperature"), "{error}");
}

#[test]
fn settings_are_checked() {
    assert!(Sampling::default().checked().is_ok());
    for wrong in [
        Sampling { temperature: f64::NAN, ..hot(0, 1.0) },
        Sampling { temperature: -1.0, ..hot(0, 1.0) },
        hot(0, 1.5),
        hot(0, f64::NAN),
        Sampling { repetition_penalty: 0.0, ..hot(0, 1.0) },
    ] {
        assert!(wrong.checked().is_err(), "{wrong:?}");
    }
}

proptest! {
    #[test]
    fn any_finite_logits_give_sane_numbers(
        logits in prop::collection::vec(prop_oneof![-50.0f32..50.0, -3e38f32..3e38], 1..40),
        temperature in 0.0..3.0f64, top_k in 0u32..50, top_p in 0.0..=1.0f64, penalty in 0.5..2.0f64, seed: u64,
        context in prop::collection::vec(0u32..60, 0..20),
    ) {
        let sampling = Sampling { temperature, top_k, top_p, repetition_penalty: penalty };
        let mut sampler = Sampler::new(sampling, seed);
        if let Ok(drawn) = sampler.next(&logits, &context) {
            prop_assert!((drawn.id as usize) < logits.len());
            prop_assert!(drawn.logprob <= 0.0 && drawn.sampled_logprob <= 0.0 && !drawn.sampled_logprob.is_nan());
            prop_assert!(drawn.entropy >= 0.0 && drawn.entropy <= (logits.len() as f32).ln() + 1e-4);
            prop_assert_eq!(drawn.top.len(), logits.len().min(ALTERNATIVES));
            prop_assert!(drawn.top.windows(2).all(|w| w[0].1 >= w[1].1));
            let p = sampler.probabilities(&logits, &context).unwrap();
            prop_assert!((p.iter().map(|p| f64::from(*p)).sum::<f64>() - 1.0).abs() < 1e-5);
            prop_assert!(p[drawn.id as usize] > 0.0);
        }
    }
}
