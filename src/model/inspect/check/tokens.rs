//! The tokenizer against the configuration and the profiles.

use super::{Findings, settings_that};
use crate::model::inspect::template::Template;
use crate::model::{Config, FileSource, Tokenizer, read_tokenizer};

const WHAT: &str = "tokenizer";

pub(super) fn check(source: &FileSource, config: &Config, findings: &mut Findings) {
    match read_tokenizer(source) {
        Ok(Some(tokenizer)) => compare(source, &tokenizer, config, findings),
        Ok(None) => findings.fail(WHAT, "no tokenizer.json: only raw ids can be asked (`model probe --ids`)"),
        Err(error) => findings.fail(WHAT, error.to_string()),
    }
    template(source, findings);
}

fn compare(source: &FileSource, tokenizer: &Tokenizer, config: &Config, findings: &mut Findings) {
    let (has, table) = (tokenizer.vocab_size(), config.text.vocabulary);
    if has > table {
        findings.fail(WHAT, format!("{has} tokens, the embedding table has only {table} rows"));
    } else {
        findings.ok(WHAT, format!("{has} tokens in a table of {table} rows"));
    }
    let ids = [
        ("image_token_id", config.image_token, "<|image_pad|>"),
        ("video_token_id", config.video_token, "<|video_pad|>"),
        ("vision_start_token_id", config.vision_start, "<|vision_start|>"),
        ("vision_end_token_id", config.vision_end, "<|vision_end|>"),
    ];
    let mut wrong = 0;
    for (key, id, token) in ids {
        let written = tokenizer.id(token);
        if written != Some(id) {
            wrong += 1;
            let said = written.map_or("no token".to_owned(), |id| id.to_string());
            findings.fail("special tokens", format!("{} {key} {id}, {token} is {said}", settings_that(source, "say")));
        }
    }
    if wrong == 0 {
        findings
            .ok("special tokens", format!("those around images are the ids that {}", settings_that(source, "name")));
    }
    turns(tokenizer, findings);
}

/// What profiles write, and what a turn ends with.
fn turns(tokenizer: &Tokenizer, findings: &mut Findings) {
    let missing: Vec<&str> =
        ["<|im_start|>", "<|im_end|>"].into_iter().filter(|token| tokenizer.id(token).is_none()).collect();
    if !missing.is_empty() {
        findings
            .fail("special tokens", format!("no {}: the shipped profiles write turns with them", missing.join(", ")));
    }
    // A tag may be one token or several; both work, but a model was trained with one way.
    let single = |tag: &str| if tokenizer.id(tag).is_some() { "one token" } else { "text" };
    let tags = ["<think>", "<tool_call>", "<answer>"].map(|tag| format!("{tag} {}", single(tag)));
    findings.ok("tags", tags.join(", "));
}

fn template(source: &FileSource, findings: &mut Findings) {
    const WHAT: &str = "chat template";
    match Template::read(source) {
        Err(error) => findings.fail(WHAT, error.to_string()),
        Ok(Template { file: None, .. }) => findings.warn(WHAT, "none; the profile's own texts are used anyway"),
        Ok(Template { file: Some(file), qwen_turns: true, qwen_images: true, .. }) => {
            findings.ok(WHAT, format!("Qwen's layout ({file}), which the shipped profiles write"));
        }
        Ok(Template { file: Some(file), qwen_turns, .. }) => {
            let what = if qwen_turns { "images" } else { "turns" };
            findings
                .warn(WHAT, format!("{file} writes {what} otherwise than the shipped profiles: give --profile FILE"));
        }
    }
}
