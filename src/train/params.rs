//! Every trainable tensor under its Hugging Face name.
//!
//! Projections that read the same input are kept as one matrix (query, key and value; gate and up): one product instead
//! of two or three. Files always hold the parts under their own names, so nobody outside sees it.

use candle_core::{DType, Device, Tensor, Var};

use super::batch::HeadSpec;
use super::error::{Result, TrainError};
use super::shape::{ModelShape, PATCH_VALUES};

/// What a tensor is to the optimiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A weight matrix: decays.
    Matrix,
    /// Reads tokens or pixels, or names tokens or classes: does not decay.
    Edge,
    /// Bias or norm gain: does not decay.
    Vector,
}

/// Rows of a stored tensor that files know under a name of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Hugging Face name.
    pub name: String,
    /// Rows of the stored tensor.
    pub rows: usize,
    /// Shape in files.
    pub shape: Vec<usize>,
}

/// One trainable tensor.
#[derive(Clone, Debug)]
pub struct Param {
    /// The variable.
    pub var: Var,
    /// Its role.
    pub kind: Kind,
    /// Names in files, in row order.
    pub parts: Vec<Part>,
    /// Whether it belongs to the model (auxiliary heads do not).
    pub shipped: bool,
}

/// Index of a parameter in [`Params`].
pub type Slot = usize;

/// A weight matrix and perhaps a bias.
#[derive(Clone, Copy, Debug)]
pub struct LinearSlots {
    /// `(out, in)`.
    pub weight: Slot,
    /// `(out,)`.
    pub bias: Option<Slot>,
}

/// One transformer block of either tower.
#[derive(Clone, Debug)]
pub struct BlockSlots {
    /// Norm before attention.
    pub norm1: Slot,
    /// Query, key and value rows, stacked.
    pub qkv: LinearSlots,
    /// Attention output.
    pub out: LinearSlots,
    /// Norm before the feed-forward part.
    pub norm2: Slot,
    /// Gate and up rows, stacked.
    pub gate_up: LinearSlots,
    /// Feed-forward output.
    pub down: LinearSlots,
}

/// All trainable tensors and where each sits.
#[derive(Clone, Debug)]
pub struct Params {
    list: Vec<Param>,
    /// `(vision hidden, 1176)`.
    pub patch_embed: Slot,
    /// Vision blocks.
    pub vision: Vec<BlockSlots>,
    /// Merger norm, first and second layer.
    pub merger: (Slot, LinearSlots, LinearSlots),
    /// Token embedding.
    pub embed: Slot,
    /// Text layers.
    pub text: Vec<BlockSlots>,
    /// Last norm.
    pub norm: Slot,
    /// Output head; the embedding when tied.
    pub head: Slot,
    /// Auxiliary heads; none for one that is tied to embeddings.
    pub aux: Vec<Option<LinearSlots>>,
}

struct Builder<'a> {
    list: Vec<Param>,
    device: &'a Device,
}

impl Builder<'_> {
    fn add(&mut self, dims: &[usize], kind: Kind, parts: Vec<Part>, shipped: bool) -> Result<Slot> {
        let var = Var::zeros(dims, DType::F32, self.device)?;
        self.list.push(Param { var, kind, parts, shipped });
        Ok(self.list.len() - 1)
    }

    fn vector(&mut self, name: String, size: usize) -> Result<Slot> {
        self.add(&[size], Kind::Vector, vec![Part { name, rows: size, shape: vec![size] }], true)
    }

    /// One stacked matrix from parts `(name without suffix, rows)`.
    fn linear(&mut self, parts: &[(String, usize)], width: usize, bias: bool) -> Result<LinearSlots> {
        let rows: usize = parts.iter().map(|(_, rows)| rows).sum();
        let named = |suffix: &str, wide: bool| {
            let part = |(name, rows): &(String, usize)| Part {
                name: format!("{name}.{suffix}"),
                rows: *rows,
                shape: if wide { vec![*rows, width] } else { vec![*rows] },
            };
            parts.iter().map(part).collect::<Vec<_>>()
        };
        let weight = self.add(&[rows, width], Kind::Matrix, named("weight", true), true)?;
        let bias = if bias { Some(self.add(&[rows], Kind::Vector, named("bias", false), true)?) } else { None };
        Ok(LinearSlots { weight, bias })
    }

    fn embedding(&mut self, name: &str, rows: usize, width: usize) -> Result<Slot> {
        let part = Part { name: name.into(), rows, shape: vec![rows, width] };
        self.add(&[rows, width], Kind::Edge, vec![part], true)
    }

    fn patch_embed(&mut self, width: usize) -> Result<Slot> {
        let name = "model.visual.patch_embed.proj.weight".into();
        let part = Part { name, rows: width, shape: vec![width, 3, 2, 14, 14] };
        self.add(&[width, PATCH_VALUES], Kind::Edge, vec![part], true)
    }

    fn vision_block(&mut self, shape: &ModelShape, index: usize) -> Result<BlockSlots> {
        let v = &shape.vision;
        let at = |rest: &str| format!("model.visual.blocks.{index}.{rest}");
        Ok(BlockSlots {
            norm1: self.vector(at("norm1.weight"), v.hidden)?,
            qkv: self.linear(&[(at("attn.qkv"), 3 * v.hidden)], v.hidden, true)?,
            out: self.linear(&[(at("attn.proj"), v.hidden)], v.hidden, true)?,
            norm2: self.vector(at("norm2.weight"), v.hidden)?,
            gate_up: self.linear(
                &[(at("mlp.gate_proj"), v.intermediate), (at("mlp.up_proj"), v.intermediate)],
                v.hidden,
                true,
            )?,
            down: self.linear(&[(at("mlp.down_proj"), v.hidden)], v.intermediate, true)?,
        })
    }

    fn text_block(&mut self, shape: &ModelShape, index: usize) -> Result<BlockSlots> {
        let t = &shape.text;
        let at = |rest: &str| format!("model.language_model.layers.{index}.{rest}");
        let (query, shared) = (t.heads * t.head_dim(), t.kv_heads * t.head_dim());
        let rows =
            [(at("self_attn.q_proj"), query), (at("self_attn.k_proj"), shared), (at("self_attn.v_proj"), shared)];
        Ok(BlockSlots {
            norm1: self.vector(at("input_layernorm.weight"), t.hidden)?,
            qkv: self.linear(&rows, t.hidden, true)?,
            out: self.linear(&[(at("self_attn.o_proj"), t.hidden)], query, false)?,
            norm2: self.vector(at("post_attention_layernorm.weight"), t.hidden)?,
            gate_up: self.linear(
                &[(at("mlp.gate_proj"), t.intermediate), (at("mlp.up_proj"), t.intermediate)],
                t.hidden,
                false,
            )?,
            down: self.linear(&[(at("mlp.down_proj"), t.hidden)], t.intermediate, false)?,
        })
    }
}

impl Params {
    /// Zero tensors of the right shapes; see [`super::init`] for values.
    ///
    /// # Errors
    /// An impossible shape, or no memory on the device.
    pub fn zeros(shape: &ModelShape, heads: &[HeadSpec], device: &Device) -> Result<Self> {
        shape.check()?;
        let (t, v) = (&shape.text, &shape.vision);
        let mut b = Builder { list: Vec::new(), device };
        let patch_embed = b.patch_embed(v.hidden)?;
        let vision = (0..v.depth).map(|i| b.vision_block(shape, i)).collect::<Result<Vec<_>>>()?;
        let wide = 4 * v.hidden;
        let merger = (
            b.vector("model.visual.merger.ln_q.weight".into(), v.hidden)?,
            b.linear(&[("model.visual.merger.mlp.0".into(), wide)], wide, true)?,
            b.linear(&[("model.visual.merger.mlp.2".into(), t.hidden)], wide, true)?,
        );
        let embed = b.embedding("model.language_model.embed_tokens.weight", t.vocab, t.hidden)?;
        let text = (0..t.layers).map(|i| b.text_block(shape, i)).collect::<Result<Vec<_>>>()?;
        let norm = b.vector("model.language_model.norm.weight".into(), t.hidden)?;
        let head = if t.tied { embed } else { b.embedding("lm_head.weight", t.vocab, t.hidden)? };
        let aux = heads
            .iter()
            .map(|head| {
                if !head.words.is_empty() {
                    return Ok(None);
                }
                let first = b.list.len();
                let slots = b.linear(&[(format!("aux.{}", head.name), head.classes)], t.hidden, true)?;
                for param in b.list.iter_mut().skip(first) {
                    param.shipped = false;
                    if param.kind == Kind::Matrix {
                        param.kind = Kind::Edge;
                    }
                }
                Ok(Some(slots))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { list: b.list, patch_embed, vision, merger, embed, text, norm, head, aux })
    }

    /// All parameters in a fixed order.
    pub fn list(&self) -> &[Param] {
        &self.list
    }

    /// The tensor in a slot.
    ///
    /// # Errors
    /// A slot of other parameters.
    pub fn tensor(&self, slot: Slot) -> Result<&Tensor> {
        match self.list.get(slot) {
            Some(param) => Ok(param.var.as_tensor()),
            None => Err(TrainError::Shape(format!("no parameter {slot} among {}", self.list.len()))),
        }
    }

    /// Number of trained values that are shipped.
    pub fn count(&self) -> usize {
        self.list.iter().filter(|p| p.shipped).map(|p| p.var.elem_count()).sum()
    }
}

impl Param {
    /// Splits a tensor of this parameter's shape (its value, a gradient, a moment) into named parts on the host.
    ///
    /// # Errors
    /// A tensor of another shape.
    pub fn split(&self, value: &Tensor) -> Result<Vec<(String, Tensor)>> {
        let mut first = 0;
        let mut out = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let rows = value.narrow(0, first, part.rows)?.contiguous()?.to_device(&Device::Cpu)?;
            out.push((part.name.clone(), rows.reshape(part.shape.as_slice())?));
            first += part.rows;
        }
        Ok(out)
    }

    /// Joins named parts into a tensor of this parameter's shape.
    ///
    /// # Errors
    /// A part that `find` does not give, or of another shape.
    pub fn join(&self, mut find: impl FnMut(&Part) -> Result<Tensor>) -> Result<Tensor> {
        let mut rows = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let value = find(part)?;
            if value.dims() != part.shape {
                let found = value.dims();
                return Err(TrainError::Shape(format!("{}: shape {found:?}, expected {:?}", part.name, part.shape)));
            }
            let width = value.elem_count() / part.rows.max(1);
            let flat = if self.var.rank() == 1 { value } else { value.reshape((part.rows, width))? };
            rows.push(flat.to_dtype(DType::F32)?);
        }
        Ok(Tensor::cat(&rows, 0)?.to_device(self.var.device())?)
    }
}
