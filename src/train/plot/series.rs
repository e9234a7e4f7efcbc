//! Curves: what the lines of a training's metrics say, as named series of points.

use std::collections::BTreeMap;

use serde_json::Value;

/// Names a training may have; a file with more is not one.
const MOST_NAMES: usize = 2000;
/// Bytes of a name; what is longer is none.
const LONGEST_NAME: usize = 200;
/// How deep objects in a line may lie in each other.
const DEEPEST: usize = 4;
/// Beyond this a number is none: differences of such numbers overflow.
const LARGEST: f64 = 1e100;

/// Points of one metric, by step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    points: Vec<(f64, f64)>,
    unsorted: bool,
}

impl Series {
    /// Adds a point; what is no usable number is no point.
    pub fn push(&mut self, x: f64, y: f64) {
        if usable(x) && usable(y) {
            self.unsorted |= self.points.last().is_some_and(|last| last.0 >= x);
            self.points.push((x, y));
        }
    }

    /// Brings points into order; of two at one step the later stays.
    fn settle(&mut self) {
        if self.unsorted {
            self.points.reverse();
            self.points.sort_by(|a, b| a.0.total_cmp(&b.0));
            self.points.dedup_by(|later, earlier| later.0 == earlier.0);
            self.unsorted = false;
        }
    }

    /// The points, in order.
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// The newest value.
    pub fn last(&self) -> Option<f64> {
        self.points.last().map(|point| point.1)
    }

    /// The values at these steps that are known, with the points they belong to: a band's half width beside its line.
    pub fn beside(&self, width: &Self) -> Vec<(f64, f64, f64)> {
        let mut widths = width.points.iter().peekable();
        let mut joined = Vec::new();
        for &(x, y) in &self.points {
            while widths.next_if(|point| point.0 < x).is_some() {}
            if let Some(&(_, w)) = widths.next_if(|point| point.0 == x) {
                joined.push((x, y, w.abs()));
            }
        }
        joined
    }
}

fn usable(value: f64) -> bool {
    value.is_finite() && value.abs() <= LARGEST
}

/// All series of a training by name, and where its stages begin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    series: BTreeMap<String, Series>,
    stages: Vec<(f64, String)>,
}

impl Curves {
    /// Takes a line of metrics: every number in it, `tasks.NAME.accuracy` where objects lie in each other. A line
    /// without a step says nothing.
    pub fn take(&mut self, line: &Value) -> bool {
        let Some(step) = line.get("step").and_then(Value::as_f64).filter(|step| usable(*step)) else { return false };
        if let Some(stage) = line.get("stage").and_then(Value::as_str) {
            self.stage(step, stage);
        }
        self.numbers(step, line, "", 0);
        true
    }

    /// Brings all points into order, after lines were taken out of order.
    pub fn settle(&mut self) {
        self.series.values_mut().for_each(Series::settle);
        self.stages.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.stages.dedup_by(|later, earlier| later.1 == earlier.1);
    }

    fn stage(&mut self, step: f64, stage: &str) {
        if self.stages.len() < MOST_NAMES && self.stages.last().is_none_or(|last| last.1 != stage) {
            self.stages.push((step, stage.chars().take(80).collect()));
        }
    }

    fn numbers(&mut self, step: f64, value: &Value, name: &str, depth: usize) {
        match value {
            Value::Number(number) if name != "step" => self.push(name, step, number.as_f64().unwrap_or(f64::NAN)),
            Value::Object(fields) if depth < DEEPEST => {
                for (key, value) in fields {
                    let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                    self.numbers(step, value, &name, depth + 1);
                }
            }
            _ => {}
        }
    }

    /// Adds a point to a series, which need not be there yet.
    pub fn push(&mut self, name: &str, step: f64, value: f64) {
        if let Some(series) = self.series.get_mut(name) {
            series.push(step, value);
        } else if self.series.len() < MOST_NAMES && name.len() <= LONGEST_NAME && usable(value) {
            let mut series = Series::default();
            series.push(step, value);
            self.series.insert(name.into(), series);
        }
    }

    /// A series by its name.
    pub fn get(&self, name: &str) -> Option<&Series> {
        self.series.get(name)
    }

    /// The half width of the band around a series, if the training wrote one.
    pub fn band(&self, name: &str) -> Option<&Series> {
        BANDS.iter().find_map(|ending| self.series.get(&format!("{name}{ending}")))
    }

    /// Whether any band is drawn from series with this ending.
    pub fn has_band(&self, ending: &str) -> bool {
        self.series.keys().any(|name| name.ends_with(ending) && self.is_band(name))
    }

    /// All names, without those that are the bands of others.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.series.keys().map(String::as_str).filter(|name| !self.is_band(name))
    }

    fn is_band(&self, name: &str) -> bool {
        BANDS.iter().any(|ending| name.strip_suffix(ending).is_some_and(|stem| self.series.contains_key(stem)))
    }

    /// Forgets what lies beyond a step.
    pub fn cut(&mut self, step: u64) {
        for series in self.series.values_mut() {
            series.points.retain(|point| point.0 <= step as f64);
        }
        self.stages.retain(|stage| stage.0 <= step as f64);
    }

    /// Where stages begin, with their names.
    pub fn stages(&self) -> &[(f64, String)] {
        &self.stages
    }

    /// Whether nothing can be drawn.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }
}

/// Endings of the names of bands: confidence intervals (half of one) and standard deviations.
pub const BANDS: [&str; 2] = ["_ci", "_std"];

/// Whether a name fits a pattern in which `*` stands for one part of a name, without dots.
pub fn fits(pattern: &str, name: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == name };
    let inside = name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    inside.is_some_and(|inside| !inside.is_empty() && !inside.contains('.'))
}

/// What `*` stands for in a name that fits; the whole name where there is none.
pub fn part<'a>(pattern: &str, name: &'a str) -> &'a str {
    let Some((before, after)) = pattern.split_once('*') else { return name };
    name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).unwrap_or(name)
}
