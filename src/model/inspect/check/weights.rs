//! The tensors: against the configuration, and number by number.

use super::{Findings, numbers::Tally, settings_that};
use crate::model::inspect::kind::Part;
use crate::model::kernels::Format;
use crate::model::weights::{Head, Weights};
use crate::model::{Config, FileSource, LoadOptions, ModelError};

const WHAT: &str = "weights";
/// Largest number a 16-bit float holds.
const F16_MOST: f32 = 65_504.0;

pub(super) fn check(source: &FileSource, config: &Config, findings: &mut Findings, read: &mut dyn FnMut(u64, u64)) {
    let mut weights = match Weights::open(source, &LoadOptions::default()) {
        Ok(weights) => weights,
        Err(error) => return findings.fail(WHAT, error.to_string()),
    };
    match weights.check(config) {
        Ok(head) => {
            let (count, asks) = (weights.tensors().count(), settings_that(source, "ask"));
            findings.ok(WHAT, format!("{count} tensors, the shapes that {asks} for"));
            ties(&weights, config, head, findings);
        }
        Err(ModelError::Tensors(problems)) => {
            problems.iter().for_each(|problem| findings.fail(WHAT, problem.to_string()));
        }
        Err(error) => findings.fail(WHAT, error.to_string()),
    }
    look_through(&weights, findings, read);
}

/// Whether the head is what the configuration says.
fn ties(weights: &Weights, config: &Config, head: Head, findings: &mut Findings) {
    let own = weights.tensors().any(|tensor| Part::of(tensor.name) == Part::Head);
    match (config.tied, head, own) {
        (Some(true), Head::Separate, _) => findings.warn(
            "head",
            "config.json ties the head to the embedding table, but both are there and differ: both are used, as \
             transformers does",
        ),
        (Some(true), Head::Tied, true) => findings.ok("head", "the embedding table, which is stored twice"),
        (None, Head::Tied, _) => {
            findings.warn("head", "config.json does not say whether it is tied; without a tensor of its own it is");
        }
        (_, Head::Tied, _) => findings.ok("head", "the embedding table"),
        (_, Head::Separate, _) => findings.ok("head", "a tensor of its own"),
    }
}

/// Every number of every tensor.
fn look_through(weights: &Weights, findings: &mut Findings, read: &mut dyn FnMut(u64, u64)) {
    let all: u64 = weights.tensors().map(|tensor| tensor.bytes).sum();
    let (mut done, mut numbers, mut broken, mut largest) = (0, 0, Vec::new(), (0_f32, String::new()));
    let mut empty = Vec::new();
    read(0, all);
    for tensor in weights.tensors() {
        let tally = tally(weights, tensor.name);
        done += tensor.bytes;
        read(done, all);
        let Some(tally) = tally else {
            findings
                .warn(WHAT, format!("{} is stored as {}, which is not looked through", tensor.written, tensor.stored));
            continue;
        };
        numbers += tally.count;
        if tally.nan + tally.infinite > 0 {
            broken.push(format!("{} ({} NaN, {} infinite)", tensor.written, tally.nan, tally.infinite));
        }
        if tally.zero == tally.count && tensor.shape.len() > 1 {
            empty.push(tensor.written.to_owned());
        }
        if tally.largest > largest.0 {
            largest = (tally.largest, tensor.written.to_owned());
        }
    }
    match broken.first() {
        Some(first) => findings.fail("numbers", format!("{} tensor(s) hold what is no number: {first}", broken.len())),
        None => {
            findings.ok("numbers", format!("{numbers} of them, all finite, the largest {} in {}", largest.0, largest.1))
        }
    }
    if let Some(first) = empty.first() {
        findings.fail(
            "numbers",
            format!("{} matrices hold nothing but zeros, such as {first}: a broken download?", empty.len()),
        );
    }
    if largest.0 > F16_MOST {
        findings.warn("numbers", format!("{} holds {}, too large for --dtype f16", largest.1, largest.0));
    }
}

/// Counts a tensor's numbers; none where they cannot be read.
fn tally(weights: &Weights, name: &str) -> Option<Tally> {
    let piece = weights.piece(name).ok()?;
    let tally = match piece.format {
        Format::F32 => Tally::of_f32(&piece.bytes),
        Format::BF16 => Tally::of_bf16(&piece.bytes),
        Format::F16 => Tally::of_f16(&piece.bytes),
        blocks => {
            let mut row = vec![0.0; piece.columns];
            let mut tally = Tally::default();
            for bytes in piece.bytes.chunks_exact(blocks.bytes(piece.columns).filter(|bytes| *bytes > 0)?) {
                blocks.dequantise(bytes, &mut row);
                tally.add(Tally::of(row.iter().copied()));
            }
            tally
        }
    };
    Some(tally)
}
