use super::*;
use crate::trace::{Piece, SegmentEvent};

fn batch(start: u64, words: &[(&str, f32)], by: TokenSource) -> Record {
    let top = |p: f32| vec![TopEntry(0, Piece::Text("a".into()), p), TopEntry(1, Piece::Text("b".into()), p - 1.0)];
    let logprob: Vec<f32> = words.iter().map(|(_, p)| *p).collect();
    let tokens = Tokens {
        start,
        ids: (0..words.len() as u32).collect(),
        pieces: words.iter().map(|(word, _)| Piece::Text((*word).into())).collect(),
        top: Some(logprob.iter().map(|p| top(*p)).collect()),
        entropy: Some(logprob.clone()),
        logprob: Some(logprob),
        sampled_logprob: None,
        at: vec![0.0; words.len()],
        by,
    };
    Record { seq: 0, t: 0.0, body: Body::Tokens(tokens) }
}

fn answer(first: u64, last: u64, raw: &str) -> [Record; 2] {
    let segment = Body::Segment(SegmentEvent { kind: SegmentKind::Answer, first, last });
    let answer = Body::Answer(Answer { raw: raw.into(), content: None, position: last });
    [segment, answer].map(|body| Record { seq: 0, t: 0.0, body })
}

fn both(records: &[Record]) -> TokenFacts {
    let mut tail = TokenTail::default();
    records.iter().for_each(|record| tail.take(record));
    let facts = tail.facts();
    assert_eq!(TokenTail::of(&Trace::of(records)).facts(), facts, "records and their trace say the same");
    facts
}

#[test]
fn the_answer_is_as_likely_as_its_tokens() {
    // Tags in pieces, one of them the answer's own word, and a token that ends the answer and begins the tag.
    let words = [("<", -9.0), ("answer", -9.0), (">", -9.0), ("an", -0.5), ("swer .</", -0.25), ("answer>", -9.0)];
    let mut records = vec![batch(0, &[("q", 0.0)], TokenSource::Prompt), batch(1, &words, TokenSource::Sampled)];
    records.extend(answer(1, 6, "answer ."));
    let facts = both(&records);
    assert!((facts.answer_p.unwrap_or(0.0) - (-0.75_f64).exp()).abs() < 1e-9, "{facts:?}");
    let least = (-0.5_f64).exp() - (-1.5_f64).exp();
    assert!((facts.margin.unwrap_or(0.0) - least).abs() < 1e-9, "{facts:?}");
}

#[test]
fn what_cannot_be_told_is_none() {
    let said = |records: Vec<Record>| both(&records);
    let words = [("<answer>", -1.0), ("", -1.0), ("</answer>", -1.0)];
    let empty: Vec<_> = [batch(0, &words, TokenSource::Sampled)].into_iter().chain(answer(0, 2, "  ")).collect();
    assert_eq!(said(empty).answer_p, None);
    let elsewhere: Vec<_> = [batch(0, &words, TokenSource::Sampled)].into_iter().chain(answer(0, 2, "left")).collect();
    assert_eq!(said(elsewhere).answer_p, None);
    let gone: Vec<_> = answer(5, 7, "left").into();
    assert_eq!(said(gone), TokenFacts::default());
}

#[test]
fn only_the_last_turn_loops_and_memory_is_bounded() {
    let same = [("round ", -1.0); 3];
    let mut records: Vec<_> = (0..400).map(|i| batch(3 * i, &same, TokenSource::Sampled)).collect();
    let mut tail = TokenTail::default();
    records.iter().for_each(|record| tail.take(record));
    assert_eq!(tail.turn.len(), KEPT_TOKENS);
    assert!(both(&records).loops > 100);
    records.push(batch(1200, &[("crop", 0.0)], TokenSource::Prompt));
    assert_eq!(both(&records).loops, 0);
}
