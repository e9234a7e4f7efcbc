//! The family of forks: the session everything began with, and all that departed from it.

use std::collections::HashSet;

use super::menu::{Kind, Menu, Pick, Row};
use crate::tui::app::{App, Verdict};
use crate::tui::clean;
use crate::tui::effect::Effect;
use crate::tui::sessions::{self, Chore};

/// A family larger than this is cut.
const MOST: usize = 500;

/// One session of a family.
struct Member {
    id: String,
    parent: Option<String>,
    edit: String,
    verdict: Verdict,
    row: Option<sessions::Row>,
}

impl App {
    pub(super) fn list_family(&mut self) -> Vec<Effect> {
        self.debug.menu = Some(self.family());
        vec![Effect::OnSessions(Chore::List)]
    }

    /// Draws the list again, because the sessions on disk were read anew.
    pub(in crate::tui) fn family_changed(&mut self) {
        if self.debug.menu.as_ref().is_some_and(|menu| menu.kind == Kind::Family) {
            self.debug.menu = Some(self.family());
        }
    }

    fn family(&self) -> Menu {
        let members = self.members();
        let here = self.explorer.as_ref().and_then(|e| e.trace().start.as_ref()).map(|start| start.id.clone());
        let root = here.as_deref().map(|id| root(&members, id)).unwrap_or_default();
        let mut rows = Vec::new();
        branch(&members, &root, "", &mut HashSet::new(), &mut |text, member| {
            let own = here.as_deref() == Some(member.id.as_str());
            let (mark, word) = member.verdict.marks();
            let note = format!("{mark} {word}{}", if own { " · on screen" } else { "" });
            let pick = member.row.as_ref().map_or(Pick::Nothing, |row| Pick::Session(row.path.clone()));
            let why = if own {
                Some("this session is on screen")
            } else if member.row.is_none() {
                Some("this session is not in the sessions folder")
            } else {
                None
            };
            rows.push(Row::new(text, note, pick).unless(why));
        });
        let hint = "Enter opens · c beside the one on screen";
        let selected = rows.iter().position(|row| row.note.contains("on screen")).unwrap_or(0);
        Menu { title: "Forks".to_owned(), rows, selected, hint, kind: Kind::Family }
    }

    /// What is on disk, what is on screen, and what was before it.
    fn members(&self) -> Vec<Member> {
        let mut members: Vec<Member> = Vec::new();
        for row in self.sessions.rows() {
            members.push(Member {
                id: row.id.clone(),
                parent: row.parent.as_ref().map(|parent| parent.session.clone()),
                edit: row.parent.as_ref().map(|parent| parent.edit.clone()).unwrap_or_default(),
                verdict: row.verdict,
                row: Some(row.clone()),
            });
        }
        let before = self.debug.kept().iter().map(|past| (&past.trace.start, Verdict::None));
        let on_screen = self.explorer.iter().map(|explorer| (&explorer.trace().start, explorer.verdict()));
        for (start, verdict) in on_screen.chain(before) {
            let Some(start) = start.as_ref().filter(|start| members.iter().all(|m| m.id != start.id)) else { continue };
            members.push(Member {
                id: start.id.clone(),
                parent: start.parent.as_ref().map(|parent| parent.session.clone()),
                edit: start.parent.as_ref().map(|parent| clean(&parent.edit).replace('\n', " ")).unwrap_or_default(),
                verdict,
                row: None,
            });
        }
        members
    }
}

/// The oldest known ancestor; a log may claim any parent, itself included.
fn root(members: &[Member], id: &str) -> String {
    let (mut at, mut seen) = (id.to_owned(), HashSet::new());
    while seen.insert(at.clone()) {
        let parent = members.iter().find(|m| m.id == at).and_then(|m| m.parent.clone());
        match parent.filter(|parent| members.iter().any(|m| m.id == *parent)) {
            Some(parent) => at = parent,
            None => break,
        }
    }
    at
}

/// A member and all that departed from it, as rows of a drawn tree.
fn branch(
    members: &[Member],
    id: &str,
    before: &str,
    seen: &mut HashSet<String>,
    out: &mut impl FnMut(String, &Member),
) {
    let Some(member) = members.iter().find(|m| m.id == id) else { return };
    if seen.len() >= MOST || !seen.insert(id.to_owned()) {
        return;
    }
    if before.is_empty() {
        let about = if member.edit.is_empty() { String::new() } else { format!("  {}", member.edit) };
        out(format!("{}{about}", clean(&member.id)), member);
    }
    let children: Vec<&Member> = members.iter().filter(|m| m.parent.as_deref() == Some(id) && m.id != id).collect();
    for (i, child) in children.iter().enumerate() {
        if seen.contains(&child.id) {
            continue;
        }
        let last = i + 1 == children.len();
        out(format!("{before}{} ⑂ {}", if last { "└" } else { "├" }, child.edit), child);
        let deeper = format!("{before}{}  ", if last { " " } else { "│" });
        branch(members, &child.id, &deeper, seen, out);
    }
}
