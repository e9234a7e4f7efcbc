//! How reports say figures.

use crate::run::RunSettings;
use crate::text::sanitise;

/// A text of a model, a file or a server without what changes its direction or hides in it.
pub(super) fn safe(text: &str) -> String {
    sanitise(text).into_owned()
}

/// `81.4 %`.
pub(super) fn percent(share: Option<f64>) -> String {
    share.filter(|x| x.is_finite()).map_or_else(|| "–".to_owned(), |x| format!("{:.1} %", 100.0 * x))
}

/// `[70.1, 88.2]`, in hundredths.
pub(super) fn interval([low, high]: [f64; 2]) -> String {
    format!("{:.1}–{:.1}", 100.0 * low, 100.0 * high)
}

/// `+1.4`, in hundredths, with its interval where there is one.
pub(super) fn difference(value: Option<f64>, ci95: Option<[f64; 2]>) -> String {
    let Some(value) = value else { return "–".to_owned() };
    let ci95 = ci95.map_or_else(String::new, |[low, high]| format!(" ({:+.1} to {:+.1})", 100.0 * low, 100.0 * high));
    format!("{:+.1}{ci95}", 100.0 * value)
}

/// Three digits.
pub(super) fn number(value: Option<f64>) -> String {
    value.filter(|x| x.is_finite()).map_or_else(|| "–".to_owned(), |x| format!("{x:.3}"))
}

/// A p-value.
pub(super) fn p_value(p: Option<f64>) -> String {
    match p {
        None => "–".to_owned(),
        Some(p) if p < 0.001 => "< .001".to_owned(),
        Some(p) => format!("{p:.3}"),
    }
}

/// What a run was made with, by name.
pub(super) fn settings(settings: &RunSettings) -> Vec<(String, String)> {
    let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(settings) else { return Vec::new() };
    let word = |value: serde_json::Value| match value {
        serde_json::Value::Null => "–".to_owned(),
        serde_json::Value::String(text) => safe(&text),
        serde_json::Value::Array(list) if list.is_empty() => "all".to_owned(),
        other => safe(&other.to_string()),
    };
    fields.into_iter().map(|(name, value)| (name.replace('_', " "), last_name(&word(value)))).collect()
}

/// The last name of a path: a report goes to people whom the folders above do not concern.
fn last_name(text: &str) -> String {
    let is_path = text.starts_with(['/', '~', '.']) || text.contains(":\\");
    let last = text.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next();
    last.filter(|last| is_path && !last.is_empty()).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_above_are_nobodys_business() {
        for (text, want) in [
            ("/home/ann/models/x/", "x"),
            ("demo", "demo"),
            ("synth:3@hard", "synth:3@hard"),
            ("C:\\a\\b", "b"),
            ("..", ".."),
        ] {
            assert_eq!(last_name(text), want);
        }
    }
}
