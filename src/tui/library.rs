//! The library's state: questions by task, recorded sessions, and what is hidden by a filter.

use super::app::{Choice, Verdict};
use crate::benchmark::{Family, Task};

/// A row of the library.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What opens.
    pub choice: Choice,
    /// Question or session id.
    pub id: String,
    /// Its task, where it has one.
    pub task: Option<Task>,
    /// The question's text.
    pub text: String,
    /// Its choices.
    pub choices: Vec<String>,
    /// How it came out.
    pub verdict: Verdict,
}

/// What the list is narrowed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this family.
    pub family: Option<Family>,
    /// Only this task.
    pub task: Option<Task>,
    /// Only what came out like this.
    pub verdict: Option<Verdict>,
}

/// What the keys change a filter by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterBy {
    /// The next family; after the last, all.
    Family,
    /// The next task of the family.
    Task,
    /// The next verdict.
    Verdict,
    /// No filter.
    Nothing,
}

/// Verdicts one can filter by.
const VERDICTS: [Verdict; 5] = [Verdict::Right, Verdict::Partial, Verdict::Wrong, Verdict::NoAnswer, Verdict::None];

impl Filter {
    fn lets_through(&self, entry: &Entry) -> bool {
        let family = entry.task.map(Task::family);
        self.family.is_none_or(|f| family == Some(f))
            && self.task.is_none_or(|t| entry.task == Some(t))
            && self.verdict.is_none_or(|v| entry.verdict == v)
    }

    /// What it lets through, in words; empty where that is everything.
    pub fn words(&self) -> String {
        let family = self.family.filter(|_| self.task.is_none()).map(Family::name);
        let verdict = self.verdict.map(|v| if v == Verdict::None { "not asked" } else { v.marks().1 });
        [family, self.task.map(Task::name), verdict].into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }

    fn turn(&mut self, by: FilterBy) {
        match by {
            FilterBy::Nothing => *self = Self::default(),
            FilterBy::Family => *self = Self { family: next(&Family::ALL, self.family), task: None, ..*self },
            FilterBy::Verdict => self.verdict = next(&VERDICTS, self.verdict),
            FilterBy::Task => {
                let tasks: Vec<Task> =
                    Task::ALL.into_iter().filter(|t| self.family.is_none_or(|f| t.family() == f)).collect();
                self.task = next(&tasks, self.task);
            }
        }
    }
}

/// The one after `now`; none after the last.
fn next<T: Copy + PartialEq>(all: &[T], now: Option<T>) -> Option<T> {
    let at = now.and_then(|now| all.iter().position(|a| *a == now)).map_or(0, |at| at + 1);
    all.get(at).copied()
}

/// Rows that belong together, under a heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What they are.
    pub kind: GroupKind,
    /// Their number.
    pub len: usize,
    /// How many of them have been asked.
    pub asked: usize,
    /// How many came out right.
    pub right: usize,
}

/// What the rows of a group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// Questions of one task; none for questions without.
    Questions(Option<Task>),
    /// Recorded sessions.
    Sessions,
}

/// A line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A group's heading, by index.
    Heading(usize),
    /// An entry, by its place among those shown.
    Entry(usize),
}

/// The library's state.
#[derive(Clone, Debug, Default)]
pub struct Library {
    /// Name of the benchmark or run.
    pub title: String,
    /// Whether the questions are still on their way.
    pub loading: bool,
    /// The run that is followed has so many of so many sessions.
    pub run: Option<(usize, usize)>,
    questions: Vec<Entry>,
    sessions: Vec<Entry>,
    filter: Filter,
    selected: usize,
    /// Whether the selection was ever moved; until then it is the first row, whatever arrives above it.
    moved: bool,
    /// Indices over questions and then sessions, in the order of the list.
    shown: Vec<usize>,
    groups: Vec<Group>,
}

impl Library {
    /// The questions, in the benchmark's order.
    pub fn questions(&self) -> &[Entry] {
        &self.questions
    }

    /// Recorded sessions, newest first.
    pub fn sessions(&self) -> &[Entry] {
        &self.sessions
    }

    /// Puts questions in the place of those there were.
    pub fn set_questions(&mut self, questions: Vec<Entry>) {
        self.keeping(|library| library.questions = questions);
    }

    /// Puts sessions in the place of those there were.
    pub fn set_sessions(&mut self, sessions: Vec<Entry>) {
        self.keeping(|library| library.sessions = sessions);
    }

    /// Changes questions by their index: what they open and how they came out.
    pub fn change(&mut self, changes: Vec<(usize, Choice, Verdict)>) {
        self.keeping(|library| {
            for (index, choice, verdict) in changes {
                if let Some(entry) = library.questions.get_mut(index) {
                    (entry.choice, entry.verdict) = (choice, verdict);
                }
            }
        });
    }

    /// Notes how a question came out. It stays where it is, even where the filter would hide it: it is being looked at.
    pub fn note(&mut self, index: usize, verdict: Verdict) {
        if let Some(entry) = self.questions.get_mut(index) {
            entry.verdict = verdict;
            self.count();
        }
    }

    /// What the list is narrowed to.
    pub fn filter(&self) -> Filter {
        self.filter
    }

    /// Narrows the list.
    pub fn narrow(&mut self, by: FilterBy) {
        self.keeping(|library| library.filter.turn(by));
    }

    /// Number of rows shown.
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    /// Whether there is nothing to open.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// The row at a place of the list.
    pub fn row(&self, place: usize) -> Option<&Entry> {
        let index = *self.shown.get(place)?;
        self.questions.get(index).or_else(|| self.sessions.get(index.checked_sub(self.questions.len())?))
    }

    /// The selected place.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// The selected row.
    pub fn current(&self) -> Option<&Entry> {
        self.row(self.selected)
    }

    /// Moves the selection, staying within the rows.
    pub fn select(&mut self, place: usize) {
        self.moved = true;
        self.put(place);
    }

    fn put(&mut self, place: usize) {
        self.selected = place.min(self.len().saturating_sub(1));
    }

    /// Moves the selection to the first row of the next group, or of this one or the one before.
    pub fn select_group(&mut self, forward: bool) {
        let starts: Vec<usize> = self.starts().map(|(start, _)| start).collect();
        let at = self.selected;
        let target = match forward {
            true => starts.iter().find(|s| **s > at),
            false => starts.iter().rev().find(|s| **s < at),
        };
        if let Some(place) = target {
            self.select(*place);
        }
    }

    /// The groups, from top to bottom.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Number of lines, headings included.
    pub fn lines(&self) -> usize {
        self.len() + self.groups.len()
    }

    /// The line an entry is on.
    pub fn line_of(&self, place: usize) -> usize {
        place + self.starts().filter(|(start, _)| *start <= place).count()
    }

    /// What stands on a line.
    pub fn line(&self, line: usize) -> Option<Line> {
        let mut before = 0;
        for (i, (start, len)) in self.starts().enumerate() {
            let heading = start + before;
            before += 1;
            if line == heading {
                return Some(Line::Heading(i));
            }
            if line <= heading + len {
                return Some(Line::Entry(line - before));
            }
        }
        None
    }

    /// First place and length of each group.
    fn starts(&self) -> impl Iterator<Item = (usize, usize)> {
        self.groups.iter().scan(0, |next, group| {
            let start = *next;
            *next += group.len;
            Some((start, group.len))
        })
    }

    /// Changes something; what was selected stays selected where it is still shown.
    fn keeping(&mut self, change: impl FnOnce(&mut Self)) {
        let before = self.current().filter(|_| self.moved).map(|e| e.id.clone());
        change(self);
        self.refresh();
        let same = before.and_then(|id| (0..self.len()).find(|i| self.row(*i).is_some_and(|e| e.id == id)));
        self.put(same.unwrap_or(self.selected));
    }

    fn refresh(&mut self) {
        let mut by_task: Vec<Vec<usize>> = vec![Vec::new(); Task::ALL.len() + 1];
        for (i, entry) in self.questions.iter().enumerate().filter(|(_, e)| self.filter.lets_through(e)) {
            if let Some(group) = by_task.get_mut(rank(entry.task)) {
                group.push(i);
            }
        }
        let sessions = self.sessions.iter().enumerate().filter(|(_, e)| self.filter.lets_through(e));
        self.shown = by_task.into_iter().flatten().chain(sessions.map(|(i, _)| self.questions.len() + i)).collect();
        self.count();
    }

    fn count(&mut self) {
        let mut groups: Vec<Group> = Vec::new();
        for (place, index) in self.shown.iter().enumerate() {
            let Some(entry) = self.row(place) else { continue };
            let kind =
                if *index < self.questions.len() { GroupKind::Questions(entry.task) } else { GroupKind::Sessions };
            if groups.last().is_none_or(|g| g.kind != kind) {
                groups.push(Group { kind, len: 0, asked: 0, right: 0 });
            }
            if let Some(group) = groups.last_mut() {
                group.len += 1;
                group.asked += usize::from(entry.verdict != Verdict::None);
                group.right += usize::from(entry.verdict == Verdict::Right);
            }
        }
        self.groups = groups;
    }
}

/// Place of a task in the list; questions without one come last.
fn rank(task: Option<Task>) -> usize {
    task.and_then(|task| Task::ALL.iter().position(|t| *t == task)).unwrap_or(Task::ALL.len())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(i: usize, task: Option<Task>, verdict: Verdict) -> Entry {
        let id = format!("q{i}");
        Entry { choice: Choice::Question(i), id, task, text: String::new(), choices: Vec::new(), verdict }
    }

    fn library() -> Library {
        let mut library = Library::default();
        let tasks = [Task::DepthComparison, Task::CharacterCounting, Task::PanelReordering];
        let questions =
            (0..9).map(|i| entry(i, Some(tasks[i % 3]), [Verdict::Right, Verdict::Wrong, Verdict::None][i / 3]));
        library.set_questions(questions.collect());
        library.set_sessions(vec![entry(100, Some(Task::DepthComparison), Verdict::Right)]);
        library
    }

    #[test]
    fn questions_stand_by_task_with_their_figures() {
        let library = library();
        let ids: Vec<&str> = (0..library.len()).map(|i| library.row(i).unwrap().id.as_str()).collect();
        assert_eq!(ids, ["q0", "q3", "q6", "q1", "q4", "q7", "q2", "q5", "q8", "q100"]);
        let depth = &library.groups()[0];
        assert_eq!((depth.len, depth.asked, depth.right), (3, 2, 1));
        assert_eq!(library.groups()[3].kind, GroupKind::Sessions);
    }

    #[test]
    fn filters_turn_and_keep_the_selection() {
        let mut library = library();
        library.select(4);
        library.narrow(FilterBy::Family);
        assert_eq!(library.filter().words(), "depth");
        assert_eq!(library.len(), 4);
        library.narrow(FilterBy::Family);
        assert_eq!((library.filter().words().as_str(), library.len()), ("tracking", 3));
        library.select(1);
        assert_eq!(library.current().unwrap().id, "q4");
        library.narrow(FilterBy::Verdict);
        library.narrow(FilterBy::Verdict);
        library.narrow(FilterBy::Verdict);
        assert_eq!((library.filter().words().as_str(), library.len()), ("tracking · wrong", 1));
        assert_eq!(library.current().unwrap().id, "q4");
        library.note(4, Verdict::Right);
        assert_eq!(library.len(), 1, "what is looked at does not vanish");
        library.narrow(FilterBy::Nothing);
        assert_eq!((library.len(), library.current().unwrap().id.as_str()), (10, "q4"));
        library.narrow(FilterBy::Task);
        assert_eq!(library.filter().words(), "panel-understanding");
        assert!(library.is_empty() && library.current().is_none());
    }

    #[test]
    fn what_arrives_above_moves_a_choice_along_and_nothing_else() {
        let session = Entry { id: "s".to_owned(), ..entry(90, None, Verdict::Wrong) };
        for chosen in [false, true] {
            let mut library = Library::default();
            library.set_sessions(vec![session.clone()]);
            if chosen {
                library.select(0);
            }
            library.set_questions((0..3).map(|i| entry(i, None, Verdict::None)).collect());
            assert_eq!(library.selected(), if chosen { 3 } else { 0 });
        }
    }

    #[test]
    fn groups_are_jumped_between() {
        let mut library = library();
        library.select_group(true);
        assert_eq!(library.selected(), 3);
        library.select(5);
        library.select_group(false);
        assert_eq!(library.selected(), 3);
        library.select_group(false);
        library.select_group(false);
        assert_eq!(library.selected(), 0);
    }

    proptest! {
        #[test]
        fn lines_and_entries_agree(tasks in proptest::collection::vec(proptest::option::of(0_usize..7), 0..40)) {
            let mut library = Library::default();
            library.set_questions(
                tasks.iter().enumerate().map(|(i, t)| entry(i, t.map(|t| Task::ALL[t]), Verdict::None)).collect(),
            );
            let mut entries = 0;
            for line in 0..library.lines() {
                match library.line(line).unwrap() {
                    Line::Entry(place) => {
                        prop_assert_eq!(place, entries);
                        prop_assert_eq!(library.line_of(place), line);
                        entries += 1;
                    }
                    Line::Heading(group) => prop_assert!(group < library.groups().len()),
                }
            }
            prop_assert_eq!(entries, tasks.len());
            prop_assert_eq!(library.line(library.lines()), None);
        }
    }
}
