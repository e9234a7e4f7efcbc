//! Which pictures the state needs on screen.

use std::sync::Arc;

use image::RgbImage;
use ratatui::layout::Rect;

use super::app::{App, Screen};
use super::explorer::Explorer;
use super::images::{Request, Slot};
use super::view::{layout, page_pane};

/// Largest side of the blank page drawn where a recording has no pixels.
const BLANK_SIDE: u32 = 2000;

impl App {
    /// The pictures this state needs, at most one for each place.
    pub fn wants(&self) -> Vec<Request> {
        let area = Rect::new(0, 0, self.size.0, self.size.1);
        match self.screen {
            Screen::Explorer => self.explorer.as_ref().map(|e| self.explorer_wants(e, area)).unwrap_or_default(),
            Screen::Library => self.preview_wants(self.library.current().map(|e| &e.choice), area),
            Screen::Ask => self.preview_wants(self.ask.page(), area),
        }
    }

    fn preview_wants(&self, choice: Option<&super::app::Choice>, area: Rect) -> Vec<Request> {
        let inside = layout::inside(layout::library(area).preview);
        match &self.preview.shown {
            // The picture of the row before stays until the next one is there.
            Some((_, Ok(pixels))) if choice.is_some() && !inside.is_empty() => {
                vec![self.request(Slot::Page, Arc::clone(pixels), inside, Vec::new())]
            }
            _ => Vec::new(),
        }
    }

    fn explorer_wants(&self, explorer: &Explorer, area: Rect) -> Vec<Request> {
        let panes = layout::explorer(area, explorer.page_aspect(), self.cell_aspect);
        let mut wanted = Vec::new();
        let (page, crop) = (layout::inside(panes.page), layout::inside(panes.crop));
        if let Some(pixels) = explorer.page_pixels().filter(|_| !page.is_empty()) {
            wanted.push(self.request(Slot::Page, pixels, page, page_pane::marks(self, explorer)));
        }
        let view = explorer.trace().at(explorer.cursor());
        let pixels = view.crop().and_then(|(_, image)| explorer.pixels(&image.event.hash));
        if let Some(pixels) = pixels.filter(|_| !crop.is_empty()) {
            wanted.push(self.request(Slot::Crop, Arc::clone(pixels), crop, Vec::new()));
        }
        wanted
    }

    fn request(&self, slot: Slot, pixels: Arc<RgbImage>, room: Rect, marks: Vec<super::images::Mark>) -> Request {
        Request { slot, pixels, cells: (room.width, room.height), marks, halo: self.theme.halo }
    }
}

impl Explorer {
    /// The page's pixels; a white page of its size where a recording has none.
    pub fn page_pixels(&self) -> Option<Arc<RgbImage>> {
        let view = self.trace().at(self.cursor());
        match view.page() {
            Some(page) => self
                .pixels(&page.event.hash)
                .cloned()
                .or_else(|| self.blank(page.event.original.w, page.event.original.h)),
            None => self.early_page.clone(),
        }
    }

    fn blank(&self, w: u32, h: u32) -> Option<Arc<RgbImage>> {
        // Boxes are in page pixels, so the blank page must have the page's size; one that claims to be huge gets none.
        let sane = (1..=BLANK_SIDE * 4).contains(&w) && (1..=BLANK_SIDE * 4).contains(&h);
        sane.then(|| {
            Arc::clone(self.blank_page.get_or_init(|| Arc::new(RgbImage::from_pixel(w, h, image::Rgb([245; 3])))))
        })
    }
}
