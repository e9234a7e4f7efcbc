//! The Compare screen: runs to choose from, then tasks of two runs and the questions that flip.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{charts, ellipsis, layout, line, pane, put, status};
use crate::tui::app::App;
use crate::tui::clean;
use crate::tui::compare::{Flip, FlipSide, RunRow, Versus, VersusRow, Which};
use crate::tui::keys::Keymap;
use crate::tui::theme::Role;

/// Cells of the names of tasks.
const NAMES: u16 = 26;

/// Where everything goes: title, table, list, hints.
pub fn panes(area: Rect, rows: usize) -> [Rect; 4] {
    let title = line(area, 0);
    let hints = if area.height >= 4 { line(area, usize::from(area.height) - 1) } else { Rect { height: 0, ..title } };
    let body = area.height.saturating_sub(title.height + hints.height);
    let wanted = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(4);
    let table = if rows == 0 || body < 8 { 0 } else { wanted.min(body / 2) };
    let y = area.y + title.height;
    [title, Rect { y, height: table, ..area }, Rect { y: y + table, height: body - table, ..area }, hints]
}

/// Draws the screen.
pub fn draw(app: &App, keymap: &Keymap, area: Rect, buf: &mut Buffer) {
    let rows = app.compare.versus.as_ref().map_or(0, |versus| versus.rows.len());
    let [title_line, table_pane, list, hints] = panes(area, rows);
    title(app, title_line, buf);
    match &app.compare.versus {
        Some(versus) => {
            table(app, versus, table_pane, buf);
            flips(app, versus, list, buf);
        }
        None => runs(app, list, buf),
    }
    status::hints(app, keymap, hints, buf);
}

fn title(app: &App, area: Rect, buf: &mut Buffer) {
    let compare = &app.compare;
    let x = put(buf, area, 1, "compare", app.theme.style(Role::Accent));
    let text = match (&compare.versus, compare.chosen.as_slice()) {
        (Some(versus), _) => format!("  A {} · B {}", clean_line(&versus.runs[0]), clean_line(&versus.runs[1])),
        (None, [first]) => format!("  A {} · choose the second run", clean_line(first)),
        (None, _) => "  choose two runs".to_owned(),
    };
    let x = put(buf, area, x, &text, app.theme.style(Role::Soft));
    if compare.loading {
        put(buf, area, x, "  reading …", app.theme.style(Role::Faint));
    }
}

fn clean_line(text: &str) -> String {
    clean(text).replace('\n', " ")
}

fn runs(app: &App, area: Rect, buf: &mut Buffer) {
    let inside = pane("Runs", area, &app.theme, buf);
    let inside = if inside.is_empty() { area.intersection(buf.area) } else { inside };
    let compare = &app.compare;
    if compare.runs.is_empty() {
        let text =
            if compare.loading { "looking for runs …" } else { "there is no run here; panelscope run makes one" };
        put(buf, line(inside, 0), 1, text, app.theme.style(Role::Faint));
        return;
    }
    let height = usize::from(inside.height);
    let first = first_row(compare.run(), height, compare.runs.len());
    for (place, run) in compare.runs.iter().enumerate().skip(first).take(height) {
        run_row(app, run, place == compare.run(), line(inside, place - first), buf);
    }
}

fn run_row(app: &App, run: &RunRow, selected: bool, row: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    if selected {
        buf.set_style(row.intersection(buf.area), theme.style(Role::Selection));
    }
    let style = |role: Role| theme.style(if selected { Role::Selection } else { role });
    let chosen = match app.compare.chosen.iter().position(|name| *name == run.name) {
        Some(0) => "A",
        Some(_) => "B",
        None => " ",
    };
    let mark = if selected { "▸" } else { " " };
    let names = (row.width / 3).min(40);
    put(buf, row, 0, mark, style(Role::Accent));
    put(buf, row, 2, chosen, style(Role::Accent));
    put(buf, row, 4, &ellipsis(&clean_line(&run.name), usize::from(names.saturating_sub(5))), style(Role::Text));
    let about = ellipsis(&clean_line(&run.about), usize::from(row.width.saturating_sub(names + 10)));
    put(buf, row, names, &about, style(Role::Soft));
    if let Some(share) = run.accuracy {
        let text = format!("{:>5.1} %", 100.0 * share.value);
        put(buf, row, row.width.saturating_sub(8).max(names), &text, style(Role::Text));
    }
}

fn first_row(at: usize, height: usize, rows: usize) -> usize {
    at.saturating_sub(height / 2).min(rows.saturating_sub(height))
}

/// Columns of numbers behind the names and shares: name and cells.
const NUMBERS: [(&str, u16); 6] =
    [("n", 6), ("only A", 8), ("only B", 8), ("p", 9), ("p Holm", 9), ("B − A, 95 %", 25)];

fn table(app: &App, versus: &Versus, area: Rect, buf: &mut Buffer) {
    let inside = pane(&clean_line(&versus.sentence), area, &app.theme, buf);
    if inside.is_empty() {
        return;
    }
    let names = NAMES.min(inside.width / 3);
    let mut x = names;
    for (name, cells) in NUMBERS {
        let text = format!("{name:>0$}", usize::from(cells));
        put(buf, line(inside, 0), x, &text, app.theme.style(Role::Title));
        x += cells;
    }
    let bars = inside.width.saturating_sub(x + 4);
    if bars >= 30 {
        put(buf, line(inside, 0), x + 2, "right: A, then B", app.theme.style(Role::Title));
    }
    for (i, row) in versus.rows.iter().enumerate() {
        let place = line(inside, i + 1);
        versus_row(app, row, names, place, buf);
        if bars >= 30 {
            let each = (bars - 4) / 2;
            for (side, share) in row.shares.iter().enumerate() {
                let Some(share) = share else { continue };
                let offset = x + 2 + u16::try_from(side).unwrap_or(0) * (each + 3);
                let track = Rect { x: place.x + offset, width: each.min(24), ..place };
                charts::interval(share, track, &app.theme, buf);
            }
        }
    }
}

fn versus_row(app: &App, row: &VersusRow, names: u16, place: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    put(buf, place, 0, &ellipsis(&clean_line(&row.name), usize::from(names)), theme.style(Role::Text));
    let p = |p: Option<f64>| p.map_or_else(|| "–".to_owned(), chance_of);
    let texts = [
        row.n.to_string(),
        row.only[0].to_string(),
        row.only[1].to_string(),
        p(row.p[0]),
        p(row.p[1]),
        clean_line(&row.difference),
    ];
    let mut x = names;
    for (text, (_, cells)) in texts.into_iter().zip(NUMBERS) {
        // What is not by chance is marked by a word's weight, not by a colour alone.
        let sure = cells == 9 && row.p[1].is_some_and(|p| p < 0.05);
        let role = if sure { Role::Accent } else { Role::Soft };
        put(buf, place, x, &format!("{text:>0$}", usize::from(cells)), theme.style(role));
        x += cells;
    }
}

/// A probability as papers write it.
fn chance_of(p: f64) -> String {
    if p < 0.001 { "< .001".to_owned() } else { format!("{p:.3}").trim_start_matches('0').to_owned() }
}

fn flips(app: &App, versus: &Versus, area: Rect, buf: &mut Buffer) {
    let compare = &app.compare;
    let shown = compare.flips();
    let which = match compare.which {
        Which::All => "",
        Which::OnlyFirst => " · only A is right",
        Which::OnlySecond => " · only B is right",
    };
    let title = format!("{} of {} questions that flip{which}", shown.len(), versus.flips.len());
    let inside = pane(&title, area, &app.theme, buf);
    let inside = if inside.is_empty() { area.intersection(buf.area) } else { inside };
    if shown.is_empty() {
        let text = "no question flips; the runs are right and wrong on the same ones";
        put(buf, line(inside, 0), 1, text, app.theme.style(Role::Faint));
        return;
    }
    let height = usize::from(inside.height);
    let first = first_row(compare.flip(), height, shown.len());
    for (place, flip) in shown.into_iter().enumerate().skip(first).take(height) {
        flip_row(app, flip, place == compare.flip(), line(inside, place - first), buf);
    }
}

fn flip_row(app: &App, flip: &Flip, selected: bool, row: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    if selected {
        buf.set_style(row.intersection(buf.area), theme.style(Role::Selection));
    }
    let style = |role: Role| theme.style(if selected { Role::Selection } else { role });
    put(buf, row, 0, if selected { "▸" } else { " " }, style(Role::Accent));
    let quarter = row.width / 4;
    put(buf, row, 2, &ellipsis(&clean_line(&flip.question), usize::from(quarter.saturating_sub(3))), style(Role::Text));
    let task = ellipsis(&clean_line(&flip.task), usize::from((quarter / 2).saturating_sub(1)).max(1));
    put(buf, row, quarter, &task, style(Role::Soft));
    let rest = row.width - quarter - quarter / 2;
    for (i, side) in flip.sides.iter().enumerate() {
        let x = quarter + quarter / 2 + u16::try_from(i).unwrap_or(0) * (rest / 2);
        let at = Rect { x: row.x + x.min(row.width), width: (rest / 2).min(row.width.saturating_sub(x)), ..row };
        flip_side(side, i, at, &style, buf);
    }
}

fn flip_side(
    side: &FlipSide,
    place: usize,
    at: Rect,
    style: &impl Fn(Role) -> ratatui::style::Style,
    buf: &mut Buffer,
) {
    let (mark, role) = if side.right { ("✓", Role::Right) } else { ("✗", Role::Wrong) };
    let name = if place == 0 { "A" } else { "B" };
    let x = put(buf, at, 0, &format!("{name} {mark} "), style(role));
    let room = usize::from(at.width.saturating_sub(x + 1));
    let answer = clean_line(&side.answer);
    let text = if side.label == "right" { answer } else { format!("{answer} · {}", clean_line(&side.label)) };
    put(buf, at, x, &ellipsis(&text, room), style(Role::Text));
}

/// The row of the list at a place of the screen.
pub fn row_at(app: &App, area: Rect, column: u16, row: u16) -> Option<usize> {
    let rows = app.compare.versus.as_ref().map_or(0, |versus| versus.rows.len());
    let [_, _, list, _] = panes(area, rows);
    let inside = layout::inside(list);
    let inside = if inside.is_empty() { list } else { inside };
    let (at, len) = match &app.compare.versus {
        Some(_) => (app.compare.flip(), app.compare.flips().len()),
        None => (app.compare.run(), app.compare.runs.len()),
    };
    let found = first_row(at, usize::from(inside.height), len) + usize::from(row.saturating_sub(inside.y));
    (inside.contains(Position::new(column, row)) && found < len).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn probabilities_are_written_as_papers_do() {
        assert_eq!([1.0, 0.0437, 0.0004].map(chance_of), ["1.000", ".044", "< .001"]);
    }

    proptest! {
        #[test]
        fn panes_stay_inside_and_apart(w in 0u16..260, h in 0u16..90, rows in 0usize..30) {
            let area = Rect::new(0, 0, w, h);
            let all = panes(area, rows);
            for (i, a) in all.iter().enumerate() {
                prop_assert_eq!(a.intersection(area).area(), a.area());
                for b in all.iter().skip(i + 1) {
                    prop_assert!(a.is_empty() || b.is_empty() || a.intersection(*b).is_empty());
                }
            }
        }
    }
}
