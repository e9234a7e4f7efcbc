//! Configuration, themes, keys, mouse, completions and man pages with the real program.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod alone;
mod pty;

use std::fs;
use std::path::Path;
use std::process::Output;

use pty::Pty;

const SIZE: (u16, u16) = (110, 34);

/// Runs the program in a folder whose configuration is the one in it.
fn panelscope(dir: &Path, args: &[&str]) -> Output {
    let mut command = alone::program();
    command.args(args).current_dir(dir).env("XDG_CONFIG_HOME", dir.join("config")).env_remove("PANELSCOPE_CONFIG");
    command.output().unwrap()
}

fn text(output: &Output) -> (i32, String, String) {
    let utf8 = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), utf8(&output.stdout), utf8(&output.stderr))
}

/// A folder with a configuration.
fn desk(config: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("config/panelscope/themes")).unwrap();
    fs::write(dir.path().join("config/panelscope/config.toml"), config).unwrap();
    dir
}

#[test]
fn a_wrong_key_is_named_with_its_place_and_the_nearest_right_one() {
    let dir = desk("mouse = true\nthemes = \"noir\"\n");
    let (code, out, err) = text(&panelscope(dir.path(), &["sessions", "list"]));
    assert_eq!((code, out.as_str()), (2, ""));
    let place = "config/panelscope/config.toml:2:1: unknown field `themes`";
    assert!(err.contains(place) && err.trim_end().ends_with("did you mean `theme`?"), "{err}");
    // What helps to mend it works all the same.
    assert_eq!(panelscope(dir.path(), &["config", "path"]).status.code(), Some(0));
    assert_eq!(panelscope(dir.path(), &["config", "show"]).status.code(), Some(2));
}

#[test]
fn a_configuration_is_named_by_flag_before_variable_before_place() {
    let dir = desk("sessions = \"usual\"\n");
    fs::write(dir.path().join("flag.toml"), "sessions = \"flag\"\n").unwrap();
    fs::write(dir.path().join("variable.toml"), "sessions = \"variable\"\n").unwrap();
    let show = |args: &[&str], variable: &str| {
        let mut command = alone::program();
        command.args(args).args(["config", "show"]).current_dir(dir.path());
        command.env("XDG_CONFIG_HOME", dir.path().join("config")).env("PANELSCOPE_CONFIG", variable);
        text(&command.output().unwrap())
    };
    let usual = show(&[], "");
    assert!(usual.0 == 0 && usual.1.contains("config/panelscope/usual"), "{usual:?}");
    assert!(show(&[], "variable.toml").1.contains("sessions = \"variable\""));
    assert!(show(&["--config-file", "flag.toml"], "variable.toml").1.contains("sessions = \"flag\""));
    let (code, _, err) = show(&["--config-file", "none.toml"], "");
    assert!(code == 2 && err.contains("cannot read the configuration none.toml"), "{err}");
}

#[test]
fn show_tells_what_does_not_hold() {
    let dir = desk("theme = \"mine\"\n[keys.explorer]\nstep_tokn = [\"t\"]\nback = [\"x\"]\n");
    let themes = dir.path().join("config/panelscope/themes");
    fs::write(themes.join("mine.toml"), "inherits = \"noir\"\n[palette]\nred = \"#ff0000\"\n").unwrap();
    fs::write(themes.join("other.toml"), "inherit = \"noir\"\n").unwrap();
    let (code, out, err) = text(&panelscope(dir.path(), &["config", "show"]));
    assert_eq!(code, 1, "{err}");
    assert!(out.contains("theme = \"mine\"") && out.contains("step_tokn"), "{out}");
    for sentence in
        ["did you mean step_token?", "\"x\" already does toggle_target", "theme other: 1:1: unknown field `inherit`"]
    {
        assert!(err.contains(sentence), "{sentence} in {err}");
    }
    fs::write(dir.path().join("config/panelscope/config.toml"), "theme = \"noirr\"").unwrap();
    let (code, _, err) = text(&panelscope(dir.path(), &["config", "show"]));
    assert!(code == 2 && err.contains("theme: there is no theme \"noirr\"; did you mean noir?"), "{err}");
    fs::write(dir.path().join("config/panelscope/config.toml"), "images = \"blocs\"").unwrap();
    let (code, _, err) = text(&panelscope(dir.path(), &["config", "show"]));
    assert!(code == 2 && err.contains("images = \"blocs\" is none of auto, "), "{err}");
}

#[test]
fn the_schema_is_printed() {
    let dir = desk("");
    let (code, out, _) = text(&panelscope(dir.path(), &["config", "schema"]));
    assert_eq!(code, 0);
    assert_eq!(
        out,
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schema/config-v1.schema.json")).unwrap()
    );
}

#[test]
fn flags_of_the_explorer_before_a_command_are_wrong_use() {
    let dir = desk("");
    for (args, wanted) in [
        (
            vec!["--model", "X", "run"],
            "--model before `run` is the explorer's and is not used by `run`; write it after",
        ),
        (vec!["--bench", "demo", "run"], "panelscope run --bench"),
        (vec!["--no-record", "sessions", "list"], "--no-record before `sessions`"),
        (vec!["--theme", "noir", "sessions", "list"], "without a command it opens the explorer"),
    ] {
        let (code, out, err) = text(&panelscope(dir.path(), &args));
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        assert!(err.contains(wanted), "{args:?}: {err}");
    }
    // Those of every command may stand anywhere.
    fs::create_dir(dir.path().join("s")).unwrap();
    for args in [["--sessions", "s", "sessions", "list"], ["sessions", "list", "--sessions", "s"]] {
        assert_eq!(panelscope(dir.path(), &args).status.code(), Some(0), "{args:?}");
    }
    let output = panelscope(dir.path(), &["explore", "--bench", "demo"]);
    assert_eq!(output.status.code(), Some(0), "its own flags after its own name");
}

#[test]
fn a_folder_that_is_no_training_is_said_to_be_none() {
    let dir = desk("");
    fs::create_dir(dir.path().join("pages")).unwrap();
    let (code, _, err) = text(&panelscope(dir.path(), &["train", "plot", "pages"]));
    assert_eq!(code, 1);
    assert!(err.contains("pages: this folder is not a training's") && !err.contains("os error"), "{err}");
    let (_, _, err) = text(&panelscope(dir.path(), &["train", "plot", "nothing"]));
    assert!(err.contains("nothing: there is no such folder or file") && !err.contains("os error"), "{err}");
}

#[test]
fn completions_and_man_pages_have_the_commands() {
    let dir = desk("nonsense");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, out, err) = text(&panelscope(dir.path(), &["completions", shell]));
        assert_eq!((code, err.as_str()), (0, ""), "with a broken configuration too");
        for word in ["sessions", "train", "replay", "config", "theme"] {
            assert!(out.contains(word), "{shell}: {word}");
        }
    }
    let (code, page, _) = text(&panelscope(dir.path(), &["man"]));
    assert_eq!(code, 0);
    for word in [".TH panelscope", "panelscope\\-sessions", "panelscope\\-train", "\\-\\-config"] {
        assert!(page.contains(word), "{word} in {page}");
    }
    let (code, page, _) = text(&panelscope(dir.path(), &["man", "train", "plot"]));
    assert!(code == 0 && page.contains("metrics.jsonl"), "{page}");
    assert_eq!(panelscope(dir.path(), &["man", "nothing"]).status.code(), Some(2));
    assert_eq!(panelscope(dir.path(), &["man", "--out", "pages"]).status.code(), Some(0));
    let pages: Vec<_> = fs::read_dir(dir.path().join("pages")).unwrap().map(|f| f.unwrap().file_name()).collect();
    for name in ["panelscope.1", "panelscope-run.1", "panelscope-train-plot.1", "panelscope-config-show.1"] {
        assert!(pages.iter().any(|p| p == name), "{name} in {pages:?}");
    }
}

/// The explorer with the configuration of its folder.
fn explorer(dir: &Path, args: &[&str], env: &[(&str, &str)]) -> Pty {
    let config = dir.join("config");
    let mut all = vec![("XDG_CONFIG_HOME", config.to_str().unwrap())];
    all.extend(env);
    Pty::start(&[&["--images", "blocks"], args].concat(), dir, SIZE, &all)
}

#[test]
fn theme_keys_and_mouse_come_from_the_configuration() {
    let dir = desk(
        "theme = \"newsprint\"\nmouse = false\n[keys.library]\nhelp = [\"f1\"]\nback = [\"Z\"]\nup = [\"z\"]\ndown = [\"z\"]\n",
    );
    let mut pty = explorer(dir.path(), &[], &[]);
    // The same words go to stderr before the screen is taken.
    pty.wait("the screen", |s| s.contains("\"z\" already does up") && s.contains("╭"));
    let paper = vt100::Color::Rgb(0xef, 0xe7, 0xd6);
    assert_eq!(pty.ground(0, 0), paper, "newsprint's paper");
    assert_eq!(pty.mouse(), vt100::MouseProtocolMode::None);
    pty.send("\x1bOP");
    pty.wait_for("Keys · Esc closes");
    pty.send("\x1b");
    pty.wait("help is closed", |s| !s.contains("Keys · Esc closes"));
    pty.send("M");
    pty.wait_for("the mouse works here again");
    assert_eq!(pty.mouse(), vt100::MouseProtocolMode::ButtonMotion);
    pty.send("q");
    pty.send("Z");
    let (code, left) = pty.end();
    assert_eq!(code, 0);
    assert!(left.contains("warning: [keys.library] down"), "{left}");
}

#[test]
fn the_list_of_themes_shows_them_and_the_palette_does_things() {
    let dir = desk("");
    let mut pty = explorer(dir.path(), &["--theme", "blueprint"], &[]);
    pty.wait_for("Enter open");
    let blueprint = pty.ground(0, 0);
    assert_eq!(blueprint, vt100::Color::Rgb(0x0e, 0x2f, 0x5a));
    pty.send(":");
    pty.wait_for("Commands · Enter does it");
    pty.send("theme\r");
    pty.wait_for("Themes · Enter keeps");
    pty.send("\x1b[A");
    pty.wait("the theme before it", |s| s.contains("▸ four-colour"));
    assert_ne!(pty.ground(0, 0), blueprint);
    pty.send("\x1b");
    pty.wait("the list is closed", |s| !s.contains("Themes · Enter keeps"));
    assert_eq!(pty.ground(0, 0), blueprint);
    // A click selects, the wheel moves on, and both are given back at the end.
    assert_eq!(pty.mouse(), vt100::MouseProtocolMode::ButtonMotion);
    let row = |s: &str| s.lines().position(|l| l.contains('▸')).unwrap();
    let at = row(&pty.screen());
    pty.send(&format!("\x1b[<0;10;{}M\x1b[<0;10;{}m", at + 3, at + 3));
    pty.wait("the row below", |s| row(s) != at || !s.contains("▸ · 0000"));
    pty.send("q");
    assert_eq!(pty.end().0, 0);
}

#[test]
fn light_terminals_get_the_light_theme_that_was_chosen_and_no_color_gets_none() {
    let dir = desk("theme_light = \"ligne-claire\"\ntheme_dark = \"noir\"\n");
    for (env, ground) in [
        (vec![("COLORFGBG", "0;15")], vt100::Color::Rgb(0xfd, 0xf8, 0xea)),
        (vec![], vt100::Color::Rgb(0x0c, 0x0c, 0x0d)),
        (vec![("NO_COLOR", "1")], vt100::Color::Default),
    ] {
        let mut pty = explorer(dir.path(), &[], &env);
        pty.wait_for("Enter open");
        assert_eq!(pty.ground(0, 0), ground, "{env:?}");
        pty.send("q");
        assert_eq!(pty.end().0, 0);
    }
}

#[test]
fn an_unknown_theme_is_said_before_the_screen_is_taken() {
    let dir = desk("");
    let (code, left) = explorer(dir.path(), &["--theme", "newsprnt"], &[]).end();
    assert!(code == 2 && left.contains("did you mean newsprint?"), "{left}");
}
