//! The crop that the latest zoom returned.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{covered, ellipsis, line, pane, put};
use crate::tui::app::App;
use crate::tui::clean;
use crate::tui::explorer::Explorer;
use crate::tui::images::{Gallery, Slot};
use crate::tui::theme::Role;

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
        None if view.zooms().is_empty() => "no zoom yet".to_owned(),
        None => "its crop comes next".to_owned(),
    };
    put(buf, line(inside, 0), 0, &text, app.theme.style(Role::Faint));
}
