//! The differentiable forward pass of Qwen2.5-VL over flat rows.
//!
//! The same mathematics as the model room, for training: every page is encoded once, its segments attend to the page's
//! keys and values. Shapes: vision rows `(patches, hidden)` in window order, text rows `(tokens, hidden)`.

use candle_core::{DType, Device, Tensor};

use super::batch::HeadSpec;
use super::error::{Result, TrainError};
use super::ops::{Heads, Kernels, Plan};
use super::pack::{ImageGroup, Packed, Span};
use super::params::{BlockSlots, LinearSlots, Params, Slot};
use super::rotary::Rotary;
use super::shape::{ModelShape, PATCH_VALUES};

/// Runs the towers over given parameters.
#[derive(Clone, Copy, Debug)]
pub struct Graph<'a> {
    /// The architecture.
    pub shape: &'a ModelShape,
    /// Its tensors.
    pub params: &'a Params,
    /// Which building blocks compute.
    pub kernels: Kernels,
    /// Whether the vision tower stays as it is: no gradient goes into it.
    pub frozen_vision: bool,
}

/// What the forward pass gives.
#[derive(Clone, Debug)]
pub struct Forward {
    /// `(vision rows, text hidden)`; none without images.
    pub vision: Option<Tensor>,
    /// `(text rows, text hidden)`, before the last norm.
    pub text: Tensor,
}

struct Attend<'a> {
    rotary: &'a Rotary,
    plan: &'a Plan,
    heads: Heads,
}

impl Graph<'_> {
    /// Runs both towers.
    ///
    /// # Errors
    /// Shapes that do not fit, or no memory.
    pub fn forward(&self, packed: &Packed, device: &Device) -> Result<Forward> {
        let mut towers = packed.groups.iter().map(|group| self.tower(group, device)).collect::<Result<Vec<_>>>()?;
        towers.extend(packed.given.iter().map(|seen| seen.tensor().clone()));
        let vision = match towers.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            many => Some(Tensor::cat(many, 0)?),
        };
        let text = self.text(packed, vision.as_ref(), device)?;
        Ok(Forward { vision, text })
    }

    /// Logits `(rows, vocabulary)` of some text rows.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn logits(&self, text: &Tensor, rows: &Tensor) -> Result<Tensor> {
        let chosen = self.norm(&text.index_select(rows, 0)?, self.params.norm)?;
        self.kernels.linear(&chosen, self.params.tensor(self.params.head)?, None)
    }

    /// Logits `(rows, classes)` of one auxiliary head on some vision rows.
    ///
    /// # Errors
    /// A head that does not exist, or shapes that do not fit.
    pub fn aux_logits(&self, head: usize, spec: &HeadSpec, vision: &Tensor, rows: &Tensor) -> Result<Tensor> {
        let cells = vision.index_select(rows, 0)?;
        match self.params.aux.get(head) {
            Some(&Some(slots)) => self.linear(&cells, slots),
            Some(None) => {
                let device = cells.device();
                let gain = Tensor::ones(cells.dim(1)?, DType::F32, device)?;
                let cells = self.kernels.rms_norm(&cells, &gain, f64::from(f32::EPSILON))?;
                let ids = Tensor::from_slice(&spec.tokens, spec.tokens.len(), device)?;
                let words = self.params.tensor(self.params.embed)?.index_select(&ids, 0)?;
                self.kernels.linear(&cells, &words, None)
            }
            None => Err(TrainError::Shape(format!("no auxiliary head {head}"))),
        }
    }

    fn linear(&self, x: &Tensor, slots: LinearSlots) -> Result<Tensor> {
        let bias = slots.bias.map(|slot| self.params.tensor(slot)).transpose()?;
        self.kernels.linear(x, self.params.tensor(slots.weight)?, bias)
    }

    fn norm(&self, x: &Tensor, slot: Slot) -> Result<Tensor> {
        self.norm_eps(x, slot, self.shape.text.rms_norm_eps)
    }

    fn norm_eps(&self, x: &Tensor, slot: Slot, eps: f64) -> Result<Tensor> {
        self.kernels.rms_norm(x, self.params.tensor(slot)?, eps)
    }

    fn block(&self, x: &Tensor, slots: &BlockSlots, attend: &Attend<'_>, eps: f64) -> Result<Tensor> {
        let qkv = self.linear(&self.norm_eps(x, slots.norm1, eps)?, slots.qkv)?;
        let seen = self.kernels.attention(&qkv, attend.rotary, attend.plan, attend.heads)?;
        let x = (x + self.linear(&seen, slots.out)?)?;
        let wide = self.linear(&self.norm_eps(&x, slots.norm2, eps)?, slots.gate_up)?;
        Ok((&x + self.linear(&self.kernels.swiglu(&wide)?, slots.down)?)?)
    }

    fn tower(&self, group: &ImageGroup, device: &Device) -> Result<Tensor> {
        let rows = self.vision(group, device)?;
        Ok(if self.frozen_vision { rows.detach() } else { rows })
    }

    /// One group of equally large images: `(images·cells, text hidden)` in window order.
    fn vision(&self, group: &ImageGroup, device: &Device) -> Result<Tensor> {
        let v = &self.shape.vision;
        let patches = group.order.patches.len();
        let rows = group.images * patches;
        let data = Tensor::from_slice(&group.data, (rows, PATCH_VALUES), device)?;
        let rotary = Rotary::vision(v.head_dim(), &group.order.patches, group.images, device)?;
        let heads = Heads { query: v.heads, kv: v.heads, dim: v.head_dim() };
        let blocks = self.kernels == Kernels::Plain;
        let windows = Plan::new(rows, &window_spans(group), blocks, device)?;
        let whole = Plan::new(rows, &image_spans(group), blocks, device)?;
        let mut x = self.kernels.linear(&data, self.params.tensor(self.params.patch_embed)?, None)?;
        // transformers fixes this tower's norms at 1e-6, whatever the text tower has.
        for (index, slots) in self.params.vision.iter().enumerate() {
            let plan = if v.full_attention.contains(&index) { &whole } else { &windows };
            x = self.block(&x, slots, &Attend { rotary: &rotary, plan, heads }, 1e-6)?;
        }
        let (norm, first, second) = self.params.merger;
        let merged = self.norm_eps(&x, norm, 1e-6)?.reshape((rows / 4, 4 * v.hidden))?;
        self.linear(&self.linear(&merged, first)?.gelu_erf()?, second)
    }

    fn text(&self, packed: &Packed, vision: Option<&Tensor>, device: &Device) -> Result<Tensor> {
        let t = &self.shape.text;
        let rows = packed.inputs.len();
        let embed = self.params.tensor(self.params.embed)?;
        let table = match vision {
            Some(vision) => Tensor::cat(&[embed, vision], 0)?,
            None => embed.clone(),
        };
        let inputs = Tensor::from_slice(&packed.inputs, rows, device)?;
        let rotary = Rotary::text(t, &packed.positions, device)?;
        let plan = Plan::new(rows, &packed.spans, self.kernels == Kernels::Plain, device)?;
        let heads = Heads { query: t.heads, kv: t.kv_heads, dim: t.head_dim() };
        let mut x = table.index_select(&inputs, 0)?;
        for slots in &self.params.text {
            x = self.block(&x, slots, &Attend { rotary: &rotary, plan: &plan, heads }, t.rms_norm_eps)?;
        }
        Ok(x)
    }
}

fn free(start: usize, len: usize) -> Span {
    Span { start, len, prefix: (start, 0), causal: false }
}

fn image_spans(group: &ImageGroup) -> Vec<Span> {
    let patches = group.order.patches.len();
    (0..group.images).map(|image| free(image * patches, patches)).collect()
}

fn window_spans(group: &ImageGroup) -> Vec<Span> {
    let mut start = 0;
    let mut spans = Vec::with_capacity(group.images * group.order.windows.len());
    for &cells in std::iter::repeat_n(&group.order.windows, group.images).flatten() {
        spans.push(free(start, 4 * cells));
        start += 4 * cells;
    }
    spans
}
