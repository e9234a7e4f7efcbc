//! The page with its zoom boxes, as a picture or, where no picture can be drawn, as a list.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{covered, line, pane, put};
use crate::geometry::PageBox;
use crate::trace::ZoomOutcome;
use crate::tui::app::App;
use crate::tui::clean;
use crate::tui::explorer::Explorer;
use crate::tui::images::{Gallery, Mark, Slot};
use crate::tui::reasoning::brief_box;
use crate::tui::theme::Role;

/// Draws the page's pane.
pub fn draw(app: &App, explorer: &Explorer, gallery: &Gallery, area: Rect, buf: &mut Buffer) {
    let title = if explorer.show_target { "Page · T target" } else { "Page" };
    let inside = pane(title, area, &app.theme, buf);
    if !gallery.draw(Slot::Page, inside, covered(app, inside, buf.area), buf) {
        list(app, explorer, inside, buf);
    }
}

/// Boxes to paint on the page at the cursor.
pub fn marks(app: &App, explorer: &Explorer) -> Vec<Mark> {
    let mut marks: Vec<Mark> = zooms(explorer)
        .into_iter()
        .map(|(number, page_box, _)| Mark {
            corners: page_box.corners(),
            color: app.theme.zoom_color(number),
            label: number.to_string(),
            dashed: false,
        })
        .collect();
    if explorer.show_target {
        marks.extend(targets(explorer).iter().map(|b| Mark {
            corners: b.corners(),
            color: app.theme.target,
            label: "T".to_owned(),
            dashed: true,
        }));
    }
    marks
}

fn targets(explorer: &Explorer) -> &[PageBox] {
    explorer.trace().start.as_ref().map(|s| s.question.targets.as_slice()).unwrap_or_default()
}

fn zooms(explorer: &Explorer) -> Vec<(u32, PageBox, String)> {
    let view = explorer.trace().at(explorer.cursor());
    let zooms = view.zooms().into_iter();
    zooms
        .filter_map(|z| match &z.outcome {
            ZoomOutcome::Cropped { page_box, .. } => {
                Some((z.number, *page_box, clean(z.label.as_deref().unwrap_or_default())))
            }
            ZoomOutcome::Refused { .. } => None,
        })
        .collect()
}

fn list(app: &App, explorer: &Explorer, area: Rect, buf: &mut Buffer) {
    let soft = app.theme.style(Role::Soft);
    let size = explorer.trace().images.first().map(|i| i.event.original);
    let first = size.map_or_else(|| "no page yet".to_owned(), |s| format!("page {s} px"));
    put(buf, line(area, 0), 0, &first, soft);
    let mut rows: Vec<String> =
        zooms(explorer).into_iter().map(|(n, b, label)| format!("{n} {} {label}", brief_box(&b))).collect();
    if explorer.show_target {
        rows.extend(targets(explorer).iter().map(|b| format!("T {}", brief_box(b))));
    }
    for (i, row) in rows.iter().enumerate() {
        put(buf, line(area, i + 1), 0, row, app.theme.style(Role::Zoom));
    }
}
