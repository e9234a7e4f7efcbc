//! What a kitty-like terminal keeps and shows of ours, and the least that must be said to change it.

use std::sync::Arc;

use ratatui::layout::Rect;

use super::kitty::{Direct, Sheet, free, hide, place, transmit};
use super::request::Slot;

/// Pictures of one place that stay with the terminal: the page and the same processed, or two levels of it.
const KEPT: usize = 3;
/// Names of these pictures begin here; apart from those of placeholders.
const FIRST_ID: u32 = 0x70_53_20;
/// Names of one place.
const PER_SLOT: u32 = 8;
/// One more than are kept: the next is sent before the last is let go.
const SHEET_IDS: u32 = KEPT as u32 + 1;
/// Two: the boxes that are shown and those that come.
const OVERLAY_IDS: u32 = 2;
/// Above text; boxes above pictures.
const PICTURE_Z: i32 = 1;
const OVERLAY_Z: i32 = 2;

/// A picture that stands on the screen in this frame.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub slot: Slot,
    pub area: Rect,
    pub art: Direct,
}

/// What is shown in one place: picture, part and cells; boxes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shown {
    picture: u32,
    source: [u32; 4],
    area: Rect,
    overlay: Option<u32>,
}

#[derive(Default)]
struct Place {
    /// What the terminal keeps, latest first.
    sheets: Vec<(Arc<Sheet>, u32)>,
    overlay: Option<(Arc<Sheet>, u32)>,
    shown: Option<Shown>,
}

/// The terminal's pictures, as we told it.
#[derive(Default)]
pub(super) struct Stage {
    page: Place,
    crop: Place,
}

impl Stage {
    /// What must be said so that the screen shows these pictures and no others. A place whose picture is only covered keeps
    /// its pixels (`keeps` says of which places that holds). Empty when nothing changed; leaves the cursor where it was.
    pub fn bring(&mut self, wishes: &[Wish], keeps: impl Fn(Slot) -> bool) -> String {
        let mut out = String::new();
        for slot in Slot::ALL {
            let wish = wishes.iter().rfind(|w| w.slot == slot);
            let place = match slot {
                Slot::Page => &mut self.page,
                Slot::Crop => &mut self.crop,
            };
            match wish {
                Some(wish) => place.show(wish, &mut out),
                None => place.clear(keeps(slot), &mut out),
            }
        }
        if out.is_empty() { out } else { format!("\x1b7{out}\x1b8") }
    }

    /// The terminal was cleared: it keeps nothing any more.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Place {
    /// New pixels first, then where they stand, then away with the old: nothing is blank between.
    fn show(&mut self, wish: &Wish, out: &mut String) {
        let before = self.shown;
        let picture = self.sheet(wish, out);
        let mut dropped = None;
        let overlay = match &wish.art.overlay {
            Some(lines) => Some(self.lines(lines, wish.slot, out, &mut dropped)),
            None => {
                dropped = self.overlay.take();
                None
            }
        };
        let now = Shown { picture, source: wish.art.source, area: wish.area, overlay };
        let placed = |s: &Shown| (s.picture, s.source, s.area);
        if before.as_ref().map(placed) != Some(placed(&now)) {
            place(out, picture, wish.area, Some(wish.art.source), PICTURE_Z);
        }
        if let Some(id) = overlay
            && before.map(|b| (b.overlay, b.area)) != Some((overlay, wish.area))
        {
            place(out, id, wish.area, None, OVERLAY_Z);
        }
        if let Some(old) = before.filter(|b| b.picture != picture) {
            hide(out, old.picture);
        }
        if let Some((_, id)) = dropped {
            free(out, id);
        }
        for (_, id) in self.sheets.drain(KEPT.min(self.sheets.len())..) {
            free(out, id);
        }
        self.shown = Some(now);
    }

    /// The id under which the terminal keeps the picture; sends it where it does not.
    fn sheet(&mut self, wish: &Wish, out: &mut String) -> u32 {
        let sheet = &wish.art.sheet;
        let found = self.sheets.iter().position(|(kept, _)| Arc::ptr_eq(kept, sheet));
        let entry = match found {
            Some(at) => self.sheets.remove(at),
            None => {
                let taken = |id: &u32| self.sheets.iter().any(|(_, t)| t == id);
                let id = sheet_ids(wish.slot).find(|id| !taken(id)).unwrap_or(FIRST_ID);
                transmit(out, sheet, id);
                (Arc::clone(sheet), id)
            }
        };
        let id = entry.1;
        self.sheets.insert(0, entry);
        id
    }

    /// The same for boxes, of which one picture is kept.
    fn lines(&mut self, lines: &Arc<Sheet>, slot: Slot, out: &mut String, old: &mut Option<(Arc<Sheet>, u32)>) -> u32 {
        if let Some((kept, id)) = &self.overlay
            && Arc::ptr_eq(kept, lines)
        {
            return *id;
        }
        let taken = self.overlay.as_ref().map(|(_, id)| *id);
        let id = overlay_ids(slot).find(|id| Some(*id) != taken).unwrap_or(FIRST_ID);
        transmit(out, lines, id);
        *old = self.overlay.replace((Arc::clone(lines), id));
        id
    }

    fn clear(&mut self, keep: bool, out: &mut String) {
        if let Some(shown) = self.shown.take()
            && keep
        {
            hide(out, shown.picture);
            shown.overlay.inspect(|id| hide(out, *id));
        }
        if !keep {
            for (_, id) in self.sheets.drain(..).chain(self.overlay.take()) {
                free(out, id);
            }
        }
    }
}

fn slot_base(slot: Slot) -> u32 {
    match slot {
        Slot::Page => FIRST_ID,
        Slot::Crop => FIRST_ID + PER_SLOT,
    }
}

fn sheet_ids(slot: Slot) -> impl Iterator<Item = u32> {
    slot_base(slot)..slot_base(slot) + SHEET_IDS
}

fn overlay_ids(slot: Slot) -> impl Iterator<Item = u32> {
    let first = slot_base(slot) + SHEET_IDS;
    first..first + OVERLAY_IDS
}

/// Every name that can be in use.
pub(super) fn all_ids() -> impl Iterator<Item = u32> {
    Slot::ALL.into_iter().flat_map(|slot| sheet_ids(slot).chain(overlay_ids(slot)))
}
