//! kitty graphics end to end: the real program, byte for byte, in a pseudo-terminal that shows no pictures.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod pty;

use std::fs;

use pty::Pty;
use tempfile::TempDir;

const TURNS: &str = concat!(
    "<think>Closer.</think><tool_call>{\"name\": \"image_zoom_in_tool\", \"arguments\": ",
    "{\"bbox_2d\": [20, 20, 120, 120], \"label\": \"panel 1\"}}</tool_call>\n",
    "<think>It runs.</think><answer>running</answer>\n"
);

fn desk() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("sessions")).unwrap();
    fs::write(dir.path().join("turns.txt"), TURNS).unwrap();
    dir
}

/// Ids in the graphics commands that contain `part`, in order.
fn ids(raw: &str, part: &str) -> Vec<String> {
    let commands = raw.split("\x1b_G").skip(1).filter_map(|c| c.split("\x1b\\").next());
    let with = commands.map(|c| c.split(';').next().unwrap_or_default()).filter(|head| head.contains(part));
    with.filter_map(|head| head.split(',').find_map(|k| k.strip_prefix("i="))).map(str::to_owned).collect()
}

#[test]
fn a_page_is_sent_once_while_it_is_moved_and_freed_at_the_end() {
    let dir = desk();
    let args = ["--images", "kitty", "--scripted", "turns.txt", "--scripted-delay", "0"];
    let mut pty = Pty::start(&args, dir.path(), (120, 40), &[]);
    pty.wait_for("24 questions");
    pty.send("\t\t\r");
    pty.wait_for("■ ended");
    pty.wait("the crop's place", |s| s.contains("Zoom 1 of 1"));
    pty.send("ii");
    pty.wait_for("×1.6");
    // Pictures placed with a source rectangle are pages and crops, the others are lines of boxes.
    let pages = |raw: &str| {
        let placed = ids(raw, "p=1,x=");
        ids(raw, "a=t,").into_iter().filter(|id| placed.contains(id)).count()
    };
    let before = pages(&pty.raw());
    assert!((1..=3).contains(&before), "{before}");
    for key in ["H", "J", "L", "K"].into_iter().cycle().take(40) {
        pty.send(key);
    }
    pty.send("i");
    pty.wait_for("×2.0");
    pty.send("0");
    pty.wait("the whole page", |s| !s.contains("×2.0"));
    let raw = pty.raw();
    assert_eq!(pages(&raw), before, "moving sends no page");
    assert!(raw.contains("\x1b[?2026h") && ids(&raw, "a=p,").len() > 2);
    pty.send("q");
    pty.wait_for("24 questions");
    pty.send("q");
    let raw = pty.over();
    let freed = ids(&raw[..raw.rfind("\x1b[?1049l").unwrap()], "a=d,d=I");
    assert!(ids(&raw, "a=t,").iter().all(|id| freed.contains(id)));
    assert_eq!(pty.end().0, 0);
}

#[test]
fn pictures_are_freed_on_a_signal_and_on_a_panic() {
    for how in ["signal", "panic"] {
        let dir = desk();
        let args = ["--images", "kitty", "--scripted", "turns.txt", "--scripted-delay", "0"];
        let mut pty = Pty::start(&args, dir.path(), (120, 40), &[("PANELSCOPE_PANIC_KEY", "Z")]);
        pty.wait_for("24 questions");
        pty.send("\t\t\r");
        pty.wait_for("■ ended");
        if how == "panic" {
            if !cfg!(debug_assertions) {
                return;
            }
            pty.send("Z");
        } else {
            let pid = pty.pid().to_string();
            assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        }
        let raw = pty.over();
        let sent = ids(&raw, "a=t,");
        let at = raw.rfind("\x1b[?1049l").unwrap();
        let freed = ids(&raw[..at], "a=d,d=I");
        assert!(!sent.is_empty() && sent.iter().all(|id| freed.contains(id)), "{how}: {sent:?} {freed:?}");
    }
}
