//! The debugger end to end: the real program and the demo's model in a pseudo-terminal.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod pty;

use std::fs;
use std::path::{Path, PathBuf};

use pty::Pty;
use tempfile::TempDir;

const WIDE: (u16, u16) = (130, 42);

fn desk() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("sessions")).unwrap();
    dir
}

fn start(dir: &Path, more: &[&str], env: &[(&str, &str)]) -> Pty {
    let mut args = vec!["--images", "blocks"];
    args.extend(more);
    Pty::start(&args, dir, WIDE, env)
}

/// The lines of every log in the sessions folder, a log each.
fn logs(dir: &Path) -> Vec<Vec<serde_json::Value>> {
    let mut found: Vec<PathBuf> = Vec::new();
    let mut folders = vec![dir.join("sessions")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".jsonl.zst") || (name.ends_with(".jsonl") && !name.starts_with("summary")) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
        .iter()
        .map(|path| {
            let log = panelscope::session::read_log(path).unwrap();
            assert!(log.problems.list.is_empty(), "{path:?}");
            let line = |record| serde_json::from_str(&panelscope::session::encode_line(record)).unwrap();
            log.records.iter().map(line).collect()
        })
        .collect()
}

fn of_kind<'a>(log: &'a [serde_json::Value], kind: &str) -> Vec<&'a serde_json::Value> {
    log.iter().filter(|body| body["type"] == kind).map(|body| &body["data"]).collect()
}

#[test]
fn break_on_the_first_zoom_step_edit_the_box_fork_and_compare() {
    let dir = desk();
    let mut pty = start(dir.path(), &["--break", "zoom"], &[]);
    pty.wait_for("questions");
    pty.send("\r");
    let broke = pty.wait_for("break zoom · zoom 1 [");
    assert!(broke.contains("its crop comes next"), "the crop is not in the context yet:\n{broke}");
    pty.send("t");
    pty.wait("one token on", |s| s.contains("paused") || s.contains("Zoom 1 of 1"));
    pty.send("e");
    pty.wait_for("the box of zoom 1");
    pty.send("\x1b[B\x1b[B\r");
    pty.wait_for("true region");
    pty.send("x");
    pty.wait_for("coverage 1.00");
    pty.send("\r");
    let end = pty.wait("the fork's end", |s| s.contains("⑂ zoom 1: box →") && s.contains("■ ended"));
    assert!(end.contains("(exact)"), "{end}");
    pty.send("c");
    let sides = pty.wait("both sides", |s| s.contains("on screen ·") && s.contains("≠"));
    assert!(sides.contains("exact, logits moved 0.0e0") && sides.contains("no fork"), "{sides}");
    pty.send("\x1b");
    pty.wait("the explorer again", |s| s.contains("Reasoning"));
    pty.send("F");
    let family = pty.wait("the family with its verdicts", |s| s.contains("Forks") && s.contains("└ ⑂ zoom 1: box"));
    assert!(family.contains("no answer"), "the parent was stopped at the break:\n{family}");
    // Esc and a letter at once would be Alt and the letter.
    pty.send("\x1b");
    pty.wait("the family closed", |s| !s.contains("└ ⑂"));
    pty.send("q");
    pty.wait_for("recorded");
    pty.send("q");
    assert_eq!(pty.end().0, 0);

    let logs = logs(dir.path());
    assert_eq!(logs.len(), 2);
    let (fork, parent) =
        if logs[0][0]["data"]["parent"].is_object() { (&logs[0], &logs[1]) } else { (&logs[1], &logs[0]) };
    assert_eq!(of_kind(parent, "break")[0]["breakpoint"], "zoom");
    assert_eq!(of_kind(parent, "session_end")[0]["reason"], "stopped");
    let said = &fork[0]["data"]["parent"];
    assert_eq!(said["session"], parent[0]["data"]["id"]);
    assert_eq!((said["change"]["kind"].as_str(), said["change"]["zoom"].as_u64()), (Some("box"), Some(1)));
    assert_eq!(of_kind(fork, "fork")[0]["exact"], true);
    assert_eq!(of_kind(fork, "session_end")[0]["reason"], "answered");
    assert_eq!(of_kind(fork, "image").len(), 2, "page and crop: it can be read alone");
}

#[test]
fn another_token_and_a_search_and_a_copy() {
    let dir = desk();
    let mut pty = start(dir.path(), &[], &[]);
    pty.wait_for("questions");
    pty.send("\r");
    pty.wait_for("■ ended");
    pty.send("/panel\r");
    pty.wait_for("found · ; next");
    pty.send("e\r");
    pty.wait_for("what else");
    pty.send("\r");
    pty.wait("a fork", |s| s.contains("⑂ token ") && s.contains("→") && s.contains("■ ended"));
    pty.send("y");
    pty.wait_for("the session's id");
    pty.send("\r");
    pty.wait_for("copied ");
    assert!(pty.raw().contains("\u{1b}]52;c;"));
    pty.send("qq");
    assert_eq!(pty.end().0, 0);
    let forks: Vec<_> = logs(dir.path()).into_iter().filter(|log| log[0]["data"]["parent"].is_object()).collect();
    let forced = of_kind(&forks[0], "tokens").into_iter().find(|tokens| tokens["by"] == "forced").unwrap();
    assert_eq!(forced["start"], forks[0][0]["data"]["parent"]["position"]);
}

#[test]
fn a_recording_can_be_forked_where_its_page_is_kept() {
    let dir = desk();
    let mut pty = start(dir.path(), &[], &[]);
    pty.wait_for("questions");
    pty.send("\r");
    pty.wait_for("■ ended");
    pty.send("qq");
    pty.end();
    let mut pty = Pty::start(&["replay", "--images", "blocks"], dir.path(), WIDE, &[]);
    pty.wait_for("replay ·");
    pty.send("G");
    pty.wait_for("■ ended");
    pty.send("e\x1b[B\x1b[B\x1b[B\r");
    pty.wait_for("the true region");
    pty.send("\x1b[B\r");
    let fork = pty.wait("a recomputed fork", |s| s.contains("⑂ zoom 1: crop → blank") && s.contains("■ ended"));
    assert!(fork.contains("(recomputed)"), "{fork}");
    pty.send("q");
    assert_eq!(pty.end().0, 0);
}

#[test]
fn a_killed_program_loses_no_finished_fork() {
    let dir = desk();
    let mut pty = start(dir.path(), &[], &[]);
    pty.wait_for("questions");
    pty.send("\r");
    pty.wait_for("■ ended");
    pty.send("g");
    pty.wait_for("◀ token");
    pty.send("l");
    pty.send("f");
    pty.wait("the fork's end", |s| s.contains("⑂ once more") && s.contains("■ ended"));
    // What ended is on disk within the recorder's quarter of a second.
    std::thread::sleep(std::time::Duration::from_millis(600));
    let killed = std::process::Command::new("kill").args(["-9", &pty.pid().to_string()]).status().unwrap();
    assert!(killed.success());
    drop(pty);
    let logs = logs(dir.path());
    let fork = logs.iter().find(|log| log[0]["data"]["parent"].is_object()).unwrap();
    assert_eq!(of_kind(fork, "session_end").len(), 1);
}

#[test]
fn five_hundred_sizes_while_it_runs() {
    let dir = desk();
    let turns = format!("<think>{}</think><answer>x</answer>\n", "words and words ".repeat(120));
    fs::write(dir.path().join("turns.txt"), turns).unwrap();
    let mut pty = start(dir.path(), &["--scripted", "turns.txt", "--scripted-delay", "2"], &[]);
    pty.wait_for("questions");
    pty.send("\r");
    pty.wait_for("words");
    let mut random = 0x2545_f491_4f6c_dd1du64;
    let mut next = |most: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        u16::try_from(random % most + 1).unwrap()
    };
    for i in 0..500 {
        pty.resize(next(220), next(70));
        if i % 50 == 7 {
            pty.send("e");
            pty.send("q");
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    pty.resize(WIDE.0, WIDE.1);
    pty.send("G");
    pty.wait("a whole screen after the storm", |s| {
        s.contains("Reasoning") && s.contains("entropy") && s.contains("■ ended")
    });
    pty.send("qq");
    assert_eq!(pty.end().0, 0);
}

/// Escape sequences, bidirectional marks, zero-width joiners and ten thousand combining marks.
fn hostile() -> String {
    let marks = "\u{0301}".repeat(10_000);
    format!(
        "\u{1b}]52;c;aGFjaw==\u{7}\u{1b}[2J\u{9b}31m\u{202e}dlrow\u{2066}\u{200b}\u{200d}\u{feff}a{marks}\u{7f}\u{85}"
    )
}

#[test]
fn hostile_text_stays_text_wherever_it_comes_from() {
    let dir = desk();
    let evil = hostile();
    // What the model writes.
    let turns = format!("<think>{0}</think><answer>{0}</answer>", evil.replace('\u{85}', ""));
    fs::write(dir.path().join("turns.txt"), turns).unwrap();
    // The page's path.
    let page = dir.path().join("pa\u{1b}]0;title\u{7}ge\u{202e}.png");
    image::RgbImage::from_pixel(300, 200, image::Rgb([200, 180, 90]))
        .save_with_format(&page, image::ImageFormat::Png)
        .unwrap();
    let path = page.to_str().unwrap().to_owned();
    let mut pty = start(dir.path(), &["--scripted", "turns.txt", &path], &[]);
    pty.wait_for("Question");
    // The question, pasted: a bracketed paste may hold anything but its own end.
    pty.send(&format!("\x1b[200~{}\x1b[201~ who? | a | b\r", evil.replace('\u{1b}', "␛")));
    pty.wait("the end", |s| s.contains("■ ended"));
    pty.send("y");
    pty.wait_for("Copy");
    pty.send("\x1b");
    pty.wait("the list closed", |s| !s.contains("╭ Copy"));
    pty.send("q");
    pty.wait_for("Pages");
    pty.send("\x1b");
    let raw = pty.over();
    for sequence in
        ["\u{1b}]52", "\u{1b}[2J\u{9b}", "\u{9b}", "\u{202e}", "\u{2066}", "\u{feff}", "]0;title\u{7}", "aGFjaw==\u{7}"]
    {
        assert!(!raw.contains(sequence), "{sequence:?} reached the terminal");
    }
    let longest = raw.split(|c: char| c != '\u{0301}').map(|run| run.chars().count()).max().unwrap();
    assert!(longest <= 16, "{longest} marks on one character");

    // And from the file it was recorded in.
    let mut pty = Pty::start(&["replay", "--images", "blocks"], dir.path(), WIDE, &[]);
    pty.wait_for("replay ·");
    pty.send("GF");
    pty.wait_for("Forks");
    pty.send("\x1b");
    pty.wait("the family closed", |s| !s.contains("╭ Forks"));
    pty.send("q");
    let raw = pty.over();
    for sequence in ["\u{1b}]52", "\u{9b}", "\u{202e}", "\u{2066}", "\u{feff}"] {
        assert!(!raw.contains(sequence), "{sequence:?} reached the terminal");
    }
}

#[test]
fn theme_keys_and_breakpoints_come_from_a_config() {
    let dir = desk();
    let config = "theme = 'newsprint'\nbreakpoints = ['close:think']\n[keys.explorer]\ntoggle_run = ['R']\n";
    fs::write(dir.path().join("config.toml"), config).unwrap();
    let mut pty = start(dir.path(), &["--config-file", "config.toml"], &[]);
    pty.wait_for("questions");
    pty.send("\r");
    let broke = pty.wait_for("break close:think · Think closes");
    assert!(broke.contains("R run/pause"), "{broke}");
    pty.send("R");
    pty.wait("the next thought or the end", |s| s.contains("break close:think") || s.contains("■ ended"));
    pty.send("qq");
    assert_eq!(pty.end().0, 0);
}

#[test]
fn the_shipped_fork_is_put_beside_its_parent() {
    let dir = desk();
    let sessions = concat!(env!("CARGO_MANIFEST_DIR"), "/sessions");
    let args = ["--sessions", sessions, "replay", "20261123-025025-0680be", "--images", "blocks"];
    let mut pty = Pty::start(&args, dir.path(), WIDE, &[]);
    pty.wait_for("⑂ zoom 1: box →");
    pty.send("G");
    pty.wait_for("■ ended ✓ right");
    pty.send("c");
    let sides = pty.wait_for("other · ✗ wrong");
    assert!(sides.contains("on screen · ✓ right") && sides.contains("≠"), "{sides}");
    pty.send("q");
    pty.wait_for("Reasoning");
    pty.send("q");
    assert_eq!(pty.end().0, 0);
}
