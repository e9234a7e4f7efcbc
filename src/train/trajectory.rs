//! What a good answer looks like, as text with a role for every part of it.
//!
//! Two kinds: the zoom trajectory (think, zoom in on the panel the question names, read the crop, answer) and the direct
//! answer of a session without the tool. The wire format is the `rarl` profile's.

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

/// Tasks that there are trajectories for.
pub const TAUGHT_TASKS: [Task; 2] = [Task::DepthComparison, Task::ActionRecognition];

/// The question as the `rarl` profile puts it after the page.
pub fn asked(question: &Question) -> String {
    let choices = match question.choices.is_empty() {
        true => String::new(),
        false => format!("\nChoices: {}.", question.choices.join(", ")),
    };
    format!("{}{choices}<|im_end|>\n<|im_start|>assistant\n", question.text)
}

/// The panel a question is about.
pub fn panel_of<'a>(truth: &'a PageTruth, question: &Question) -> Option<&'a PanelTruth> {
    truth.panels.iter().find(|p| question.targets.first() == Some(&p.bounds))
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

/// Think, zoom, read, answer.
pub fn zooming(question: &Question, panel: &PanelTruth, page: Size, processed: Size) -> Option<Vec<Part>> {
    let mut parts = vec![Part::Text(asked(question), Role::Prompt)];
    let number = format!(" {}", panel.number);
    text(&mut parts, "<think>Look at panel", Role::Plain);
    text(&mut parts, number.clone(), Role::Copied);
    let open = "{\"name\": \"image_zoom_in_tool\", \"arguments\": {\"bbox_2d\": [";
    text(&mut parts, format!(".</think>\n<tool_call>{open}"), Role::Plain);
    for (i, value) in on_grid(&panel.bounds, page, processed).into_iter().enumerate() {
        if i > 0 {
            text(&mut parts, ",", Role::Plain);
        }
        let blank = if i > 0 { " " } else { "" };
        text(&mut parts, format!("{blank}{value}"), Role::Coordinate);
    }
    text(&mut parts, "], \"label\": \"panel", Role::Plain);
    text(&mut parts, number, Role::Copied);
    text(&mut parts, "\"}}</tool_call><|im_end|>", Role::Plain);
    text(&mut parts, "\n<|im_start|>user\n<tool_response>", Role::Prompt);
    parts.push(Part::Crop);
    text(&mut parts, "</tool_response><|im_end|>\n<|im_start|>assistant\n", Role::Prompt);
    match question.task? {
        Task::ActionRecognition => read_action(&mut parts, panel)?,
        Task::DepthComparison => read_depth(&mut parts, panel)?,
        _ => return None,
    }
    text(&mut parts, ".</think>\n<answer>", Role::Plain);
    text(&mut parts, question.truth.clone()?, Role::Copied);
    text(&mut parts, "</answer><|im_end|>", Role::Plain);
    Some(parts)
}

fn read_action(parts: &mut Vec<Part>, panel: &PanelTruth) -> Option<()> {
    let figure = panel.figures.first()?;
    text(parts, "<think>", Role::Plain);
    text(parts, figure.figure.name(), Role::Copied);
    text(parts, " is", Role::Plain);
    text(parts, format!(" {}", figure.action.word()), Role::Seen);
    Some(())
}

fn read_depth(parts: &mut Vec<Part>, panel: &PanelTruth) -> Option<()> {
    let [left, right] = &panel.figures[..] else { return None };
    let (side, near) = if left.depth > right.depth { (" left", left) } else { (" right", right) };
    text(parts, "<think>On the left is", Role::Plain);
    text(parts, format!(" {}", left.figure.name()), Role::Seen);
    text(parts, ", on the right", Role::Plain);
    text(parts, format!(" {}", right.figure.name()), Role::Copied);
    text(parts, ". The", Role::Plain);
    text(parts, side, Role::Seen);
    text(parts, " one is larger, so", Role::Plain);
    text(parts, format!(" {}", near.figure.name()), Role::Copied);
    text(parts, " is nearer", Role::Plain);
    Some(())
}
