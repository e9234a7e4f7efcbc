//! One question, field by field.

use serde_json::{Map, Value};

use super::pages::{Found, Pages};
use crate::benchmark::folder::{Split, is_page_name};
use crate::benchmark::{AnswerForm, Family, Task};
use crate::geometry::Size;

/// Fields of a line.
pub const FIELDS: [&str; 13] = [
    "id", "task", "family", "text", "choices", "form", "labels", "truth", "targets", "page", "detail", "shortcut",
    "split",
];
/// Longest id in bytes.
const MAX_ID: usize = 200;
/// How far a target may stick out of its page in pixels: numbers are rounded.
const TOLERANCE: f64 = 0.5;

type Tell<'a> = &'a mut dyn FnMut(&'static str, String);

/// Checks the fields of a line.
pub fn check(fields: &Map<String, Value>, pages: &mut Pages, tell: Tell<'_>) {
    id(fields, tell);
    task_and_family(fields, tell);
    match fields.get("text") {
        Some(Value::String(text)) if !text.trim().is_empty() => {}
        Some(Value::String(_)) => tell("text", "the question's text is empty".to_owned()),
        _ => tell("text", "the question has no text".to_owned()),
    }
    if let Some(value) = present(fields, "split")
        && !value.as_str().is_some_and(|s| Split::ALL.iter().any(|split| split.name() == s))
    {
        let names = Split::ALL.map(Split::name).join(", ");
        tell("split", format!("unknown split {value}; the splits are {names}"));
    }
    if let Some(value) = present(fields, "detail")
        && !value.as_f64().is_some_and(|v| v.is_finite() && v > 0.0)
    {
        tell("detail", format!("detail is {value}; it is a size in pixels, above 0"));
    }
    if present(fields, "shortcut").is_some_and(|value| !value.is_string()) {
        tell("shortcut", "shortcut is the answer of somebody who does not look, as a text".to_owned());
    }
    answer(fields, tell);
    let size = page(fields, pages, tell);
    targets(fields, size, tell);
}

/// A field that is there and not null.
fn present<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

fn id(fields: &Map<String, Value>, tell: Tell<'_>) {
    match fields.get("id") {
        Some(Value::String(id)) if id.trim().is_empty() => tell("id", "the id is empty".to_owned()),
        Some(Value::String(id)) if id.len() > MAX_ID || id.chars().any(char::is_control) => {
            tell("id", format!("an id has at most {MAX_ID} bytes and no control characters"));
        }
        Some(Value::String(_)) => {}
        _ => tell("id", "there is no id, or it is not a text".to_owned()),
    }
}

fn task_and_family(fields: &Map<String, Value>, tell: Tell<'_>) {
    let task = present(fields, "task").map(|v| v.as_str().unwrap_or_default().parse::<Task>());
    let family = present(fields, "family").map(|v| v.as_str().unwrap_or_default().parse::<Family>());
    match (&task, &family) {
        (Some(Ok(task)), Some(Ok(family))) if task.family() != *family => {
            tell("family", format!("{task} is of the family {}, not {family}", task.family()));
        }
        (None, Some(Ok(_))) => tell("family", "a family without a task".to_owned()),
        _ => {}
    }
    if let Some(Err(why)) = task {
        tell("task", why);
    }
    if let Some(Err(why)) = family {
        tell("family", why);
    }
}

/// A list of texts; none where it is not one, which is told.
fn texts<'a>(fields: &'a Map<String, Value>, name: &'static str, tell: Tell<'_>) -> Option<Vec<&'a str>> {
    let Some(value) = fields.get(name) else { return Some(Vec::new()) };
    let texts: Option<Vec<&str>> = value.as_array().and_then(|all| all.iter().map(Value::as_str).collect());
    let Some(texts) = texts else {
        tell(name, format!("{name} has to be a list of texts"));
        return None;
    };
    if texts.iter().any(|t| t.trim().is_empty()) {
        tell(name, format!("one of the {name} is empty"));
    }
    let mut sorted: Vec<String> = texts.iter().map(|t| folded(t)).collect();
    sorted.sort_unstable();
    let twice: Vec<&String> =
        sorted.iter().zip(sorted.iter().skip(1)).filter(|(a, b)| a == b).map(|(a, _)| a).collect();
    if let Some(twice) = twice.first() {
        tell(name, format!("\"{twice}\" is twice among the {name}"));
    }
    Some(texts)
}

/// As answers are compared: without outer blanks, in lower case.
fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

fn answer(fields: &Map<String, Value>, tell: Tell<'_>) {
    let choices = texts(fields, "choices", tell);
    let labels = texts(fields, "labels", tell);
    let form = match fields.get("form") {
        None => AnswerForm::default(),
        Some(value) => match serde_json::from_value::<AnswerForm>(value.clone()) {
            Ok(form) => form,
            Err(_) => {
                return tell("form", format!("unknown form {value}; the forms are choice, count, order, set, free"));
            }
        },
    };
    let (Some(choices), Some(labels)) = (choices, labels) else { return };
    let items = if labels.is_empty() { &choices } else { &labels };
    if matches!(form, AnswerForm::Order | AnswerForm::Set) {
        if items.len() < 2 {
            tell("labels", "an order or a set is of at least two labels".to_owned());
        }
        if let Some(item) = items.iter().find(|i| i.contains(',')) {
            tell("labels", format!("the label \"{item}\" has a comma, which divides labels in answers"));
        }
    }
    match present(fields, "truth") {
        None => {}
        Some(Value::String(truth)) => truth_fits(truth, form, &choices, &labels, tell),
        Some(other) => tell("truth", format!("the truth is {other}; it has to be a text or null")),
    }
}

fn truth_fits(truth: &str, form: AnswerForm, choices: &[&str], labels: &[&str], tell: Tell<'_>) {
    let items = if labels.is_empty() { choices } else { labels };
    let among = |list: &[&str], item: &str| list.iter().any(|l| folded(l) == folded(item));
    let parts: Vec<String> = truth.split(',').map(folded).filter(|p| !p.is_empty()).collect();
    let mut sorted = parts.clone();
    sorted.sort_unstable();
    sorted.dedup();
    match form {
        AnswerForm::Choice if !choices.is_empty() => {
            if !among(choices, truth) {
                tell("truth", format!("the truth \"{truth}\" is not among the choices"));
            }
        }
        AnswerForm::Choice if truth.trim().is_empty() => tell("truth", "the truth is empty".to_owned()),
        AnswerForm::Choice | AnswerForm::Free => {
            if !labels.is_empty() && !among(labels, truth) {
                tell("truth", format!("the truth \"{truth}\" is not among the labels"));
            }
        }
        AnswerForm::Count => {
            if truth.trim().parse::<u32>().is_err() {
                tell("truth", format!("the truth \"{truth}\" is not a whole number from 0"));
            } else if !items.is_empty() && !among(items, truth) {
                tell("truth", format!("the truth \"{truth}\" is not among the answers listed"));
            }
        }
        AnswerForm::Order => {
            let mut all: Vec<String> = items.iter().map(|i| folded(i)).collect();
            all.sort_unstable();
            if sorted != all || sorted.len() != parts.len() {
                tell("truth", format!("the truth \"{truth}\" does not name every label once"));
            }
        }
        AnswerForm::Set => {
            if let Some(other) = parts.iter().find(|p| !among(items, p)) {
                tell("truth", format!("\"{other}\" in the truth is not among the labels"));
            } else if sorted.len() != parts.len() {
                tell("truth", format!("the truth \"{truth}\" names a label twice"));
            }
        }
    }
}

fn page(fields: &Map<String, Value>, pages: &mut Pages, tell: Tell<'_>) -> Option<Size> {
    let Some(name) = present(fields, "page").and_then(Value::as_str) else {
        tell("page", "no page is named".to_owned());
        return None;
    };
    if !is_page_name(name) {
        tell("page", format!("\"{name}\" cannot be a page's name: it is a file's name in pages/ without its ending"));
        return None;
    }
    match pages.used(name) {
        Found::Sized(size) => return Some(size),
        Found::Missing if pages.present => tell("missing page", format!("there is no page \"{name}\" in pages/")),
        Found::Missing | Found::Broken => {}
    }
    None
}

fn targets(fields: &Map<String, Value>, page: Option<Size>, tell: Tell<'_>) {
    let Some(value) = fields.get("targets") else { return };
    let Some(boxes) = value.as_array() else {
        return tell("target", "targets has to be a list of boxes [x1, y1, x2, y2]".to_owned());
    };
    for target in boxes {
        let numbers: Option<Vec<f64>> = target.as_array().and_then(|all| all.iter().map(Value::as_f64).collect());
        let Some([x1, y1, x2, y2]) = numbers.and_then(|n| <[f64; 4]>::try_from(n).ok()) else {
            tell("target", format!("{target} is not a box [x1, y1, x2, y2]"));
            continue;
        };
        if let Some(what) = wrong_box([x1, y1, x2, y2], page) {
            tell("target", what);
        }
    }
}

/// What is wrong with a box on a page, where its size is known.
pub fn wrong_box([x1, y1, x2, y2]: [f64; 4], page: Option<Size>) -> Option<String> {
    if [x1, y1, x2, y2].iter().any(|v| !v.is_finite()) {
        return Some(format!("the box [{x1}, {y1}, {x2}, {y2}] is not finite"));
    }
    if x1 >= x2 || y1 >= y2 {
        return Some(format!("the box [{x1}, {y1}, {x2}, {y2}] is empty or inverted"));
    }
    let size = page?;
    let (w, h) = (f64::from(size.w) + TOLERANCE, f64::from(size.h) + TOLERANCE);
    let inside = x1 >= -TOLERANCE && y1 >= -TOLERANCE && x2 <= w && y2 <= h;
    (!inside).then(|| format!("the box [{x1}, {y1}, {x2}, {y2}] is not on its page of {size}"))
}
