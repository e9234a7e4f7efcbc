//! Any bytes are read as a GGUF file and as a safetensors folder: a typed error or facts, no panic, no flood of memory.
#![no_main]

use std::fs;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use panelscope::model::FileSource;
use panelscope::model::gguf::is_cut;
use panelscope::model::inspect::{ModelFacts, check};

const CONFIG: &[u8] = include_bytes!("../../assets/demo-rarl/config.json");

fuzz_target!(|data: &[u8]| {
    let dir = std::env::temp_dir().join(format!("panelscope-fuzz-{}", std::process::id()));
    if fs::create_dir_all(&dir).is_err() {
        return;
    }
    let gguf = dir.join("m.gguf");
    if fs::write(&gguf, data).is_ok() {
        let _ = is_cut(&gguf);
        look(&gguf);
        let _ = fs::remove_file(&gguf);
    }
    let folder = dir.join("folder");
    let written = fs::create_dir_all(&folder)
        .and_then(|()| fs::write(folder.join("config.json"), CONFIG))
        .and_then(|()| fs::write(folder.join("model.safetensors"), data));
    if written.is_ok() {
        look(&folder);
    }
});

fn look(path: &Path) {
    let source = FileSource::at(path);
    let _ = source.read("config.json");
    let _ = source.read_optional("tokenizer.json");
    let _ = ModelFacts::read(&source, "fuzz");
    let _ = check(&source, &mut |_, _| {});
}
