//! Which image part in a folder belongs to a language model, by their names.

use std::path::{Path, PathBuf};

use super::files::{listed, short};
use crate::model::error::ModelError;

/// What image parts are called after, or before, their model's name.
const MARK: &str = "mmproj";
/// Types of numbers an image part is kept in, the one that is taken first. All of them are the same numbers.
const TYPES: [&str; 3] = ["bf16", "f16", "f32"];

/// The image part beside a language model: the only one there; of several the one that is called as the text file is, else
/// one that is called after no model (`mmproj.gguf`, `mmproj-F16.gguf`).
///
/// # Errors
/// [`ModelError::NoFile`]: there is none. [`ModelError::ImageParts`]: there are several, of other names.
pub(super) fn beside(text: &Path) -> Result<PathBuf, ModelError> {
    let folder = text.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let found = listed(folder, true);
    let names: Vec<String> = found.iter().map(|path| short(path)).collect();
    match chosen(&short(text), &names) {
        Some(place) => found.into_iter().nth(place).ok_or_else(|| missing(folder)),
        None if found.is_empty() => Err(missing(folder)),
        None => Err(ModelError::ImageParts { text: text.display().to_string(), found: names }),
    }
}

fn missing(folder: &Path) -> ModelError {
    ModelError::NoFile { place: folder.display().to_string(), file: "mmproj*.gguf (the image part)".to_owned() }
}

/// How an image part's name belongs to a text file's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Bond {
    /// The text file's own, format and all.
    Whole,
    /// The text file's without its format.
    Name,
    /// Nobody's.
    Generic,
    /// Another model's.
    Foreign,
}

/// Which of these image parts is taken for that text file, as a place among them; `None` where there is none, or where
/// several are another's.
fn chosen(text: &str, images: &[String]) -> Option<usize> {
    let text = stem(text);
    let rank = |name: &String| TYPES.iter().position(|kind| name.to_ascii_lowercase().contains(kind));
    let key = |name: &String| (bond(&text, &subject(name)), rank(name).unwrap_or(TYPES.len()));
    let (place, best) = images.iter().enumerate().min_by_key(|(place, name)| (key(name), *place))?;
    // Strangers that differ in their type alone are one model's, and one stranger is taken at its word.
    let name = |image: &String| plain(&subject(image)).to_owned();
    let doubtful = bond(&text, &subject(best)) == Bond::Foreign && images.iter().any(|other| name(other) != name(best));
    (!doubtful).then_some(place)
}

fn bond(text: &str, subject: &str) -> Bond {
    if subject == text {
        return Bond::Whole;
    }
    let (of_text, of_image) = (plain(text), plain(subject));
    if of_image.is_empty() || of_image == "model" {
        Bond::Generic
    } else if [of_text, text].iter().any(|name| [of_image, subject].contains(name)) {
        Bond::Name
    } else {
        Bond::Foreign
    }
}

/// The model an image part is called after, perhaps with a format: `mmproj-NAME-f16`, `NAME-mmproj`, `NAME.mmproj-q8_0`.
fn subject(image: &str) -> String {
    let stem = stem(image);
    let (before, after) = stem.split_once(MARK).unwrap_or((&stem, ""));
    let part = if before.is_empty() { after } else { before };
    part.trim_matches(['-', '_', '.']).to_owned()
}

/// A file's name in small letters, without its ending.
fn stem(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    name.strip_suffix(".gguf").unwrap_or(&name).to_owned()
}

/// A name without the format it ends in: `qwen-q4_k_m` and `qwen.q4_k_m` as `qwen`; `f16` as nothing.
fn plain(name: &str) -> &str {
    let (rest, last) = name.rsplit_once(['-', '.']).unwrap_or(("", name));
    if is_format(last) { rest } else { name }
}

/// Whether a word is what files call a format: `f16`, `q4_k_m`, `iq2_xxs`, `auto`.
fn is_format(word: &str) -> bool {
    let digit_behind =
        |start: &str| word.strip_prefix(start).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    word == "auto"
        || TYPES.contains(&word)
        || ["fp16", "fp32"].contains(&word)
        || ["q", "iq", "tq", "mxfp"].into_iter().any(digit_behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken<'a>(text: &str, images: &[&'a str]) -> Option<&'a str> {
        let names: Vec<String> = images.iter().map(|name| (*name).to_owned()).collect();
        chosen(text, &names).and_then(|place| images.get(place).copied())
    }

    #[test]
    fn of_several_the_one_of_that_name_is_taken() {
        let ours = ["mmproj-aaa.gguf", "mmproj-base.gguf"];
        for text in
            ["base-F16.gguf", "base-Q4_K_M.gguf", "Base-AUTO.GGUF", "base.gguf", "base-bf16.gguf", "base.Q8_0.gguf"]
        {
            assert_eq!(taken(text, &ours), Some("mmproj-base.gguf"), "{text}");
        }
        assert_eq!(taken("aaa-F16.gguf", &ours), Some("mmproj-aaa.gguf"));
        let written = ["mmproj-x.gguf", "mmproj-y.gguf", "mmproj-y-f16.gguf"];
        assert_eq!(taken("y.gguf", &written), Some("mmproj-y.gguf"));
        assert_eq!(taken("y-f16.gguf", &written), Some("mmproj-y-f16.gguf"), "the very name");
    }

    #[test]
    fn other_programs_ways_of_naming_are_known() {
        let all = [
            "a-mmproj.gguf",
            "mmproj-Qwen2.5-VL-3B-Instruct-f16.gguf",
            "Qwen2.5-VL-7B-Instruct.mmproj-Q8_0.gguf",
            "mmproj-F16.gguf",
        ];
        assert_eq!(taken("Qwen2.5-VL-3B-Instruct-Q4_K_M.gguf", &all), Some(all[1]));
        assert_eq!(taken("Qwen2.5-VL-7B-Instruct.IQ4_XS.gguf", &all), Some(all[2]));
        assert_eq!(taken("a-q8_0.gguf", &all), Some(all[0]));
        assert_eq!(taken("Qwen2.5-VL-72B-Q4_K_M.gguf", &all), Some(all[3]), "the one that is nobody's");
        assert_eq!(taken("b.gguf", &["mmproj-a.gguf", "mmproj-model-f16.gguf"]), Some("mmproj-model-f16.gguf"));
    }

    #[test]
    fn equals_are_taken_by_type_and_one_alone_whatever_it_is_called() {
        let types = ["mmproj-a-Q8_0.gguf", "mmproj-a-f32.gguf", "mmproj-a-F16.gguf", "mmproj-a-BF16.gguf"];
        assert_eq!(taken("a-Q4_K.gguf", &types), Some(types[3]));
        assert_eq!(taken("a-Q4_K.gguf", &types[..3]), Some(types[2]));
        assert_eq!(taken("b.gguf", &["mmproj.gguf", "mmproj-f32.gguf"]), Some("mmproj-f32.gguf"));
        assert_eq!(taken("b.gguf", &["mmproj-a.gguf"]), Some("mmproj-a.gguf"));
        assert_eq!(taken("b.gguf", &types), Some(types[3]), "one model's, in several types");
        assert_eq!(taken("b.gguf", &[]), None);
    }

    #[test]
    fn several_strangers_are_not_chosen_among() {
        assert_eq!(taken("c-F16.gguf", &["mmproj-a.gguf", "mmproj-b.gguf"]), None);
        // A longer name is another model's.
        assert_eq!(taken("base-F16.gguf", &["mmproj-base2.gguf", "mmproj-my-base.gguf"]), None);
    }
}
