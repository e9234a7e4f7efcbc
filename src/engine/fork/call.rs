//! A tool call written again with another box.

use super::{ForkError, Past};
use crate::geometry::{FrameKind, PageBox, Size};
use crate::protocol::Profile;
use crate::trace::ZoomEvent;

/// What the model is made to write, and from which position on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edited {
    pub position: u64,
    pub text: String,
}

/// The call with other numbers: what stands before them is kept token by token, what follows them is written again. A call
/// without four numbers is written anew as the profile writes calls.
pub(super) fn edited(past: &Past, zoom: &ZoomEvent, b: PageBox, profile: &Profile) -> Result<Edited, ForkError> {
    let (size, processed) = past.on_page(&b)?;
    let numbers = written(&b, zoom.frame, size, processed);
    let segment = past.call_segment(zoom).ok_or(ForkError::Incomplete("the call's text is not in its log".into()))?;
    let tokens = past.trace.tokens.iter().filter(|t| (segment.first..=segment.last).contains(&t.position));
    let (mut bytes, mut starts) = (Vec::new(), Vec::new());
    for token in tokens {
        starts.push((bytes.len(), token.position));
        bytes.extend(token.piece.bytes());
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let Some((open, close)) = numbers_in(&text).filter(|_| text.len() == bytes.len()) else {
        return Ok(Edited { position: segment.first, text: anew(profile, &numbers) });
    };
    let spaced = text.get(open..close).is_some_and(|inside| inside.contains(", "));
    let list = numbers.join(if spaced { ", " } else { "," });
    // The token that holds the first digit is the first to go.
    let (from, position) = starts.iter().rev().find(|(start, _)| *start <= open).copied().unwrap_or((0, segment.first));
    let text = [text.get(from..open), Some(list.as_str()), text.get(close..)].into_iter().flatten().collect();
    Ok(Edited { position, text })
}

/// A call for a box as the profile writes calls, and the end of the turn.
pub(super) fn ending_turn(past: &Past, b: PageBox, profile: &Profile) -> Result<String, ForkError> {
    let (size, processed) = past.on_page(&b)?;
    Ok(anew(profile, &written(&b, profile.tool.frame, size, processed)) + "<|im_end|>")
}

/// Where the digits between the brackets of the first list of four numbers begin and end.
fn numbers_in(text: &str) -> Option<(usize, usize)> {
    text.match_indices('[').find_map(|(at, _)| {
        let inside = text.get(at + 1..)?;
        let inside = inside.get(..inside.find(']')?)?;
        let four = inside.split(',').map(|n| n.trim().parse::<f64>()).collect::<Result<Vec<_>, _>>().ok()?.len() == 4;
        four.then_some((at + 1, at + 1 + inside.len()))
    })
}

fn anew(profile: &Profile, numbers: &[String]) -> String {
    let ([open, close], tool) = (&profile.tags.tool_call, &profile.tool);
    let arguments = format!("{{\"{}\": [{}]}}", tool.box_key, numbers.join(", "));
    match &tool.name {
        Some(name) => format!("{open}{{\"name\": \"{name}\", \"arguments\": {arguments}}}{close}"),
        None => format!("{open}{arguments}{close}"),
    }
}

/// A box in the frame the model writes: whole pixels and thousandths, three decimals of fractions.
fn written(b: &PageBox, frame: FrameKind, page: Size, processed: Size) -> Vec<String> {
    let digits = if frame == FrameKind::Relative1 { 3 } else { 0 };
    let numbers = b.clamped(page).to_frame(frame, page, processed).numbers;
    numbers.iter().map(|n| format!("{n:.digits$}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_any_call() {
        for (text, inside) in [
            (r#"{"arguments": {"bbox_2d": [1, 2, 30.5, -4]}}"#, Some("1, 2, 30.5, -4")),
            (r#"[["a"], [1,2,3], [1,2,3,4]]"#, Some("1,2,3,4")),
            ("[1,2,3,4", None),
            ("no list", None),
        ] {
            assert_eq!(numbers_in(text).and_then(|(a, b)| text.get(a..b)), inside);
        }
    }
}
