//! A box being changed: moved, sized, put on the true region, by keys or by the mouse.

use super::{DebugAction, Order, Otherwise};
use crate::engine::{At, Edit};
use crate::geometry::{PageBox, Size, coverage, iou};
use crate::trace::ZoomOutcome;
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::effect::Effect;
use crate::tui::mouse::{MouseAction, MouseKind};

/// Steps of a key, as a share of the page's longer side.
const STEP: f64 = 0.01;
/// No side becomes shorter, in page pixels.
const LEAST: f64 = 8.0;

/// The box of a tool call while it is being changed. Its place is the explorer's draft.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoxEdit {
    /// Number of the tool call.
    pub zoom: u32,
    /// The box as it was.
    pub before: PageBox,
    /// The page's size in pixels.
    pub page: Size,
    /// Where the mouse was pressed, in page pixels, while a new box is drawn.
    pub drag: Option<(f64, f64)>,
}

impl App {
    pub(super) fn edit_box(&mut self, number: u32) {
        let Some(explorer) = &mut self.explorer else { return };
        let trace = explorer.trace();
        let Some(page) = trace.images.first().map(|image| image.event.original) else { return };
        let Some(zoom) = trace.zooms.iter().find(|zoom| zoom.number == number) else { return };
        let (w, h) = (f64::from(page.w), f64::from(page.h));
        let before = match &zoom.outcome {
            ZoomOutcome::Cropped { page_box, .. } => *page_box,
            // A refused call has no place: begin in the middle.
            ZoomOutcome::Refused { .. } => PageBox::new(w * 0.35, h * 0.35, w * 0.65, h * 0.65),
        };
        explorer.draft = Some(before);
        explorer.head.moving = false;
        self.debug.boxing = Some(BoxEdit { zoom: number, before, page, drag: None });
    }

    /// What an action does while a box is being changed.
    pub(super) fn in_box(&mut self, action: &Action) -> Vec<Effect> {
        let Some(edit) = self.debug.boxing else { return Vec::new() };
        let Some(explorer) = &mut self.explorer else { return Vec::new() };
        let draft = explorer.draft.unwrap_or(edit.before);
        let step = (f64::from(edit.page.w.max(edit.page.h)) * STEP).max(1.0);
        let by = |n: i8| f64::from(n) * step;
        let changed = match action {
            Action::Debug(DebugAction::MoveBox(x, y)) => moved(&draft, by(*x), by(*y), edit.page),
            Action::Debug(DebugAction::SizeBox(x, y)) => sized(&draft, [0.0, 0.0, by(*x), by(*y)], edit.page),
            Action::Debug(DebugAction::GrowBox(n)) => sized(&draft, [-by(*n), -by(*n), by(*n), by(*n)], edit.page),
            Action::Debug(DebugAction::TrueBox) => match target(explorer.trace(), &draft) {
                Some(target) => target.clamped(edit.page),
                None => {
                    self.toast = Some("this question has no known region".to_owned());
                    return Vec::new();
                }
            },
            Action::Page(step) => {
                let step = *step;
                self.move_page(step);
                return Vec::new();
            }
            Action::Open => {
                self.close_box();
                let what = Otherwise::Edit(Edit::Box(draft));
                return vec![Effect::Fork(Box::new(Order { at: At::Zoom(edit.zoom), what }))];
            }
            Action::Close | Action::Back => {
                self.close_box();
                return Vec::new();
            }
            _ => return Vec::new(),
        };
        explorer.draft = Some(changed);
        Vec::new()
    }

    fn close_box(&mut self) {
        self.debug.boxing = None;
        if let Some(explorer) = &mut self.explorer {
            explorer.draft = None;
        }
    }

    /// A press begins a new box, a drag stretches it.
    pub(in crate::tui) fn in_box_mouse(&mut self, event: MouseAction) {
        let Some(view) = self.page_viewport() else { return };
        let Some(edit) = &mut self.debug.boxing else { return };
        let (x, y) = view.page_of((f64::from(event.column) + 0.5, f64::from(event.row) + 0.5));
        let (w, h) = (f64::from(edit.page.w), f64::from(edit.page.h));
        let inside = (0.0..=w).contains(&x) && (0.0..=h).contains(&y);
        match event.kind {
            MouseKind::Press if inside => edit.drag = Some((x, y)),
            MouseKind::Drag => {
                let Some((x0, y0)) = edit.drag else { return };
                let drawn = PageBox::new(x0.min(x), y0.min(y), x0.max(x), y0.max(y)).clamped(edit.page);
                let page = edit.page;
                if let Some(explorer) = &mut self.explorer {
                    explorer.draft = Some(sized(&drawn, [0.0; 4], page));
                }
            }
            MouseKind::Release => edit.drag = None,
            _ => {}
        }
    }

    /// What the box being changed is worth, in words.
    pub fn draft_words(&self) -> Option<String> {
        let explorer = self.explorer.as_ref()?;
        let draft = explorer.draft.filter(|_| self.debug.boxing.is_some())?;
        let mut words = format!("box {}", crate::tui::reasoning::brief_box(&draft));
        if let Some(target) = target(explorer.trace(), &draft) {
            let share = crate::tui::reasoning::share;
            words.push_str(&format!(
                " · coverage {} · IoU {}",
                share(coverage(&target, &draft)),
                share(iou(&target, &draft))
            ));
        }
        Some(words)
    }
}

/// The true region that a box has most to do with.
fn target(trace: &crate::trace::Trace, draft: &PageBox) -> Option<PageBox> {
    let targets = trace.start.as_ref().map(|start| start.question.targets.as_slice())?;
    targets.iter().copied().max_by(|a, b| iou(a, draft).total_cmp(&iou(b, draft)))
}

/// Moved as a whole; it stays on the page.
fn moved(b: &PageBox, dx: f64, dy: f64, page: Size) -> PageBox {
    let (w, h) = (f64::from(page.w), f64::from(page.h));
    let dx = dx.clamp((-b.x1).min(0.0), (w - b.x2).max(0.0));
    let dy = dy.clamp((-b.y1).min(0.0), (h - b.y2).max(0.0));
    PageBox::new(b.x1 + dx, b.y1 + dy, b.x2 + dx, b.y2 + dy)
}

/// With its edges moved; it stays on the page and keeps a least size.
fn sized(b: &PageBox, by: [f64; 4], page: Size) -> PageBox {
    let [x1, y1, x2, y2] = by;
    let new = PageBox::new(b.x1 + x1, b.y1 + y1, b.x2 + x2, b.y2 + y2).clamped(page);
    let (w, h) = (f64::from(page.w), f64::from(page.h));
    let fit = |low: f64, high: f64, most: f64| {
        if high - low >= LEAST {
            return (low, high);
        }
        let low = low.min(most - LEAST).max(0.0);
        (low, (low + LEAST).min(most))
    };
    let (x1, x2) = fit(new.x1, new.x2, w);
    let (y1, y2) = fit(new.y1, new.y2, h);
    PageBox::new(x1, y1, x2, y2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_box_stays_on_the_page_and_has_a_size(
            w in 20u32..4000, h in 20u32..4000,
            steps in proptest::collection::vec((-90.0f64..90.0, -90.0f64..90.0, 0..3), 0..40),
        ) {
            let page = Size::new(w, h);
            let (pw, ph) = (f64::from(w), f64::from(h));
            let mut b = PageBox::new(pw * 0.25, ph * 0.25, pw * 0.75, ph * 0.75);
            for (dx, dy, kind) in steps {
                b = match kind {
                    0 => moved(&b, dx, dy, page),
                    1 => sized(&b, [0.0, 0.0, dx, dy], page),
                    _ => sized(&b, [-dx, -dx, dx, dx], page),
                };
                prop_assert!(b.x1 >= 0.0 && b.y1 >= 0.0 && b.x2 <= pw + 1e-6 && b.y2 <= ph + 1e-6, "{:?}", b);
                prop_assert!(b.width() >= LEAST - 1e-6 && b.height() >= LEAST - 1e-6, "{:?}", b);
            }
        }
    }
}
