//! `panelscope sessions label`, `tag` and `note`: what a person says of a session.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{CliError, CliResult, Global, printed, store};
use crate::session::{self, LogFile, Note, Notes, Remark, SessionStore};
use crate::text::{one_line, sanitise};

/// What all of them take.
#[derive(Args, Debug)]
struct Common {
    /// A session id; FOLDER/ID where several folders have one
    #[arg(value_name = "ID")]
    id: String,
    /// Your name (default: name of the configuration, else $USER)
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `sessions label`.
#[derive(Args, Debug)]
pub struct LabelArgs {
    #[command(flatten)]
    common: Common,
    /// One of the automatic labels, or truth-doubtful (default: print the label)
    #[arg(value_name = "LABEL")]
    label: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// Let the automatic label count again
    #[arg(long, conflicts_with = "label")]
    clear: bool,
}

/// Arguments of `sessions tag`.
#[derive(Args, Debug)]
pub struct TagArgs {
    #[command(flatten)]
    common: Common,
    /// Tags: letters, digits, -, _ and . (default: print them)
    #[arg(value_name = "TAG")]
    tags: Vec<String>,
    /// Take them off
    #[arg(long, requires = "tags")]
    remove: bool,
}

/// Arguments of `sessions note`.
#[derive(Args, Debug)]
pub struct NoteArgs {
    #[command(flatten)]
    common: Common,
    /// The note (default: print all that was said)
    #[arg(value_name = "TEXT")]
    text: Option<String>,
}

/// A session one speaks of.
struct About<'a> {
    store: SessionStore,
    log: LogFile,
    common: &'a Common,
    by: String,
}

impl<'a> About<'a> {
    fn find(common: &'a Common, global: &Global) -> Result<Self, CliError> {
        let store = store(global)?;
        let log = store.one(&common.id).map_err(CliError::failed)?;
        let by = session::person(common.by.as_deref().or(global.settings.name.as_deref()));
        Ok(Self { store, log, common, by })
    }

    fn say(&self, remark: Remark) -> Result<(), CliError> {
        let note = Note::now(&self.by, remark);
        session::add_note(&self.store, &self.log.sub, &self.log.id, &note).map_err(CliError::failed)
    }

    fn notes(&self) -> Result<Notes, CliError> {
        let notes = session::read_notes(&self.store, &self.log.sub, &self.log.id).map_err(CliError::failed)?;
        for problem in &notes.problems {
            eprintln!("note: line {} was skipped: {}", problem.line, one_line(&problem.message));
        }
        Ok(notes)
    }

    /// Prints what counts now.
    fn tell(&self, plain: impl Fn(&Notes) -> String) -> CliResult {
        let notes = self.notes()?;
        let mut out = io::stdout().lock();
        let written = if self.common.json {
            let noted = notes.noted().unwrap_or_default();
            writeln!(
                out,
                "{}",
                json!({ "id": self.log.id, "run": self.log.sub, "noted": noted, "remarks": notes.notes })
            )
        } else {
            match plain(&notes) {
                text if text.is_empty() => Ok(()),
                text => writeln!(out, "{}", sanitise(&text)),
            }
        };
        printed(written, ExitCode::SUCCESS)
    }
}

/// Labels a session.
pub fn label(args: &LabelArgs, global: &Global) -> CliResult {
    let label = args.label.as_deref().map(session::label_named).transpose().map_err(CliError::usage)?;
    let about = About::find(&args.common, global)?;
    if args.clear || label.is_some() {
        about.say(Remark::Label { label: label.map(str::to_owned), reason: args.reason.trim().to_owned() })?;
    } else if !args.reason.is_empty() {
        return Err(CliError::usage("a reason needs a label"));
    }
    about.tell(|notes| match notes.noted().and_then(|noted| noted.label) {
        Some(by) if by.reason.is_empty() => format!("{} ({})", by.label, by.by),
        Some(by) => format!("{} ({}: {})", by.label, by.by, one_line(&by.reason)),
        None => "the automatic label counts".to_owned(),
    })
}

/// Tags a session.
pub fn tag(args: &TagArgs, global: &Global) -> CliResult {
    let about = About::find(&args.common, global)?;
    for tag in &args.tags {
        let tag = tag.clone();
        about.say(if args.remove { Remark::Untag { tag } } else { Remark::Tag { tag } })?;
    }
    about.tell(|notes| notes.noted().unwrap_or_default().tags.join(" "))
}

/// Notes something.
pub fn note(args: &NoteArgs, global: &Global) -> CliResult {
    let about = About::find(&args.common, global)?;
    if let Some(text) = &args.text {
        about.say(Remark::Note { text: text.clone() })?;
    }
    about.tell(|notes| notes.notes.iter().map(remark).collect::<Vec<_>>().join("\n"))
}

fn remark(note: &Note) -> String {
    let said = match &note.remark {
        Remark::Label { label: Some(label), reason } if reason.is_empty() => format!("label {label}"),
        Remark::Label { label: Some(label), reason } => format!("label {label}: {reason}"),
        Remark::Label { label: None, .. } => "the automatic label again".to_owned(),
        Remark::Tag { tag } => format!("tag {tag}"),
        Remark::Untag { tag } => format!("no longer tag {tag}"),
        Remark::Note { text } => text.clone(),
    };
    format!("{}  {}  {}", note.at, note.by, said.replace('\n', "\n    "))
}
