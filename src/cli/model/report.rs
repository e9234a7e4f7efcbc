//! What `model probe` prints: the JSON that scripts rely on, and lines for people.

use serde::Serialize;

use crate::geometry::Size;
use crate::trace::ModelInfo;

/// The whole answer. Fields may be added; these stay.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) v: u32,
    pub(super) model: ModelInfo,
    /// Every id of the prompt, image pads expanded.
    pub(super) token_ids: Vec<u32>,
    pub(super) images: Vec<ImageReport>,
    /// Temporal, height and width position of every id.
    pub(super) position_ids: [Vec<u32>; 3],
    /// The position of the first token to come.
    pub(super) next_position: u32,
    /// The likeliest next tokens.
    pub(super) top: Vec<Top>,
    /// Greedy continuation.
    pub(super) greedy: Vec<Greedy>,
    pub(super) seconds: Seconds,
}

/// How long each part took, loading left out.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Seconds {
    /// Vision tower, all images.
    pub(super) images: f64,
    /// The prompt through the language model.
    pub(super) prompt: f64,
    /// The greedy tokens; the first needs no step of its own.
    pub(super) greedy: f64,
}

/// One image as it was processed.
#[derive(Debug, Serialize)]
pub(super) struct ImageReport {
    pub(super) original: Size,
    pub(super) processed: Size,
    /// Frames, rows and columns of patches.
    pub(super) grid: [usize; 3],
    pub(super) tokens: usize,
}

/// A candidate for the next token.
#[derive(Debug, Serialize)]
pub(super) struct Top {
    pub(super) id: u32,
    pub(super) text: String,
    pub(super) logit: f32,
    pub(super) logprob: f32,
}

/// A token of the greedy continuation.
#[derive(Debug, Serialize)]
pub(super) struct Greedy {
    pub(super) id: u32,
    pub(super) text: String,
    pub(super) logprob: f32,
}

impl Report {
    /// The same in lines; control characters of token texts are spelt out.
    pub(super) fn lines(&self) -> Vec<String> {
        let model = &self.model;
        let mut lines = vec![
            format!("model     {} ({}, {})", model.name.escape_debug(), model.dtype, model.device),
            format!("weights   {}", model.weights),
        ];
        for (number, image) in (1..).zip(&self.images) {
            let [_, rows, columns] = image.grid;
            lines.push(format!(
                "image {number}   {} → {}, {rows} × {columns} patches, {} tokens",
                image.original, image.processed, image.tokens
            ));
        }
        lines.push(format!("prompt    {} tokens, next position {}", self.token_ids.len(), self.next_position));
        if !self.top.is_empty() {
            lines.push("next token".to_owned());
        }
        for top in &self.top {
            let (id, text) = (top.id, top.text.escape_debug().to_string());
            lines.push(format!("{:>8.4}  logit {:>9.4}  id {id:>7}  \"{text}\"", top.logprob, top.logit));
        }
        if !self.greedy.is_empty() {
            let text: String = self.greedy.iter().map(|token| token.text.escape_debug().to_string()).collect();
            let ids: Vec<String> = self.greedy.iter().map(|token| token.id.to_string()).collect();
            lines.push(format!("greedy    \"{text}\""));
            lines.push(format!("ids       {}", ids.join(" ")));
        }
        lines.push(self.speed());
        lines
    }
    fn speed(&self) -> String {
        let Seconds { images, prompt, greedy } = self.seconds;
        let steps = self.greedy.len().saturating_sub(1);
        let rate =
            if steps > 0 && greedy > 0.0 { format!(", {:.0} tokens/s", steps as f64 / greedy) } else { String::new() };
        format!("speed     images {images:.2} s, prompt {prompt:.2} s{rate}")
    }
}
