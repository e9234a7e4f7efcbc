//! Keeping rows of a step.

use candle_core::{Result, Tensor};

use super::Heads;
use crate::model::kernels::Shown;
use crate::model::tap::{Row, RowPart, Tap};
use crate::model::text::Span;

/// Keeps the last row of each sequence of one step.
#[derive(Debug, Default)]
pub struct Watch {
    attention: bool,
    heads: Heads,
    lens: bool,
    kept: Vec<Kept>,
}

/// What was kept of one sequence: one entry a block.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    pub(super) queries: Vec<Row>,
    pub(super) outputs: Vec<Row>,
    /// Weights of this head or the mean, where they were seen while they were computed.
    pub(super) weights: Vec<Vec<f32>>,
    pub(super) heads: Heads,
    /// Weights (heads, tokens) of all heads, where they were at hand on a device.
    pub(super) tensors: Vec<Tensor>,
}

impl Kept {
    /// Whether it has what attention, and what the lens needs, where either is wanted.
    pub fn has(&self, attention: bool, lens: bool) -> bool {
        self.has_heads(attention.then_some(self.heads), lens)
    }

    /// Whether it has what attention of this head (or the mean), and what the lens needs, where either is wanted.
    pub fn has_heads(&self, attention: Option<Heads>, lens: bool) -> bool {
        let shown = |heads| !self.tensors.is_empty() || heads == self.heads && !self.weights.is_empty();
        let attends = attention.is_none_or(|heads| shown(heads) || !self.queries.is_empty());
        attends && !(lens && self.outputs.is_empty())
    }
}

impl Watch {
    /// Keeps what attention weights (`attention`) and the logit lens (`lens`) need.
    pub fn new(attention: bool, lens: bool) -> Self {
        Self { attention, lens, heads: Heads::Mean, kept: Vec::new() }
    }

    /// The same for attention of this head, or the mean of all.
    pub fn of(attention: Option<Heads>, lens: bool) -> Self {
        Self { heads: attention.unwrap_or_default(), ..Self::new(attention.is_some(), lens) }
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

    fn shows(&self) -> Option<Heads> {
        self.attention.then_some(self.heads)
    }

    fn last_rows(&mut self, layer: usize, part: RowPart, rows: Vec<Row>) {
        let wanted = match part {
            RowPart::Queries | RowPart::Weights => self.attention,
            RowPart::Output => self.lens,
        };
        if !wanted {
            return;
        }
        self.kept.resize_with(rows.len(), Kept::default);
        for (kept, row) in self.kept.iter_mut().zip(rows) {
            let list = match (part, row) {
                (RowPart::Weights, Row::Numbers(row)) => {
                    kept.heads = self.heads;
                    kept.weights.truncate(layer);
                    kept.weights.push(row);
                    continue;
                }
                (RowPart::Weights, Row::Tensor(row)) => {
                    kept.tensors.truncate(layer);
                    kept.tensors.push(row);
                    continue;
                }
                (RowPart::Queries, row) => (&mut kept.queries, row),
                (RowPart::Output, row) => (&mut kept.outputs, row),
            };
            let (list, row) = list;
            // A step begins with the first block, whatever was left of another.
            list.truncate(layer);
            list.push(row);
        }
    }
}

/// What a block's attention is to show, where the tap watches it.
pub(crate) fn shown(tap: &dyn Tap, heads: usize) -> Option<Shown> {
    Some(match tap.shows()? {
        Heads::Mean => Shown::new(None, heads),
        Heads::One(head) => Shown::new(Some(head), heads),
    })
}

/// Gives the tap what was shown. False where nothing was: then it needs the queries.
pub(crate) fn keep_shown(tap: &mut dyn Tap, layer: usize, shown: Option<Shown>, spans: &[Span]) -> bool {
    let rows = shown.map(Shown::into_rows).filter(|rows| rows.len() == spans.len());
    let Some(rows) = rows else { return false };
    tap.last_rows(layer, RowPart::Weights, rows.into_iter().map(Row::Numbers).collect());
    true
}

/// Room for weights of rows that come alone, where the tap watches attention and all of them do.
pub(crate) fn alone(tap: &dyn Tap, spans: &[Span]) -> Option<Vec<Tensor>> {
    tap.shows().filter(|_| spans.iter().all(|span| span.rows == 1)).map(|_| Vec::with_capacity(spans.len()))
}

/// Gives the tap these weights (heads, tokens), one a sequence.
pub(crate) fn keep_weights(tap: &mut dyn Tap, layer: usize, weights: Option<Vec<Tensor>>) {
    if let Some(weights) = weights {
        tap.last_rows(layer, RowPart::Weights, weights.into_iter().map(Row::Tensor).collect());
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
