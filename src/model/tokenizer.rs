//! The checkpoint's own tokenizer, and the exact bytes of every token.
//!
//! Takes: the bytes of a `tokenizer.json`. Gives: ids for text and bytes for ids. Decoding goes token by token and never
//! through a string: a model may stop in the middle of a character, and what it wrote must still be shown and logged.

use std::collections::HashMap;

use serde_json::{Map, Value};
use tokenizers::Tokenizer as Inner;

/// Longest tokenizer file that is read, in bytes; Qwen2.5's has 7 MB.
const MAX_FILE: usize = 64 << 20;
/// Largest token id that is accepted, plus one.
const MAX_IDS: u32 = 1 << 21;
/// Longest text that is encoded at once, in bytes.
const MAX_TEXT: usize = 4 << 20;

/// Why a tokenizer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The file is longer than any tokenizer.
    #[error("the tokenizer file has {bytes} bytes; at most {MAX_FILE} are read")]
    TooLong {
        /// Length of the file.
        bytes: usize,
    },
    /// The file is not a `tokenizer.json`, or one of its parts is damaged.
    #[error("not a usable tokenizer.json: {0}")]
    Broken(String),
    /// Nothing in the vocabulary.
    #[error("the tokenizer has no tokens")]
    Empty,
    /// An id is out of all proportion.
    #[error("token {token:?} has id {id}; ids below {MAX_IDS} are supported")]
    Id {
        /// The token's text in the file.
        token: String,
        /// Its id.
        id: u32,
    },
    /// The text is longer than is encoded at once.
    #[error("the text has {bytes} bytes; at most {MAX_TEXT} are encoded at once")]
    Text {
        /// Length of the text.
        bytes: usize,
    },
    /// The tokenizer refused the text.
    #[error("the tokenizer could not encode the text: {0}")]
    Encode(String),
}

/// Text to token ids, token ids to bytes.
pub struct Tokenizer {
    inner: Inner,
    pieces: Pieces,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer").field("vocab_size", &self.vocab_size()).finish_non_exhaustive()
    }
}

impl Tokenizer {
    /// Reads a `tokenizer.json`. Normaliser, pre-tokenizer, decoder and added tokens may be missing; truncation and
    /// padding, if the file has them, are not done.
    ///
    /// # Errors
    /// [`TokenizerError`] for a file that is too long, damaged or empty.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TokenizerError> {
        if bytes.len() > MAX_FILE {
            return Err(TokenizerError::TooLong { bytes: bytes.len() });
        }
        let broken = |e: &dyn std::fmt::Display| TokenizerError::Broken(e.to_string());
        let mut file: Map<String, Value> = serde_json::from_slice(bytes).map_err(|e| broken(&e))?;
        // Bytes are decoded here, so the library's decoder is not needed; and reading a damaged one makes it panic.
        let decoder = file.shift_remove("decoder").filter(|part| !part.is_null());
        for unwanted in ["truncation", "padding"] {
            file.shift_remove(unwanted);
        }
        let byte_level = is_byte_level(decoder.as_ref(), file.get("pre_tokenizer"));
        let rest = serde_json::to_vec(&file).map_err(|e| broken(&e))?;
        let inner = Inner::from_bytes(rest).map_err(|e| broken(&e))?;
        let pieces = Pieces::of(&inner, byte_level)?;
        Ok(Self { inner, pieces })
    }

    /// The ids of a text. Added tokens (`<|im_end|>`, `<think>`) are recognised in it; none is put around it.
    ///
    /// # Errors
    /// [`TokenizerError::Text`] above 4 MiB, [`TokenizerError::Encode`] when a text has no ids in this vocabulary.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        if text.len() > MAX_TEXT {
            return Err(TokenizerError::Text { bytes: text.len() });
        }
        let encoding = self.inner.encode_fast(text, false).map_err(|e| TokenizerError::Encode(e.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The bytes a token stands for: perhaps a part of a character, an added token's own text, or nothing for an id that
    /// is not in the vocabulary.
    pub fn piece_bytes(&self, id: u32) -> Vec<u8> {
        self.pieces.get(id).to_vec()
    }

    /// The bytes of several tokens in a row.
    pub fn decode_bytes(&self, ids: &[u32]) -> Vec<u8> {
        ids.iter().flat_map(|id| self.pieces.get(*id)).copied().collect()
    }

    /// The id of a token given as it is written in the file (`<|im_end|>`, `Ġthe`).
    pub fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// One more than the largest id. A model's head is often wider: ids above have no bytes.
    pub fn vocab_size(&self) -> usize {
        self.pieces.ends.len()
    }
}

/// The bytes of every token, end to end.
struct Pieces {
    bytes: Vec<u8>,
    /// Where each id's bytes end; they start where the previous id's end.
    ends: Vec<usize>,
}

impl Pieces {
    fn of(tokenizer: &Inner, byte_level: bool) -> Result<Self, TokenizerError> {
        let added = tokenizer.get_added_tokens_decoder();
        let mut tokens: Vec<(u32, String)> =
            tokenizer.get_vocab(true).into_iter().map(|(token, id)| (id, token)).collect();
        tokens.sort_unstable();
        let Some((largest, token)) = tokens.last() else { return Err(TokenizerError::Empty) };
        if *largest >= MAX_IDS {
            return Err(TokenizerError::Id { token: token.clone(), id: *largest });
        }
        let alphabet = if byte_level { alphabet() } else { HashMap::new() };
        let mut pieces = Self { bytes: Vec::new(), ends: Vec::with_capacity(tokens.len()) };
        for (id, token) in &tokens {
            pieces.ends.resize(pieces.ends.len().max(*id as usize), pieces.bytes.len());
            if pieces.ends.len() > *id as usize {
                continue; // a second name for the same id
            }
            match added.get(id) {
                Some(token) => pieces.bytes.extend_from_slice(token.content.as_bytes()),
                None => push_bytes(&mut pieces.bytes, token, &alphabet),
            }
            pieces.ends.push(pieces.bytes.len());
        }
        Ok(pieces)
    }

    fn get(&self, id: u32) -> &[u8] {
        let id = id as usize;
        let Some(end) = self.ends.get(id) else { return &[] };
        let start = id.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.bytes.get(start..*end).unwrap_or(&[])
    }
}

/// Appends what a token of the vocabulary stands for: bytes if it is spelt in the alphabet, else its text.
fn push_bytes(out: &mut Vec<u8>, token: &str, alphabet: &HashMap<char, u8>) {
    let bytes: Option<Vec<u8>> = token.chars().map(|c| alphabet.get(&c).copied()).collect();
    match bytes {
        Some(bytes) => out.extend(bytes),
        None => out.extend_from_slice(token.as_bytes()),
    }
}

/// Whether tokens are spelt in the byte alphabet. A file without decoder and pre-tokenizer is taken to be (Qwen's is).
fn is_byte_level(decoder: Option<&Value>, splitter: Option<&Value>) -> bool {
    match decoder.or(splitter.filter(|part| !part.is_null())) {
        None => true,
        Some(part) => mentions_byte_level(part, 0),
    }
}

/// Whether a part, or one it is made of, is of type `ByteLevel`.
fn mentions_byte_level(part: &Value, depth: usize) -> bool {
    const DEEPEST: usize = 8;
    match part {
        Value::String(kind) => kind == "ByteLevel",
        Value::Object(fields) if depth < DEEPEST => fields.values().any(|v| mentions_byte_level(v, depth + 1)),
        Value::Array(parts) if depth < DEEPEST => parts.iter().any(|v| mentions_byte_level(v, depth + 1)),
        _ => false,
    }
}

/// The alphabet of byte-level BPE (GPT-2's): printable Latin-1 bytes are themselves, the other 68 are the characters from
/// U+0100 on, in order.
fn alphabet() -> HashMap<char, u8> {
    let printable = |b: u8| matches!(b, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let moved = (0..=u8::MAX).filter(|b| !printable(*b)).zip('\u{100}'..);
    (0..=u8::MAX).filter(|b| printable(*b)).map(|b| (char::from(b), b)).chain(moved.map(|(b, c)| (c, b))).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// A byte-level tokenizer with all 256 bytes, one merge, a hole at 257 to 299, and two added tokens.
    fn file() -> Value {
        let mut vocab: Map<String, Value> = alphabet().into_iter().map(|(c, b)| (c.to_string(), json!(b))).collect();
        vocab.insert("Ġt".into(), json!(256));
        vocab.insert("<|im_end|>".into(), json!(300));
        vocab.insert("<think>".into(), json!(301));
        let added = |id: u32, content: &str, special: bool| {
            json!({"id": id, "content": content, "special": special, "single_word": false, "lstrip": false,
                   "rstrip": false, "normalized": false})
        };
        json!({
            "version": "1.0", "truncation": null, "padding": null,
            "added_tokens": [added(300, "<|im_end|>", true), added(301, "<think>", false)],
            "normalizer": null,
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
            "post_processor": null,
            "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
            "model": {"type": "BPE", "vocab": vocab, "merges": ["Ġ t"]}
        })
    }

    fn tokenizer() -> Tokenizer {
        Tokenizer::from_bytes(file().to_string().as_bytes()).unwrap()
    }

    #[test]
    fn added_tokens_are_recognised_and_nothing_is_added() {
        let t = tokenizer();
        assert_eq!(t.encode("a t<|im_end|><think>").unwrap(), [97, 256, 300, 301]);
        assert_eq!(t.encode("").unwrap(), Vec::<u32>::new());
        assert_eq!((t.id("<think>"), t.id("nope"), t.vocab_size()), (Some(301), None, 302));
    }

    #[test]
    fn every_byte_has_its_token() {
        let t = tokenizer();
        for byte in 0..=u8::MAX {
            assert_eq!(t.piece_bytes(byte.into()), [byte]);
        }
        assert_eq!((t.piece_bytes(256), t.piece_bytes(300)), (b" t".to_vec(), b"<|im_end|>".to_vec()));
        assert!(
            t.piece_bytes(258).is_empty() && t.piece_bytes(302).is_empty() && t.piece_bytes(u32::MAX).is_empty(),
            "holes have no bytes"
        );
        assert_eq!(t.decode_bytes(&[301, 258, 256]), b"<think> t");
    }

    #[test]
    fn missing_parts_are_no_reason_to_fail() {
        let mut bare = file();
        for part in
            ["decoder", "pre_tokenizer", "normalizer", "post_processor", "added_tokens", "truncation", "padding"]
        {
            bare.as_object_mut().unwrap().shift_remove(part);
        }
        let t = Tokenizer::from_bytes(bare.to_string().as_bytes()).unwrap();
        assert_eq!((t.piece_bytes(256), t.vocab_size()), (b" t".to_vec(), 302));
    }

    #[test]
    fn damage_is_named() {
        for text in [
            "",
            "{}",
            "[1]",
            r#"{"decoder":5}"#,
            r#"{"version":"1.0","model":{"type":"BPE","vocab":{},"merges":["a b"]}}"#,
        ] {
            let error = Tokenizer::from_bytes(text.as_bytes()).unwrap_err();
            assert!(matches!(error, TokenizerError::Broken(_) | TokenizerError::Empty), "{text}: {error}");
        }
        let mut far = file();
        far["model"]["vocab"]["far"] = json!(4_000_000_000u32);
        let error = Tokenizer::from_bytes(far.to_string().as_bytes()).unwrap_err();
        assert!(matches!(error, TokenizerError::Id { id: 4_000_000_000, .. }), "{error}");
    }

    #[test]
    fn a_file_that_is_not_byte_level_keeps_its_text() {
        let file = json!({"version": "1.0", "model": {"type": "WordLevel", "vocab": {"Ġé": 0, "[UNK]": 1}, "unk_token": "[UNK]"},
            "pre_tokenizer": {"type": "Whitespace"}});
        let t = Tokenizer::from_bytes(file.to_string().as_bytes()).unwrap();
        assert_eq!(t.piece_bytes(0), "Ġé".as_bytes());
    }

    proptest! {
        #[test]
        fn bytes_come_back(text: String) {
            let t = tokenizer();
            let ids = t.encode(&text).unwrap();
            prop_assert_eq!(t.decode_bytes(&ids), text.as_bytes());
        }

        #[test]
        fn any_file_is_read_or_refused(at in 0usize..4000, value: u8) {
            let mut bytes = file().to_string().into_bytes();
            let place = at % bytes.len();
            bytes[place] = value;
            if let Ok(t) = Tokenizer::from_bytes(&bytes) {
                let _ = t.encode("a t<think>");
            }
        }
    }
}
