//! Which pictures the state needs on screen.

use std::sync::Arc;

use image::RgbImage;
use ratatui::layout::Rect;

use super::app::{App, Screen};
use super::explorer::Explorer;
use super::images::{Request, Slot, View};
use super::view::{layout, page_pane, sessions};

impl App {
    /// The pictures this state needs, at most one for each place.
    pub fn wants(&self) -> Vec<Request> {
        let area = Rect::new(0, 0, self.size.0, self.size.1);
        match self.screen {
            Screen::Explorer => self.explorer.as_ref().map(|e| self.explorer_wants(e, area)).unwrap_or_default(),
            Screen::Library => self.preview_wants(self.library.is_empty(), layout::library(area).preview),
            Screen::Ask => {
                self.preview_wants(self.ask.page().is_none(), layout::ask(area, self.ask.pages.len()).preview)
            }
            Screen::Failures | Screen::Compare => Vec::new(),
            Screen::Sessions => self.preview_wants(self.sessions.is_empty(), sessions::panes(area).preview),
        }
    }

    fn preview_wants(&self, nothing: bool, pane: Rect) -> Vec<Request> {
        let inside = layout::inside(pane);
        match &self.preview.shown {
            // The picture of the row before stays until the next one is there.
            Some((_, Ok(pixels))) if !nothing && !inside.is_empty() => {
                vec![self.request(Slot::Page, Arc::clone(pixels), inside)]
            }
            _ => Vec::new(),
        }
    }

    fn explorer_wants(&self, explorer: &Explorer, area: Rect) -> Vec<Request> {
        let panes = layout::explorer(area, explorer.page_aspect(), self.cell_aspect);
        let mut wanted = Vec::new();
        let shown = self.attend.shown(explorer);
        let (page, crop) = (layout::inside(panes.page), layout::inside(panes.crop));
        if let Some((pixels, space)) = explorer.page_pixels().filter(|_| !page.is_empty()) {
            let marks = page_pane::marks(self, explorer);
            let view = self.viewport_in(explorer, page);
            let view = view.map(|v| View { source: v.source.corners(), cells: (v.area.width, v.area.height) });
            let wash = shown.as_ref().and_then(|shown| shown.wash(0));
            let heat = self.probe.heat_of(explorer).and_then(|found| found.heat.clone()).filter(|_| wash.is_none());
            let seen = page_pane::seen(explorer).filter(|_| heat.is_none());
            let pixels = heat.unwrap_or(pixels);
            wanted.push(Request { marks, space, view, seen, wash, ..self.request(Slot::Page, pixels, page) });
        }
        let view = explorer.trace().at(explorer.cursor());
        let pixels = view.crop().and_then(|(_, image)| explorer.pixels(&image.event.hash));
        if let Some(pixels) = pixels.filter(|_| !crop.is_empty()) {
            let place = view.crop().map(|(_, image)| image.position);
            let index = explorer.trace().images.iter().position(|image| Some(image.position) == place);
            let wash = shown.as_ref().zip(index).and_then(|(shown, index)| shown.wash(index));
            wanted.push(Request { wash, ..self.request(Slot::Crop, Arc::clone(pixels), crop) });
        }
        wanted
    }

    fn request(&self, slot: Slot, pixels: Arc<RgbImage>, room: Rect) -> Request {
        Request { halo: self.theme.halo, ..Request::new(slot, pixels, (room.width, room.height)) }
    }
}

impl Explorer {
    /// The page's pixels and the size its boxes refer to.
    fn page_pixels(&self) -> Option<(Arc<RgbImage>, (u32, u32))> {
        let size = self.page_size()?;
        let pixels = match self.trace().at(self.cursor()).page() {
            Some(page) => self.pixels(&page.event.hash),
            None => self.early_page.as_ref(),
        };
        pixels.map(|pixels| (Arc::clone(pixels), size))
    }

    /// Width and height of the page on screen, in the boxes' numbers.
    pub(super) fn page_size(&self) -> Option<(u32, u32)> {
        match self.trace().at(self.cursor()).page() {
            Some(page) => Some((page.event.original.w, page.event.original.h)),
            None => self.early_page.as_ref().map(|pixels| pixels.dimensions()),
        }
    }
}
