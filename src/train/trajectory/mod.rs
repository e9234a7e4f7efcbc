//! What a good answer looks like, as text with a role for every part of it.
//!
//! Two kinds: the zoom trajectory (think, zoom in on each panel the question is about, read each crop, answer) and the
//! direct answer of a session without the tool. The wire format is the `rarl` profile's.

mod compare;
mod read;

use serde::{Deserialize, Serialize};

use crate::benchmark::synthetic::{PageTruth, PanelTruth};
use crate::benchmark::{Question, Task};
use crate::geometry::{FrameKind, PageBox, Size};

/// What a part of the text depends on; training weights follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Given to the model, never learnt.
    Prompt,
    /// The same in every trajectory.
    Plain,
    /// Must be seen in an image.
    Seen,
    /// Follows from text before it.
    Copied,
    /// A coordinate.
    Coordinate,
}

/// A part of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Text of one role; encoded on its own.
    Text(String, Role),
    /// The crop.
    Crop,
}

/// Coordinates are written as multiples of this many processed pixels.
pub const GRID: f64 = 4.0;

fn text(parts: &mut Vec<Part>, text: impl Into<String>, role: Role) {
    parts.push(Part::Text(text.into(), role));
}

/// The question as the `rarl` profile puts it after the page.
pub fn asked(question: &Question) -> String {
    let choices = match question.choices.is_empty() {
        true => String::new(),
        false => format!("\nChoices: {}.", question.choices.join(", ")),
    };
    format!("{}{choices}<|im_end|>\n<|im_start|>assistant\n", question.text)
}

/// The panels a question is about, in the order of its targets.
pub fn panels_of<'a>(truth: &'a PageTruth, question: &Question) -> Vec<&'a PanelTruth> {
    let at = |target: &PageBox| truth.panels.iter().find(|p| p.bounds == *target);
    question.targets.iter().filter_map(at).collect()
}

/// A box in processed pixels on the coordinate grid, at least one step wide and high.
pub fn on_grid(b: &PageBox, page: Size, processed: Size) -> [u32; 4] {
    let [x1, y1, x2, y2] = b.to_frame(FrameKind::Processed, page, processed).numbers;
    let snap = |v: f64, most: u32| ((v / GRID).round() * GRID).clamp(0.0, f64::from(most)) as u32;
    let (x1, y1) = (snap(x1, processed.w), snap(y1, processed.h));
    let step = GRID as u32;
    [x1, y1, snap(x2, processed.w).max(x1 + step), snap(y2, processed.h).max(y1 + step)]
}

/// The answer without a zoom: question, then the answer alone.
pub fn direct(question: &Question) -> Option<Vec<Part>> {
    let mut parts = vec![Part::Text(asked(question), Role::Prompt)];
    text(&mut parts, "<answer>", Role::Plain);
    text(&mut parts, question.truth.clone()?, Role::Seen);
    text(&mut parts, "</answer><|im_end|>", Role::Plain);
    Some(parts)
}

/// Zooms into one panel after the other, reads each crop, answers; `None` where the panels do not fit the question.
pub fn zooming(question: &Question, panels: &[&PanelTruth], page: Size, processed: Size) -> Option<Vec<Part>> {
    let mut parts = vec![Part::Text(asked(question), Role::Prompt)];
    text(&mut parts, "<think>", Role::Plain);
    let mut found = Vec::new();
    for (i, panel) in panels.iter().enumerate() {
        let name = name(question, panel);
        // Said before the box, which follows from it.
        text(&mut parts, if i == 0 { "Look at panel" } else { " Look at panel" }, Role::Plain);
        text(&mut parts, name.clone(), Role::Copied);
        text(&mut parts, ".", Role::Plain);
        call(&mut parts, &name, panel, page, processed);
        text(&mut parts, "<think>", Role::Plain);
        read::panel(&mut parts, question, panel, &name, &mut found)?;
    }
    text(&mut parts, "</think>\n<answer>", Role::Plain);
    read::answer(&mut parts, question, panels)?;
    text(&mut parts, "</answer><|im_end|>", Role::Plain);
    Some(parts)
}

/// What the question calls the panel: its number, or its letter in a story.
fn name(question: &Question, panel: &PanelTruth) -> String {
    match &panel.beat {
        Some(beat) if question.task == Some(Task::PanelReordering) => format!(" {}", beat.label),
        _ => format!(" {}", panel.number),
    }
}

/// Ends the thought, zooms into the panel, and takes the crop.
fn call(parts: &mut Vec<Part>, name: &str, panel: &PanelTruth, page: Size, processed: Size) {
    let open = "{\"name\": \"image_zoom_in_tool\", \"arguments\": {\"bbox_2d\": [";
    text(parts, format!("</think>\n<tool_call>{open}"), Role::Plain);
    for (i, value) in on_grid(&panel.bounds, page, processed).into_iter().enumerate() {
        if i > 0 {
            text(parts, ",", Role::Plain);
        }
        let blank = if i > 0 { " " } else { "" };
        text(parts, format!("{blank}{value}"), Role::Coordinate);
    }
    text(parts, "], \"label\": \"panel", Role::Plain);
    text(parts, name, Role::Copied);
    text(parts, "\"}}</tool_call><|im_end|>", Role::Plain);
    text(parts, "\n<|im_start|>user\n<tool_response>", Role::Prompt);
    parts.push(Part::Crop);
    text(parts, "</tool_response><|im_end|>\n<|im_start|>assistant\n", Role::Prompt);
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
