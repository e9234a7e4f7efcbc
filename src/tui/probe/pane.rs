//! A result as rows to choose from.

use std::sync::Arc;

use super::Found;
use crate::geometry::PageBox;
use crate::probe::{CellFigures, Report, brief};
use crate::tui::reasoning::brief_box;

/// A result that is looked at.
#[derive(Clone, Debug)]
pub struct Pane {
    /// The result.
    pub found: Arc<Found>,
    /// Its forks.
    pub rows: Vec<Row>,
    /// The chosen one.
    pub selected: usize,
}

/// A fork in the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it has otherwise.
    pub text: String,
    /// What came of it.
    pub note: String,
    /// Probability of the right answer, for a sweep's cells.
    pub p: Option<f64>,
    /// Its region on the page.
    pub page_box: Option<PageBox>,
    /// The session; none for a heading.
    pub session: Option<String>,
}

impl Pane {
    /// The result with its first fork chosen.
    pub fn new(found: Arc<Found>) -> Self {
        let rows = rows(&found.report);
        Self { found, rows, selected: 0 }
    }

    /// The chosen row.
    pub fn chosen(&self) -> Option<&Row> {
        self.rows.get(self.selected)
    }

    pub(super) fn step(&mut self, by: isize) {
        let last = self.rows.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
    }
}

/// Whether a session is one of a result's forks.
pub(super) fn holds(report: &Report, session: &str) -> bool {
    let mut arms = report.arms.iter().flat_map(|arm| &arm.sessions);
    let cells = report.sweep.iter().flat_map(|s| s.cells.iter().chain(&s.own).chain([&s.none]));
    arms.any(|id| id == session) || cells.map(|cell| &cell.session).any(|id| id == session)
}

fn rows(report: &Report) -> Vec<Row> {
    let mut rows = Vec::new();
    for arm in &report.arms {
        for ((answer, session), told) in arm.answers.iter().zip(&arm.sessions).zip(&arm.told) {
            let text = if arm.n > 1 { format!("{}: {told}", arm.words) } else { arm.words.clone() };
            // An arm of several says how many are right in the sentence.
            let mark = match (report.truth.is_some(), arm.right) {
                (true, right) if right == arm.n => "✓ ",
                (true, 0) => "✗ ",
                _ => "",
            };
            let note = format!("{mark}{}", answer.as_deref().unwrap_or("no answer"));
            rows.push(Row { text, note, p: None, page_box: None, session: Some(session.clone()) });
        }
    }
    let Some(sweep) = &report.sweep else { return rows };
    rows.extend(sweep.own.as_ref().map(|own| cell("its own crop", own)));
    rows.push(Row { page_box: None, ..cell("no crop", &sweep.none) });
    let mut cells: Vec<&CellFigures> = sweep.cells.iter().collect();
    cells.sort_by(|a, b| b.p_right.total_cmp(&a.p_right));
    rows.extend(cells.into_iter().map(|figures| cell(&brief_box(&figures.page_box), figures)));
    rows
}

fn cell(name: &str, figures: &CellFigures) -> Row {
    let covers = figures.coverage.map(|c| format!("  covers {}", brief(c))).unwrap_or_default();
    Row {
        text: format!("{}  {name}{covers}", brief(figures.p_right)),
        note: figures.answer.clone().unwrap_or_else(|| "no answer".to_owned()),
        p: Some(figures.p_right),
        page_box: Some(figures.page_box),
        session: Some(figures.session.clone()),
    }
}
