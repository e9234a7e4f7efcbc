//! Who attends to whom, prepared once for all layers.
#![allow(clippy::indexing_slicing, reason = "indices are computed from checked spans")]

use candle_core::{Device, Tensor};

use crate::train::error::{Result, TrainError};
use crate::train::pack::Span;

/// Sizes of the heads in a stacked `qkv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// Query heads.
    pub query: usize,
    /// Key heads, and as many value heads.
    pub kv: usize,
    /// Width of a head.
    pub dim: usize,
}

/// Score given to what must not be seen.
const HIDDEN: f32 = -1e9;

/// Spans of similar length, padded to one block.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    /// Spans in this block.
    pub count: usize,
    /// Rows of each, padded.
    pub queries: usize,
    /// Keys of each, padded.
    pub keys: usize,
    /// `(count·queries,)` flat rows; none when they are rows 0, 1, 2, …
    pub query_rows: Option<Tensor>,
    /// `(count·keys,)` flat rows; none when they equal the query rows.
    pub key_rows: Option<Tensor>,
    /// `(count, 1, queries, keys)`: 0 where seen; none when all is seen.
    pub mask: Option<Tensor>,
}

/// Spans, and the same as padded blocks with masks.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Number of flat rows.
    pub rows: usize,
    /// The spans.
    pub spans: Vec<Span>,
    pub(crate) buckets: Vec<Bucket>,
    /// Place of each flat row in the stacked outputs of all buckets; none when it is its own.
    pub(crate) back: Option<Tensor>,
}

impl Plan {
    /// Prepares spans that together cover every row exactly once.
    ///
    /// # Errors
    /// Spans that leave a row out, or name rows that do not exist.
    pub fn new(rows: usize, spans: &[Span], blocks: bool, device: &Device) -> Result<Self> {
        check(rows, spans)?;
        let mut plan = Self { rows, spans: spans.to_vec(), buckets: Vec::new(), back: None };
        if blocks && !plan.uniform() {
            plan.bucket(device)?;
        }
        Ok(plan)
    }

    /// One block without padding or mask, if the spans are that simple.
    fn uniform(&mut self) -> bool {
        let Some(first) = self.spans.first() else { return true };
        let len = first.len;
        let simple = |(index, span): (usize, &Span)| {
            !span.causal && span.prefix.1 == 0 && span.len == len && span.start == index * len
        };
        if !self.spans.iter().enumerate().all(simple) {
            return false;
        }
        let count = self.spans.len();
        let plain = Bucket { count, queries: len, keys: len, query_rows: None, key_rows: None, mask: None };
        self.buckets.push(plain);
        true
    }

    fn bucket(&mut self, device: &Device) -> Result<()> {
        let mut order: Vec<usize> = (0..self.spans.len()).collect();
        order.sort_by_key(|&i| (self.spans[i].prefix.1 > 0, self.spans[i].len, self.spans[i].prefix.1));
        let mut back = vec![0u32; self.rows];
        let mut offset = 0;
        let mut at = 0;
        while at < order.len() {
            let first = self.spans[order[at]];
            let fits = |&&i: &&usize| {
                let span = self.spans[i];
                span.len <= first.len + first.len / 4 + 8 && (span.prefix.1 > 0) == (first.prefix.1 > 0)
            };
            let count = order[at..].iter().take_while(fits).count();
            let members: Vec<Span> = order[at..at + count].iter().map(|&i| self.spans[i]).collect();
            self.buckets.push(block(&members, device)?);
            let queries = members.iter().map(|s| s.len).max().unwrap_or(0);
            for (slot, span) in members.iter().enumerate() {
                for row in 0..span.len {
                    back[span.start + row] = (offset + slot * queries + row) as u32;
                }
            }
            offset += count * queries;
            at += count;
        }
        self.back = Some(Tensor::from_vec(back, self.rows, device)?);
        Ok(())
    }
}

fn check(rows: usize, spans: &[Span]) -> Result<()> {
    let mut seen = vec![false; rows];
    for span in spans {
        let own = span.start.checked_add(span.len).filter(|&end| end <= rows);
        let prefix = span.prefix.0.checked_add(span.prefix.1).filter(|&end| end <= rows);
        if own.is_none() || prefix.is_none() || span.len == 0 {
            return Err(TrainError::Shape(format!("a span {span:?} in {rows} rows")));
        }
        for slot in &mut seen[span.start..span.start + span.len] {
            if std::mem::replace(slot, true) {
                return Err(TrainError::Shape(format!("a row of {span:?} is in two spans")));
            }
        }
    }
    if seen.contains(&false) {
        return Err(TrainError::Shape("a row is in no span".into()));
    }
    Ok(())
}

fn block(members: &[Span], device: &Device) -> Result<Bucket> {
    let count = members.len();
    let queries = members.iter().map(|s| s.len).max().unwrap_or(0);
    let keys = members.iter().map(|s| s.len + s.prefix.1).max().unwrap_or(0);
    let mut query_rows = vec![0u32; count * queries];
    let mut key_rows = vec![0u32; count * keys];
    let mut mask = vec![HIDDEN; count * queries * keys];
    for (slot, span) in members.iter().enumerate() {
        let (prefix, before) = span.prefix;
        for (row, q) in query_rows[slot * queries..][..span.len].iter_mut().enumerate() {
            *q = (span.start + row) as u32;
        }
        for (key, k) in key_rows[slot * keys..][..before + span.len].iter_mut().enumerate() {
            *k = if key < before { prefix + key } else { span.start + key - before } as u32;
        }
        for row in 0..queries {
            // Padding rows see one key, so that their softmax stays finite; their output is dropped.
            let seen = if row >= span.len { 1 } else { before + if span.causal { row + 1 } else { span.len } };
            mask[(slot * queries + row) * keys..][..seen].fill(0.0);
        }
    }
    Ok(Bucket {
        count,
        queries,
        keys,
        query_rows: Some(Tensor::from_vec(query_rows, count * queries, device)?),
        key_rows: Some(Tensor::from_vec(key_rows, count * keys, device)?),
        mask: Some(Tensor::from_vec(mask, (count, 1, queries, keys), device)?),
    })
}
