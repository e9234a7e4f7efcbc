//! The tensors of two GGUF files, as the configuration asks for them.

use std::collections::BTreeMap;

use super::entry::{Entry, Part, Stored};
use crate::model::error::TensorProblem;
use crate::model::gguf::names::Place;
use crate::model::gguf::{Gguf, Opened, names};
use crate::model::names::PATCH_EMBED;

/// A canonical tensor whose parts are being found.
struct Gathering {
    written: String,
    stored: Stored,
    shapes: Vec<Option<(Vec<usize>, Part)>>,
    /// Parts are of different types.
    mixed: bool,
}

/// Entries by canonical name, and what does not fit. File 0 is the language model's, file 1 the image part's.
pub(super) fn entries(opened: &Opened) -> (BTreeMap<String, Entry>, Vec<TensorProblem>) {
    let (mut found, mut problems) = (BTreeMap::new(), Vec::new());
    gather(&opened.text.gguf, 0, names::text, &mut found, &mut problems);
    let swapped = is_swapped(&opened.vision.gguf);
    let vision = |name: &str| if swapped { names::vision(&unswapped(name)) } else { names::vision(name) };
    gather(&opened.vision.gguf, 1, vision, &mut found, &mut problems);
    let mut entries = BTreeMap::new();
    for (name, gathering) in found {
        match gathering.entry(&name) {
            Ok(entry) => drop(entries.insert(name, entry)),
            Err(problem) => problems.push(problem),
        }
    }
    (entries, problems)
}

/// What the language model's file calls its mixture of formats (`enum llama_ftype`).
pub(super) fn mixture(opened: &Opened) -> Option<String> {
    let name = match opened.text.gguf.whole("general.file_type").ok()? {
        0 => "f32",
        1 => "f16",
        2 => "q4_0",
        3 => "q4_1",
        7 => "q8_0",
        8 => "q5_0",
        9 => "q5_1",
        10 => "q2_k",
        11 => "q3_k_s",
        12 => "q3_k_m",
        13 => "q3_k_l",
        14 => "q4_k_s",
        15 => "q4_k_m",
        16 => "q5_k_s",
        17 => "q5_k_m",
        18 => "q6_k",
        32 => "bf16",
        _ => return None,
    };
    Some(name.to_owned())
}

fn gather(
    gguf: &Gguf,
    file: usize,
    place: impl Fn(&str) -> Option<Place>,
    found: &mut BTreeMap<String, Gathering>,
    problems: &mut Vec<TensorProblem>,
) {
    for (written, info) in gguf.tensors() {
        let Some(Place { name, part, parts }) = place(written) else {
            problems.push(TensorProblem::Extra { name: written.clone(), shape: info.shape.clone() });
            continue;
        };
        let stored = Stored::of_gguf(info.kind);
        let gathering = found.entry(name).or_insert_with(|| Gathering {
            written: written.clone(),
            stored,
            shapes: vec![None; parts],
            mixed: false,
        });
        gathering.mixed |= gathering.stored != stored;
        match gathering.shapes.get_mut(part) {
            Some(place @ None) => *place = Some((info.shape.clone(), Part { file, bytes: info.bytes.clone() })),
            // The fused tensor beside its parts.
            _ => problems.push(TensorProblem::Twice { name: written.clone(), shape: info.shape.clone() }),
        }
    }
}

impl Gathering {
    fn entry(self, name: &str) -> Result<Entry, TensorProblem> {
        let Self { written, stored, shapes, mixed } = self;
        let present: Vec<(Vec<usize>, Part)> = shapes.iter().flatten().cloned().collect();
        let first = present.first().map(|(shape, _)| shape.clone()).unwrap_or_default();
        if present.len() < shapes.len() && name != PATCH_EMBED {
            return Err(TensorProblem::Missing { name: format!("a part of {written}"), shape: first });
        }
        if mixed {
            let dtype = "not that of its other parts".to_owned();
            return Err(TensorProblem::DType { name: written, shape: first, dtype });
        }
        let (mut shape, mut run) = (first.clone(), 0);
        if name == PATCH_EMBED {
            // Two kernels of one frame each, side by side for every output and channel.
            if present.iter().any(|(other, _)| *other != first) || first.len() != 4 || stored.is_quantised() {
                return Err(TensorProblem::Shape { name: written, expected: vec![0, 0, 0, 0], found: first });
            }
            shape.insert(2, present.len());
            let side = first.get(2..).map_or(0, |sides| sides.iter().product());
            run = if present.len() > 1 { stored.bytes(side).unwrap_or(0) } else { 0 };
        } else if present.len() > 1 {
            if let Some((found, _)) = present.iter().find(|(shape, _)| shape.get(1..) != first.get(1..)) {
                return Err(TensorProblem::Shape { name: written, expected: first, found: found.clone() });
            }
            let rows = present.iter().map(|(shape, _)| shape.first().copied().unwrap_or(0)).sum();
            if let Some(size) = shape.first_mut() {
                *size = rows;
            }
        }
        Ok(Entry { written, stored, shape, parts: present.into_iter().map(|(_, part)| part).collect(), run })
    }
}

/// Whether `ffn_up` and `ffn_down` of the image part are each other, as some older converters wrote them.
fn is_swapped(vision: &Gguf) -> bool {
    let down = vision.tensors().get("v.blk.0.ffn_down.weight").map(|tensor| tensor.shape.as_slice());
    let hidden = vision.whole("clip.vision.embedding_length").ok().and_then(|hidden| usize::try_from(hidden).ok());
    matches!((down, hidden), (Some([out, inputs]), Some(hidden)) if *inputs == hidden && *out != hidden)
}

fn unswapped(name: &str) -> String {
    if name.contains(".ffn_up.") {
        name.replace(".ffn_up.", ".ffn_down.")
    } else {
        name.replace(".ffn_down.", ".ffn_up.")
    }
}
