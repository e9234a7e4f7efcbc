//! The crop that the latest zoom returned.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{covered, ellipsis, line, pane, put};
use crate::trace::{ZoomEvent, ZoomOutcome};
use crate::tui::app::App;
use crate::tui::clean;
use crate::tui::explorer::Explorer;
use crate::tui::images::{Gallery, Slot};
use crate::tui::theme::Role;

/// Why there is no crop.
fn missing(zoom: Option<&ZoomEvent>) -> String {
    match zoom.map(|zoom| (zoom.number, &zoom.outcome)) {
        None => "no zoom yet".to_owned(),
        Some((_, ZoomOutcome::Cropped { .. })) => "its crop comes next".to_owned(),
        Some((number, ZoomOutcome::Refused { refused, detail })) => {
            let why = format!("{} {detail}", refused.words());
            format!("zoom {number} was refused: {}", clean(why.trim_end()).replace('\n', " "))
        }
    }
}

/// Draws the crop's pane.
pub fn draw(app: &App, explorer: &Explorer, gallery: &Gallery, area: Rect, buf: &mut Buffer) {
    let view = explorer.trace().at(explorer.cursor());
    let crop = view.crop();
    let title = match crop {
        Some((zoom, _)) => {
            let label = zoom.label.as_deref().map(|l| format!(" · {}", clean(l))).unwrap_or_default();
            format!("Zoom {} of {}{label}", zoom.number, view.zooms().len())
        }
        None => "Zoom".to_owned(),
    };
    let title = ellipsis(&title, usize::from(area.width.saturating_sub(4)));
    let inside = pane(&title, area, &app.theme, buf);
    if crop.is_some() && gallery.draw(Slot::Crop, inside, covered(app, inside, buf.area), buf) {
        return;
    }
    let text = match crop {
        Some((_, image)) => format!("crop {} px", image.event.original),
        None => missing(view.zooms().last().copied()),
    };
    put(buf, line(inside, 0), 0, &text, app.theme.style(Role::Faint));
}
