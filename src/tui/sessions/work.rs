//! What the Sessions screen wants done, done on the background thread.

use jiff::tz::TimeZone;

use super::{Chore, Outcome, Row};
use crate::session::{self, SessionStore};
use crate::tui::action::Action;

/// Most sessions the table has; of more, the newest.
const MOST_SESSIONS: usize = 50_000;

/// Does it. Without a sessions folder there are none.
pub(in crate::tui) fn work_on(chore: Chore, store: Option<&SessionStore>) -> Action {
    let nowhere = || "there is no sessions folder".to_owned();
    let said = |error: session::SessionError| error.to_string();
    match chore {
        Chore::List => Action::Sessions(store.map(rows).unwrap_or_default()),
        Chore::Trash { sub, id } => {
            let result = store.ok_or_else(nowhere).and_then(|store| session::trash(store, &sub, &id).map_err(said));
            Action::SessionDone(Outcome::Trashed { sub, id, result })
        }
        Chore::Restore(trashed) => {
            let result = store.ok_or_else(nowhere).and_then(|store| session::restore(store, &trashed).map_err(said));
            Action::SessionDone(Outcome::Restored(trashed, result.map(|_| ())))
        }
        Chore::Pack { .. } => Action::SessionDone(Outcome::Packed(Err("not yet".to_owned()))),
    }
}

fn rows(store: &SessionStore) -> Vec<Row> {
    let zone = TimeZone::system();
    let newest = session::listed(store).into_iter().take(MOST_SESSIONS);
    newest.map(|(log, summary)| Row::of(log, &summary, &zone)).collect()
}
