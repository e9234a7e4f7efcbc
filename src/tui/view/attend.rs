//! Words and legend of attention in the page's frame, and the layers in the place of the alternatives.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::token::label;
use super::{ellipsis, line, put};
use crate::trace::{AttentionMap, LensEvent, Token};
use crate::tui::app::App;
use crate::tui::attend::{Shown, level_colour};
use crate::tui::explorer::Explorer;
use crate::tui::theme::Role;

/// Cells of the legend's colours.
const RAMP: u16 = 6;

/// Which attention is shown, for the page's title.
pub fn title(app: &App, explorer: &Explorer) -> Option<String> {
    if !app.attend.on {
        return None;
    }
    let of = explorer.layers_and_heads();
    let layer = match (app.attend.layer, of) {
        (Some(layer), Some([layers, _])) => format!("layer {} of {layers}", layer + 1),
        (Some(layer), None) => format!("layer {}", layer + 1),
        (None, _) => "all layers".to_owned(),
    };
    let head = match (app.attend.head, of) {
        (Some(head), Some([_, heads])) if heads > 0 => format!(", head {} of {heads}", head + 1),
        (Some(head), _) => format!(", head {}", head + 1),
        (None, _) => String::new(),
    };
    Some(format!("attention: {layer}{head}"))
}

/// Legend and shares in the page's lower border; the reason where there is nothing to show. `area` is the whole pane.
pub fn legend(app: &App, explorer: &Explorer, area: Rect, buf: &mut Buffer) {
    if !app.attend.on || area.width < 6 || area.height < 3 {
        return;
    }
    let foot = Rect { x: area.x + 1, y: area.bottom() - 1, width: area.width - 2, height: 1 };
    let Some(shown) = app.attend.shown(explorer) else {
        let why = match explorer.current() {
            None => "no token yet".to_owned(),
            Some(token) => app.attend.why_not(token.position).unwrap_or("looking …").to_owned(),
        };
        let text = format!(" no attention: {why} ");
        put(buf, foot, 0, &ellipsis(&text, usize::from(foot.width)), app.theme.style(Role::Faint));
        return;
    };
    let mut x = put(buf, foot, 0, " ", app.theme.style(Role::Soft));
    for step in 0..RAMP {
        let level = (u32::from(step) * 255 / u32::from(RAMP - 1)) as u8;
        x = put(buf, foot, x, "█", Style::new().fg(app.theme.depth.pixel(level_colour(level))));
    }
    let room = usize::from(foot.width.saturating_sub(x));
    let texts = legend_texts(&shown, app.attend.raw);
    let text = texts.iter().find(|text| text.width() <= room).or(texts.last()).cloned().unwrap_or_default();
    put(buf, foot, x, &ellipsis(&text, room), app.theme.style(Role::Soft));
}

/// From long to short.
fn legend_texts(shown: &Shown, raw: bool) -> Vec<String> {
    let most = format!(" to {}", percent(shown.most));
    let less = match (raw, shown.less) {
        (true, _) => " with sinks".to_owned(),
        (false, 0) => " nothing subtracted".to_owned(),
        (false, 1) => " less the turn's first".to_owned(),
        (false, n) => format!(" less the mean of {n}"),
    };
    let AttentionMap { first, prompt, own, .. } = shown.map;
    let [images, prompt, own, first] = [shown.map.on_images(), prompt, own, first].map(percent);
    vec![
        format!("{most}{less} · images {images} prompt {prompt} own {own} first token {first} "),
        format!("{most}{less} · img {images} text {prompt} own {own} sink {first} "),
        format!("{most} · img {images} text {prompt} own {own} sink {first} "),
        format!("{most} img {images} sink {first} "),
        most,
    ]
}

/// A share in at most four characters.
fn percent(share: f32) -> String {
    let percent = f64::from(share) * 100.0;
    if percent >= 9.95 { format!("{percent:.0}%") } else { format!("{percent:.1}%") }
}

/// The layers' rows in the token's pane, last layer first.
pub fn lens(app: &App, explorer: &Explorer, token: &Token, area: Rect, buf: &mut Buffer) {
    let event = explorer.trace().looked.lens_of(token.position).filter(|event| event.layers() > 0);
    let Some(event) = event else {
        let why = app.attend.why_not(token.position).unwrap_or("looking …");
        put(buf, line(area, 0), 0, &format!("no layers: {why}"), app.theme.style(Role::Faint));
        return;
    };
    let wide = area.width >= 44;
    let columns = Columns::of(area.width, wide);
    columns.put(buf, line(area, 0), ["layer", "says", "share", "rank", "kl"], [app.theme.style(Role::Faint); 2]);
    let layers = event.layers();
    for (row, layer) in (0..layers).rev().skip(app.attend.scroll).enumerate() {
        if row + 1 >= usize::from(area.height) {
            break;
        }
        lens_row(app, event, layer, token.id, &columns, line(area, row + 1), buf);
    }
}

fn lens_row(app: &App, event: &LensEvent, layer: usize, id: u32, columns: &Columns, row: Rect, buf: &mut Buffer) {
    let first = |ids: &Vec<u32>| ids.first().copied();
    let says = event.ids.get(layer).and_then(first);
    let piece = event.pieces.get(layer).and_then(|pieces| pieces.first()).map(label).unwrap_or_default();
    let top = event.logprobs.get(layer).and_then(|p| p.first()).copied().unwrap_or(f32::NEG_INFINITY);
    let rank = event.rank.get(layer).copied().unwrap_or(0);
    let kl = event.kl.get(layer).copied().unwrap_or(0.0);
    let number = (layer + 1).to_string();
    let cells = [number, piece, percent(top.exp()), rank.to_string(), format!("{kl:.2}")];
    // The layers that already say what was written.
    let role = if says == Some(id) { Role::Text } else { Role::Soft };
    let mark = if says == Some(id) { Role::Accent } else { Role::Faint };
    let styles = [app.theme.style(mark), app.theme.style(role)];
    columns.put(buf, row, cells.each_ref().map(String::as_str), styles);
}

/// Where the columns of the layers stand.
struct Columns {
    piece: u16,
    share: u16,
    rank: u16,
    kl: Option<u16>,
}

impl Columns {
    fn of(width: u16, wide: bool) -> Self {
        let (kl, rest) = if wide { (Some(width.saturating_sub(6)), width.saturating_sub(6)) } else { (None, width) };
        let rank = rest.saturating_sub(6);
        Self { piece: 6, share: rank.saturating_sub(6), rank, kl }
    }

    fn put(&self, buf: &mut Buffer, row: Rect, cells: [&str; 5], styles: [Style; 2]) {
        let [layer, piece, share, rank, kl] = cells;
        let room = usize::from(self.share.saturating_sub(self.piece + 1));
        put(buf, row, 0, &ellipsis(layer, 5), styles[0]);
        put(buf, row, self.piece, &ellipsis(piece, room), styles[1]);
        let right = |buf: &mut Buffer, x: u16, text: &str| {
            let text = ellipsis(text, 5);
            put(buf, row, x + 6 - (text.width() as u16).min(6), &text, styles[1]);
        };
        right(buf, self.share, share);
        right(buf, self.rank, rank);
        if let Some(x) = self.kl {
            right(buf, x, kl);
        }
    }
}
