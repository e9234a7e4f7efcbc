//! The explorer end to end: the real program in a pseudo-terminal.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod alone;
mod pty;

use std::fs;
use std::path::Path;
use std::process::Command;

use pty::Pty;
use tempfile::TempDir;

const WIDE: (u16, u16) = (120, 40);

const TURNS: &str = concat!(
    "<think>I need to see the panel up close.</think><tool_call>{\"name\": \"image_zoom_in_tool\", \"arguments\": ",
    "{\"bbox_2d\": [20, 20, 120, 120], \"label\": \"panel 1\"}}</tool_call>\n",
    "<think>The legs are bent, so it is running.</think><answer>running</answer>\n"
);

/// A folder with a script for the engine and an empty sessions folder.
fn desk() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("sessions")).unwrap();
    fs::write(dir.path().join("turns.txt"), TURNS).unwrap();
    dir
}

fn scripted(dir: &Path, delay: &str, size: (u16, u16)) -> Pty {
    Pty::start(&["--images", "blocks", "--scripted", "turns.txt", "--scripted-delay", delay], dir, size, &[])
}

/// The first `a/b` after `token ` in the title line.
fn place(screen: &str) -> Option<(usize, usize)> {
    let (_, rest) = screen.lines().next()?.split_once("token ")?;
    let (a, b) = rest.split_once('/')?;
    let digits: String = b.chars().take_while(char::is_ascii_digit).collect();
    Some((a.trim().parse().ok()?, digits.parse().ok()?))
}

fn at(n: usize) -> impl Fn(&str) -> bool {
    move |screen| place(screen).is_some_and(|(a, _)| a == n)
}

/// Asks the first question of action recognition, the third task, and waits for the end of the session.
fn run_to_end(pty: &mut Pty) -> String {
    pty.wait_for("24 questions");
    pty.send("\t\t\r");
    pty.wait_for("■ ended")
}

#[test]
fn a_question_runs_to_its_answer_is_scrubbed_resized_and_left() {
    let dir = desk();
    let mut pty = scripted(dir.path(), "0", WIDE);
    let end = run_to_end(&mut pty);
    for part in
        ["Page", "zoom 1", "▲ [", "coverage", "⟨The legs are bent", "answer", "Zoom 1 of 1", "Token ", "entropy"]
    {
        assert!(end.contains(part), "{part}:\n{end}");
    }
    let verdict = if end.contains("✓ right") { "✓" } else { "✗" };

    pty.send("\x1b[D");
    let (n, all) = place(&pty.wait_for("◀ token")).unwrap();
    assert_eq!(n + 1, all);
    pty.send("h");
    pty.wait("two tokens back", at(all - 2));
    pty.send("[");
    pty.wait("a segment back", |s| place(s).is_some_and(|(a, _)| a < all - 2));
    pty.send("g");
    pty.wait("the start", |s| at(0)(s) && s.contains("no zoom yet"));
    pty.send("l");
    pty.wait("the first token", at(1));
    pty.send("G");
    pty.wait_for("■ ended");

    pty.resize(60, 20);
    let small = pty.wait("sixty columns", |s| s.contains("■ ended") && s.contains("Token") && s.lines().count() <= 20);
    assert!(small.contains("Reasoning") && small.contains("Page"), "{small}");
    pty.resize(20, 5);
    pty.wait("twenty columns", |s| s.lines().all(|l| l.chars().count() <= 20) && s.contains("■ ended"));
    pty.resize(1, 1);
    pty.resize(120, 40);
    pty.wait("the wide screen again", |s| s.contains("Zoom 1 of 1") && s.contains("■ ended"));

    pty.send("?");
    pty.wait_for("run or pause");
    pty.send("\x1b");
    pty.wait("help closed", |s| !s.contains("run or pause;"));
    pty.send("x");
    pty.wait_for("T target");

    pty.send("q");
    let list = pty.wait_for(" · 1 recorded");
    assert!(list.contains("of 1 asked") && list.contains(verdict), "{list}");
    pty.send("q");
    let (code, _) = pty.end();
    assert_eq!(code, 0);
}

#[test]
fn pause_steps_and_running_on() {
    let dir = desk();
    let mut pty = scripted(dir.path(), "60", WIDE);
    pty.wait_for("24 questions");
    pty.send("\r");
    pty.wait("tokens", |s| s.contains("▶") && s.contains("think"));
    pty.send(" ");
    let paused = pty.wait_for("paused · token");
    let (n, _) = place(&paused).unwrap();
    pty.send("t");
    pty.wait("one token more", at(n + 1));
    pty.send("t");
    pty.wait("another", at(n + 2));
    pty.send("n");
    pty.wait("the end of the thought", |s| s.contains("paused") && s.contains("close.⟩"));
    pty.send("N");
    pty.wait("the crop", |s| s.contains("paused") && s.contains("Zoom 1 of 1 · panel 1"));
    pty.send(" ");
    pty.wait_for("■ ended");
    pty.send("\x03");
    assert_eq!(pty.end().0, 0);
}

#[test]
fn a_recorded_session_replays_without_a_model() {
    let dir = desk();
    let mut pty = scripted(dir.path(), "10", WIDE);
    run_to_end(&mut pty);
    pty.send("q");
    pty.wait_for(" · 1 recorded");
    pty.send("q");
    assert_eq!(pty.end().0, 0);

    let mut pty = Pty::start(&["replay", "--images", "blocks"], dir.path(), WIDE, &[]);
    pty.wait_for("replay · ");
    pty.send("+");
    pty.wait("the end", |s| s.contains("■ ended") && s.contains("Zoom 1 of 1"));
    pty.send("g");
    pty.wait("the start", at(0));
    pty.send("--");
    pty.send("t");
    pty.wait("one token", at(1));
    pty.send(" ");
    pty.wait_for("▶ ×1/2");
    pty.send("G");
    let end = pty.wait_for("■ ended");
    assert!(end.contains("coverage") && end.contains("answer"), "{end}");
    pty.send("q");
    assert_eq!(pty.end().0, 0);
}

#[test]
fn the_library_opens_a_recording_too() {
    let dir = desk();
    let mut pty = scripted(dir.path(), "0", WIDE);
    run_to_end(&mut pty);
    pty.send("q");
    pty.wait_for(" · 1 recorded");
    pty.send("G\r");
    pty.wait_for("replay · ");
    pty.send("q");
    pty.wait_for(" · 1 recorded");
    pty.send("q");
    assert_eq!(pty.end().0, 0);
}

#[test]
fn an_own_page_is_asked_a_typed_question() {
    let dir = desk();
    image::RgbImage::from_pixel(200, 300, image::Rgb([200, 210, 220])).save(dir.path().join("my page.png")).unwrap();
    let args = ["my page.png", "--images", "blocks", "--scripted", "turns.txt", "--no-record"];
    let mut pty = Pty::start(&args, dir.path(), WIDE, &[]);
    pty.wait_for("ask about a page");
    pty.send("What is it doing? | running | sleeping");
    pty.wait_for("sleeping");
    pty.send("\r");
    let end = pty.wait_for("■ ended");
    assert!(end.contains("What is it doing?") && end.contains("own question") && end.contains("B  sleeping"), "{end}");
    pty.send("q");
    pty.wait_for("ask about a page");
    pty.send("\x1b");
    assert_eq!(pty.end().0, 0);
    let logs = walk(&dir.path().join("sessions"));
    assert!(logs.is_empty(), "nothing is recorded with --no-record: {logs:?}");
}

fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir).unwrap().flatten();
    entries.flat_map(|e| if e.path().is_dir() { walk(&e.path()) } else { vec![e.path()] }).collect()
}

#[test]
fn an_idle_screen_writes_nothing() {
    let dir = desk();
    let mut pty = scripted(dir.path(), "0", WIDE);
    run_to_end(&mut pty);
    pty.send("x");
    pty.wait_for("T target");
    // The picture of the page with its target is the last thing to come; then there is silence.
    let mut quiet = pty.bytes();
    for _ in 0..50 {
        std::thread::sleep(std::time::Duration::from_millis(400));
        let now = pty.bytes();
        if now == quiet {
            pty.send("q");
            pty.wait_for("24 questions");
            pty.send("q");
            assert_eq!(pty.end().0, 0);
            return;
        }
        quiet = now;
    }
    panic!("the screen is never quiet");
}

#[test]
fn a_signal_gives_the_terminal_back() {
    for signal in ["TERM", "HUP", "INT"] {
        let dir = desk();
        let mut pty = scripted(dir.path(), "50", WIDE);
        pty.wait_for("24 questions");
        pty.send("\r");
        pty.wait_for("think");
        let killed = Command::new("kill").args([format!("-{signal}"), pty.pid().to_string()]).status().unwrap();
        assert!(killed.success());
        assert_eq!(pty.end().0, 130, "{signal}");
    }
}

#[test]
#[cfg(debug_assertions)]
fn a_panic_gives_the_terminal_back_and_says_what_happened() {
    let dir = desk();
    let mut pty = Pty::start(&["--images", "blocks"], dir.path(), WIDE, &[("PANELSCOPE_PANIC_KEY", "Z")]);
    pty.wait_for("24 questions");
    pty.send("Z");
    let (code, left) = pty.end();
    assert_eq!(code, 101);
    assert!(left.contains("a panic that a test asked for"), "{left}");
}

#[test]
fn a_terminal_that_does_not_answer_is_drawn_on_all_the_same() {
    let dir = desk();
    for (mode, env) in [("auto", ("NO_COLOR", "1")), ("none", ("COLORTERM", "")), ("kitty", ("TERM", "xterm-kitty"))] {
        let mut pty =
            Pty::start(&["--images", mode, "--scripted", "turns.txt", "--theme", "light"], dir.path(), WIDE, &[env]);
        let end = run_to_end(&mut pty);
        assert!(end.contains("zoom 1"), "{mode}: {end}");
        pty.send("q");
        pty.wait_for("24 questions");
        pty.send("q");
        assert_eq!(pty.end().0, 0, "{mode}");
    }
}

#[test]
fn the_demo_model_itself_answers() {
    let dir = desk();
    let mut pty = Pty::start(&["--images", "blocks"], dir.path(), WIDE, &[]);
    let end = run_to_end(&mut pty);
    assert!(end.contains("demo-rarl") && end.contains("think"), "{end}");
    pty.send("q");
    pty.wait_for("24 questions");
    pty.send("q");
    assert_eq!(pty.end().0, 0);
}

#[test]
fn without_a_terminal_there_are_plain_lines() {
    let output = alone::program().output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.lines().count() == 168 && !text.contains('\u{1b}'), "{text}");
    let output = alone::program().arg("page.png").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_page_or_recording_that_is_not_there_is_said_before_the_screen_is_taken() {
    let dir = desk();
    for (args, code) in [(vec!["nothing.png"], 2), (vec!["replay", "nothing"], 1), (vec!["--scripted", "nothing"], 2)] {
        let pty = Pty::start(&args, dir.path(), WIDE, &[]);
        let (status, left) = pty.end();
        assert_eq!(status, code, "{args:?}: {left}");
        assert!(left.contains("error: ") && left.contains("nothing"), "{args:?}: {left}");
    }
}

#[test]
fn pages_that_are_none_are_said_before_the_screen_is_taken() {
    let dir = desk();
    let drawn = |format: image::ImageFormat| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let pixels = image::RgbImage::from_fn(200, 300, |x, y| image::Rgb([(x * y) as u8, x as u8, y as u8]));
        pixels.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    let good = drawn(image::ImageFormat::Png);
    // A header that names twenty thousand pixels a side; that of a BMP has no checksum.
    let mut huge = drawn(image::ImageFormat::Bmp);
    huge[18..26].copy_from_slice(&[0x20, 0x4e, 0, 0, 0x20, 0x4e, 0, 0]);
    fs::write(dir.path().join("empty.png"), "").unwrap();
    fs::write(dir.path().join("huge.png"), huge).unwrap();
    fs::write(dir.path().join("good.png"), &good).unwrap();
    fs::write(dir.path().join("half.png"), &good[..good.len() / 2]).unwrap();
    fs::write(dir.path().join("comic.cbr"), "Rar!").unwrap();
    fs::create_dir(dir.path().join("comic")).unwrap();
    fs::copy(dir.path().join("good.png"), dir.path().join("comic/page 1.png")).unwrap();
    for (args, part) in [
        (&["good.png", "empty.png"][..], "empty.png: not a PNG"),
        (&["huge.png"], "the image is 20000"),
        (&["comic.cbr"], "pack the images as .cbz"),
        (&["good.png", "comic"], "--bench comic"),
    ] {
        let (status, left) = Pty::start(args, dir.path(), (80, 24), &[]).end();
        assert!(status == 2 && left.contains(part) && !left.contains("ask about a page"), "{args:?}: {left}");
    }
    // Damage deeper in a file is seen where its page would be, on a usual terminal, too.
    let args = ["half.png", "--images", "blocks", "--scripted", "turns.txt"];
    let mut pty = Pty::start(&args, dir.path(), (80, 24), &[]);
    pty.wait_for("the image is damaged");
    pty.send("\x1b");
    assert_eq!(pty.end().0, 0);
    let mut pty = Pty::start(&["comic", "--scripted", "turns.txt"], dir.path(), (80, 24), &[]);
    pty.wait_for("page 1.png");
    pty.send("q");
    assert_eq!(pty.end().0, 0);
}

#[test]
fn a_model_or_device_that_is_not_there_is_said_before_the_screen_is_taken() {
    let dir = desk();
    for (args, wanted) in [(["--model", "no/such/folder"], "no/such/folder"), (["--device", "metal"], "metal")] {
        if cfg!(feature = "metal") && wanted == "metal" {
            continue;
        }
        let pty = Pty::start(&[args.as_slice(), &["--images", "blocks"]].concat(), dir.path(), WIDE, &[]);
        let raw = pty.over();
        assert!(raw.contains("error: cannot load the model: ") && raw.contains(wanted), "{raw}");
        assert!(!raw.contains("\x1b[?1049h"), "no screen was opened");
        assert_eq!(pty.end().0, 1);
    }
}

#[test]
fn a_terminal_that_answers_too_late_types_nothing_and_is_given_back() {
    let dir = desk();
    // It is asked for its ways, and does not answer in time.
    let mut pty = Pty::start(&["--scripted", "turns.txt"], dir.path(), WIDE, &[]);
    pty.wait_for("24 questions");
    pty.send("\x1b]11;rgb:1111/2222/3333\x1b\\\x1b_Gi=31;OK\x1b\\\x1b[?62;4c");
    pty.send("?");
    pty.wait_for("open the question or session");
    assert!(!pty.screen().contains("rgb"), "{}", pty.screen());
    pty.send("?");
    pty.wait("help closed", |s| !s.contains("open the question or session"));
    pty.send("q");
    assert_eq!(pty.end().0, 0);
}

#[test]
fn the_screen_of_a_recording_is_a_picture() {
    let dir = desk();
    let mut pty = scripted(dir.path(), "0", WIDE);
    run_to_end(&mut pty);
    pty.send("q");
    pty.wait_for(" · 1 recorded");
    pty.send("q");
    assert_eq!(pty.end().0, 0);
    let svg = |args: &[&str]| {
        let mut command = alone::program();
        let output = command.arg("replay").args(args).current_dir(dir.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let end = svg(&["--svg", "120x40"]);
    assert!(end.starts_with("<svg") && end.contains("Reasoning") && end.contains("coverage"), "{end}");
    assert_eq!(end.matches("<image ").count(), 3, "page, its boxes, and the crop");
    let start = svg(&["--svg", "100x30@3", "--images", "blocks", "--theme", "light"]);
    assert!(!start.contains("<image ") && !start.contains("coverage") && start.matches("<rect").count() > 100);
}

#[test]
fn a_run_is_followed_and_its_sessions_open() {
    let dir = desk();
    let run = |limit: &str, out: &str| {
        let args = ["run", "--bench", "synth:3", "--task", "depth-comparison", "--limit", limit, "--out", out];
        alone::program().args(args).current_dir(dir.path()).output().unwrap()
    };
    // A run that was stopped after its first two sessions: the same plan, the other logs taken away.
    assert!(run("6", "whole").status.success());
    let whole = dir.path().join("whole");
    let summaries = fs::read_to_string(whole.join("summary.jsonl")).unwrap();
    let first: String = summaries.lines().take(2).map(|l| format!("{l}\n")).collect();
    fs::write(whole.join("summary.jsonl"), first).unwrap();

    let mut pty = Pty::start(&["explore", "--run", "whole", "--images", "blocks"], dir.path(), WIDE, &[]);
    let list = pty.wait_for("2 of 6 sessions");
    assert!(list.contains("depth-comparison · depth · 6 questions"), "{list}");
    pty.wait_for("2 of 2 right");
    pty.send("G\r");
    pty.wait_for("the run has not come to this question yet");
    // It goes on.
    fs::write(whole.join("summary.jsonl"), summaries).unwrap();
    pty.wait_for("6 of 6 sessions");
    pty.send("\r");
    pty.wait("the recorded session", |s| s.contains("Reasoning") && s.contains("token"));
    pty.send("q");
    pty.wait_for("6 of 6 sessions");
    pty.send("v");
    pty.wait_for("only right (6)");
    pty.send("q");
    assert_eq!(pty.end().0, 0);
}
