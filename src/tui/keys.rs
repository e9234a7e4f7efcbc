//! The keymap as data. Help and hints are made from it, so that they cannot say anything else than what the keys do.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::action::{Action, Edit, Scrub, Unit};
use super::library::FilterBy;
use super::sessions::Deed;

/// Where a binding holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// The list.
    Library,
    /// A session.
    Explorer,
    /// The form.
    Ask,
    /// The table of recorded sessions.
    Sessions,
    /// Typing what to look for in it.
    Filter,
    /// The list of keys.
    Help,
}

impl Context {
    /// Its title in the help.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Library => "Library",
            Self::Explorer => "Explorer",
            Self::Ask => "Typing a question",
            Self::Sessions => "Sessions",
            Self::Filter => "Typing a filter",
            Self::Help => "Help",
        }
    }
}

/// A key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

impl Chord {
    /// The key's name as help shows it.
    pub fn name(&self) -> String {
        let key = match self.code {
            KeyCode::Char(' ') => "space".to_owned(),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::Left => "←".to_owned(),
            KeyCode::Right => "→".to_owned(),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            other => format!("{other:?}"),
        };
        let with =
            |on: KeyModifiers, name: &str| if self.modifiers.contains(on) { name.to_owned() } else { String::new() };
        format!("{}{}{key}", with(KeyModifiers::CONTROL, "Ctrl-"), with(KeyModifiers::SHIFT, "Shift-"))
    }

    fn matches(&self, event: &KeyEvent) -> bool {
        // Terminals differ in whether they report Shift with a letter that it has already changed.
        let mut pressed = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        if matches!(event.code, KeyCode::Char(_) | KeyCode::BackTab) {
            pressed -= KeyModifiers::SHIFT;
        }
        event.code == self.code && pressed == self.modifiers
    }
}

/// Keys, what they do, and how help and hints put it.
pub struct Binding {
    /// Where it holds.
    pub context: Context,
    /// Any of these.
    pub chords: Vec<Chord>,
    /// What they do.
    pub action: Action,
    /// The same in words; empty for aliases that help need not list.
    pub words: &'static str,
    /// The short form for the hints line; empty to leave it out.
    pub hint: &'static str,
}

/// The keymap.
pub struct Keymap {
    bindings: Vec<Binding>,
}

const NONE: KeyModifiers = KeyModifiers::NONE;

fn ch(c: char) -> Chord {
    Chord { code: KeyCode::Char(c), modifiers: NONE }
}

fn key(code: KeyCode) -> Chord {
    Chord { code, modifiers: NONE }
}

fn ctrl(code: KeyCode) -> Chord {
    Chord { code, modifiers: KeyModifiers::CONTROL }
}

fn shift(code: KeyCode) -> Chord {
    Chord { code, modifiers: KeyModifiers::SHIFT }
}

impl Default for Keymap {
    fn default() -> Self {
        let mut map = Self { bindings: Vec::new() };
        map.explorer();
        map.library();
        map.ask();
        map.sessions();
        map.filter();
        map.help();
        map
    }
}

impl Keymap {
    /// The bindings, in the order help lists them.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// What a key does in a context. Releases and repeats-on-release do nothing.
    pub fn action(&self, context: Context, event: &KeyEvent) -> Option<Action> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        if event.modifiers.contains(KeyModifiers::CONTROL) && event.code == KeyCode::Char('c') {
            return Some(Action::Quit);
        }
        let mut here = self.bindings.iter().filter(|b| b.context == context);
        if let Some(binding) = here.find(|b| b.chords.iter().any(|c| c.matches(event))) {
            return Some(binding.action.clone());
        }
        typed(context, event)
    }

    fn add(&mut self, context: Context, chords: &[Chord], action: Action, words: &'static str, hint: &'static str) {
        self.bindings.push(Binding { context, chords: chords.to_vec(), action, words, hint });
    }

    fn explorer(&mut self) {
        use KeyCode::{End, Esc, Home, Left, Right};
        let c = Context::Explorer;
        self.add(c, &[ch(' ')], Action::ToggleRun, "run or pause; from the past, play on", "run/pause");
        self.add(c, &[ch('t')], Action::Step(Unit::Token), "step by one token", "token");
        self.add(c, &[ch('n')], Action::Step(Unit::Segment), "step to the end of the segment", "segment");
        self.add(c, &[ch('N')], Action::Step(Unit::Turn), "step to the end of the turn", "turn");
        self.add(c, &[key(Left), ch('h')], Action::Scrub(Scrub::PrevToken), "back one token", "scrub");
        self.add(c, &[key(Right), ch('l')], Action::Scrub(Scrub::NextToken), "on one token", "");
        let back = [ch('['), shift(Left), ctrl(Left)];
        self.add(c, &back, Action::Scrub(Scrub::PrevSegment), "back one segment", "");
        let on = [ch(']'), shift(Right), ctrl(Right)];
        self.add(c, &on, Action::Scrub(Scrub::NextSegment), "on one segment", "");
        self.add(c, &[key(Home), ch('g')], Action::Scrub(Scrub::Start), "to the start", "");
        self.add(c, &[key(End), ch('G')], Action::Scrub(Scrub::End), "to the end, following again", "");
        self.add(c, &[ch('-')], Action::Slower, "slower (the view, not the model)", "pace");
        self.add(c, &[ch('+'), ch('=')], Action::Faster, "faster (the view, not the model)", "");
        self.add(c, &[ch('x')], Action::ToggleTarget, "show or hide the true region", "target");
        self.add(c, &[ch('a')], Action::AskOwn, "type a question about this page", "");
        self.add(c, &[ch('T')], Action::ToggleTheme, "dark or light theme", "");
        self.add(c, &[ch('?')], Action::Help, "these keys", "help");
        self.add(c, &[ch('q'), key(Esc)], Action::Back, "back", "back");
    }

    fn library(&mut self) {
        use KeyCode::{BackTab, Down, End, Enter, Esc, Home, PageDown, PageUp, Tab, Up};
        let c = Context::Library;
        self.add(c, &[key(Enter)], Action::Open, "open the question or session", "open");
        self.add(c, &[key(Up), ch('k')], Action::Up, "up", "");
        self.add(c, &[key(Down), ch('j')], Action::Down, "down", "move");
        self.add(c, &[key(PageUp)], Action::PageUp, "a page up", "");
        self.add(c, &[key(PageDown)], Action::PageDown, "a page down", "");
        self.add(c, &[key(Home), ch('g')], Action::Top, "to the first", "");
        self.add(c, &[key(End), ch('G')], Action::Bottom, "to the last", "");
        self.add(c, &[key(Tab), ch(']')], Action::NextGroup, "to the next task", "task");
        self.add(c, &[key(BackTab), ch('[')], Action::PrevGroup, "to the task before", "");
        self.add(
            c,
            &[ch('f')],
            Action::Filter(FilterBy::Family),
            "only the next family; after the last, all",
            "family",
        );
        self.add(c, &[ch('t')], Action::Filter(FilterBy::Task), "only the next task of the family", "");
        self.add(c, &[ch('v')], Action::Filter(FilterBy::Verdict), "only right, partly, wrong, … ones", "verdict");
        self.add(c, &[key(Esc)], Action::Close, "show everything again", "");
        self.add(c, &[ch('a')], Action::AskOwn, "type a question about this page", "ask");
        self.add(c, &[ch('s')], Action::InSessions(Deed::Show), "recorded sessions as a table", "sessions");
        self.add(c, &[ch('T')], Action::ToggleTheme, "dark or light theme", "");
        self.add(c, &[ch('?')], Action::Help, "these keys", "help");
        self.add(c, &[ch('q')], Action::Back, "leave", "leave");
    }

    fn ask(&mut self) {
        use KeyCode::{BackTab, Down, Enter, Esc, Tab, Up};
        let c = Context::Ask;
        self.add(c, &[key(Enter)], Action::Open, "ask", "ask");
        self.add(c, &[key(Tab), key(Down)], Action::Down, "next page", "next page");
        self.add(c, &[key(BackTab), key(Up)], Action::Up, "previous page", "");
        self.add(c, &[key(Esc)], Action::Back, "back", "back");
        self.edits(c);
    }

    fn sessions(&mut self) {
        use KeyCode::{Down, End, Enter, Esc, Home, PageDown, PageUp, Up};
        let c = Context::Sessions;
        let deed = Action::InSessions;
        self.add(c, &[key(Enter)], Action::Open, "open the session", "open");
        self.add(c, &[key(Up), ch('k')], Action::Up, "up", "");
        self.add(c, &[key(Down), ch('j')], Action::Down, "down", "move");
        self.add(c, &[key(PageUp)], Action::PageUp, "a page up", "");
        self.add(c, &[key(PageDown)], Action::PageDown, "a page down", "");
        self.add(c, &[key(Home), ch('g')], Action::Top, "to the first", "");
        self.add(c, &[key(End), ch('G')], Action::Bottom, "to the last", "");
        self.add(c, &[ch('<')], deed(Deed::PrevColumn), "sort by the column before", "");
        self.add(c, &[ch('>')], deed(Deed::NextColumn), "sort by the next column", "sort");
        self.add(c, &[ch('r')], deed(Deed::Reverse), "turn the order around", "reverse");
        self.add(c, &[ch('/')], deed(Deed::Type), "look for words in any column", "filter");
        self.add(c, &[ch('v')], Action::Filter(FilterBy::Verdict), "only right, partly, wrong, … ones", "verdict");
        self.add(c, &[key(Esc)], Action::Close, "show everything again; then back", "");
        self.add(c, &[ch('D')], deed(Deed::Delete), "move the session to the trash", "delete");
        self.add(c, &[ch('u')], deed(Deed::Undo), "bring back what was deleted", "");
        self.add(c, &[ch('P')], deed(Deed::Pack), "pack it with its pages into one file", "pack");
        self.add(c, &[ch('T')], Action::ToggleTheme, "dark or light theme", "");
        self.add(c, &[ch('?')], Action::Help, "these keys", "help");
        self.add(c, &[ch('q')], Action::Back, "back", "back");
    }

    fn filter(&mut self) {
        use KeyCode::{Down, Enter, Esc, Up};
        let c = Context::Filter;
        self.add(c, &[key(Up)], Action::Up, "up", "");
        self.add(c, &[key(Down)], Action::Down, "down", "move");
        self.add(c, &[key(Enter)], Action::Open, "look at what is found", "look");
        self.add(c, &[key(Esc)], Action::Close, "show everything again", "show all");
        self.edits(c);
    }

    /// The keys of a text field.
    fn edits(&mut self, c: Context) {
        use KeyCode::{Backspace, Delete, End, Home, Left, Right};
        let edits = [
            (vec![key(Backspace), ctrl(KeyCode::Char('h'))], Edit::Backspace),
            (vec![key(Delete)], Edit::Delete),
            (vec![ctrl(KeyCode::Char('w'))], Edit::DeleteWord),
            (vec![ctrl(KeyCode::Char('u'))], Edit::DeleteToStart),
            (vec![key(Left)], Edit::Left),
            (vec![key(Right)], Edit::Right),
            (vec![key(Home), ctrl(KeyCode::Char('a'))], Edit::Home),
            (vec![key(End), ctrl(KeyCode::Char('e'))], Edit::End),
        ];
        for (chords, edit) in edits {
            self.add(c, &chords, Action::Edit(edit), "", "");
        }
    }

    fn help(&mut self) {
        use KeyCode::{Down, Enter, Esc, PageDown, PageUp, Up};
        let c = Context::Help;
        self.add(c, &[ch('?'), ch('q'), key(Esc), key(Enter)], Action::Close, "close", "close");
        self.add(c, &[key(Up), ch('k')], Action::Up, "up", "");
        self.add(c, &[key(Down), ch('j')], Action::Down, "down", "scroll");
        self.add(c, &[key(PageUp)], Action::PageUp, "", "");
        self.add(c, &[key(PageDown), ch(' ')], Action::PageDown, "", "");
    }
}

/// Characters that no binding took go into the text field.
fn typed(context: Context, event: &KeyEvent) -> Option<Action> {
    let plain = !event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    match (context, event.code) {
        (Context::Ask | Context::Filter, KeyCode::Char(c)) if plain => Some(Action::Edit(Edit::Insert(c.to_string()))),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn press(context: Context, code: KeyCode, modifiers: KeyModifiers) -> Option<String> {
        Keymap::default().action(context, &KeyEvent::new(code, modifiers)).map(|a| format!("{a:?}"))
    }

    #[test]
    fn the_keys_of_the_contract() {
        let explorer = |code| press(Context::Explorer, code, NONE).unwrap_or_default();
        assert_eq!(explorer(KeyCode::Char(' ')), "ToggleRun");
        assert_eq!(explorer(KeyCode::Char('t')), "Step(Token)");
        assert_eq!(explorer(KeyCode::Char('n')), "Step(Segment)");
        assert_eq!(press(Context::Explorer, KeyCode::Char('N'), KeyModifiers::SHIFT).unwrap(), "Step(Turn)");
        assert_eq!(explorer(KeyCode::Left), "Scrub(PrevToken)");
        assert_eq!(press(Context::Explorer, KeyCode::Left, KeyModifiers::SHIFT).unwrap(), "Scrub(PrevSegment)");
        assert_eq!(press(Context::Explorer, KeyCode::Right, KeyModifiers::CONTROL).unwrap(), "Scrub(NextSegment)");
        assert_eq!(explorer(KeyCode::Char('?')), "Help");
        assert_eq!(explorer(KeyCode::Char('q')), "Back");
        assert_eq!(press(Context::Library, KeyCode::Char('c'), KeyModifiers::CONTROL).unwrap(), "Quit");
        assert_eq!(press(Context::Ask, KeyCode::Char('q'), NONE).unwrap(), "Edit(Insert(\"q\"))");
        assert_eq!(press(Context::Explorer, KeyCode::Char('z'), NONE), None);
    }

    #[test]
    fn releases_do_nothing() {
        let mut event = KeyEvent::new(KeyCode::Char('q'), NONE);
        event.kind = KeyEventKind::Release;
        assert!(Keymap::default().action(Context::Library, &event).is_none());
    }

    #[test]
    fn no_key_means_two_things_in_one_place() {
        let map = Keymap::default();
        for (i, a) in map.bindings().iter().enumerate() {
            for b in map.bindings().iter().skip(i + 1).filter(|b| b.context == a.context) {
                let twice = a.chords.iter().find(|c| b.chords.contains(c));
                assert!(twice.is_none(), "{:?} is bound twice", twice.map(Chord::name));
            }
        }
    }
}
