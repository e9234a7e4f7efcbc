//! Where configurations lie.

use std::path::PathBuf;

use etcetera::AppStrategy;

/// The user's folder for this program's configuration: `$XDG_CONFIG_HOME/panelscope`, or what stands for it on this
/// system; `None` where there is no home.
pub fn dir() -> Option<PathBuf> {
    let app = etcetera::AppStrategyArgs {
        top_level_domain: String::new(),
        author: String::new(),
        app_name: "panelscope".to_owned(),
    };
    etcetera::choose_app_strategy(app).ok().map(|place| place.config_dir())
}

/// The configuration that is read where none is named.
pub fn usual_file() -> Option<PathBuf> {
    dir().map(|dir| dir.join("config.toml"))
}
