//! What the goldens of trainings have in common: pages, weights by formula, distances.

use std::path::PathBuf;

use candle_core::{Device, Tensor};
use panelscope::train::batch::{CellLabels, Segment, TrainPage};
use panelscope::train::params::Part;
use serde::Deserialize;

use super::{hashed, image};

#[derive(Deserialize)]
pub struct GoldenPage {
    pub page: [usize; 3],
    pub crops: Vec<[usize; 3]>,
    pub prefix: Vec<u32>,
    pub segments: Vec<GoldenSegment>,
    pub page_cells: Vec<Vec<i32>>,
    pub crop_cells: Vec<Vec<Vec<i32>>>,
    pub blind: bool,
}

#[derive(Deserialize)]
pub struct GoldenSegment {
    pub ids: Vec<u32>,
    pub weights: Vec<f32>,
    pub crops: Vec<usize>,
}

impl GoldenPage {
    /// The page under the names its numbers were made with.
    pub fn build(&self, index: usize) -> TrainPage {
        let cells =
            |list: &[Vec<i32>]| list.iter().map(|heads| CellLabels { heads: heads.clone() }).collect::<Vec<_>>();
        TrainPage {
            page: image(&format!("page{index}"), self.page),
            crops: self.crops.iter().enumerate().map(|(i, &grid)| image(&format!("crop{index}{i}"), grid)).collect(),
            prefix: self.prefix.clone(),
            segments: self
                .segments
                .iter()
                .map(|s| Segment { ids: s.ids.clone(), weights: s.weights.clone(), crops: s.crops.clone() })
                .collect(),
            page_cells: cells(&self.page_cells),
            crop_cells: self.crop_cells.iter().map(|list| cells(list)).collect(),
            embedded: Vec::new(),
        }
    }
}

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

pub fn weight(part: &Part) -> Tensor {
    let count: usize = part.shape.iter().product();
    let scale = |u: f64| match (part.shape.len(), part.name.ends_with("bias")) {
        (1, true) => 0.1 * u,
        (1, false) => 1.0 + 0.1 * u,
        _ if part.name.contains("embed_tokens") || part.name.contains("lm_head") => 0.8 * u,
        _ => u * (3.0 / (count / part.shape[0]) as f64).sqrt(),
    };
    let values: Vec<f32> = hashed(&part.name, count).into_iter().map(|u| scale(u) as f32).collect();
    Tensor::from_vec(values, part.shape.as_slice(), &Device::Cpu).unwrap()
}

pub fn values(t: &Tensor) -> Vec<f32> {
    t.flatten_all().unwrap().to_vec1().unwrap()
}

pub fn gap(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}
