//! The program as on a machine that never saw it: nobody's own configuration, sessions, models or keys have a say, and
//! nobody's are written to.

#![allow(dead_code, missing_docs, reason = "every test uses another part of it")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Variables that would let somebody's own things in.
pub const REMOVED: [&str; 9] = [
    "PANELSCOPE_CONFIG",
    "HF_TOKEN",
    "HF_TOKEN_PATH",
    "HUGGING_FACE_HUB_TOKEN",
    "HF_ENDPOINT",
    "HF_HUB_OFFLINE",
    "HF_HUB_CACHE",
    "RAYON_NUM_THREADS",
    "NO_COLOR",
];

/// Where the program looks for them instead.
pub fn places() -> [(&'static str, PathBuf); 3] {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("nobody-{}", std::process::id()));
    ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "HF_HOME"].map(|name| (name, home.join(name)))
}

/// The program.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_panelscope"));
    REMOVED.iter().for_each(|name| {
        command.env_remove(name);
    });
    command.envs(places());
    command
}
