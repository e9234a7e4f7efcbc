//! What is done with sessions on the finder's thread, once and for all.

use std::path::PathBuf;

use super::{Chore, Outcome};
use crate::session::{self, SessionStore};
use crate::tui::action::Action;
use crate::tui::debug::label;
use crate::tui::desk::Desk;
use crate::tui::{compare, failures};

/// The folder of the sessions folder that packs are put into.
const PACKS: &str = "packs";
/// How often a session is packed without its older packs being moved.
const MOST_PACKS: u32 = 1000;

/// Does it. Without a sessions folder there are none.
pub(super) fn work_on(chore: Chore, desk: &Desk) -> Action {
    let store = desk.store.as_ref();
    let nowhere = || "there is no sessions folder".to_owned();
    let said = |error: session::SessionError| error.to_string();
    match chore {
        // The finder answers these by the index.
        Chore::List | Chore::Find(_) | Chore::Window { .. } => Action::Sessions(Vec::new()),
        Chore::Trash { sub, id } => {
            let result = store.ok_or_else(nowhere).and_then(|store| session::trash(store, &sub, &id).map_err(said));
            Action::SessionDone(Outcome::Trashed { sub, id, result })
        }
        Chore::Restore(trashed) => {
            let result = store.ok_or_else(nowhere).and_then(|store| session::restore(store, &trashed).map_err(said));
            Action::SessionDone(Outcome::Restored(trashed, result.map(|_| ())))
        }
        Chore::Board(filter) => {
            let made = failures::work::board(desk, &filter);
            Action::Board(filter, Box::new(made))
        }
        Chore::Runs => Action::Runs(compare::work::runs(desk)),
        Chore::Compare(names) => Action::Compared(Box::new(compare::work::compare(desk, &names))),
        Chore::ReadNotes(about) => {
            let said = label::read(desk, &about);
            Action::Said(about, said)
        }
        Chore::Remark(about, remark) => {
            let said = label::write(desk, &about, remark);
            Action::Said(about, said)
        }
        Chore::Pack { sub, id } => {
            let result = store.ok_or_else(nowhere).and_then(|store| pack(store, &sub, &id).map_err(said));
            Action::SessionDone(Outcome::Packed(result))
        }
    }
}

/// Packs a session into the sessions folder, under a name that is free.
fn pack(store: &SessionStore, sub: &str, id: &str) -> Result<PathBuf, session::SessionError> {
    let dir = store.make_sub(PACKS)?;
    let name = if sub.is_empty() { id.to_owned() } else { format!("{sub}/{id}") };
    let mut n = 1;
    loop {
        let file = dir.join(if n == 1 { format!("{id}.pack.zip") } else { format!("{id}-{n}.pack.zip") });
        match session::pack(store, std::slice::from_ref(&name), true, &file) {
            Err(session::SessionError::Exists { .. }) if n < MOST_PACKS => n += 1,
            result => return result.map(|report| report.file),
        }
    }
}
