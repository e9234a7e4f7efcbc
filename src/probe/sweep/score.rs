//! Teacher-forced probabilities of whole answers: every token is put into the context in turn and its log-probability summed.

use super::candidates::Candidates;
use crate::engine::{EngineError, StepEngine};
use crate::protocol::Profile;

/// Answers as tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tokenised {
    /// What is put into the model's mouth: the beginning that all answers share with the opening of the answer.
    pub forced: Vec<u32>,
    /// The same in words.
    pub told: String,
    /// What follows it, for every way to write an answer: the candidate's index, and the tokens with the closing.
    pub rest: Vec<(usize, Vec<u32>)>,
}

/// Tokens of the answers, opening and closing included: a tokenizer may join the opening with what follows, so each is encoded
/// whole and parted where they differ.
pub(super) fn tokenised(
    engine: &dyn StepEngine,
    candidates: &Candidates,
    profile: &Profile,
    before: &str,
) -> Result<Tokenised, EngineError> {
    let [open, close] = &profile.tags.answer;
    let opening = format!("{before}{open}");
    let mut whole = Vec::new();
    for (index, candidate) in candidates.list.iter().enumerate() {
        for form in &candidate.forms {
            whole.push((index, encoded(engine, &opening, form, close)?));
        }
    }
    let alone = engine.encode(&opening)?;
    let shared = whole.iter().fold(alone.len(), |shared, (_, ids)| shared.min(common(&alone, ids)));
    let forced: Vec<u32> = alone.into_iter().take(shared).collect();
    let rest = whole.into_iter().map(|(index, ids)| (index, ids.into_iter().skip(shared).collect())).collect();
    let told = forced.iter().flat_map(|id| engine.piece(*id)).collect::<Vec<u8>>();
    Ok(Tokenised { told: String::from_utf8_lossy(&told).into_owned(), forced, rest })
}

/// The ids of one written answer. A text with a `<` may hold a special token's name, which must stay text: it is encoded in
/// pieces, cut after each `<`.
fn encoded(engine: &dyn StepEngine, opening: &str, form: &str, close: &str) -> Result<Vec<u32>, EngineError> {
    if !form.contains('<') {
        return engine.encode(&format!("{opening}{form}{close}"));
    }
    let mut ids = engine.encode(opening)?;
    for piece in form.split_inclusive('<') {
        ids.extend(engine.encode(piece)?);
    }
    ids.extend(engine.encode(close)?);
    Ok(ids)
}

fn common(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Log-probability of each sequence as what comes next, in nats; what several begin with is computed once. The engine stands
/// where it stood.
///
/// Costs one pass of the model for each token that is not shared.
pub(super) fn logprobs(engine: &mut dyn StepEngine, sequences: &[&[u32]]) -> Result<Vec<f64>, EngineError> {
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by_key(|i| sequences.get(*i).copied().unwrap_or_default());
    let mut sums = vec![0.0; sequences.len()];
    let here = engine.mark();
    walk(engine, sequences, &order, 0, &mut sums)?;
    engine.rewind(&here)?;
    Ok(sums)
}

/// Goes through the sequences of `order`, which agree in their first `depth` tokens and stand in the context up to there.
fn walk(
    engine: &mut dyn StepEngine,
    sequences: &[&[u32]],
    order: &[usize],
    depth: usize,
    sums: &mut [f64],
) -> Result<(), EngineError> {
    let token = |i: &usize| sequences.get(*i).and_then(|ids| ids.get(depth)).copied();
    let going: Vec<usize> = order.iter().copied().filter(|i| token(i).is_some()).collect();
    let branches: Vec<&[usize]> = going.chunk_by(|a, b| token(a) == token(b)).collect();
    let here = (branches.len() > 1).then(|| engine.mark());
    for (n, branch) in branches.iter().enumerate() {
        let Some(id) = branch.first().and_then(token) else { continue };
        if let Some(here) = here.as_ref().filter(|_| n > 0) {
            engine.rewind(here)?;
        }
        let logprob = f64::from(engine.force(id)?.logprob);
        for i in *branch {
            if let Some(sum) = sums.get_mut(*i) {
                *sum += logprob;
            }
        }
        walk(engine, sequences, branch, depth + 1, sums)?;
    }
    Ok(())
}

/// Log-probabilities of the candidates, from those of the ways to write them: the probabilities of the ways are added.
pub(super) fn of_candidates(tokenised: &Tokenised, written: &[f64], count: usize) -> Vec<f64> {
    let mut sums = vec![f64::NEG_INFINITY; count];
    for ((index, _), logprob) in tokenised.rest.iter().zip(written) {
        if let Some(sum) = sums.get_mut(*index) {
            *sum = log_add(*sum, *logprob);
        }
    }
    sums
}

fn log_add(a: f64, b: f64) -> f64 {
    let (large, small) = if a >= b { (a, b) } else { (b, a) };
    if large == f64::NEG_INFINITY { large } else { large + (small - large).exp().ln_1p() }
}

/// Probabilities that add up to one, rounded to millionths, and the mass that all candidates have together before that.
pub(super) fn normalised(logprobs: &[f64]) -> (Vec<f64>, f64) {
    let all = logprobs.iter().copied().fold(f64::NEG_INFINITY, log_add);
    let share = |l: &f64| if all.is_finite() { (l - all).exp() } else { 1.0 / logprobs.len().max(1) as f64 };
    (logprobs.iter().map(share).map(millionths).collect(), millionths(all.exp().min(1.0)))
}

/// Rounded, so that a figure read from a file again is the same to the last bit.
pub(super) fn millionths(x: f64) -> f64 {
    (x * 1e6).round() / 1e6
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::engine::ScriptedEngine;
    use crate::model::sampler::Sampling;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shares_add_up_to_one(logs in prop::collection::vec(-200.0f64..0.0, 1..30)) {
            let (shares, mass) = normalised(&logs);
            let sum: f64 = shares.iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-6 * shares.len() as f64, "{sum}");
            prop_assert!((0.0..=1.0).contains(&mass) && shares.iter().all(|p| (0.0..=1.0).contains(p)));
        }

        #[test]
        fn rounding_is_the_same_twice(x in 0.0f64..1.0) {
            let once = millionths(x);
            let read: f64 = serde_json::from_str(&serde_json::to_string(&once).unwrap()).unwrap();
            prop_assert_eq!(millionths(read).to_bits(), once.to_bits());
        }
    }

    #[test]
    fn nothing_likely_is_shared_evenly() {
        assert_eq!(normalised(&[f64::NEG_INFINITY, f64::NEG_INFINITY]).0, [0.5, 0.5]);
    }

    #[test]
    fn an_engine_stands_where_it_stood() {
        let mut engine = ScriptedEngine::new(&[&["x"]]);
        engine.begin(Sampling::default(), 0).unwrap();
        engine.append_tokens(&[300, 301]).unwrap();
        let before = engine.position();
        let sequences: [&[u32]; 4] = [&[30, 31, 32], &[30, 31], &[30, 40], &[50]];
        let sums = logprobs(&mut engine, &sequences).unwrap();
        assert_eq!(engine.position(), before);
        assert!(sums.iter().all(|s| *s < 0.0));
        // What two begin with counts in both.
        assert!(sums[0] < sums[1]);
    }
}
