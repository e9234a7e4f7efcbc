//! Settings that a fork may have otherwise.

use crate::engine::Ask;
use crate::model::sampler::{SamplerError, Sampling};

/// One setting and its value.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// Divides the logits; 0 is greedy.
    Temperature(f64),
    /// Keep the k likeliest tokens; 0 keeps all.
    TopK(u32),
    /// Keep the likeliest tokens that have this mass.
    TopP(f64),
    /// Penalty on tokens of the context; 1 is none.
    RepetitionPenalty(f64),
    /// Seed of the sampler.
    Seed(u64),
    /// Most tokens the model may write.
    MaxTokens(u32),
    /// Another question.
    Question(String),
    /// Other choices, or the same in another order.
    Choices(Vec<String>),
    /// Whether the zoom tool is offered.
    Tool(bool),
    /// Fewest and most pixels of a processed image.
    Pixels(u64, u64),
}

impl Setting {
    /// Its name, as logs have it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Temperature(_) => "temperature",
            Self::TopK(_) => "top_k",
            Self::TopP(_) => "top_p",
            Self::RepetitionPenalty(_) => "repetition_penalty",
            Self::Seed(_) => "seed",
            Self::MaxTokens(_) => "max_tokens",
            Self::Question(_) => "question",
            Self::Choices(_) => "choices",
            Self::Tool(_) => "tool",
            Self::Pixels(..) => "pixels",
        }
    }

    /// Whether it can change in the middle of a session; the others change the opening.
    pub(super) fn goes_on(name: &str) -> bool {
        matches!(name, "temperature" | "top_k" | "top_p" | "repetition_penalty" | "seed" | "max_tokens")
    }

    /// Puts it into what is asked.
    ///
    /// # Errors
    /// A sampling setting that means nothing.
    pub fn apply(&self, ask: &mut Ask) -> Result<(), SamplerError> {
        let sampling = ask.sampling;
        match self {
            Self::Temperature(temperature) => ask.sampling = Sampling { temperature: *temperature, ..sampling },
            Self::TopK(top_k) => ask.sampling = Sampling { top_k: *top_k, ..sampling },
            Self::TopP(top_p) => ask.sampling = Sampling { top_p: *top_p, ..sampling },
            Self::RepetitionPenalty(penalty) => {
                ask.sampling = Sampling { repetition_penalty: *penalty, ..sampling };
            }
            Self::Seed(seed) => ask.seed = *seed,
            Self::MaxTokens(most) => ask.max_tokens = Some(*most),
            Self::Question(text) => ask.question.text.clone_from(text),
            Self::Choices(choices) => ask.question.choices.clone_from(choices),
            Self::Tool(tool) => ask.tool = *tool,
            Self::Pixels(min, max) => ask.debug.pixels = Some((*min, *max)),
        }
        ask.sampling.checked().map(|_| ())
    }

    /// A setting as a person types it: `temperature 0.8`, `tool off`, `question Who is nearer?`, `choices A | B`,
    /// `pixels 3136 100352`.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn read(text: &str) -> Result<Self, String> {
        let (name, value) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
        let value = value.trim();
        let number = || value.parse::<f64>().map_err(|_| format!("{name} needs a number, such as {name} 0.8"));
        let whole = || value.parse::<u64>().map_err(|_| format!("{name} needs a whole number"));
        let small = || whole().and_then(|n| u32::try_from(n).map_err(|_| format!("{n} is too large for {name}")));
        let given = || if value.is_empty() { Err(format!("{name} needs a text")) } else { Ok(value.to_owned()) };
        Ok(match name {
            "temperature" => Self::Temperature(number()?),
            "top_k" => Self::TopK(small()?),
            "top_p" => Self::TopP(number()?),
            "repetition_penalty" => Self::RepetitionPenalty(number()?),
            "seed" => Self::Seed(whole()?),
            "max_tokens" => Self::MaxTokens(small()?),
            "question" => Self::Question(given()?),
            "choices" => Self::Choices(given()?.split('|').map(|part| part.trim().to_owned()).collect()),
            "tool" if value == "on" => Self::Tool(true),
            "tool" if value == "off" => Self::Tool(false),
            "tool" => return Err("tool is on or off".to_owned()),
            "pixels" => {
                let numbers: Vec<u64> = value.split_whitespace().filter_map(|n| n.parse().ok()).collect();
                match numbers.as_slice() {
                    [min, max] => Self::Pixels(*min, *max),
                    _ => return Err("pixels needs the fewest and the most, such as pixels 3136 100352".to_owned()),
                }
            }
            _ => {
                let names = "temperature, top_k, top_p, repetition_penalty, seed, max_tokens, question, choices, tool";
                return Err(format!("there is no setting \"{name}\"; there are {names} and pixels"));
            }
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_or_refused_in_words() {
        for (text, want) in [
            ("temperature 0.8", Setting::Temperature(0.8)),
            (" seed  7 ", Setting::Seed(7)),
            ("tool off", Setting::Tool(false)),
            ("choices Pip | Bo", Setting::Choices(vec!["Pip".into(), "Bo".into()])),
            ("pixels 3136 6272", Setting::Pixels(3136, 6272)),
            ("question Who is there?", Setting::Question("Who is there?".into())),
        ] {
            assert_eq!(Setting::read(text), Ok(want));
        }
        for (text, part) in [
            ("", "there is no setting"),
            ("heat 1", "there is no setting \"heat\""),
            ("temperature hot", "needs a number"),
            ("top_k 99999999999", "too large"),
            ("tool maybe", "on or off"),
            ("pixels 3", "fewest and the most"),
            ("question", "needs a text"),
        ] {
            assert!(Setting::read(text).unwrap_err().contains(part), "{text}");
        }
    }
}
