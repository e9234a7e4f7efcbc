//! The explorer: page, crop, reasoning, token, entropy.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{crop_pane, entropy, layout, page_pane, probe, reasoning, status, token};
use crate::tui::app::App;
use crate::tui::images::Gallery;
use crate::tui::keys::Keymap;

/// Draws the session on screen.
pub fn draw(app: &App, gallery: &Gallery, keymap: &Keymap, area: Rect, buf: &mut Buffer) {
    let Some(explorer) = &app.explorer else { return };
    let panes = layout::explorer(area, explorer.page_aspect(), app.cell_aspect);
    status::draw(app, explorer, panes.title, buf);
    page_pane::draw(app, explorer, gallery, panes.page, buf);
    crop_pane::draw(app, explorer, gallery, panes.crop, buf);
    reasoning::draw(app, explorer, panes.reasoning, buf);
    token::draw(app, explorer, panes.token, buf);
    entropy::draw(app, explorer, panes.spark, buf);
    status::hints(app, keymap, panes.hints, buf);
    probe::progress(app, panes.hints, buf);
}
