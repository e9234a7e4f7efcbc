//! What a person says of the session on screen: another label, tags, notes.
//!
//! The list shows what is said already and the automatic label with its evidence. Nothing is overwritten: a remark is added to
//! the session's notes, and the last word counts.

use std::path::PathBuf;

use super::menu::{Kind, Menu, Pick, Row};
use super::prompt::Question;
use crate::analysis::{Evidence, Facts};
use crate::session::{NOTED_LABELS, Note, Noted, Remark, SessionStore, add_note, read_notes};
use crate::text::one_line;
use crate::tui::app::{App, Choice};
use crate::tui::desk::Desk;
use crate::tui::effect::Effect;
use crate::tui::sessions::Chore;

/// Which session a remark is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The session of this log.
    Log(PathBuf),
    /// The session with this id.
    Id(String),
}

/// What was said of a session so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// What counts of it.
    pub noted: Noted,
    /// Notes, oldest first, each with who wrote it.
    pub notes: Vec<String>,
}

impl App {
    /// Has what was said read; the list opens when it is here.
    pub(super) fn ask_what_was_said(&mut self) -> Vec<Effect> {
        match self.about() {
            Some(about) => vec![Effect::OnSessions(Chore::ReadNotes(about))],
            None => Vec::new(),
        }
    }

    fn about(&self) -> Option<About> {
        let explorer = self.explorer.as_ref()?;
        match &explorer.choice {
            Choice::Session(path) => Some(About::Log(path.clone())),
            _ => explorer.trace().start.as_ref().map(|start| About::Id(start.id.clone())),
        }
    }

    /// What was said is here: opens the list, or draws it anew.
    pub(in crate::tui) fn said_of_session(&mut self, about: &About, said: Result<Said, String>) -> Vec<Effect> {
        if self.about().as_ref() != Some(about) {
            return Vec::new();
        }
        match said {
            Ok(said) => {
                let selected =
                    self.debug.menu.as_ref().filter(|menu| menu.kind == Kind::Label).map(|menu| menu.selected);
                let mut menu = self.label_menu(&said);
                menu.selected = selected.unwrap_or(menu.selected);
                self.debug.menu = Some(menu);
            }
            Err(why) => self.toast = Some(one_line(&why).into_owned()),
        }
        Vec::new()
    }

    fn label_menu(&self, said: &Said) -> Menu {
        let mut rows = Vec::new();
        let given = said.noted.label.as_ref();
        if let Some(explorer) = &self.explorer {
            let facts = Facts::of(explorer.trace());
            let evidence = Evidence::of(&facts, &self.lines);
            let mark = if given.is_none() { "●" } else { "○" };
            rows.push(Row::new(format!("{mark} automatic: {}", evidence.label), evidence.sentence, Pick::Label(None)));
        }
        for name in NOTED_LABELS {
            let own = given.is_some_and(|given| given.label == name);
            let note = given.filter(|_| own).map(|given| format!("{} {}", given.by, given.reason)).unwrap_or_default();
            let mark = if own { "●" } else { "○" };
            rows.push(Row::new(format!("{mark} {name}"), note, Pick::Label(Some(name))));
        }
        let tags = if said.noted.tags.is_empty() { "none".to_owned() } else { said.noted.tags.join(" ") };
        rows.push(Row::new("tag …", tags, Pick::Ask(Question::Tag)));
        rows.push(Row::new("note …", format!("{} so far", said.notes.len()), Pick::Ask(Question::Note)));
        rows.extend(said.notes.iter().rev().map(|note| Row::new(format!("  {note}"), "", Pick::Nothing)));
        let selected = rows.iter().position(|row| row.text.starts_with('●')).unwrap_or(0);
        let hint = "Enter chooses, then a reason · what was said before stays in the notes";
        Menu { title: "What went on here".to_owned(), rows, selected, hint, kind: Kind::Label }
    }

    /// Another label was chosen; a reason is asked for, none is needed to go back to the automatic one.
    pub(super) fn choose_label(&mut self, label: Option<&'static str>) -> Vec<Effect> {
        match label {
            Some(label) => {
                self.ask_line(Question::Reason(label));
                Vec::new()
            }
            None => self.remark(Remark::Label { label: None, reason: String::new() }),
        }
    }

    /// What was typed about a session.
    pub(super) fn settle_remark(&mut self, question: Question, text: &str) -> Result<Vec<Effect>, String> {
        let text = text.trim().to_owned();
        let remark = match question {
            Question::Reason(label) => Remark::Label { label: Some(label.to_owned()), reason: text },
            Question::Tag => match text.strip_prefix('-') {
                Some(tag) => Remark::Untag { tag: tag.trim().to_owned() },
                None if text.is_empty() => return Err("type a tag; -tag takes one off".to_owned()),
                None => Remark::Tag { tag: text },
            },
            _ if text.is_empty() => return Err("type what is to be remembered".to_owned()),
            _ => Remark::Note { text },
        };
        Ok(self.remark(remark))
    }

    fn remark(&self, remark: Remark) -> Vec<Effect> {
        let Some(about) = self.about() else { return Vec::new() };
        vec![Effect::OnSessions(Chore::Remark(about, remark))]
    }
}

/// Where a session lies: a store, the folder in it and the id.
fn place(desk: &Desk, about: &About) -> Result<(SessionStore, String, String), String> {
    match about {
        About::Id(id) => {
            let store = desk.store()?;
            let log = store.one(id).map_err(|_| "this session is not recorded, so nothing can be written beside it")?;
            Ok((store.clone(), log.sub, log.id))
        }
        About::Log(path) => {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let id = name.strip_suffix(".jsonl.zst").or_else(|| name.strip_suffix(".jsonl"));
            let id = id.ok_or("only a log in a sessions folder can be labelled; unpack the file first")?;
            // A log's own folder is as good a sessions folder as any: notes lie beside their log.
            let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
            let store = SessionStore::open(dir).map_err(|why| why.to_string())?;
            Ok((store, String::new(), id.to_owned()))
        }
    }
}

/// Reads what was said of a session.
///
/// # Errors
/// Why it cannot be read.
pub(in crate::tui) fn read(desk: &Desk, about: &About) -> Result<Said, String> {
    let (store, sub, id) = place(desk, about)?;
    let notes = read_notes(&store, &sub, &id).map_err(|why| why.to_string())?;
    let line = |note: &Note| match &note.remark {
        Remark::Note { text } => Some(one_line(&format!("{} {}: {text}", note.at, note.by)).into_owned()),
        _ => None,
    };
    Ok(Said { noted: notes.noted().unwrap_or_default(), notes: notes.notes.iter().filter_map(line).collect() })
}

/// Adds a remark, and reads what was said.
///
/// # Errors
/// Why it cannot be written.
pub(in crate::tui) fn write(desk: &Desk, about: &About, remark: Remark) -> Result<Said, String> {
    let (store, sub, id) = place(desk, about)?;
    add_note(&store, &sub, &id, &Note::now(&desk.person, remark)).map_err(|why| why.to_string())?;
    read(desk, about)
}
