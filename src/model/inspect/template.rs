//! The chat template a model brings, and whether this program's profiles write what it would.

use serde::Serialize;
use serde_json::Value;

use crate::model::{FileSource, ModelError};

/// What is found of a chat template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Template {
    /// The file it stands in; none where the model brings none.
    pub file: Option<String>,
    /// Whether it writes turns as Qwen's does: `<|im_start|>role … <|im_end|>`.
    pub qwen_turns: bool,
    /// Whether it puts images between `<|vision_start|>` and `<|vision_end|>`.
    pub qwen_images: bool,
    /// Whether it can offer tools.
    pub tools: bool,
}

impl Template {
    /// Looks where models keep it: `chat_template.jinja`, `chat_template.json`, `tokenizer_config.json`.
    ///
    /// # Errors
    /// A file that is there cannot be read.
    pub fn read(source: &FileSource) -> Result<Self, ModelError> {
        if let Some(bytes) = source.read_optional("chat_template.jinja")? {
            return Ok(Self::of("chat_template.jinja", &String::from_utf8_lossy(&bytes)));
        }
        for file in ["chat_template.json", "tokenizer_config.json"] {
            let Some(bytes) = source.read_optional(file)? else { continue };
            let value: Option<Value> = serde_json::from_slice(&bytes).ok();
            let text = value.as_ref().and_then(|value| value.get("chat_template")).and_then(Value::as_str);
            if let Some(text) = text {
                return Ok(Self::of(file, text));
            }
        }
        Ok(Self::default())
    }

    fn of(file: &str, text: &str) -> Self {
        Self {
            file: Some(file.to_owned()),
            qwen_turns: text.contains("<|im_start|>") && text.contains("<|im_end|>"),
            qwen_images: text.contains("<|vision_start|>") && text.contains("<|image_pad|>"),
            tools: text.contains("tools"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn templates_are_found_where_they_are_kept() {
        let qwen =
            "{% for m in messages %}<|im_start|>{{m.role}}\\n<|vision_start|><|image_pad|><|vision_end|><|im_end|>";
        let json = format!(r#"{{"chat_template":"{}"}}"#, qwen.replace('\\', "\\\\"));
        let read = |name: &str, text: &str| {
            let files = vec![(name.to_owned(), text.as_bytes().to_vec())];
            Template::read(&FileSource::Memory(Arc::new(files))).unwrap()
        };
        for (name, text) in
            [("chat_template.jinja", qwen), ("tokenizer_config.json", &json), ("chat_template.json", &json)]
        {
            let found = read(name, text);
            assert_eq!((found.file.as_deref(), found.qwen_turns, found.qwen_images), (Some(name), true, true));
        }
        assert!(!read("chat_template.jinja", "[INST] {{ m }}").qwen_turns);
        assert_eq!(read("tokenizer_config.json", "{}"), Template::default());
        assert_eq!(read("tokenizer_config.json", "not json"), Template::default());
    }
}
