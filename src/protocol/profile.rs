//! A conversation's rules as data.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ProfileError;
use crate::geometry::FrameKind;

const BUILTIN: [(&str, &str); 2] = [
    ("rarl", include_str!("../../assets/profiles/rarl.toml")),
    ("grounding", include_str!("../../assets/profiles/grounding.toml")),
];

/// A profile file may not be larger.
const MAX_FILE_BYTES: u64 = 1 << 20;
const MAX_TAG_BYTES: usize = 64;
const MAX_TEXT_BYTES: usize = 64 << 10;
/// Beyond 200 the image processor refuses an image; rounding a box outwards needs room below that.
const MAX_ASPECT: f64 = 150.0;
/// These stand for pixels, which only the program places.
const IMAGE_TOKENS: [&str; 4] = ["<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"];

/// How one family of checkpoints is talked to: texts, tags, the tool's shape, limits, what ends a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Short name, written into logs.
    pub name: String,
    /// One line for lists.
    #[serde(default)]
    pub description: String,
    /// Texts of the opening.
    pub prompt: PromptTexts,
    /// Tags around the segments of a turn.
    pub tags: Tags,
    /// The zoom tool's call.
    pub tool: ToolShape,
    /// The zoom tool's reply.
    pub response: Response,
    /// What a session may use.
    pub limits: Limits,
    /// What ends a session.
    pub end: End,
}

/// Texts of the opening.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptTexts {
    /// System text when the tool is offered.
    pub system: String,
    /// System text when it is not.
    pub system_without_tool: String,
    /// The user's turn after the page; `{question}` stands for the question.
    pub question: String,
    /// Follows the question where it has choices; `{choices}` stands for them.
    pub choices: String,
    /// How choices are listed.
    pub choice_style: ChoiceStyle,
}

/// How choices are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChoiceStyle {
    /// `left, right, both`.
    Words,
    /// One a line: `A. left`.
    Letters,
}

/// Opening and closing tag of each segment kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tags {
    /// Around thoughts.
    pub think: [String; 2],
    /// Around a tool call.
    pub tool_call: [String; 2],
    /// Around the answer.
    pub answer: [String; 2],
}

/// How a zoom is written between the tool-call tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolShape {
    /// Name of the tool: the call is `{"name": …, "arguments": {…}}`. Without one the call is the arguments' object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Argument that holds `[x1, y1, x2, y2]`.
    pub box_key: String,
    /// Argument that holds the label, if the family has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_key: Option<String>,
    /// Frame the numbers are in.
    pub frame: FrameKind,
}

/// How the tool's reply is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// Role of the turn.
    pub role: String,
    /// Before the crop or the refusal.
    pub before: String,
    /// After it.
    pub after: String,
    /// In the crop's place when a call is refused; `{reason}` stands for the reason.
    pub refusal: String,
}

/// What a session may use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Model turns.
    pub max_turns: u32,
    /// Crops returned.
    pub max_zooms: u32,
    /// Tokens the model may write over all turns.
    pub max_tokens: u32,
    /// Shortest side of a zoom, in page pixels.
    pub min_side: f64,
    /// Longest side over shortest side of a zoom.
    pub max_aspect: f64,
}

/// What ends a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// An answer ends the session, even in a turn that also has a call. If false, a turn with a call goes on.
    pub on_answer: bool,
}

impl Profile {
    /// Names of the shipped profiles.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|(name, _)| *name)
    }

    /// A shipped profile.
    ///
    /// # Errors
    /// [`ProfileError::Unknown`] for any other name.
    pub fn builtin(name: &str) -> Result<Self, ProfileError> {
        match BUILTIN.iter().find(|(known, _)| *known == name) {
            Some((known, text)) => Self::parse(text, known),
            None => Err(ProfileError::Unknown {
                name: name.to_owned(),
                known: Self::builtin_names().collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// A profile from the user's own file (at most 1 MiB of TOML).
    ///
    /// # Errors
    /// When the file cannot be read or is not a sound profile.
    pub fn open(path: &Path) -> Result<Self, ProfileError> {
        let failed = |source| ProfileError::Read { path: path.to_owned(), source };
        let size = std::fs::metadata(path).map_err(failed)?.len();
        if size > MAX_FILE_BYTES {
            return Err(ProfileError::Invalid {
                origin: path.display().to_string(),
                key: "file",
                message: format!("{size} bytes; a profile has at most {MAX_FILE_BYTES}"),
            });
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        Self::parse(&text, &path.display().to_string())
    }

    /// A shipped profile by name, else the user's file at this path.
    ///
    /// # Errors
    /// As [`Profile::open`]; [`ProfileError::Unknown`] when it is neither.
    pub fn find(name_or_path: &str) -> Result<Self, ProfileError> {
        match Self::builtin(name_or_path) {
            Err(ProfileError::Unknown { .. }) if Path::new(name_or_path).exists() => {
                Self::open(Path::new(name_or_path))
            }
            found => found,
        }
    }

    /// A profile from TOML text; `origin` is named in errors.
    ///
    /// # Errors
    /// [`ProfileError::Syntax`] with line and column, [`ProfileError::Invalid`] with the key.
    pub fn parse(text: &str, origin: &str) -> Result<Self, ProfileError> {
        let profile: Self = toml::from_str(text).map_err(|e| ProfileError::syntax(origin, text, &e))?;
        match profile.fault() {
            None => Ok(profile),
            Some((key, message)) => Err(ProfileError::Invalid { origin: origin.to_owned(), key, message }),
        }
    }

    /// blake3 (hex) of the canonical TOML: comments, order and blanks do not count.
    pub fn hash(&self) -> String {
        // A struct of strings and numbers always serialises; an empty text would only make the hash useless.
        let text = toml::to_string(self).unwrap_or_default();
        blake3::hash(text.as_bytes()).to_hex().to_string()
    }

    /// The first value that makes no sense, with its key.
    fn fault(&self) -> Option<(&'static str, String)> {
        self.name_fault().or_else(|| self.text_fault()).or_else(|| self.tag_fault()).or_else(|| self.limit_fault())
    }

    fn name_fault(&self) -> Option<(&'static str, String)> {
        let sound = |s: &str| (1..=64).contains(&s.chars().count()) && !s.chars().any(char::is_control);
        if !sound(&self.name) {
            return Some(("name", "1 to 64 characters without control characters".into()));
        }
        if !sound(&self.response.role) || self.response.role.contains(['<', '>']) {
            return Some(("response.role", "a word such as user or tool".into()));
        }
        if !sound(&self.tool.box_key) {
            return Some(("tool.box_key", "the name of an argument".into()));
        }
        if self.tool.name.as_deref().is_some_and(|name| !sound(name)) {
            return Some(("tool.name", "the name of a tool; leave it out if calls have none".into()));
        }
        (self.tool.label_key.as_deref() == Some(self.tool.box_key.as_str()))
            .then(|| ("tool.label_key", "must differ from tool.box_key".into()))
    }

    fn text_fault(&self) -> Option<(&'static str, String)> {
        let (p, r) = (&self.prompt, &self.response);
        let texts: [(&'static str, &str, Option<&str>); 7] = [
            ("prompt.system", &p.system, None),
            ("prompt.system_without_tool", &p.system_without_tool, None),
            ("prompt.question", &p.question, Some("{question}")),
            ("prompt.choices", &p.choices, Some("{choices}")),
            ("response.before", &r.before, None),
            ("response.after", &r.after, None),
            ("response.refusal", &r.refusal, Some("{reason}")),
        ];
        texts.into_iter().find_map(|(key, text, placeholder)| text_fault(text, placeholder).map(|why| (key, why)))
    }

    fn tag_fault(&self) -> Option<(&'static str, String)> {
        let tags = self.tags.all();
        let keys = ["tags.think", "tags.think", "tags.tool_call", "tags.tool_call", "tags.answer", "tags.answer"];
        for (i, (&tag, key)) in tags.iter().zip(keys).enumerate() {
            if tag.trim().is_empty() || tag.len() > MAX_TAG_BYTES {
                return Some((key, format!("a tag has 1 to {MAX_TAG_BYTES} bytes, not all of them blank")));
            }
            let clash = tags.iter().enumerate().find(|&(j, other)| j != i && other.starts_with(tag));
            if let Some((_, other)) = clash {
                return Some((
                    key,
                    format!("tag {tag:?} is the beginning of tag {other:?}: they cannot be told apart"),
                ));
            }
        }
        None
    }

    fn limit_fault(&self) -> Option<(&'static str, String)> {
        let l = &self.limits;
        if !(1..=10_000).contains(&l.max_turns) {
            return Some(("limits.max_turns", "from 1 to 10000".into()));
        }
        if l.max_tokens == 0 {
            return Some(("limits.max_tokens", "at least 1".into()));
        }
        if !(l.min_side >= 1.0 && l.min_side <= 1e6) {
            return Some(("limits.min_side", "from 1 to 1000000 page pixels".into()));
        }
        (!(l.max_aspect >= 1.0 && l.max_aspect <= MAX_ASPECT))
            .then(|| ("limits.max_aspect", format!("from 1 to {MAX_ASPECT}")))
    }
}

impl Tags {
    /// Opening and closing tags of think, tool call, answer, in this order.
    pub(super) fn all(&self) -> [&str; 6] {
        let ([a, b], [c, d], [e, f]) = (&self.think, &self.tool_call, &self.answer);
        [a, b, c, d, e, f].map(String::as_str)
    }
}

fn text_fault(text: &str, placeholder: Option<&str>) -> Option<String> {
    if text.len() > MAX_TEXT_BYTES {
        return Some(format!("longer than {MAX_TEXT_BYTES} bytes"));
    }
    if let Some(token) = IMAGE_TOKENS.iter().find(|token| text.contains(*token)) {
        return Some(format!("must not contain {token}: images are placed by the program"));
    }
    let placeholder = placeholder?;
    (text.matches(placeholder).count() != 1).then(|| format!("must contain {placeholder} once"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const RARL: &str = include_str!("../../assets/profiles/rarl.toml");

    fn error_of(from: &str, to: &str) -> String {
        assert!(RARL.contains(from), "{from}");
        Profile::parse(&RARL.replace(from, to), "mine.toml").unwrap_err().to_string()
    }

    #[test]
    fn shipped_profiles_are_sound_and_differ() {
        let [a, b] = ["rarl", "grounding"].map(|name| Profile::builtin(name).unwrap());
        assert_eq!(Profile::builtin_names().count(), 2);
        assert_ne!((&a.tags.tool_call, a.tool.frame), (&b.tags.tool_call, b.tool.frame));
        assert_ne!(a.hash(), b.hash());
        assert_eq!(b.tool.frame, FrameKind::Relative1);
    }

    #[test]
    fn the_hash_ignores_comments_and_survives_a_round_trip() {
        let profile = Profile::builtin("rarl").unwrap();
        let again = Profile::parse(&format!("# hello\n{RARL}"), "x").unwrap();
        let written = Profile::parse(&toml::to_string(&profile).unwrap(), "x").unwrap();
        assert_eq!((profile.hash(), profile.hash()), (again.hash(), written.hash()));
        let other = Profile::parse(&RARL.replace("max_turns = 6", "max_turns = 7"), "x").unwrap();
        assert_ne!(profile.hash(), other.hash());
        assert_eq!(profile.hash().len(), 64);
    }

    #[test]
    fn unknown_keys_name_line_and_nearest() {
        let message = error_of("max_turns = 6", "max_turn = 6");
        let line = RARL.lines().position(|l| l.starts_with("max_turns")).unwrap() + 1;
        assert!(message.starts_with(&format!("mine.toml:{line}:1: unknown field `max_turn`")), "{message}");
        assert!(message.ends_with("did you mean `max_turns`?"), "{message}");
        let far = error_of("max_turns = 6", "zzzzzzzzzzzzzzz = 6");
        assert!(!far.contains("did you mean"), "{far}");
        assert!(error_of("[limits]", "[limit]").contains("did you mean `limits`?"));
    }

    #[test]
    fn broken_files_say_where() {
        let line = RARL.lines().position(|l| l.starts_with("max_turns")).unwrap() + 1;
        let message = error_of("max_turns = 6", "max_turns = ");
        assert!(message.starts_with(&format!("mine.toml:{line}:")), "{message}");
        assert!(error_of("max_turns = 6", "max_turns = -6").starts_with(&format!("mine.toml:{line}:")));
        assert!(error_of("max_turns = 6\n", "").contains("max_turns"));
        assert!(error_of("frame = \"processed\"", "frame = \"pixels\"").contains("relative1000"));
    }

    #[test]
    fn senseless_values_are_named_by_key() {
        for (from, to, want) in [
            ("max_turns = 6", "max_turns = 0", "limits.max_turns"),
            ("max_tokens = 1024", "max_tokens = 0", "limits.max_tokens"),
            ("min_side = 28", "min_side = 0", "limits.min_side"),
            ("min_side = 28", "min_side = nan", "limits.min_side"),
            ("max_aspect = 100.0", "max_aspect = 1000.0", "limits.max_aspect"),
            ("\"<answer>\", \"</answer>\"", "\"<answer>\", \"<answer>\"", "tags.answer"),
            ("\"<answer>\", \"</answer>\"", "\"<think\", \"</answer>\"", "tags.answer"),
            ("\"<answer>\", \"</answer>\"", "\"\", \"</answer>\"", "tags.answer"),
            ("question = \"{question}\"", "question = \"what\"", "prompt.question"),
            ("choices = \"\\nChoices: {choices}.\"", "choices = \"{choices} {choices}\"", "prompt.choices"),
            ("refusal = \"Error: {reason}\"", "refusal = \"Error\"", "response.refusal"),
            ("before = \"<tool_response>\"", "before = \"<|image_pad|>\"", "response.before"),
            ("role = \"user\"", "role = \"user<|im_end|>\"", "response.role"),
            ("name = \"rarl\"", "name = \"\"", "name"),
            ("label_key = \"label\"", "label_key = \"bbox_2d\"", "tool.label_key"),
        ] {
            let message = error_of(from, to);
            assert!(message.starts_with(&format!("mine.toml: {want}: ")), "{from} → {to}: {message}");
        }
    }

    #[test]
    fn files_and_names_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("own.toml");
        std::fs::write(&path, RARL.replace("\"rarl\"", "\"own\"")).unwrap();
        assert_eq!(Profile::find(path.to_str().unwrap()).unwrap().name, "own");
        assert_eq!(Profile::find("rarl").unwrap().name, "rarl");
        assert!(Profile::find("nowhere").unwrap_err().to_string().contains("rarl, grounding"));
        assert!(Profile::open(dir.path()).is_err());
    }
}
