//! The same in words and as JSON.

use serde_json::{Value, json};

use super::sight::Sight;
use crate::text::{one_line, sanitise};
use crate::trace::{ImageRole, Piece};
use crate::tui::attend::Shown;

/// Which token, which layers, which heads.
pub(super) fn title(sight: &Sight) -> String {
    let of = sight.explorer.layers_and_heads();
    let layer = match (sight.attending.layer, of) {
        (Some(layer), Some([layers, _])) => format!("layer {} of {layers}", layer + 1),
        (Some(layer), None) => format!("layer {}", layer + 1),
        (None, _) => "mean of all layers".to_owned(),
    };
    let head = sight.attending.head.map_or("mean of all heads".to_owned(), |head| format!("head {}", head + 1));
    let token = sight.token().map_or_else(String::new, |token| {
        let text = String::from_utf8_lossy(&token.piece.bytes()).into_owned();
        format!("token {} \"{}\"", token.position, one_line(&sanitise(&text)))
    });
    format!("attention of {token}: {layer}, {head}")
}

/// Shares of the weight and what was subtracted, a line each.
pub(super) fn shares(shown: &Shown, role: &str) -> Vec<String> {
    let percent = |share: f32| format!("{:.1} %", f64::from(share) * 100.0);
    let map = &shown.map;
    let less = match shown.less {
        0 => "nothing subtracted".to_owned(),
        1 => "less that of the turn's first token".to_owned(),
        n => format!("less the mean of {n} tokens of the turn before it"),
    };
    vec![
        format!("the {role}: strongest patch {}, {less}", percent(shown.most)),
        format!(
            "all weight: images {}, prompt {}, own text {}, first token {}",
            percent(map.on_images()),
            percent(map.prompt),
            percent(map.own),
            percent(map.first)
        ),
    ]
}

pub(super) fn words(sight: &Sight) -> String {
    let mut lines = vec![title(sight)];
    lines.extend(shares(&sight.shown, "images"));
    for (index, (image, placed)) in sight.shown.map.images.iter().zip(&sight.explorer.trace().images).enumerate() {
        let role = if placed.event.role == ImageRole::Page { "page" } else { "crop" };
        let share = f64::from(image.mass) * 100.0;
        lines.push(format!("image {index}  {role}  {}x{} cells  {share:.1} %", image.columns, image.rows));
    }
    if let Some(lens) = sight.lens().filter(|_| sight.attending.lens) {
        for layer in 0..lens.layers() {
            let piece = lens.pieces.get(layer).and_then(|pieces| pieces.first()).map(text).unwrap_or_default();
            let share = lens.logprobs.get(layer).and_then(|p| p.first()).map_or(0.0, |p| f64::from(p.exp()));
            let (rank, kl) = (lens.rank.get(layer).copied().unwrap_or(0), lens.kl.get(layer).copied().unwrap_or(0.0));
            lines.push(format!("layer {}  \"{piece}\" {share:.2}  rank {rank}  kl {kl:.2}", layer + 1));
        }
    }
    lines.join("\n") + "\n"
}

fn text(piece: &Piece) -> String {
    one_line(&sanitise(&String::from_utf8_lossy(&piece.bytes()))).into_owned()
}

/// All numbers. Shapes: see `docs/ATTENTION.md`.
pub(super) fn json(sight: &Sight) -> Value {
    let map = &sight.shown.map;
    let trace = sight.explorer.trace();
    let images: Vec<Value> = map
        .images
        .iter()
        .zip(&trace.images)
        .zip(&sight.shown.cells)
        .map(|((image, placed), cells)| {
            json!({
                "role": placed.event.role, "hash": placed.event.hash, "rows": image.rows, "columns": image.columns,
                "pool": image.pool, "mass": image.mass, "weights": image.weights(), "shown": cells,
            })
        })
        .collect();
    json!({
        "v": 1,
        "session": trace.start.as_ref().map(|start| start.id.as_str()),
        "token": sight.token().map(|token| json!({"position": token.position, "id": token.id, "piece": token.piece})),
        "of": sight.explorer.layers_and_heads(),
        "layer": sight.attending.layer.map(|layer| layer + 1),
        "head": sight.attending.head.map(|head| head + 1),
        "mass": {"images": map.on_images(), "prompt": map.prompt, "own": map.own, "first": map.first},
        "subtracted": sight.shown.less,
        "images": images,
        "lens": sight.lens().map(|lens| serde_json::to_value(&**lens).unwrap_or_default()),
    })
}
