//! Looking closer at the page: what the keys of the page do.

use ratatui::layout::Rect;

use super::app::App;
use super::explorer::Explorer;
use super::view::layout;
use super::viewport::{Look, STEP, Viewport};
use crate::geometry::{PageBox, Size};
use crate::trace::ZoomOutcome;

/// A move of the view over the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageMove {
    /// Closer.
    In,
    /// Farther.
    Out,
    /// To the left.
    Left,
    /// Down.
    Down,
    /// Up.
    Up,
    /// To the right.
    Right,
    /// The whole page; from there, close to the box of the latest zoom.
    Reset,
    /// Close to the box of the latest zoom.
    ToZoom,
    /// As the model sees it, or as it is.
    Seen,
}

/// Share of what is seen that one move goes over.
const PAN: f64 = 0.2;

impl App {
    /// The page on the explorer's screen: which part of it stands in which cells. The way from a click to a place on the page
    /// and back. `None` without a page or without room for it.
    pub fn page_viewport(&self) -> Option<Viewport> {
        let explorer = self.explorer.as_ref()?;
        let area = Rect::new(0, 0, self.size.0, self.size.1);
        let panes = layout::explorer(area, explorer.page_aspect(), self.cell_aspect);
        self.viewport_in(explorer, layout::inside(panes.page))
    }

    /// The same for a pane whose inside is `room`.
    pub(super) fn viewport_in(&self, explorer: &Explorer, room: Rect) -> Option<Viewport> {
        let (w, h) = explorer.page_size()?;
        Viewport::new(Size::new(w, h), room, self.cell_aspect, explorer.look)
    }

    pub(super) fn move_page(&mut self, step: PageMove) {
        let view = self.page_viewport();
        let Some(explorer) = &mut self.explorer else { return };
        if step == PageMove::Seen {
            explorer.seen = !explorer.seen;
            return;
        }
        let Some(view) = view else {
            self.toast = Some("there is no room for the page on this screen".to_owned());
            return;
        };
        let zoom = latest_box(explorer);
        let look = match step {
            PageMove::In => Some(view.scaled(STEP)),
            PageMove::Out => Some(view.scaled(1.0 / STEP)),
            PageMove::Left => Some(view.moved(-PAN, 0.0)),
            PageMove::Down => Some(view.moved(0.0, PAN)),
            PageMove::Up => Some(view.moved(0.0, -PAN)),
            PageMove::Right => Some(view.moved(PAN, 0.0)),
            PageMove::Reset if !explorer.look.is_whole() => Some(Look::default()),
            PageMove::Reset | PageMove::ToZoom => zoom.map(|z| view.around(&z)),
            PageMove::Seen => None,
        };
        match look {
            Some(look) => explorer.look = look,
            None => self.toast = Some("there is no zoom to look at yet".to_owned()),
        }
    }
}

/// The box in the making, else that of the latest zoom at the cursor that returned a crop.
fn latest_box(explorer: &Explorer) -> Option<PageBox> {
    let view = explorer.trace().at(explorer.cursor());
    explorer.draft.or_else(|| {
        view.zooms().into_iter().rev().find_map(|zoom| match &zoom.outcome {
            ZoomOutcome::Cropped { page_box, .. } => Some(*page_box),
            ZoomOutcome::Refused { .. } => None,
        })
    })
}
