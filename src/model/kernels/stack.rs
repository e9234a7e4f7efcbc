//! Linear maps of the same rows, computed together by a team.

#![allow(clippy::indexing_slicing, reason = "lengths are checked where a stack is made")]
#![allow(unsafe_code, reason = "processor features are proved by `Wide`, parts of results are disjoint")]

use std::sync::Arc;

use super::activations::{Activations, Wanted};
use super::blocks::Format;
use super::matrix::Matrix;
use super::staged::Stage;
use super::team::{Shared, Team};
#[cfg(target_arch = "x86_64")]
use super::x86::{brain, float, int256, int512, single};
use super::{LANES, Lanes, Level, TALL, Wide};

/// Rows whose prepared numbers stay in a processor's last cache while all weights go by.
const ROWS: usize = 40 * TALL;
/// Inputs of plain numbers taken at a time: a panel of so many stays in a core's own cache while all rows go by.
const INPUTS: usize = 1024;
/// Bytes of weights in a task of a single row: at least, so that sharing costs little, and at most, so that threads end
/// together. In between the longer the better: what lies ahead is only fetched while a thread reads on and on.
const TASK: (usize, usize) = (96 << 10, 1 << 20);

/// Matrices that take the same rows; their results stand side by side.
#[derive(Debug)]
pub(crate) struct Stack {
    team: Arc<Team>,
    parts: Vec<Arc<Matrix>>,
    /// First panel and first output of each part.
    starts: Vec<(usize, usize)>,
    wide: Wide,
    inputs: usize,
    outputs: usize,
    panels: usize,
    wanted: Wanted,
}

impl Stack {
    /// `None` without matrices, and where they take rows of different lengths.
    pub(crate) fn new(team: Arc<Team>, parts: Vec<Arc<Matrix>>) -> Option<Self> {
        let first = parts.first()?;
        let (wide, inputs) = (first.wide, first.inputs());
        let (mut starts, mut panels, mut outputs) = (Vec::new(), 0, 0);
        let mut wanted = Wanted::default();
        for part in &parts {
            if part.inputs() != inputs {
                return None;
            }
            starts.push((panels, outputs));
            panels += part.panels();
            outputs += part.outputs();
            match part.format() {
                Format::F32 | Format::F16 => wanted.numbers = true,
                Format::BF16 => wanted.pairs = true,
                Format::Q8_0 | Format::Q4K | Format::Q5K | Format::Q6K => wanted.steps = true,
            }
        }
        Some(Self { team, parts, starts, wide, inputs, outputs, panels, wanted })
    }

    /// Numbers in a row it takes.
    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// Numbers in a row of results.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// The proof it was made with.
    pub(crate) fn wide(&self) -> Wide {
        self.wide
    }

    /// Who computes it.
    pub(crate) fn team(&self) -> &Team {
        &self.team
    }

    /// Bytes of the weights in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.bytes()).sum()
    }

    /// `x` (rows, inputs) → `y` (rows, outputs); `scratch` is overwritten.
    pub(crate) fn apply(&self, x: &[f32], y: &mut Vec<f32>, scratch: &mut Activations) {
        let rows = x.len() / self.inputs;
        y.resize(rows * self.outputs, 0.0);
        scratch.prepare(&self.team, self.wide, &x[..rows * self.inputs], self.inputs, self.wanted);
        let shared = Shared::new(y);
        let (tiles, x) = (scratch.tiles(), &*scratch);
        let per_task = match rows {
            1 => self.run_of_panels(),
            _ => self.panels.div_ceil(8 * self.team.threads()).clamp(1, 16),
        };
        let tasks = self.panels.div_ceil(per_task);
        let block = ROWS / self.wide.tall();
        for tiles in (0..tiles).step_by(block).map(|first| first..(first + block).min(tiles)) {
            self.team.run_staged(tasks, |stage, task| {
                for panel in task * per_task..((task + 1) * per_task).min(self.panels) {
                    self.panel(panel, x, tiles.clone(), stage, &shared);
                }
            });
        }
    }

    /// Panels of a task of a single row.
    fn run_of_panels(&self) -> usize {
        let bytes = self.bytes().max(1);
        let task = (bytes / (8 * self.team.threads().max(1))).clamp(TASK.0, TASK.1);
        (task * self.panels / bytes).max(1)
    }

    fn panel(
        &self,
        index: usize,
        x: &Activations,
        tiles: std::ops::Range<usize>,
        stage: &mut Stage,
        y: &Shared<'_, f32>,
    ) {
        let part = self.starts.partition_point(|(first, _)| *first <= index).saturating_sub(1);
        let (matrix, (first, output)) = (&*self.parts[part], self.starts[part]);
        let lanes = matrix.layout.lanes;
        let column = (index - first) * lanes;
        let (panel, bias) = matrix.panel(index - first);
        let to = Place {
            y,
            bias,
            column: output + column,
            count: lanes.min(matrix.outputs() - column),
            outputs: self.outputs,
        };
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `self.wide` proves the features of its level.
        unsafe {
            match self.wide.level {
                Level::Avx512 => wide_512(matrix, panel, x, tiles, stage, to),
                Level::Avx2 => wide_256(matrix, panel, x, tiles, stage, to),
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (panel, to, x, tiles, stage, Level::Avx2, LANES);
    }
}

/// The columns of a panel in rows of results.
struct Place<'a> {
    y: &'a Shared<'a, f32>,
    bias: &'a [f32],
    column: usize,
    count: usize,
    outputs: usize,
}

impl Place<'_> {
    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "columns that nobody else has; see below")]
    fn row(&self, row: usize) -> &mut [f32] {
        // SAFETY: a panel is computed by one task, and panels have columns of their own.
        unsafe { self.y.part(row * self.outputs + self.column, self.count) }
    }

    #[inline(always)]
    fn put(&self, first: usize, sums: &[impl AsRef<[f32]>]) {
        for (row, sums) in (first..).zip(sums) {
            for ((y, sum), bias) in self.row(row).iter_mut().zip(sums.as_ref()).zip(self.bias) {
                *y = sum + bias;
            }
        }
    }

    /// Keeps sums that are not complete, as they are.
    #[inline(always)]
    fn keep(&self, first: usize, sums: &[Lanes]) {
        for (row, sums) in (first..).zip(sums) {
            self.row(row).iter_mut().zip(sums).for_each(|(y, sum)| *y = *sum);
        }
    }

    #[inline(always)]
    fn take(&self, first: usize, sums: &mut [Lanes]) {
        for (row, sums) in (first..).zip(sums) {
            sums.iter_mut().zip(self.row(row)).for_each(|(sum, y)| *sum = *y);
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn brain_512<const R: usize>(wide: Wide, panel: &[u8], x: &[u32], sums: &mut [Lanes; R]) {
    match wide.brain {
        // SAFETY: it is a proof of that feature, and the others are this function's own.
        true => unsafe { brain::tile_pairs(panel, x, sums) },
        false => brain::tile_512(panel, x, sums),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn brain_256<const R: usize>(_: Wide, panel: &[u8], x: &[u32], sums: &mut [Lanes; R]) {
    brain::tile_256(panel, x, sums);
}

macro_rules! panels {
    ($name:ident, $features:literal, $tall:tt, $int:ident, $float:ident, $brain:ident, $single:expr) => {
        /// One panel with the tiles of a range.
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $features)]
        fn $name(
            matrix: &Matrix,
            panel: &[u8],
            x: &Activations,
            tiles: std::ops::Range<usize>,
            stage: &mut Stage,
            to: Place<'_>,
        ) {
            #[target_feature(enable = $features)]
            fn ints<const R: usize>(
                format: Format,
                panel: &super::staged::Staged<'_>,
                x: &Activations,
                first: usize,
                to: &Place<'_>,
            ) {
                let (x, mut sums) = (x.steps(first, R), [[0.0; 16]; R]);
                match format {
                    Format::Q8_0 => $int::tile::<R, 8, 128, false>(panel, &x, &mut sums),
                    Format::Q6K => $int::tile::<R, 4, 32, false>(panel, &x, &mut sums),
                    _ => $int::tile::<R, 8, 0, true>(panel, &x, &mut sums),
                }
                to.put(first, &sums);
            }

            #[target_feature(enable = $features)]
            fn floats<const R: usize>(
                matrix: &Matrix,
                panel: &[u8],
                x: &Activations,
                (first, from, count): (usize, usize, usize),
                to: &Place<'_>,
            ) {
                let mut sums = [[0.0; LANES]; R];
                if from > 0 {
                    to.take(first, &mut sums);
                }
                let panel = &panel[from * matrix.layout.body..];
                match matrix.format() {
                    Format::BF16 => $brain(matrix.wide, panel, x.pairs(first, R, from, count), &mut sums),
                    Format::F16 => {
                        float::$float::<R, float::Half>(panel, x.numbers(first, R, from, count), &mut sums);
                    }
                    _ => float::$float::<R, float::Single>(panel, x.numbers(first, R, from, count), &mut sums),
                }
                match from + count == matrix.inputs() {
                    true => to.put(first, &sums),
                    false => to.keep(first, &sums),
                }
            }

            let layout = matrix.layout;
            if !layout.format.is_quantised() {
                for from in (0..layout.inputs).step_by(INPUTS) {
                    let count = INPUTS.min(layout.inputs - from);
                    for (first, height) in tiles.clone().map(|tile| x.tile(tile)) {
                        let place = (first, from, count);
                        match height {
                            1 => floats::<1>(matrix, panel, x, place, &to),
                            4 => floats::<4>(matrix, panel, x, place, &to),
                            _ => floats::<$tall>(matrix, panel, x, place, &to),
                        }
                    }
                }
                return;
            }
            if x.rows() == 1 {
                if $single(layout, panel, x, &to) {
                    return;
                }
            }
            let staged = stage.take(layout, panel);
            for (first, height) in tiles.map(|tile| x.tile(tile)) {
                match height {
                    1 => ints::<1>(layout.format, &staged, x, first, &to),
                    4 => ints::<4>(layout.format, &staged, x, first, &to),
                    _ => ints::<$tall>(layout.format, &staged, x, first, &to),
                }
            }
        }
    };
}

panels!(
    wide_512,
    "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni",
    TALL,
    int512,
    tile_512,
    brain_512,
    |layout, panel, x: &Activations, to: &Place<'_>| {
        let mut sums = [0.0; 16];
        // SAFETY: only called where the level has these features.
        #[allow(unused_unsafe, reason = "a closure inherits the features of its function")]
        unsafe {
            single::row(layout, panel, &x.steps(0, 1), &mut sums);
        }
        to.put(0, &[sums]);
        true
    }
);
panels!(wide_256, "avx2,fma,f16c", 4, int256, tile_256, brain_256, |_, _, _: &Activations, _: &Place<'_>| false);

#[cfg(test)]
mod tests;
