//! Keeping rows of a step.

use candle_core::{Result, Tensor};

use crate::model::tap::{Row, RowPart, Tap};
use crate::model::text::Span;

/// Keeps the last row of each sequence of one step.
#[derive(Debug, Default)]
pub struct Watch {
    attention: bool,
    lens: bool,
    kept: Vec<Kept>,
}

/// What was kept of one sequence: one entry a block.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    pub(super) queries: Vec<Row>,
    pub(super) outputs: Vec<Row>,
}

impl Kept {
    /// Whether it has what attention, and what the lens needs, where either is wanted.
    pub fn has(&self, attention: bool, lens: bool) -> bool {
        !(attention && self.queries.is_empty() || lens && self.outputs.is_empty())
    }
}

impl Watch {
    /// Keeps what attention weights (`attention`) and the logit lens (`lens`) need.
    pub fn new(attention: bool, lens: bool) -> Self {
        Self { attention, lens, kept: Vec::new() }
    }

    /// What was kept of the latest step, in the order of its sequences; empty where nothing was asked for or the step failed.
    pub fn take(&mut self) -> Vec<Kept> {
        std::mem::take(&mut self.kept)
    }
}

impl Tap for Watch {
    fn see(&mut self, _name: &str, _tensor: &Tensor) {}

    fn wanted(&self) -> bool {
        false
    }

    fn watches(&self) -> bool {
        self.attention || self.lens
    }

    fn last_rows(&mut self, layer: usize, part: RowPart, rows: Vec<Row>) {
        let wanted = match part {
            RowPart::Queries => self.attention,
            RowPart::Output => self.lens,
        };
        if !wanted {
            return;
        }
        self.kept.resize_with(rows.len(), Kept::default);
        for (kept, row) in self.kept.iter_mut().zip(rows) {
            let list = match part {
                RowPart::Queries => &mut kept.queries,
                RowPart::Output => &mut kept.outputs,
            };
            // A step begins with the first block, whatever was left of another.
            list.truncate(layer);
            list.push(row);
        }
    }
}

/// Shows the tap the last rows of `numbers`, rows of `width` of all sequences below each other, or the last ones already.
pub(crate) fn keep_numbers(
    tap: &mut dyn Tap,
    layer: usize,
    part: RowPart,
    numbers: &[f32],
    width: usize,
    spans: &[Span],
) {
    if !tap.watches() {
        return;
    }
    let cut = numbers.len() == spans.len() * width;
    let row = |(place, span): (usize, &Span)| {
        let start = if cut { place } else { span.start + span.rows - 1 } * width;
        Row::Numbers(numbers.get(start..start + width).unwrap_or_default().to_vec())
    };
    tap.last_rows(layer, part, spans.iter().enumerate().map(row).collect());
}

/// Shows the tap the last rows of `x` (rows, …) times `scale`, as (1, numbers) each.
pub(crate) fn keep_tensors(
    tap: &mut dyn Tap,
    layer: usize,
    part: RowPart,
    x: &Tensor,
    scale: f64,
    spans: &[Span],
) -> Result<()> {
    if !tap.watches() {
        return Ok(());
    }
    let row = |span: &Span| {
        let row = x.narrow(0, span.start + span.rows - 1, 1)?.flatten_from(1)?;
        // Either makes storage of its own: a row that shares it would keep a whole prompt's rows.
        let row = if scale == 1.0 { row.force_contiguous()? } else { (row.contiguous()? * scale)? };
        Ok(Row::Tensor(row))
    };
    tap.last_rows(layer, part, spans.iter().map(row).collect::<Result<_>>()?);
    Ok(())
}
