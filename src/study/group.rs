//! Which sessions a row, a column or a cell means: as a predicate and as a filter.

use serde::{Serialize, Serializer};

use crate::analysis::Label;
use crate::benchmark::{Family, Task};
use crate::session::SessionSummary;

/// The label that counts, a person's or else the automatic one; none for a name this program does not know.
pub fn shown_label(session: &SessionSummary) -> Option<Label> {
    Label::named(session.label_shown())
}

/// A row: some tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Every session.
    All,
    /// Those of a family.
    Family(Family),
    /// Those of a task.
    Task(Task),
    /// Those without a task: questions a person typed.
    Typed,
}

impl Group {
    /// The name in tables: a task's or family's, `all` or `typed`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Family(family) => family.name(),
            Self::Task(task) => task.name(),
            Self::Typed => "typed",
        }
    }

    /// What kind of row it is: `all`, `family`, `task` or `typed`.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Family(_) => "family",
            Self::Task(_) => "task",
            Self::Typed => "typed",
        }
    }

    /// Whether a session is one of it.
    pub fn holds(self, session: &SessionSummary) -> bool {
        match self {
            Self::All => true,
            Self::Family(family) => session.task.map(Task::family).or(session.family) == Some(family),
            Self::Task(task) => session.task == Some(task),
            Self::Typed => session.task.is_none(),
        }
    }

    /// The filter that finds its sessions; empty for all.
    pub fn filter(self) -> String {
        match self {
            Self::All => String::new(),
            Self::Family(family) => format!("family:{family}"),
            Self::Task(task) => format!("task:{task}"),
            Self::Typed => "-task:*".to_owned(),
        }
    }

    /// Every group: all, then family after family with its tasks, then typed.
    pub fn listed() -> Vec<Self> {
        let tasks = |family| Task::ALL.into_iter().filter(move |task| task.family() == family).map(Self::Task);
        let families =
            Family::ALL.into_iter().flat_map(|family| [Self::Family(family)].into_iter().chain(tasks(family)));
        [Self::All].into_iter().chain(families).chain([Self::Typed]).collect()
    }

    /// Those of [`Group::listed`] that have a session; all is always there.
    pub fn present(sessions: &[SessionSummary]) -> Vec<Self> {
        let there = |group: &Self| *group == Self::All || sessions.iter().any(|session| group.holds(session));
        Self::listed().into_iter().filter(there).collect()
    }
}

impl Serialize for Group {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

/// One of the four cells of looked right or wrong × answered right or wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Quadrant {
    /// Whether some zoom shows the target.
    pub looked: bool,
    /// Whether the answer is right.
    pub right: bool,
}

impl Quadrant {
    /// All four: looked right first, answered right first.
    pub const ALL: [Self; 4] = [
        Self { looked: true, right: true },
        Self { looked: true, right: false },
        Self { looked: false, right: true },
        Self { looked: false, right: false },
    ];
}

/// A cell of a table: which sessions are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cell {
    /// A whole row.
    Row(Group),
    /// Sessions of a group with a label.
    Label(Group, Label),
    /// Sessions of a group in one of the four cells.
    Looked(Group, Quadrant),
}

impl Cell {
    /// Whether a session is in it.
    pub fn holds(self, session: &SessionSummary) -> bool {
        match self {
            Self::Row(group) => group.holds(session),
            Self::Label(group, label) => group.holds(session) && shown_label(session) == Some(label),
            Self::Looked(group, Quadrant { looked, right }) => {
                let ended = session.reason.as_deref() != Some("error");
                group.holds(session) && ended && (session.looked_right, session.right) == (Some(looked), Some(right))
            }
        }
    }

    /// The filter that finds its sessions, such as `task:depth-comparison label:looked-wrong`.
    pub fn filter(self) -> String {
        let yes = |flag: bool| if flag { "yes" } else { "no" };
        let (group, rest) = match self {
            Self::Row(group) => (group, String::new()),
            Self::Label(group, label) => (group, format!("label:{label}")),
            Self::Looked(group, cell) => {
                let words = format!("looked-right:{} right:{} -ended:error", yes(cell.looked), yes(cell.right));
                (group, words)
            }
        };
        [group.filter(), rest].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}
