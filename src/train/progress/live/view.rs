//! The picture: a heading, a bar, charts side by side. A pure function of what is shown and the size.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis as ChartAxis, Chart as ChartWidget, Dataset, GraphType, Widget};
use unicode_width::UnicodeWidthStr;

use super::charts::{Chart, charts};
use super::has_room;
use crate::text::one_line;
use crate::train::plot::axis::Axis;
use crate::train::plot::curve::{curve, thin_to};
use crate::train::plot::page::duration;
use crate::train::plot::series::Curves;

/// Columns that a chart needs, and rows that it gets.
const CHART: (u16, u16) = (38, 11);
/// Colours of the lines of a chart, as the terminal has them.
const COLOURS: [Color; 6] = [Color::Cyan, Color::Magenta, Color::Green, Color::Yellow, Color::Blue, Color::Red];

/// What is shown.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// What the training is called.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// Steps taken.
    pub step: u64,
    /// Steps taken before this program began.
    pub first: u64,
    /// Steps in all.
    pub of: u64,
    /// Seconds in this program.
    pub elapsed: f64,
    /// Samples a second.
    pub speed: Option<f64>,
    /// What was measured.
    pub curves: Curves,
}

/// The rows for a terminal of this size; of a terminal that has become too small for charts, the heading.
pub fn draw(shown: &Shown, (columns, rows): (u16, u16), colours: bool) -> Buffer {
    // The last column stays free: a terminal that wraps there would move everything.
    let width = columns.saturating_sub(1);
    let all = if has_room((columns, rows)) { charts(&shown.curves) } else { Vec::new() };
    let across = usize::from(width / CHART.0).clamp(1, 4).min(all.len().max(1));
    // A second row of charts, where it leaves more than half of the terminal to what was written before.
    let down = if rows >= 3 * CHART.1 + 4 { all.len().div_ceil(across).min(2) } else { usize::from(!all.is_empty()) };
    let chart_rows = CHART.1.min(rows.saturating_sub(4));
    let height = (2 + chart_rows * down as u16).min(rows.saturating_sub(1));
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    heading(shown, &mut buffer);
    bar(shown, &mut buffer, colours);
    for (i, chart) in all.iter().take(across * down).enumerate() {
        let (column, row) = ((i % across) as u16, (i / across) as u16);
        let wide = width / across as u16;
        let area = Rect::new(column * wide, 2 + row * chart_rows, wide.saturating_sub(2), chart_rows);
        draw_chart(chart, area.intersection(buffer.area), &mut buffer, colours);
    }
    buffer
}

/// Name, stage, step, time and speed.
fn heading(shown: &Shown, buffer: &mut Buffer) {
    let mut parts = vec![shown.name.clone()];
    if !shown.stage.is_empty() {
        parts.push(shown.stage.clone());
    }
    parts.push(format!("step {} of {}", shown.step, shown.of));
    parts.push(duration(shown.elapsed));
    if shown.step > shown.first && shown.of > shown.step {
        let pace = shown.elapsed / (shown.step - shown.first) as f64;
        parts.push(format!("{} left", duration(pace * (shown.of - shown.step) as f64)));
    }
    parts.extend(shown.speed.map(|speed| format!("{speed:.1} samples/s")));
    // What comes last goes first where the room is small.
    while parts.len() > 1 && parts.join(" · ").width() > usize::from(buffer.area.width) {
        parts.pop();
    }
    let text = one_line(&parts.join(" · ")).into_owned();
    let bold = Style::default().add_modifier(Modifier::BOLD);
    if !buffer.area.is_empty() {
        buffer.set_stringn(0, 0, text, usize::from(buffer.area.width), bold);
    }
}

/// How far it is.
fn bar(shown: &Shown, buffer: &mut Buffer, colours: bool) {
    if buffer.area.height < 2 {
        return;
    }
    let width = usize::from(buffer.area.width);
    let share = if shown.of > 0 { shown.step as f64 / shown.of as f64 } else { 0.0 };
    let full = ((share.clamp(0.0, 1.0) * width as f64) as usize).min(width);
    buffer.set_string(0, 1, "━".repeat(full), colour(0, colours));
    buffer.set_string(full as u16, 1, "─".repeat(width - full), quiet(colours));
}

/// Names and newest values, each in the colour of its line; then the chart.
fn draw_chart(chart: &Chart<'_>, area: Rect, buffer: &mut Buffer, colours: bool) {
    if area.height < 4 || area.width < 16 {
        return;
    }
    let mut title = Vec::new();
    for (i, line) in chart.lines.iter().enumerate() {
        title.extend((i > 0).then(|| Span::raw("  ")));
        let style = colour(i, colours);
        let style = if i == 0 { style.add_modifier(Modifier::BOLD) } else { style };
        title.push(Span::styled(one_line(&line.label).into_owned(), style));
    }
    buffer.set_line(area.x, area.y, &Line::from(title), area.width);
    plot(chart, Rect { y: area.y + 1, height: area.height - 1, ..area }, buffer, colours);
}

type Points = Vec<(f64, f64)>;

fn plot(chart: &Chart<'_>, area: Rect, buffer: &mut Buffer, colours: bool) {
    let fine = usize::from(area.width) * 4;
    let lines: Vec<Points> =
        chart.lines.iter().map(|line| thin_to(&curve(line.series, None, true).line, fine)).collect();
    let behind = chart.behind.map(|series| thin_to(series.points(), fine)).unwrap_or_default();
    let values = values(&lines, &behind, chart);
    let place = |points: Points| -> Points { points.into_iter().map(|(x, y)| (x, values.place(y))).collect() };
    let ends = ends(lines.iter().flatten().chain(&behind).map(|point| point.0));
    let (lines, behind): (Vec<Points>, Points) = (lines.into_iter().map(place).collect(), place(behind));
    let mut sets = vec![dataset(&behind, quiet(colours), Marker::Braille)];
    // The first line is what the chart is named after: it is drawn last, on top.
    sets.extend(lines.iter().enumerate().rev().map(|(i, line)| dataset(line, colour(i, colours), Marker::Braille)));
    let x = ChartAxis::default().bounds(widened(ends)).labels(step_labels(ends)).style(quiet(colours));
    let y = ChartAxis::default().bounds([0.0, 1.0]).labels(value_labels(&values)).style(quiet(colours));
    ChartWidget::new(sets).x_axis(x).y_axis(y).legend_position(None).render(area, buffer);
}

fn dataset(points: &[(f64, f64)], style: Style, marker: Marker) -> Dataset<'_> {
    // One point has no line.
    let graph = if points.len() == 1 { GraphType::Scatter } else { GraphType::Line };
    Dataset::default().data(points).graph_type(graph).marker(marker).style(style)
}

/// A scale of powers for losses that span many; one that is 0 or less has none.
fn values(lines: &[Points], behind: &Points, chart: &Chart<'_>) -> Axis {
    let (low, high) = ends(lines.iter().flatten().chain(behind).map(|point| point.1));
    let many = chart.powers && low > 0.0 && high / low >= 30.0;
    if many { Axis::powers(low, high) } else { Axis::values(low, high, chart.unit) }
}

fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if low > high { (0.0, 1.0) } else { (low, high) }
}

fn widened((low, high): (f64, f64)) -> [f64; 2] {
    if high > low { [low, high] } else { [low - 1.0, low + 1.0] }
}

fn step_labels((low, high): (f64, f64)) -> Vec<String> {
    if high > low { vec![format!("{low:.0}"), format!("{high:.0}")] } else { vec![String::new(), format!("{low:.0}")] }
}

/// The ends of the axis, and its middle where a round number lies there.
fn value_labels(axis: &Axis) -> Vec<String> {
    let labels: Vec<&String> = axis.ticks.iter().map(|tick| &tick.1).collect();
    let picked = match labels.as_slice() {
        [first, middle @ .., last] if middle.len() % 2 == 1 => {
            vec![first, middle.get(middle.len() / 2).unwrap_or(last), last]
        }
        [first, .., last] => vec![first, last],
        _ => Vec::new(),
    };
    picked.into_iter().map(|label| (*label).clone()).collect()
}

fn colour(number: usize, colours: bool) -> Style {
    let wanted = COLOURS.get(number % COLOURS.len()).copied().filter(|_| colours);
    wanted.map_or(Style::default(), |colour| Style::default().fg(colour))
}

fn quiet(colours: bool) -> Style {
    if colours { Style::default().fg(Color::DarkGray) } else { Style::default().add_modifier(Modifier::DIM) }
}
