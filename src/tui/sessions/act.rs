//! What actions do to the Sessions screen.

use super::{Chore, Deed, Outcome};
use crate::session::filter::Filter;
use crate::text::one_line;
use crate::tui::action::Action;
use crate::tui::app::{App, Screen};
use crate::tui::effect::Effect;
use crate::tui::library::FilterBy;

/// Most sessions the library lists.
const MOST_IN_LIBRARY: usize = 5000;

impl App {
    /// A list of recorded sessions was read.
    pub(in crate::tui) fn sessions_listed(&mut self, rows: Vec<super::Row>) -> Vec<Effect> {
        self.sessions.set_recent(rows);
        self.tell_library();
        // What was found may be otherwise now.
        let mut effects = if self.screen == Screen::Sessions { self.sessions.ask(None) } else { Vec::new() };
        effects.extend(self.preview_selected());
        effects
    }

    fn tell_library(&mut self) {
        self.library.set_sessions(self.sessions.entries(MOST_IN_LIBRARY));
    }

    /// Opens the screen, and has the list read again: sessions may have been recorded elsewhere.
    pub(in crate::tui) fn show_sessions(&mut self) -> Vec<Effect> {
        self.screen = Screen::Sessions;
        self.sessions.typing = false;
        let mut effects = self.sessions.ask(None);
        effects.push(Effect::OnSessions(Chore::List));
        effects.extend(self.preview_selected());
        effects
    }

    /// Opens the screen on what fits a filter; leaving it goes back to where it was opened.
    pub(in crate::tui) fn sessions_of(&mut self, from: Screen, filter: &str) -> Vec<Effect> {
        self.way.sessions = from;
        self.sessions.show_all();
        self.sessions.loading = true;
        self.sessions.filter.apply(&crate::tui::action::Edit::Insert(filter.to_owned()));
        self.show_sessions()
    }

    pub(in crate::tui) fn in_sessions(&mut self, action: Action) -> Vec<Effect> {
        let page = usize::from(self.size.1.saturating_sub(12)).max(1);
        let table = &mut self.sessions;
        let at = table.selected();
        let mut effects = Vec::new();
        match action {
            Action::Up => table.select(at.saturating_sub(1)),
            Action::Down => table.select(at + 1),
            Action::PageUp => table.select(at.saturating_sub(page)),
            Action::PageDown => table.select(at.saturating_add(page)),
            Action::Top => table.select(0),
            Action::Bottom => table.select(usize::MAX),
            Action::Filter(FilterBy::Verdict) => {
                table.turn_verdict();
                effects = table.ask(None);
            }
            Action::Edit(edit) if table.typing => {
                table.filter.apply(&edit);
                table.completing.typed(&table.filter);
                effects = table.ask(None);
            }
            Action::Open if table.typing => {
                table.typing = false;
                table.completing.stop();
            }
            Action::Open => {
                return table.current().map(|row| Effect::OpenLog(row.path.clone())).into_iter().collect();
            }
            Action::Close if table.typing || (self.way.sessions == Screen::Library && !table.narrowed().is_empty()) => {
                table.typing = false;
                table.show_all();
                effects = table.ask(None);
            }
            Action::Close | Action::Back => {
                table.typing = false;
                self.screen = std::mem::replace(&mut self.way.sessions, Screen::Library);
            }
            Action::OnFailures(_) => return self.show_failures(),
            Action::OnCompare(_) => return self.show_compare(),
            Action::InSessions(deed) => return self.do_deed(deed),
            _ => {}
        }
        effects.extend(self.sessions.more());
        effects.extend(self.preview_selected());
        effects
    }

    fn do_deed(&mut self, deed: Deed) -> Vec<Effect> {
        let table = &mut self.sessions;
        let mut effects = Vec::new();
        match deed {
            Deed::Show => return self.show_sessions(),
            Deed::NextColumn | Deed::PrevColumn => {
                table.turn_column(deed == Deed::NextColumn);
                effects = table.ask(None);
            }
            Deed::Reverse => {
                table.reversed = !table.reversed;
                effects = table.ask(None);
            }
            Deed::Type => {
                table.typing = true;
                table.completing.typed(&table.filter);
            }
            Deed::Complete => {
                let table = &mut *table;
                table.completing.next(&mut table.filter);
                effects = table.ask(None);
            }
            Deed::Delete => {
                if let Some((sub, id)) = table.take_current() {
                    self.toast = Some(format!("{} goes to the trash; u brings it back", one_line(&id)));
                    effects.push(Effect::OnSessions(Chore::Trash { sub, id }));
                }
            }
            Deed::Undo if !table.leaving.is_empty() => {
                // The latest deletion is what one means; an older one must not come back in its place.
                table.undos += 1;
                self.toast = Some("it comes back as soon as it is there".to_owned());
            }
            Deed::Undo => match table.bring_back() {
                Some(trashed) => effects.push(Effect::OnSessions(Chore::Restore(trashed))),
                None => self.toast = Some("nothing was deleted here that could be brought back".to_owned()),
            },
            Deed::Pack => {
                if let Some((sub, id)) = table.current().map(super::Row::key) {
                    self.toast = Some(format!("packing {} …", one_line(&id)));
                    effects.push(Effect::OnSessions(Chore::Pack { sub, id }));
                }
            }
        }
        effects.extend(self.preview_selected());
        effects
    }

    /// The background thread has done something with a session.
    pub(in crate::tui) fn session_done(&mut self, outcome: Outcome) -> Vec<Effect> {
        let said = |why: String| one_line(&why).into_owned();
        let mut effects = Vec::new();
        match outcome {
            Outcome::Trashed { sub, id, result } => {
                let key = (sub, id);
                let kept = match self.sessions.trashed(&key, result) {
                    Ok(()) => None,
                    Err(why) => {
                        self.toast = Some(said(format!("not deleted: {why}")));
                        Some(key)
                    }
                };
                self.tell_library();
                effects = self.sessions.ask(kept);
            }
            Outcome::Restored(trashed, result) => {
                let key = (trashed.sub.clone(), trashed.id.clone());
                let at = self.sessions.leaving.iter().position(|row| row.key() == key);
                let row = at.map(|at| self.sessions.leaving.remove(at));
                match (result, row) {
                    (Ok(()), row) => {
                        row.into_iter().for_each(|row| self.sessions.put_back(row));
                        self.toast = Some(said(format!("{} is back", key.1)));
                        self.tell_library();
                        effects = self.sessions.ask(Some(key));
                    }
                    (Err(why), row) => {
                        self.sessions.deleted.extend(row.map(|row| (row, trashed)));
                        self.sessions.undos = 0;
                        self.toast = Some(said(format!("not brought back: {why}")));
                    }
                }
            }
            Outcome::Packed(Ok(path)) => self.toast = Some(said(format!("packed into {}", path.display()))),
            Outcome::Packed(Err(why)) => self.toast = Some(said(format!("not packed: {why}"))),
            Outcome::Found(found) => self.sessions.set_found(found),
            Outcome::Window { ticket, first, rows } if ticket == self.sessions.ticket => {
                self.sessions.coming = None;
                self.sessions.set_window(first, rows);
            }
            Outcome::Window { .. } => {}
            Outcome::Total { total, values } => {
                self.sessions.total = total;
                self.sessions.completing.know(values);
            }
            Outcome::Reading(progress) => {
                self.sessions.reading = progress;
                self.sessions.loading &= progress.is_some() || self.sessions.total > 0;
            }
            Outcome::Words(progress) => {
                self.sessions.words = progress;
                let looked = Filter::parse(self.sessions.filter.text()).is_ok_and(|filter| filter.needs_text());
                if progress.is_none() && looked && self.screen == Screen::Sessions {
                    effects = self.sessions.ask(None);
                }
            }
        }
        effects.extend(self.sessions.next_undo().map(|trashed| Effect::OnSessions(Chore::Restore(trashed))));
        effects.extend(self.preview_selected());
        effects
    }
}
