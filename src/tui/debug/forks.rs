//! A fork takes the screen.

use std::sync::Arc;

use crate::trace::ImageRole;
use crate::tui::app::{App, Screen};
use crate::tui::effect::Effect;
use crate::tui::explorer::{Explorer, Kind};

impl App {
    /// The fork was accepted and begins: the session on screen gives way to it, looked at in the same way.
    pub(in crate::tui) fn forked(&mut self) -> Vec<Effect> {
        let Some(parent) = self.explorer.take() else { return Vec::new() };
        let pace = if parent.kind == Kind::Live { parent.head.pace } else { self.first_pace };
        let mut fork = Explorer::new(Kind::Live, parent.choice.clone(), pace, true);
        fork.place = parent.place;
        fork.show_target = parent.show_target;
        fork.look = parent.look;
        fork.seen = parent.seen;
        let page = parent.trace().images.iter().find(|image| image.event.role == ImageRole::Page);
        fork.early_page = page.and_then(|image| parent.pixels(&image.event.hash)).map(Arc::clone);
        self.debug.remember(&parent);
        self.explorer = Some(fork);
        self.screen = Screen::Explorer;
        Vec::new()
    }
}
