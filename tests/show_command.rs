//! `panelscope show` with the real binary, in a pipe and in a pseudo-terminal that never answers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod alone;

use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use image::{Rgb, RgbImage};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

fn page(dir: &tempfile::TempDir) -> PathBuf {
    let path = dir.path().join("page.png");
    RgbImage::from_fn(300, 420, |x, y| Rgb([(x / 2) as u8, (y / 2) as u8, 99])).save(&path).unwrap();
    path
}

/// What a silent terminal of 80×24 cells receives, and the exit code; fails after 2 minutes.
fn in_terminal(args: &[&str], env: &[(&str, &str)]) -> (String, u32) {
    let size = PtySize { rows: 24, cols: 80, pixel_width: 640, pixel_height: 384 };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_panelscope"));
    command.env_clear();
    for (name, value) in env {
        command.env(name, value);
    }
    command.args(args);
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let output = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // A closed pseudo-terminal ends with an error on Linux; what came before it counts.
        let _ = reader.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let deadline = Instant::now() + Duration::from_secs(120);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            unreachable!("show waits for a terminal that never answers");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    drop(pair.master);
    (output.join().unwrap(), status.exit_code())
}

#[test]
fn a_pipe_gets_one_plain_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = page(&dir);
    let output = alone::program().arg("show").arg(&path).args(["--images", "kitty"]).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let hash = panelscope::page::Page::open(&path).unwrap().hash;
    assert_eq!(text, format!("{}  300×420  {hash}\n", path.display()));
}

#[test]
fn a_bad_page_is_named_and_fails() {
    let dir = tempfile::tempdir().unwrap();
    let good = page(&dir);
    let output = alone::program().arg("show").arg("no/such/page.png").arg(&good).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no/such/page.png"));
    assert!(String::from_utf8_lossy(&output.stdout).contains("page.png"), "the other page is still shown");
    assert_eq!(alone::program().arg("show").output().unwrap().status.code(), Some(2));
}

#[test]
fn every_way_prints_without_asking_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let path = page(&dir);
    let path = path.to_str().unwrap();
    let xterm = [("TERM", "xterm-256color"), ("COLORTERM", "truecolor")];
    for (args, env, mark) in [
        (vec!["show", path], &[("TERM", "xterm-kitty")][..], "\x1b_Ga=T,f=100,q=2,c=33,r=23,"),
        (vec!["show", path], &[("TERM_PROGRAM", "WezTerm")][..], "\x1b]1337;File="),
        (vec!["show", path, "--images", "iterm2"], &xterm[..], "\x1b]1337;File="),
        (vec!["show", path, "--images", "sixel"], &xterm[..], "\x1bP"),
        (vec!["show", path], &xterm[..], "▄"),
        (vec!["show", path, "--images", "none"], &xterm[..], path),
    ] {
        let (text, code) = in_terminal(&args, env);
        assert_eq!(code, 0, "{args:?} {env:?}: {text:.300}");
        assert!(text.contains(mark), "{args:?} {env:?}: {:?}", text.chars().take(120).collect::<String>());
        assert!(text.contains("300×420"), "{args:?}: the line that names the page");
        for query in ["a=q", "\x1b[c", "\x1b[5n", "\x1b[14t", "\x1b[16t"] {
            assert!(!text.contains(query), "{args:?}: asked the terminal {query:?}");
        }
    }
}

#[test]
fn blocks_are_as_wide_as_asked() {
    let dir = tempfile::tempdir().unwrap();
    let path = page(&dir);
    let env = [("TERM", "xterm-256color"), ("COLORTERM", "truecolor")];
    let (text, _) = in_terminal(&["show", path.to_str().unwrap(), "--width", "10"], &env);
    assert!(text.contains("38;2;"), "true colours");
    let first = text.lines().next().unwrap();
    assert_eq!(first.matches('▄').count(), 10);
    assert_eq!(text.lines().filter(|line| line.contains('▄')).count(), 7, "300×420 at 10 columns");
}
