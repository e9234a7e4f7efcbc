use super::*;

const NONE: KeyModifiers = KeyModifiers::NONE;

fn press(context: Context, code: KeyCode, modifiers: KeyModifiers) -> Option<String> {
    Keymap::default().action(context, &KeyEvent::new(code, modifiers)).map(|a| format!("{a:?}"))
}

fn changed(toml: &str) -> (Keymap, Vec<String>) {
    Keymap::with(&toml::from_str(toml).unwrap())
}

fn keys(map: &Keymap, context: Context, name: &str) -> String {
    let binding = map.bindings().iter().find(|b| b.context == context && b.name == name).unwrap();
    binding.chords.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
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
    assert_eq!(press(Context::Explorer, KeyCode::Char('Q'), NONE), None);
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

#[test]
fn the_embedded_keys_and_the_actions_fit() {
    let usual: KeyTable = toml::from_str(include_str!("../../../assets/keys.toml")).unwrap();
    // As if a person had written all of it: nothing is unknown, unreadable or bound twice.
    assert_eq!(Keymap::with(&usual).1, Vec::<String>::new());
    for (i, row) in ROWS.iter().enumerate() {
        assert!(usual[row.context.name()].contains_key(row.name), "{} has no line in assets/keys.toml", row.name);
        let twin = ROWS.iter().skip(i + 1).find(|r| r.context == row.context && r.name == row.name);
        assert!(twin.is_none(), "{} is there twice", row.name);
        assert!(row.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", row.name);
    }
}

#[test]
fn a_persons_keys_replace_the_usual_ones() {
    let (map, told) = changed("[explorer]\nstep_token = ['s', 'f2']\ntoggle_target = []\nstep_turn = ['x']");
    assert_eq!(told, Vec::<String>::new());
    assert_eq!(keys(&map, Context::Explorer, "step_token"), "s f2");
    assert_eq!(keys(&map, Context::Explorer, "toggle_target"), "");
    assert_eq!(keys(&map, Context::Explorer, "step_turn"), "x", "the key that was given up");
    assert_eq!(keys(&map, Context::Library, "filter_task"), "t", "other contexts are left alone");
}

#[test]
fn what_cannot_hold_is_told_and_the_usual_keys_stay() {
    let (map, told) =
        changed("[explorer]\nstep_token = ['x']\nstep_segmnt = ['m']\nback = ['hyper-q']\n[libary]\nup = []");
    assert_eq!(
        told,
        [
            "[keys.explorer] has no action step_segmnt; did you mean step_segment?",
            "there is no [keys.libary]; did you mean library?",
            "[keys.explorer] back: \"hyper-q\" is not a key; keys are characters or names such as space, enter, pageup, \
             shift-left, ctrl-w; the usual keys hold",
            "[keys.explorer] step_token: \"x\" already does toggle_target; the usual keys hold",
        ]
    );
    assert_eq!(keys(&map, Context::Explorer, "step_token"), "t");
    assert_eq!(keys(&map, Context::Explorer, "toggle_target"), "x");
    assert_eq!(keys(&map, Context::Explorer, "back"), "q esc");
}

#[test]
fn changes_that_fight_each_other_end_with_the_usual_keys() {
    let (map, told) = changed("[explorer]\nstep_token = ['n']\nstep_segment = ['t']\nstep_turn = ['t']");
    assert!(!told.is_empty());
    let mut all: Vec<String> = Vec::new();
    for binding in map.bindings().iter().filter(|b| b.context == Context::Explorer) {
        all.extend(binding.chords.iter().map(ToString::to_string));
    }
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count, "{told:?}");
}

#[test]
fn ctrl_c_cannot_be_taken() {
    let (map, told) = changed("[library]\nopen = ['ctrl-c']");
    assert!(told[0].contains("ctrl-c always leaves"), "{told:?}");
    assert_eq!(keys(&map, Context::Library, "open"), "enter");
}

#[test]
fn hints_say_what_the_keys_are() {
    let (map, _) = changed("[explorer]\nscrub_prev_token = ['ü']\nscrub_next_token = ['Ü']\nstep_token = ['.']");
    let hint = |name| map.hint_keys(map.bindings().iter().find(|b| b.name == name).unwrap());
    assert_eq!(hint("scrub_prev_token"), "üÜ");
    assert_eq!(hint("step_token"), ".");
    let library = map.bindings().iter().find(|b| b.context == Context::Library && b.name == "down").unwrap();
    assert_eq!(map.hint_keys(library), "↑↓");
    let ask = map.bindings().iter().find(|b| b.context == Context::Ask && b.name == "down").unwrap();
    assert_eq!(map.hint_keys(ask), "Tab");
}
