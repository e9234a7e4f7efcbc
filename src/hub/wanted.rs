//! Which files of a repository a model needs.

use std::collections::BTreeSet;

use serde_json::Value;

use super::error::HubError;
use super::reference::is_relative;

pub(super) const CONFIG: &str = "config.json";
pub(super) const TOKENIZER: &str = "tokenizer.json";
pub(super) const SINGLE: &str = "model.safetensors";
pub(super) const INDEX: &str = "model.safetensors.index.json";
/// Either describes the image processor.
pub(super) const PROCESSORS: [&str; 2] = ["preprocessor_config.json", "processor_config.json"];
/// Small files beside the weights, as far as a repository has them.
const SMALL: [&str; 10] = [
    CONFIG,
    TOKENIZER,
    "generation_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.json",
    "chat_template.jinja",
];
/// More shards than any model has.
const MOST_SHARDS: usize = 4096;

/// What a repository is to be read as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A folder of safetensors files, in shards where there is an index.
    Folder {
        /// Whether an index names the shards.
        sharded: bool,
    },
    /// A GGUF file, with the one that holds its vision tower.
    Gguf {
        /// The model.
        file: String,
        /// The vision tower.
        tower: Option<String>,
    },
}

/// Decides by the names a repository lists. Names that could leave a folder are not looked at.
pub(super) fn kind(repository: &str, listed: &[String], asked: Option<&str>) -> Result<Kind, HubError> {
    let has = |name: &str| listed.iter().any(|file| file == name);
    if let Some(file) = asked {
        if !has(file) {
            return Err(HubError::NoFile { repository: repository.to_owned(), file: file.to_owned() });
        }
        return Ok(Kind::Gguf { file: file.to_owned(), tower: tower(listed) });
    }
    if has(CONFIG) && (has(SINGLE) || has(INDEX)) {
        return Ok(Kind::Folder { sharded: !has(SINGLE) });
    }
    let models: Vec<String> =
        listed.iter().filter(|file| is_relative(file) && is_gguf(file) && !is_tower(file)).cloned().collect();
    match models.as_slice() {
        [] => Err(HubError::NoModel(repository.to_owned())),
        [file] => Ok(Kind::Gguf { file: file.clone(), tower: tower(listed) }),
        _ => Err(HubError::Several { repository: repository.to_owned(), files: models }),
    }
}

fn is_gguf(file: &str) -> bool {
    file.ends_with(".gguf")
}

fn is_tower(file: &str) -> bool {
    file.rsplit('/').next().unwrap_or_default().to_ascii_lowercase().contains("mmproj")
}

/// The vision tower's file: the only one, or the most exact that keeps half the bytes of f32.
fn tower(listed: &[String]) -> Option<String> {
    let towers: Vec<&String> =
        listed.iter().filter(|file| is_relative(file) && is_gguf(file) && is_tower(file)).collect();
    let named = |kind: &str| {
        towers.iter().find(|file| {
            let file = file.to_ascii_lowercase();
            file.split(['-', '_', '.', '/']).any(|part| part == kind)
        })
    };
    let best = ["f16", "bf16", "f32", "q8"].iter().find_map(|kind| named(kind));
    best.or(towers.first()).map(|file| (*file).clone())
}

/// The small files of a model in a folder, as far as they are listed.
pub(super) fn small(listed: &[String]) -> Vec<String> {
    let wanted = SMALL.iter().filter(|name| listed.iter().any(|file| file == *name));
    wanted.map(|name| (*name).to_owned()).collect()
}

/// The shards that an index names; each is a file of its own folder.
pub(super) fn shards(index: &[u8]) -> Result<Vec<String>, String> {
    let value: Value = serde_json::from_slice(index).map_err(|error| error.to_string())?;
    let map = value.get("weight_map").and_then(Value::as_object).ok_or("it has no weight_map")?;
    let mut names = BTreeSet::new();
    for file in map.values() {
        let file = file.as_str().ok_or("its weight_map names something that is no file")?;
        if !is_relative(file) || file.contains('/') || !file.ends_with(".safetensors") {
            return Err(format!("its weight_map names {file:?}"));
        }
        names.insert(file.to_owned());
    }
    match names.len() {
        1..=MOST_SHARDS => Ok(names.into_iter().collect()),
        count => Err(format!("it names {count} files")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn repositories_are_told_apart() {
        let folder = names(&["README.md", CONFIG, SINGLE, "consolidated.safetensors", "x.gguf"]);
        assert_eq!(kind("a/b", &folder, None).unwrap(), Kind::Folder { sharded: false });
        assert_eq!(kind("a/b", &names(&[CONFIG, INDEX]), None).unwrap(), Kind::Folder { sharded: true });
        let gguf = names(&["m-Q4_K_M.gguf", "mmproj-BF16.gguf", "mmproj-F16.gguf", CONFIG]);
        let expected = Kind::Gguf { file: "m-Q4_K_M.gguf".into(), tower: Some("mmproj-F16.gguf".into()) };
        assert_eq!(kind("a/b", &gguf, None).unwrap(), expected);
        assert_eq!(kind("a/b", &folder, Some("x.gguf")).unwrap(), Kind::Gguf { file: "x.gguf".into(), tower: None });
    }

    #[test]
    fn what_cannot_be_decided_is_said() {
        let said = |list: &[&str], asked| kind("a/b", &names(list), asked).unwrap_err().to_string();
        assert!(said(&["README.md", "pytorch_model.bin", CONFIG], None).contains("no model that can be read"));
        assert!(said(&["x-Q4.gguf", "x-Q8.gguf"], None).contains("a/b:x-Q4.gguf (there are x-Q4.gguf, x-Q8.gguf)"));
        assert!(said(&["x.gguf"], Some("y.gguf")).contains("no file \"y.gguf\""));
        assert!(said(&["../../x.gguf", "/etc/y.gguf"], None).contains("no model"), "hostile names are not looked at");
    }

    #[test]
    fn an_index_cannot_name_other_folders() {
        assert_eq!(
            shards(br#"{"weight_map":{"a":"m-1.safetensors","b":"m-1.safetensors"}}"#).unwrap(),
            ["m-1.safetensors"]
        );
        for bad in [
            &br#"{"weight_map":{"a":"../x.safetensors"}}"#[..],
            br#"{"weight_map":{"a":"/x.safetensors"}}"#,
            br#"{"weight_map":{"a":"x.bin"}}"#,
            br#"{"weight_map":{}}"#,
            br#"{"weight_map":{"a":1}}"#,
            b"{}",
            b"[",
        ] {
            assert!(shards(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
