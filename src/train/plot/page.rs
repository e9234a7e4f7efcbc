//! The page: a heading, a legend of the runs, panels in rows.

use super::board::{Anchor, Board, Colour, Frame, Lettering};
use super::letters::{fitted, width};
use super::paint::{INK, SOFT, Shared, look, paint, small};
use super::panels::Panel;
use super::read::Run;
use crate::text::one_line;

const GROUND: Colour = [0xf6, 0xf7, 0xf9];
const MARGIN: f32 = 20.0;
const GAP: f32 = 14.0;
const PANEL: (f32, f32) = (388.0, 250.0);
const ROW: f32 = 20.0;

/// A page that is laid out: its size is known before it is drawn.
#[derive(Debug)]
pub struct Page<'a> {
    runs: &'a [Run],
    panels: Vec<Panel<'a>>,
    columns: usize,
    /// Runs of the legend by rows, each with its left end.
    legend: Vec<Vec<(usize, f32, String)>>,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

impl<'a> Page<'a> {
    /// Lays out these panels of these runs.
    pub fn new(runs: &'a [Run], panels: Vec<Panel<'a>>) -> Self {
        let columns = match panels.len() {
            0 | 1 => 1,
            2 | 4 => 2,
            _ => 3,
        };
        let width = 2.0 * MARGIN + columns as f32 * (PANEL.0 + GAP) - GAP;
        let legend = if runs.len() > 1 { legend(runs, width - 2.0 * MARGIN) } else { Vec::new() };
        let rows = panels.len().div_ceil(columns);
        let mut page = Self { runs, panels, columns, legend, width, height: 0.0 };
        page.height = page.top() + rows as f32 * (PANEL.1 + GAP) - GAP + MARGIN + 18.0;
        page
    }

    /// Where the panels begin.
    fn top(&self) -> f32 {
        70.0 + self.legend.len() as f32 * ROW
    }

    /// What the page shows, in a line.
    pub fn title(&self) -> String {
        match self.runs {
            [run] => format!("Training {}", one_line(&run.name)),
            runs => format!("{} trainings", runs.len()),
        }
    }

    /// Draws it.
    pub fn draw(&self, board: &mut dyn Board) {
        let whole = Frame { x: 0.0, y: 0.0, w: self.width, h: self.height };
        board.rect(whole, GROUND, None, 0.0);
        let room = self.width - 2.0 * MARGIN;
        let title = Lettering { size: 20.0, bold: true, colour: INK, anchor: Anchor::Start };
        board.text((MARGIN, 36.0), &fitted(&self.title(), 20.0, true, room), title);
        board.text(
            (MARGIN, 56.0),
            &fitted(&self.subtitle(), 12.0, false, room),
            Lettering { size: 12.0, ..small(SOFT) },
        );
        self.draw_legend(board);
        let shared = self.shared();
        for (i, panel) in self.panels.iter().enumerate() {
            let (row, column) = (i / self.columns, i % self.columns);
            let x = MARGIN + column as f32 * (PANEL.0 + GAP);
            let y = self.top() + row as f32 * (PANEL.1 + GAP);
            paint(board, panel, Frame { x, y, w: PANEL.0, h: PANEL.1 }, &shared);
        }
        board.text((MARGIN, self.height - 14.0), &fitted(&self.footer(), 11.0, false, room), small(SOFT));
    }

    fn draw_legend(&self, board: &mut dyn Board) {
        for (row, entries) in self.legend.iter().enumerate() {
            let y = 76.0 + row as f32 * ROW;
            for (run, x, text) in entries {
                board.line(&[(MARGIN + x, y - 4.0), (MARGIN + x + 20.0, y - 4.0)], look(*run, 3.0));
                board.text((MARGIN + x + 26.0, y), text, Lettering { size: 12.0, ..small(INK) });
            }
        }
    }

    fn shared(&self) -> Shared {
        let series = self.panels.iter().flat_map(|panel| &panel.lines).map(|line| line.series.points());
        let ends = series.flat_map(|points| [points.first(), points.last()]).flatten().map(|point| point.0);
        let (first, last) = ends.fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
        let stages = match self.runs {
            [run] => run.curves.stages().iter().skip(1).map(|stage| stage.0).collect(),
            _ => Vec::new(),
        };
        Shared { steps: if first <= last { (first, last) } else { (0.0, 1.0) }, stages }
    }

    /// Steps, time, and the stages of one run.
    fn subtitle(&self) -> String {
        let (first, last) = self.shared().steps;
        let mut parts = vec![format!("steps {first:.0} to {last:.0}")];
        if let [run] = self.runs {
            if let Some(seconds) = run.curves.get("seconds").and_then(|series| series.last()) {
                parts.push(duration(seconds));
            }
            let stages: Vec<_> = run.curves.stages().iter().map(|stage| one_line(&stage.1)).collect();
            match stages.len() {
                0 => {}
                1 => parts.push(format!("stage {}", stages.concat())),
                _ => parts.push(format!("stages {} (dotted)", stages.join(" → "))),
            }
        }
        parts.join(" · ")
    }

    /// How to read the lines.
    fn footer(&self) -> String {
        let lines = || self.panels.iter().flat_map(|panel| &panel.lines);
        let mut parts = vec!["across: training step"];
        if lines().any(|line| line.series.points().len() >= super::curve::MANY) {
            parts.push("thin: as measured, bold: moving mean");
        }
        let has = |ending: &str| self.runs.iter().any(|run| run.curves.has_band(ending));
        match (has("_ci"), has("_std")) {
            (true, true) => parts.push("bands: ± confidence interval or standard deviation"),
            (true, false) => parts.push("bands: ± confidence interval"),
            (false, true) => parts.push("bands: ± one standard deviation"),
            (false, false) => {}
        }
        if self.panels.iter().any(|panel| panel.legend || panel.lines.len() == 1) {
            parts.push("numbers beside names: newest value");
        }
        parts.join(" · ")
    }
}

fn legend(runs: &[Run], room: f32) -> Vec<Vec<(usize, f32, String)>> {
    let mut rows = vec![Vec::new()];
    let mut x = 0.0;
    for (i, run) in runs.iter().enumerate() {
        let text = fitted(&run.name, 12.0, false, room / 3.0);
        let wide = 26.0 + width(&text, 12.0, false);
        if x > 0.0 && x + wide > room {
            rows.push(Vec::new());
            x = 0.0;
        }
        if let Some(row) = rows.last_mut() {
            row.push((i, x, text));
        }
        x += wide + 22.0;
    }
    rows
}

/// A time as people say it.
pub fn duration(seconds: f64) -> String {
    let s = if seconds.is_finite() { seconds.round().clamp(0.0, 1e9) as u64 } else { 0 };
    match (s / 3600, s / 60 % 60, s % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m}:{s:02} min"),
        (h, m, _) => format!("{h}:{m:02} h"),
    }
}
