//! The page with its zoom boxes, as a picture or, where no picture can be drawn, as a list.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{covered, ellipsis, line, pane, put};
use crate::geometry::PageBox;
use crate::trace::{ImageEvent, ZoomOutcome};
use crate::tui::app::App;
use crate::tui::clean;
use crate::tui::explorer::Explorer;
use crate::tui::images::{Gallery, Line, Mark, Seen, Slot};
use crate::tui::reasoning::brief_box;
use crate::tui::theme::Role;

/// Colour of a box that a person is changing; no zoom has it.
const DRAFT: [u8; 3] = [255, 60, 200];
/// Most pixels of a processed page that is made for the screen; models take a few million at most.
const MOST_PROCESSED: u64 = 24_000_000;

/// Title of the processed page.
const AS_SEEN: &str = "Page as the model sees it";

/// Draws the page's pane.
pub fn draw(app: &App, explorer: &Explorer, gallery: &Gallery, area: Rect, buf: &mut Buffer) {
    let inside = pane(&title(app, explorer, area), area, &app.theme, buf);
    if !gallery.draw(Slot::Page, inside, covered(app, inside, buf.area), buf) {
        list(app, explorer, inside, buf);
    }
    if !inside.is_empty() {
        warning(app, explorer, area, buf);
        super::attend::legend(app, explorer, area, buf);
    }
}

fn title(app: &App, explorer: &Explorer, area: Rect) -> String {
    let mut parts = Vec::new();
    let seen = page_event(explorer).filter(|_| seen(explorer).is_some());
    if let Some(page) = seen {
        parts.extend([page.processed.to_string(), format!("{} tokens", page.tokens)]);
    } else if explorer.seen {
        parts.push("not processed yet".to_owned());
    }
    if let Some(view) = app.page_viewport().filter(|v| v.scale > 1.0) {
        parts.push(format!("×{:.1}", view.scale));
    }
    match super::attend::title(app, explorer) {
        Some(title) => parts.push(title),
        None if app.probe.heat_of(explorer).is_some() => parts.push("P(right | looked there)".to_owned()),
        None => {}
    }
    if explorer.draft.is_some() {
        parts.push("EDIT".to_owned());
    }
    if explorer.show_target {
        parts.push("T target".to_owned());
    }
    let room = usize::from(area.width.saturating_sub(4));
    let titled = |name: &str| [&[name.to_owned()], parts.as_slice()].concat().join(" · ");
    // Where there is little room the numbers say more than the words.
    let name = match seen {
        Some(_) if titled(AS_SEEN).width() <= room => AS_SEEN,
        Some(_) => "Seen",
        None => "Page",
    };
    ellipsis(&titled(name), room)
}

/// The latest zoom's warning, in the pane's lower border.
fn warning(app: &App, explorer: &Explorer, area: Rect, buf: &mut Buffer) {
    let view = explorer.trace().at(explorer.cursor());
    let zooms = view.zooms();
    let Some(warning) = zooms.last().and_then(|z| z.warning.as_deref()) else { return };
    let foot = Rect { x: area.x + 1, y: area.bottom() - 1, width: area.width - 2, height: 1 };
    let text = format!(" ! {} ", clean(warning).replace('\n', " "));
    put(buf, foot, 0, &ellipsis(&text, usize::from(foot.width)), app.theme.style(Role::Error));
}

/// Boxes to paint on the page at the cursor.
pub fn marks(app: &App, explorer: &Explorer) -> Vec<Mark> {
    if let Some(region) = app.probe.pane_of(Some(explorer)).and_then(|pane| pane.chosen()).and_then(|row| row.page_box)
    {
        let color = app.theme.zoom_color(1);
        return vec![Mark { corners: region.corners(), color, label: "here".to_owned(), line: Line::Solid }];
    }
    if app.probe.heat_of(explorer).is_some() && !app.attend.on {
        // The map has its target; zooms would hide it.
        return Vec::new();
    }
    let mut marks: Vec<Mark> = zooms(explorer)
        .into_iter()
        .map(|(number, page_box, _)| Mark {
            corners: page_box.corners(),
            color: app.theme.zoom_color(number),
            label: number.to_string(),
            line: Line::Solid,
        })
        .collect();
    if explorer.show_target {
        marks.extend(targets(explorer).iter().map(|b| Mark {
            corners: b.corners(),
            color: app.theme.target,
            label: "T".to_owned(),
            line: Line::Dashed,
        }));
    }
    marks.extend(explorer.draft.map(|b| Mark {
        corners: b.corners(),
        color: DRAFT,
        label: "EDIT".to_owned(),
        line: Line::Edit,
    }));
    marks
}

/// What the model sees of the page, where that is known and asked for.
pub fn seen(explorer: &Explorer) -> Option<Seen> {
    if !explorer.seen {
        return None;
    }
    let ImageEvent { processed, tokens, .. } = page_event(explorer)?;
    let (w, h) = (processed.w, processed.h);
    let pixels = u64::from(w) * u64::from(h);
    if pixels == 0 || pixels > MOST_PROCESSED {
        return None;
    }
    // A log says sizes and tokens, not patches; with square patches the one follows from the other.
    let side = (pixels as f64 / f64::from((*tokens).max(1))).sqrt().round() as u32;
    let fits =
        side >= 4 && w % side == 0 && h % side == 0 && u64::from(w / side) * u64::from(h / side) == u64::from(*tokens);
    Some(Seen { size: (w, h), patch: if fits { side } else { 28 } })
}

fn page_event(explorer: &Explorer) -> Option<&ImageEvent> {
    explorer.trace().at(explorer.cursor()).page().map(|page| &page.event)
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
    rows.extend(explorer.draft.map(|b| format!("EDIT {}", brief_box(&b))));
    for (i, row) in rows.iter().enumerate() {
        put(buf, line(area, i + 1), 0, row, app.theme.style(Role::Zoom));
    }
}
