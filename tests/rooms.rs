//! Arrows between rooms go one way: a room uses those above it in the list of `docs/ARCHITECTURE.md`, never those below.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};

/// From the ground up; a room may use any room before it.
const ROOMS: [&str; 16] = [
    "geometry",
    "page",
    "benchmark",
    "trace",
    "analysis",
    "model",
    "protocol",
    "engine",
    "session",
    "run",
    "study",
    "probe",
    "exchange",
    "train",
    "tui",
    "cli",
];
/// Leaves: anyone may use them. They use nothing but what is named here.
const LEAVES: [(&str, &[&str]); 4] =
    [("text", &[]), ("config", &["text"]), ("demo", &["model"]), ("hub", &["config", "text"])];

fn rust_files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// Names after `crate::` in a file, without its test modules.
fn used_rooms(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let code = code.split("#[cfg(test)]\n#[allow").next().unwrap_or_default();
    let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.match_indices("crate::")
        .map(|(at, _)| code[at + 7..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>())
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn rooms_use_only_rooms_above_them() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&src).unwrap();
        let room = inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned();
        if ["lib", "main"].contains(&room.as_str()) || inside.to_str().unwrap().contains("test") {
            continue;
        }
        let leaf = LEAVES.iter().find(|(name, _)| *name == room);
        let place = ROOMS.iter().position(|r| *r == room);
        assert!(leaf.is_some() || place.is_some(), "src/{room} is not a room of the list");
        for used in used_rooms(&fs::read_to_string(&file).unwrap()) {
            let fine = used == room
                || match (leaf, place) {
                    (Some((_, may)), _) => may.contains(&used.as_str()),
                    (None, Some(here)) => {
                        LEAVES.iter().any(|(name, _)| *name == used) || ROOMS[..here].contains(&used.as_str())
                    }
                    (None, None) => false,
                };
            if !fine {
                wrong.push(format!("{} uses {used}", inside.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_uses_sees_them() {
    assert_eq!(used_rooms("use crate::page::Page;\n// crate::tui\nlet x = crate::model::y();"), ["page", "model"]);
}
