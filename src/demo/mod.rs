//! What is embedded in the program: the demo checkpoint. The demo's questions are drawn from seeds.
//!
//! The checkpoint is `assets/demo-rarl/`, trained by this project; its files stand in the binary byte for byte.

use crate::model::FileSource;

/// The name `--model` knows it by.
pub const MODEL_NAME: &str = "demo-rarl";

/// The demo checkpoint's files.
pub const MODEL_FILES: &[(&str, &[u8])] = &[
    ("config.json", include_bytes!("../../assets/demo-rarl/config.json")),
    ("generation_config.json", include_bytes!("../../assets/demo-rarl/generation_config.json")),
    ("preprocessor_config.json", include_bytes!("../../assets/demo-rarl/preprocessor_config.json")),
    ("tokenizer.json", include_bytes!("../../assets/demo-rarl/tokenizer.json")),
    ("model.safetensors", include_bytes!("../../assets/demo-rarl/model.safetensors")),
];

/// The demo checkpoint.
pub fn model_source() -> FileSource {
    FileSource::Embedded(MODEL_FILES)
}

/// The checkpoint a `--model` flag names: a shipped one, or a folder or GGUF file.
pub fn model_named(name: Option<&str>) -> FileSource {
    match name {
        Some(path) if !is_shipped(name) => FileSource::at(path),
        _ => model_source(),
    }
}

/// Whether a name (or none) stands for what is in the program: `demo`, or the model's own name.
pub fn is_shipped(name: Option<&str>) -> bool {
    name.is_none_or(|name| ["demo", MODEL_NAME].contains(&name))
}
