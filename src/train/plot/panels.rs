//! Which panels a page has: what is measured, in plain words, and what belongs together.

use super::axis::Unit;
use super::read::Run;
use super::series::{Series, fits, part};
use crate::train::error::{Result, TrainError};

/// Lines that one panel can show and an eye tell apart.
const MOST_LINES: usize = 12;
/// Panels of a page.
const MOST_PANELS: usize = 48;

/// A line of a panel.
#[derive(Clone, Debug)]
pub struct PanelLine<'a> {
    /// What the legend calls it.
    pub label: String,
    /// Which of the colours.
    pub colour: usize,
    /// Its points.
    pub series: &'a Series,
    /// Half the width of its band.
    pub band: Option<&'a Series>,
}

/// A small chart.
#[derive(Clone, Debug)]
pub struct Panel<'a> {
    /// What is measured.
    pub title: String,
    /// What that means.
    pub caption: String,
    /// How its numbers are written.
    pub unit: Unit,
    /// Whether a scale of powers is used where the values span many.
    pub powers: bool,
    /// Whether a moving mean helps.
    pub smooth: bool,
    /// Whether the lines are not the runs, so that the panel needs its own legend.
    pub legend: bool,
    /// The lines.
    pub lines: Vec<PanelLine<'a>>,
    /// Lines for which there was no room.
    pub left_out: usize,
}

/// What belongs together. In `keys`, `*` stands for one part of a name.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// What is measured.
    pub title: &'static str,
    /// What that means.
    pub caption: &'static str,
    /// The metrics.
    pub keys: &'static [&'static str],
}

const fn group(title: &'static str, keys: &'static [&'static str], caption: &'static str) -> Group {
    Group { title, caption, keys }
}

/// What a training by reinforcement is judged by.
const REINFORCED: &[Group] = &[
    group("Reward", &["reward"], "mean over the step's answers"),
    group("Reward terms", &["reward_*"], "each before its weight and the gate"),
    group("Accuracy", &["accuracy"], "share of answers that are right"),
    group("Zooming", &["zoom_rate", "coverage", "iou"], "answers with a zoom; how much of the target it saw; overlap"),
    group("Accuracy by task", &["tasks.*.accuracy"], "share of answers that are right"),
    group("Coverage by task", &["tasks.*.coverage"], "how much of the target the best zoom saw"),
    group("Answer length", &["tokens"], "tokens in an answer"),
    group("Refused zooms", &["refused"], "share of answers with a tool call that was refused"),
    group("Entropy", &["entropy"], "how open the model's choices are, in nats a token"),
    group("Distance from the start (KL)", &["kl"], "how far the choices have moved from the first model's"),
    group("Groups with signal", &["groups_with_signal"], "share of questions whose answers differ in reward"),
    group("Learning rate", &["learning_rate"], "size of a step"),
];

/// What a supervised training is judged by.
const SUPERVISED: &[Group] = &[
    group("Loss", &["loss"], "what is made small: tokens and helping heads"),
    group("Token loss", &["token_loss"], "surprise at the right next token, in nats"),
    group("Helping heads", &["aux.*"], "loss of each head that learns what is seen where"),
    group("Gradient norm", &["gradient_norm"], "how steep it is, before clipping"),
    group("Learning rate", &["learning_rate"], "size of a step"),
    group("Accuracy", &["accuracy"], "share of held-out questions answered rightly, with the tool"),
    group("Zooming", &["zoom_rate", "coverage", "iou"], "held-out: answers with a zoom; target seen; overlap"),
    group("Refused zooms", &["refused"], "share of held-out answers with a refused tool call"),
];

/// The groups for trainings that measure this.
pub fn groups(reinforced: bool) -> &'static [Group] {
    if reinforced { REINFORCED } else { SUPERVISED }
}

/// The panels that fit what these trainings measured.
pub fn default_panels(runs: &[Run]) -> Vec<Panel<'_>> {
    let reinforced = runs.iter().any(|run| run.curves.get("reward").is_some());
    let groups = groups(reinforced).iter();
    let mut panels: Vec<_> = groups.flat_map(|group| of_group(runs, group.title, group.caption, group.keys)).collect();
    if panels.is_empty() {
        let mut names: Vec<&str> = runs.iter().flat_map(|run| run.curves.names()).collect();
        names.sort_unstable();
        names.dedup();
        panels = names.iter().flat_map(|name| of_group(runs, &words(name), name, &[name])).collect();
    }
    panels.truncate(MOST_PANELS);
    panels
}

/// The panels somebody asked for: one for each, `a+b` for two in one panel, `*` for any part of a name.
///
/// # Errors
/// A name that no training measured.
pub fn asked_panels<'a>(runs: &'a [Run], keys: &[String]) -> Result<Vec<Panel<'a>>> {
    let mut panels = Vec::new();
    for key in keys.iter().map(|key| key.trim()).filter(|key| !key.is_empty()) {
        let patterns: Vec<&str> = key.split('+').map(str::trim).collect();
        let title = match matching(runs, &patterns).as_slice() {
            [(name, _)] => words(name),
            _ => patterns.iter().map(|pattern| words(pattern)).collect::<Vec<_>>().join(", "),
        };
        let found = of_group(runs, &title, caption(&patterns), &patterns);
        if found.is_empty() {
            return Err(unknown(runs, key));
        }
        panels.extend(found);
    }
    panels.truncate(MOST_PANELS);
    Ok(panels)
}

fn unknown(runs: &[Run], key: &str) -> TrainError {
    let mut names: Vec<&str> = runs.iter().flat_map(|run| run.curves.names()).collect();
    names.sort_unstable();
    names.dedup();
    let more = if names.len() > 40 { ", …" } else { "" };
    names.truncate(40);
    TrainError::Plot(format!("no training measured {key}; there are {}{more}", names.join(", ")))
}

/// The caption of the group that has all of these, if there is one.
fn caption(patterns: &[&str]) -> &'static str {
    let whole = |group: &&Group| patterns.iter().all(|pattern| group.keys.contains(pattern));
    let alone = |group: &&Group| group.keys.len() == patterns.len();
    let found = REINFORCED.iter().chain(SUPERVISED).find(|group| whole(group) && alone(group));
    found.map_or_else(|| patterns.first().map_or("", |name| alone_caption(name)), |group| group.caption)
}

/// What one metric of a group means.
fn alone_caption(name: &str) -> &'static str {
    match name {
        "reward" => "mean over the step's answers",
        "zoom_rate" => "share of answers with a zoom",
        "coverage" => "how much of the target the best zoom saw",
        "iou" => "overlap of the best zoom with its target",
        _ => "",
    }
}

/// The names in all runs that fit, in the order of the patterns.
fn matching<'a>(runs: &'a [Run], keys: &[&str]) -> Vec<(&'a str, String)> {
    let mut found: Vec<(&str, String)> = Vec::new();
    for key in keys {
        let mut names: Vec<&str> =
            runs.iter().flat_map(|run| run.curves.names()).filter(|name| fits(key, name)).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            if !found.iter().any(|(known, _)| *known == name) {
                // What a task or a head is called stays as it is.
                let label = if key.contains('.') && key.contains('*') {
                    part(key, name).into()
                } else {
                    words(part(key, name))
                };
                found.push((name, label));
            }
        }
    }
    found
}

/// One run: one panel with a line for each metric. Several: a panel for each metric with a line for each run.
fn of_group<'a>(runs: &'a [Run], title: &str, caption: &str, keys: &[&str]) -> Vec<Panel<'a>> {
    let found = matching(runs, keys);
    let [run] = runs else {
        let panel = |(name, label): &(&str, String)| {
            let title = match found.len() {
                1 => title.to_owned(),
                _ if *label == words(name) => label.clone(),
                _ => format!("{title}: {}", label.to_lowercase()),
            };
            let lines = runs.iter().enumerate().filter_map(|(i, run)| line(run, name, run.name.clone(), i));
            let alone = found.len() == 1 || title.contains(':');
            panel(title, if alone { caption } else { alone_caption(name) }, &[name], lines.collect(), false)
        };
        return found.iter().map(panel).collect();
    };
    let names: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
    let lines: Vec<_> =
        found.iter().enumerate().filter_map(|(i, (name, label))| line(run, name, label.clone(), i)).collect();
    let legend = lines.len() > 1;
    if lines.is_empty() { Vec::new() } else { vec![panel(title.into(), caption, &names, lines, legend)] }
}

fn line<'a>(run: &'a Run, name: &str, label: String, colour: usize) -> Option<PanelLine<'a>> {
    let (series, band) = (run.curves.get(name)?, run.curves.band(name));
    Some(PanelLine { label, colour, series, band })
}

fn panel<'a>(title: String, caption: &str, names: &[&str], mut lines: Vec<PanelLine<'a>>, legend: bool) -> Panel<'a> {
    let left_out = lines.len().saturating_sub(MOST_LINES);
    lines.truncate(MOST_LINES);
    let shares = names.iter().all(|name| is_share(name)) && lines.iter().all(|line| within_one(line.series));
    let unit = if shares { Unit::Share } else { Unit::Number };
    let powers = names.iter().all(|name| name.contains("loss") || name.contains("norm") || name.starts_with("aux."));
    let smooth = !names.iter().any(|name| name.contains("rate") && name.contains("learning"));
    Panel { title, caption: caption.into(), unit, powers, smooth, legend, lines, left_out }
}

fn is_share(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let known = ["accuracy", "zoom_rate", "coverage", "iou", "refused", "groups_with_signal", "clip_fraction"];
    known.contains(&last) || last.ends_with("_rate") && last != "learning_rate" || last.ends_with("_fraction")
}

fn within_one(series: &Series) -> bool {
    series.points().iter().all(|point| (0.0..=1.0).contains(&point.1))
}

/// A name as words: `reward_answer` is "Reward answer", `iou` is "IoU".
pub fn words(name: &str) -> String {
    match name {
        "iou" => return "IoU".into(),
        "kl" => return "KL".into(),
        _ => {}
    }
    let text = name.replace('_', " ").replace('.', " · ");
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
