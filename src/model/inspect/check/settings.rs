//! The image processor's and the sampler's settings, and what they mean here.

use serde_json::Value;

use super::Findings;
use crate::model::processor::MAX_PIXELS;
use crate::model::{Config, FileSource, Generation, ImageProcessor, read_processor};

/// Classes whose arithmetic is known.
const KNOWN: [&str; 4] =
    ["Qwen2VLImageProcessor", "Qwen2VLImageProcessorFast", "Qwen2VLImageProcessorPil", "Qwen2_5_VLImageProcessor"];
const FILES: [&str; 2] = ["preprocessor_config.json", "processor_config.json"];
/// A temperature below this changes nothing: the likeliest token is a million times likelier.
const GREEDY: f64 = 0.05;

pub(super) fn check(source: &FileSource, config: &Config, findings: &mut Findings) {
    images(source, config, findings);
    generation(source, config, findings);
}

fn images(source: &FileSource, config: &Config, findings: &mut Findings) {
    const WHAT: &str = "image processor";
    let Some(file) = FILES.into_iter().find(|file| source.has(file)) else {
        let class = ImageProcessor::default();
        let pixels = format!("{} to {} pixels", class.min_pixels, class.max_pixels);
        return findings.warn(WHAT, format!("no preprocessor_config.json: the class's defaults are used ({pixels})"));
    };
    let processor = match read_processor(source, config) {
        Ok(processor) => processor,
        Err(error) => return findings.fail(WHAT, error.to_string()),
    };
    let class = class(source, file);
    match class.as_deref() {
        Some(class) if KNOWN.contains(&class) => {
            findings.ok(WHAT, format!("{class}: resampled as {} does", processor.resampler.name()));
        }
        Some(other) => findings.warn(
            WHAT,
            format!("{file} names {other:?}, which is not known: images are prepared as Qwen2VLImageProcessor does"),
        ),
        // That format has no place for it.
        None if matches!(source, FileSource::Gguf(_)) => {
            findings.ok(WHAT, format!("of a GGUF file: resampled as {} does", processor.resampler.name()));
        }
        None => {
            findings.warn(WHAT, format!("{file} names no class: images are prepared as Qwen2VLImageProcessor does"))
        }
    }
    let vision = &config.vision;
    let sides = [
        ("patch_size", processor.patch_size, vision.patch),
        ("temporal_patch_size", processor.temporal_patch_size, vision.temporal_patch),
        ("merge_size", processor.merge_size, vision.merge),
    ];
    for (key, here, there) in sides.into_iter().filter(|(_, here, there)| here != there) {
        findings.fail(WHAT, format!("{file} says {key} {here}, config.json {there}"));
    }
    limits(&processor, findings);
}

fn limits(processor: &ImageProcessor, findings: &mut Findings) {
    const WHAT: &str = "image sizes";
    let (low, high) = (processor.min_pixels, processor.max_pixels);
    let token = u64::from(processor.factor()).pow(2).max(1);
    let words = format!("{low} to {high} pixels, {} to {} tokens an image", low.div_ceil(token), high / token);
    match () {
        () if low > high => findings.fail(WHAT, format!("{words}: the least is more than the most")),
        () if high > MAX_PIXELS => {
            findings.warn(WHAT, format!("{words}; this program makes at most {MAX_PIXELS} pixels"));
        }
        () => findings.ok(WHAT, words),
    }
    let class = ImageProcessor::default();
    // They are computed with in f32; a GGUF file holds them so.
    let same = |a: [f64; 3], b: [f64; 3]| a.map(|x| x as f32) == b.map(|x| x as f32);
    let usual = same(processor.image_mean, class.image_mean) && same(processor.image_std, class.image_std);
    if processor.do_normalize && !usual {
        findings.warn(WHAT, "mean and deviation are not those of Qwen2.5-VL; they are used as they stand");
    }
    if !processor.do_resize || !processor.do_normalize || !processor.do_rescale {
        findings.warn(WHAT, "a step is switched off (do_resize, do_rescale, do_normalize); it is left out here too");
    }
}

/// The class a processor's file names.
fn class(source: &FileSource, file: &str) -> Option<String> {
    let value: Value = serde_json::from_slice(&source.read(file).ok()?).ok()?;
    let inner = value.get("image_processor").unwrap_or(&value);
    inner.get("image_processor_type").and_then(Value::as_str).map(str::to_owned)
}

fn generation(source: &FileSource, config: &Config, findings: &mut Findings) {
    const WHAT: &str = "generation";
    const FILE: &str = "generation_config.json";
    let text = match source.read_optional(FILE) {
        Ok(Some(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        Ok(None) => return findings.warn(WHAT, format!("no {FILE}: the likeliest token is taken, without a penalty")),
        Err(error) => return findings.fail(WHAT, error.to_string()),
    };
    let generation = match Generation::from_json(&text) {
        Ok(generation) => generation,
        Err(error) => return findings.fail(WHAT, error.to_string()),
    };
    let sampling = &generation.sampling;
    match sampling.temperature {
        t if t > 0.0 && t < GREEDY => {
            findings
                .warn(WHAT, format!("temperature {t}: in effect always the likeliest token, and no seed changes it"));
        }
        0.0 => findings.ok(WHAT, "always the likeliest token"),
        t => findings.ok(
            WHAT,
            format!(
                "drawn at temperature {t}, top-k {}, top-p {}; --greedy takes the likeliest",
                sampling.top_k, sampling.top_p
            ),
        ),
    }
    if sampling.repetition_penalty != 1.0 {
        let penalty = sampling.repetition_penalty;
        findings.warn(
            WHAT,
            format!(
                "repetition penalty {penalty}: every token that stands in the context, the question's words too, is made \
                 less likely; --repetition-penalty 1 switches it off"
            ),
        );
    }
    ends(&generation, config, findings);
}

fn ends(generation: &Generation, config: &Config, findings: &mut Findings) {
    let ends = if generation.eos.is_empty() { &config.eos } else { &generation.eos };
    let beyond = ends.iter().find(|id| **id as usize >= config.text.vocabulary);
    match (ends.is_empty(), beyond) {
        (true, _) => findings.warn("end of turns", "no end token is named: only the profile's limits end a turn"),
        (_, Some(id)) => findings.fail("end of turns", format!("end token {id} is outside the vocabulary")),
        _ => findings.ok("end of turns", ends.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")),
    }
}
