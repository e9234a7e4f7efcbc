//! What keys can do: one row an action, with its stable name, its words for help and palette, and its short hint.
//!
//! Which keys do it stands in `assets/keys.toml` under the same name. To add an action: a row here, a line there.

use super::Context;
use crate::tui::action::{Action, Edit, Scrub, Unit};
use crate::tui::library::FilterBy;
use crate::tui::sessions::Deed;

/// An action that keys can be bound to.
pub struct Row {
    /// Where it can be done.
    pub context: Context,
    /// Its name in `keys.toml` and in configurations, unique in its context.
    pub name: &'static str,
    /// What is done.
    pub action: Action,
    /// The same in words; empty for what help and palette need not list.
    pub words: &'static str,
    /// The short form for the hints line; empty to leave it out.
    pub hint: &'static str,
}

const fn row(context: Context, name: &'static str, action: Action, words: &'static str, hint: &'static str) -> Row {
    Row { context, name, action, words, hint }
}

/// Hints that two actions share: the hint, and whose keys it shows.
pub const PAIRS: [(&str, [&str; 2]); 5] = [
    ("scrub", ["scrub_prev_token", "scrub_next_token"]),
    ("pace", ["slower", "faster"]),
    ("move", ["up", "down"]),
    ("sort", ["sort_prev", "sort_next"]),
    ("scroll", ["up", "down"]),
];

use Context::{Ask, Explorer, Field, Filter, Help, Library, Sessions};

/// Every action, in the order help lists them.
pub static ROWS: &[Row] = &[
    row(Explorer, "toggle_run", Action::ToggleRun, "run or pause; from the past, play on", "run/pause"),
    row(Explorer, "step_token", Action::Step(Unit::Token), "step by one token", "token"),
    row(Explorer, "step_segment", Action::Step(Unit::Segment), "step to the end of the segment", "segment"),
    row(Explorer, "step_turn", Action::Step(Unit::Turn), "step to the end of the turn", "turn"),
    row(Explorer, "scrub_prev_token", Action::Scrub(Scrub::PrevToken), "back one token", "scrub"),
    row(Explorer, "scrub_next_token", Action::Scrub(Scrub::NextToken), "on one token", ""),
    row(Explorer, "scrub_prev_segment", Action::Scrub(Scrub::PrevSegment), "back one segment", ""),
    row(Explorer, "scrub_next_segment", Action::Scrub(Scrub::NextSegment), "on one segment", ""),
    row(Explorer, "scrub_start", Action::Scrub(Scrub::Start), "to the start", ""),
    row(Explorer, "scrub_end", Action::Scrub(Scrub::End), "to the end, following again", ""),
    row(Explorer, "slower", Action::Slower, "slower (the view, not the model)", "pace"),
    row(Explorer, "faster", Action::Faster, "faster (the view, not the model)", ""),
    row(Explorer, "toggle_target", Action::ToggleTarget, "show or hide the true region", "target"),
    row(Explorer, "ask_own", Action::AskOwn, "type a question about this page", ""),
    row(Explorer, "toggle_theme", Action::ToggleTheme, "dark or light theme", ""),
    row(Explorer, "help", Action::Help, "these keys", "help"),
    row(Explorer, "back", Action::Back, "back", "back"),
    row(Library, "open", Action::Open, "open the question or session", "open"),
    row(Library, "up", Action::Up, "up", ""),
    row(Library, "down", Action::Down, "down", "move"),
    row(Library, "page_up", Action::PageUp, "a page up", ""),
    row(Library, "page_down", Action::PageDown, "a page down", ""),
    row(Library, "top", Action::Top, "to the first", ""),
    row(Library, "bottom", Action::Bottom, "to the last", ""),
    row(Library, "next_group", Action::NextGroup, "to the next task", "task"),
    row(Library, "prev_group", Action::PrevGroup, "to the task before", ""),
    row(
        Library,
        "filter_family",
        Action::Filter(FilterBy::Family),
        "only the next family; after the last, all",
        "family",
    ),
    row(Library, "filter_task", Action::Filter(FilterBy::Task), "only the next task of the family", ""),
    row(Library, "filter_verdict", Action::Filter(FilterBy::Verdict), "only right, partly, wrong, … ones", "verdict"),
    row(Library, "show_all", Action::Close, "show everything again", ""),
    row(Library, "ask_own", Action::AskOwn, "type a question about this page", "ask"),
    row(Library, "sessions", Action::InSessions(Deed::Show), "recorded sessions as a table", "sessions"),
    row(Library, "toggle_theme", Action::ToggleTheme, "dark or light theme", ""),
    row(Library, "help", Action::Help, "these keys", "help"),
    row(Library, "back", Action::Back, "leave", "leave"),
    row(Ask, "open", Action::Open, "ask", "ask"),
    row(Ask, "down", Action::Down, "next page", "next page"),
    row(Ask, "up", Action::Up, "previous page", ""),
    row(Ask, "back", Action::Back, "back", "back"),
    row(Sessions, "open", Action::Open, "open the session", "open"),
    row(Sessions, "up", Action::Up, "up", ""),
    row(Sessions, "down", Action::Down, "down", "move"),
    row(Sessions, "page_up", Action::PageUp, "a page up", ""),
    row(Sessions, "page_down", Action::PageDown, "a page down", ""),
    row(Sessions, "top", Action::Top, "to the first", ""),
    row(Sessions, "bottom", Action::Bottom, "to the last", ""),
    row(Sessions, "sort_prev", Action::InSessions(Deed::PrevColumn), "sort by the column before", ""),
    row(Sessions, "sort_next", Action::InSessions(Deed::NextColumn), "sort by the next column", "sort"),
    row(Sessions, "reverse", Action::InSessions(Deed::Reverse), "turn the order around", "reverse"),
    row(Sessions, "filter", Action::InSessions(Deed::Type), "look for words in any column", "filter"),
    row(Sessions, "filter_verdict", Action::Filter(FilterBy::Verdict), "only right, partly, wrong, … ones", "verdict"),
    row(Sessions, "show_all", Action::Close, "show everything again; then back", ""),
    row(Sessions, "delete", Action::InSessions(Deed::Delete), "move the session to the trash", "delete"),
    row(Sessions, "undo", Action::InSessions(Deed::Undo), "bring back what was deleted", ""),
    row(Sessions, "pack", Action::InSessions(Deed::Pack), "pack it with its pages into one file", "pack"),
    row(Sessions, "toggle_theme", Action::ToggleTheme, "dark or light theme", ""),
    row(Sessions, "help", Action::Help, "these keys", "help"),
    row(Sessions, "back", Action::Back, "back", "back"),
    row(Filter, "up", Action::Up, "up", ""),
    row(Filter, "down", Action::Down, "down", "move"),
    row(Filter, "open", Action::Open, "look at what is found", "look"),
    row(Filter, "close", Action::Close, "show everything again", "show all"),
    row(Field, "delete_before", Action::Edit(Edit::Backspace), "", ""),
    row(Field, "delete_under", Action::Edit(Edit::Delete), "", ""),
    row(Field, "delete_word", Action::Edit(Edit::DeleteWord), "", ""),
    row(Field, "delete_to_start", Action::Edit(Edit::DeleteToStart), "", ""),
    row(Field, "left", Action::Edit(Edit::Left), "", ""),
    row(Field, "right", Action::Edit(Edit::Right), "", ""),
    row(Field, "line_start", Action::Edit(Edit::Home), "", ""),
    row(Field, "line_end", Action::Edit(Edit::End), "", ""),
    row(Help, "close", Action::Close, "close", "close"),
    row(Help, "up", Action::Up, "up", ""),
    row(Help, "down", Action::Down, "down", "scroll"),
    row(Help, "page_up", Action::PageUp, "", ""),
    row(Help, "page_down", Action::PageDown, "", ""),
];
