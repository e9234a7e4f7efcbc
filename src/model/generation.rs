//! What a checkpoint's `generation_config.json` asks for.

use serde::Deserialize;

use super::sampler::{SamplerError, Sampling};

/// Most end tokens that are accepted.
const MAX_EOS: usize = 1024;

/// Sampling settings and end tokens of a checkpoint. The default is greedy, without end tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Generation {
    /// How tokens are chosen, if nobody says otherwise.
    pub sampling: Sampling,
    /// Tokens after which a turn is over; empty when the file names none.
    pub eos: Vec<u32>,
}

/// Why a generation file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GenerationError {
    /// Broken JSON, or a field of another type.
    #[error("not a generation_config.json: {0}")]
    Json(#[from] serde_json::Error),
    /// A setting that means nothing.
    #[error("generation_config.json: {0}")]
    Setting(#[from] SamplerError),
    /// Too many end tokens.
    #[error("generation_config.json: eos_token_id has {0} entries; at most {MAX_EOS} are accepted")]
    TooManyEos(usize),
}

/// The fields that matter here; others are ignored, and any may be `null`.
#[derive(Deserialize)]
struct File {
    eos_token_id: Option<Ids>,
    do_sample: Option<bool>,
    temperature: Option<f64>,
    top_k: Option<u32>,
    top_p: Option<f64>,
    repetition_penalty: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Ids {
    One(u32),
    Several(Vec<u32>),
}

impl Generation {
    /// Reads the file.
    ///
    /// Without `do_sample` decoding is greedy, and temperature, top-k and top-p are not looked at; the repetition penalty
    /// always counts. With it, absent fields have Hugging Face's defaults: temperature 1, top-k 50, top-p 1.
    ///
    /// # Errors
    /// [`GenerationError`] for broken JSON and for settings that mean nothing.
    pub fn from_json(text: &str) -> Result<Self, GenerationError> {
        let file: File = serde_json::from_str(text)?;
        let eos = match file.eos_token_id {
            None => Vec::new(),
            Some(Ids::One(id)) => vec![id],
            Some(Ids::Several(ids)) => ids,
        };
        if eos.len() > MAX_EOS {
            return Err(GenerationError::TooManyEos(eos.len()));
        }
        let mut sampling =
            Sampling { repetition_penalty: file.repetition_penalty.unwrap_or(1.0), ..Sampling::default() };
        if file.do_sample == Some(true) {
            sampling.temperature = file.temperature.unwrap_or(1.0);
            sampling.top_k = file.top_k.unwrap_or(50);
            sampling.top_p = file.top_p.unwrap_or(1.0);
        }
        Ok(Self { sampling: sampling.checked()?, eos })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_published_file() {
        let text = r#"{"bos_token_id":151643,"pad_token_id":151643,"do_sample":true,"eos_token_id":[151645,151643],
            "repetition_penalty":1.05,"temperature":0.000001,"transformers_version":"4.49.0"}"#;
        let g = Generation::from_json(text).unwrap();
        assert_eq!(g.eos, [151_645, 151_643]);
        assert_eq!(g.sampling, Sampling { temperature: 1e-6, top_k: 50, top_p: 1.0, repetition_penalty: 1.05 });
        assert!(g.sampling.is_greedy());
    }

    #[test]
    fn without_do_sample_it_is_greedy() {
        let g = Generation::from_json(r#"{"eos_token_id":2,"temperature":0.7,"top_p":0.8,"top_k":null}"#).unwrap();
        assert_eq!(g, Generation { sampling: Sampling::default(), eos: vec![2] });
        assert_eq!(Generation::from_json("{}").unwrap(), Generation::default());
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "{\"eos_token_id\":-1}", r#"{"do_sample":true,"top_p":7}"#, r#"{"repetition_penalty":0}"#] {
            assert!(Generation::from_json(text).is_err(), "{text}");
        }
        let many = format!(r#"{{"eos_token_id":[{}0]}}"#, "1,".repeat(2000));
        assert!(matches!(Generation::from_json(&many), Err(GenerationError::TooManyEos(2001))));
    }
}
