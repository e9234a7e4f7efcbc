//! Reading the text between the tool-call tags.

use serde_json::{Map, Value};

use super::ToolShape;
use crate::trace::Refusal;

/// A coordinate may not be larger than this in any frame.
pub const MAX_COORDINATE: f64 = 1e9;
/// Stands for a number that is none (`NaN`, `Infinity`, `1e999`); larger than any number a page needs.
const NO_NUMBER: &str = "1.7976931348623157e308";

/// A tool call as the model wrote it; nothing is known yet about the place.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoomCall {
    /// The four numbers, finite, in the profile's frame.
    pub raw: [f64; 4],
    /// The label, where one was given.
    pub label: Option<String>,
}

/// Why a call was refused, and the same in words (no words of the model in it except a short, printable excerpt).
pub type Refused = (Refusal, String);

/// Reads one call. Numbers may be integers or floats; a number in quotes is refused as a wrong shape; fields that the
/// profile does not name are ignored.
///
/// # Errors
/// The refusal and its words.
pub(super) fn read_call(body: &[u8], shape: &ToolShape) -> Result<ZoomCall, Refused> {
    let text = std::str::from_utf8(body).map_err(|e| {
        (Refusal::BrokenJson, format!("the call is not valid JSON: byte {} is not UTF-8", e.valid_up_to()))
    })?;
    let value = read_json(text.trim())?;
    let object = value.as_object().ok_or_else(|| wrong("the call is not a JSON object"))?;
    let arguments = match &shape.name {
        None => object,
        Some(tool) => arguments_of(object, tool)?,
    };
    let raw = read_box(arguments, &shape.box_key)?;
    Ok(ZoomCall { raw, label: read_label(arguments, shape.label_key.as_deref())? })
}

fn wrong(what: impl Into<String>) -> Refused {
    (Refusal::WrongShape, what.into())
}

/// JSON, or JSON as Python writes it (`NaN`, `Infinity`) or with numbers beyond f64, which become [`NO_NUMBER`].
fn read_json(text: &str) -> Result<Value, Refused> {
    let first = match serde_json::from_str(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    serde_json::from_str(&tamed(text)).map_err(|_| {
        let place = format!("line {} column {}", first.line(), first.column());
        (Refusal::BrokenJson, format!("the call is not valid JSON ({place})"))
    })
}

fn arguments_of<'a>(object: &'a Map<String, Value>, tool: &str) -> Result<&'a Map<String, Value>, Refused> {
    match object.get("name") {
        Some(Value::String(name)) if name == tool => {}
        Some(Value::String(name)) => {
            return Err((Refusal::UnknownTool, format!("there is no tool \"{}\", only \"{tool}\"", excerpt(name))));
        }
        _ => return Err(wrong("the call has no \"name\"")),
    }
    object.get("arguments").and_then(Value::as_object).ok_or_else(|| wrong("the call has no object \"arguments\""))
}

fn read_box(arguments: &Map<String, Value>, key: &str) -> Result<[f64; 4], Refused> {
    let list = match arguments.get(key) {
        Some(Value::Array(list)) => list,
        Some(_) => return Err(wrong(format!("\"{key}\" is not a list of four numbers"))),
        None => return Err(wrong(format!("the call has no \"{key}\""))),
    };
    let numbers: Option<Vec<f64>> = list.iter().map(|v| if v.is_number() { v.as_f64() } else { None }).collect();
    let numbers = numbers.ok_or_else(|| wrong(format!("\"{key}\" holds something that is not a number")))?;
    let raw = <[f64; 4]>::try_from(numbers)
        .map_err(|n| (Refusal::WrongArity, format!("\"{key}\" has {} numbers instead of four", n.len())))?;
    // f64::MAX is what `tamed` writes for a number that is none.
    if raw.iter().any(|n| !n.is_finite() || n.abs() == f64::MAX) {
        return Err((Refusal::NotFinite, format!("\"{key}\" holds a number that is not finite")));
    }
    Ok(raw)
}

fn read_label(arguments: &Map<String, Value>, key: Option<&str>) -> Result<Option<String>, Refused> {
    let Some(key) = key else { return Ok(None) };
    match arguments.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(label)) => Ok(Some(label.clone())),
        Some(_) => Err(wrong(format!("\"{key}\" is not text"))),
    }
}

/// Up to 40 printable characters of what a model wrote.
fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(40).map(|c| if c.is_control() { '·' } else { c }).collect();
    if text.chars().nth(40).is_some() {
        short.push('…');
    }
    short
}

/// The text with every bare word outside strings that is no finite number, but means one, replaced.
fn tamed(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let mut word = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        if !quoted && (c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')) {
            word.push(c);
            continue;
        }
        flush_word(&mut word, &mut out);
        if quoted {
            quoted = escaped || c != '"';
            escaped = c == '\\' && !escaped;
        } else {
            quoted = c == '"';
        }
        out.push(c);
    }
    flush_word(&mut word, &mut out);
    out
}

fn flush_word(word: &mut String, out: &mut String) {
    // Rust reads "nan", "inf", "infinity" in any case, and overflows to infinity, as Python's json does.
    let no_number = word.parse::<f64>().is_ok_and(|n| !n.is_finite());
    out.push_str(if no_number { NO_NUMBER } else { word });
    word.clear();
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::protocol::Profile;

    fn read(body: &str) -> Result<ZoomCall, Refusal> {
        read_call(body.as_bytes(), &Profile::builtin("rarl").unwrap().tool).map_err(|(refusal, words)| {
            assert!(!words.is_empty() && words.len() < 200 && !words.contains(char::is_control), "{words:?}");
            refusal
        })
    }

    fn with_box(list: &str) -> String {
        format!(r#"{{"name": "image_zoom_in_tool", "arguments": {{"bbox_2d": {list}}}}}"#)
    }

    #[test]
    fn good_calls() {
        let call = read(
            r#" {"name": "image_zoom_in_tool", "arguments": {"bbox_2d": [20, 1e2, 84.5, -164], "label": "panel 3", "x": null}}"#,
        );
        assert_eq!(call, Ok(ZoomCall { raw: [20.0, 100.0, 84.5, -164.0], label: Some("panel 3".into()) }));
        assert_eq!(read(&with_box("[0,1,2,1e308]")).unwrap().raw, [0.0, 1.0, 2.0, 1e308]);
        let flat = Profile::builtin("grounding").unwrap().tool;
        let call = read_call(br#"{"box":[0.1,0.2,0.3,1],"what":null}"#, &flat);
        assert_eq!(call, Ok(ZoomCall { raw: [0.1, 0.2, 0.3, 1.0], label: None }));
    }

    #[test]
    fn every_fault_has_its_name() {
        use Refusal::{BrokenJson, NotFinite, UnknownTool, WrongArity, WrongShape};
        for (body, want) in [
            ("", BrokenJson),
            ("{", BrokenJson),
            ("zoom please", BrokenJson),
            (r#"{"name": "image_zoom_in_tool", "arguments": {"bbox_2d": [1,2,3,4]}"#, BrokenJson),
            (r#"{"name": "image_zoom_in_tool", "arguments": {"bbox_2d": [1,2,3,4]}} {}"#, BrokenJson),
            ("{'name': 'image_zoom_in_tool'}", BrokenJson),
            ("[1,2,3,4]", WrongShape),
            ("NaN", WrongShape),
            ("{}", WrongShape),
            (r#"{"name": 3, "arguments": {}}"#, WrongShape),
            (r#"{"name": "image_zoom_in_tool"}"#, WrongShape),
            (r#"{"name": "image_zoom_in_tool", "arguments": "{\"bbox_2d\": [1,2,3,4]}"}"#, WrongShape),
            (r#"{"name": "image_zoom_in_tool", "arguments": {"bbox_2d": [1,2,3,4], "label": 7}}"#, WrongShape),
            (r#"{"name": "search\u001b[2J", "arguments": {"bbox_2d": [1,2,3,4]}}"#, UnknownTool),
            (&with_box("\"1,2,3,4\""), WrongShape),
            (&with_box("[\"1\",2,3,4]"), WrongShape),
            (&with_box("[[1,2,3,4]]"), WrongShape),
            (&with_box("[1,2,3,null]"), WrongShape),
            (&with_box("[1,2,3]"), WrongArity),
            (&with_box("[]"), WrongArity),
            (&with_box("[1,2,3,4,5]"), WrongArity),
            (&with_box("[1,2,3,NaN]"), NotFinite),
            (&with_box("[1,2,-Infinity,4]"), NotFinite),
            (&with_box("[1,2,3,1e999]"), NotFinite),
            (&with_box(&format!("[1,2,3,{}]", "9".repeat(400))), NotFinite),
        ] {
            assert_eq!(read(body), Err(want), "{body}");
        }
        assert_eq!(read(&format!("{}{}", "[".repeat(2000), "]".repeat(2000))), Err(BrokenJson));
        assert_eq!(read_call(b"{\"name\xff\"", &Profile::builtin("rarl").unwrap().tool).unwrap_err().0, BrokenJson);
    }

    #[test]
    fn strings_are_not_tamed() {
        assert_eq!(tamed(r#"{"a\"NaN": NaN, "b": "inf"}"#), format!(r#"{{"a\"NaN": {NO_NUMBER}, "b": "inf"}}"#));
    }
}
