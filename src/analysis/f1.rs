//! Macro-averaged F1 of one-of-several answers.

use std::collections::BTreeMap;

/// Hits, predictions and occurrences of one class.
#[derive(Clone, Copy, Debug, Default)]
struct Class {
    hits: u32,
    predicted: u32,
    occurs: u32,
}

/// Macro F1 of pairs (truth, answer): F1 per class, averaged over the classes that occur as a truth. No answer is a
/// prediction of no class; an answer outside those classes only costs recall. None of no pairs.
///
/// Classes are told apart as answers are: case, outer blanks and closing punctuation do not count.
pub fn macro_f1<'a>(pairs: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Option<f64> {
    let mut classes: BTreeMap<String, Class> = BTreeMap::new();
    for (truth, answer) in pairs {
        let (truth, answer) = (class_of(truth), answer.map(class_of));
        let hit = answer.as_ref() == Some(&truth);
        let class = classes.entry(truth).or_default();
        class.occurs += 1;
        class.hits += u32::from(hit);
        if let Some(answer) = answer {
            classes.entry(answer).or_default().predicted += 1;
        }
    }
    let f1 = |c: &Class| 2.0 * f64::from(c.hits) / f64::from(c.predicted + c.occurs);
    super::mean(classes.values().filter(|c| c.occurs > 0).map(f1))
}

fn class_of(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").trim_end_matches(|c: char| c.is_whitespace() || ".!,;".contains(c)).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_averaged_and_not_sessions() {
        // a: 2 of 3 found, 2 predictions: F1 0.8. b: 1 of 1 found, 2 predictions: 2/3. "c" is never a truth.
        let pairs = [("a", Some("A.")), ("a", Some("a")), ("a", Some("b")), ("b", Some("b"))];
        assert_eq!(macro_f1(pairs), Some((0.8 + 2.0 / 3.0) / 2.0));
        assert_eq!(macro_f1([("a", Some("c")), ("a", None)]), Some(0.0));
        assert_eq!(macro_f1([("a", Some("a")), ("a", None)]), Some(2.0 / 3.0));
        assert_eq!(macro_f1([]), None);
    }
}
