//! From an answer as written to its content, and from content to a score.

use super::Question;

/// What a scorer says.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Scorer name.
    pub scorer: &'static str,
    /// Scorer version.
    pub version: u32,
    /// 1 fully right, 0 wrong.
    pub value: f64,
    /// Why, in words.
    pub explanation: String,
    /// Measures of this form of answer by name.
    pub parts: Vec<(&'static str, f64)>,
}

/// The content an answer stands for.
///
/// With choices: the choice whose text equals the answer (case, outer blanks and closing punctuation ignored), else the
/// choice a single letter names (`B`, `b.`, `(B)`, `B. text`). Without: the normalised answer, where it is not empty.
pub fn resolve_answer(raw: &str, question: &Question) -> Option<String> {
    let choices = &question.choices;
    let answer = normalise(raw);
    if choices.is_empty() {
        return (!answer.is_empty()).then_some(answer);
    }
    if let Some(choice) = choices.iter().find(|c| normalise(c) == answer) {
        return Some(choice.clone());
    }
    let stripped = answer.trim_start_matches('(');
    let mut chars = stripped.chars();
    let letter = chars.next().filter(char::is_ascii_lowercase)?;
    let rest = chars.as_str();
    let index = usize::from(u8::try_from(letter).ok()?.checked_sub(b'a')?);
    let choice = choices.get(index)?;
    let tail = rest.trim_start_matches([')', '.', ':', ' ']);
    let is_letter = tail.is_empty() || (tail.len() < rest.len() && normalise(choice) == tail);
    is_letter.then(|| choice.clone())
}

/// Scores an answer's content against the question's truth; `None` where the truth is unknown.
pub fn score_answer(question: &Question, content: Option<&str>) -> Option<Score> {
    let truth = question.truth.as_deref()?;
    let right = content.is_some_and(|c| normalise(c) == normalise(truth));
    let explanation = match content {
        Some(c) if right => format!("\"{c}\" is right"),
        Some(c) => format!("\"{c}\", the truth is \"{truth}\""),
        None => format!("no answer that could be read, the truth is \"{truth}\""),
    };
    let value = if right { 1.0 } else { 0.0 };
    Some(Score { scorer: "choice", version: 1, value, explanation, parts: vec![("exact", value)] })
}

/// The mean score of a guess.
pub fn chance(question: &Question) -> Option<f64> {
    let n = if question.choices.is_empty() { question.labels.len() } else { question.choices.len() };
    (n > 0).then(|| 1.0 / n as f64)
}

fn normalise(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").trim_end_matches(['.', '!', ',', ';']).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_text_or_letter() {
        let choices = ["Pip", "Bo", "a hat"].map(str::to_owned).into();
        let question = Question { choices, ..Question::default() };
        for (raw, want) in [
            (" pip. ", Some("Pip")),
            ("B", Some("Bo")),
            ("(b)", Some("Bo")),
            ("B. Bo", Some("Bo")),
            ("B. Pip", None),
            ("c: a hat", Some("a hat")),
            ("bob", None),
            ("D", None),
            ("", None),
            ("é", None),
        ] {
            assert_eq!(resolve_answer(raw, &question).as_deref(), want, "{raw:?}");
        }
        assert_eq!(resolve_answer(" Sleeping. ", &Question::default()).as_deref(), Some("sleeping"));
    }

    #[test]
    fn unknown_truth_is_not_scored() {
        let mut q = Question { truth: Some("Bo".into()), ..Question::default() };
        assert_eq!(score_answer(&q, Some("bo")).map(|s| s.value), Some(1.0));
        assert_eq!(score_answer(&q, None).map(|s| s.value), Some(0.0));
        q.truth = None;
        assert_eq!(score_answer(&q, Some("bo")), None);
    }
}
