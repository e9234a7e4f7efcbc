//! Which charts are shown live, and of which series.

use crate::train::plot::axis::{Unit, told};
use crate::train::plot::panels::words;
use crate::train::plot::series::{Curves, Series, fits};

/// The loss of each step, which comes before any line of metrics does.
pub(super) const STEP_LOSS: &str = "loss of each step";

/// Lines in one chart.
const MOST_LINES: usize = 6;

/// A chart and its metrics; `*` stands for one part of a name.
struct Wanted {
    title: &'static str,
    keys: &'static [&'static str],
    unit: Unit,
}

const fn wanted(title: &'static str, keys: &'static [&'static str], unit: Unit) -> Wanted {
    Wanted { title, keys, unit }
}

/// In the order in which they are given room.
const WANTED: &[Wanted] = &[
    wanted("Reward", &["reward", "reward_*"], Unit::Number),
    wanted("Answers", &["accuracy", "zoom_rate", "coverage"], Unit::Share),
    wanted("Entropy", &["entropy"], Unit::Number),
    wanted("KL", &["kl"], Unit::Number),
];

/// Where there is no reward.
const SUPERVISED: &[Wanted] = &[
    wanted("Loss", &["loss", "token_loss"], Unit::Number),
    wanted("Held out", &["accuracy", "zoom_rate", "coverage"], Unit::Share),
    wanted("Gradient norm", &["gradient_norm"], Unit::Number),
    wanted("Learning rate", &["learning_rate"], Unit::Number),
];

/// A line of a chart.
pub(super) struct Line<'a> {
    /// Its name and newest value.
    pub label: String,
    /// Its points.
    pub series: &'a Series,
}

/// A chart with something to show.
pub(super) struct Chart<'a> {
    /// Its lines; the first lies on top.
    pub lines: Vec<Line<'a>>,
    /// Points behind the lines.
    pub behind: Option<&'a Series>,
    /// How its numbers are written.
    pub unit: Unit,
    /// Whether a scale of powers may be used.
    pub powers: bool,
}

/// The charts that can be shown, the most telling first.
pub(super) fn charts(curves: &Curves) -> Vec<Chart<'_>> {
    let reinforced = curves.get("reward").is_some();
    let wanted = if reinforced { WANTED } else { SUPERVISED };
    let mut charts: Vec<Chart<'_>> = wanted.iter().filter_map(|wanted| chart(curves, wanted)).collect();
    let loss = curves.get(STEP_LOSS).filter(|_| !reinforced);
    match (charts.first_mut(), loss) {
        (Some(first), Some(_)) if curves.get("loss").is_some() => first.behind = loss,
        (_, Some(series)) => {
            let lines = vec![Line { label: label("Loss", series, Unit::Number), series }];
            charts.insert(0, Chart { lines, behind: None, unit: Unit::Number, powers: true });
        }
        _ => {}
    }
    charts
}

fn chart<'a>(curves: &'a Curves, wanted: &Wanted) -> Option<Chart<'a>> {
    let names = wanted.keys.iter().flat_map(|key| curves.names().filter(|name| fits(key, name)));
    let names: Vec<&str> = names.take(MOST_LINES).collect();
    let title = |name: &str| match names.len() {
        1 if wanted.unit == Unit::Number => wanted.title.to_owned(),
        // "Reward · answer · format" reads as "Reward" and its terms.
        _ => words(name.strip_prefix("reward_").unwrap_or(name)),
    };
    let line = |name: &&str| {
        let series = curves.get(name)?;
        Some(Line { label: label(&title(name), series, wanted.unit), series })
    };
    let lines: Vec<Line<'_>> = names.iter().filter_map(line).collect();
    let powers = wanted.keys.contains(&"loss");
    (!lines.is_empty()).then_some(Chart { lines, behind: None, unit: wanted.unit, powers })
}

fn label(name: &str, series: &Series, unit: Unit) -> String {
    format!("{name} {}", series.last().map(|last| told(last, unit)).unwrap_or_default())
}
