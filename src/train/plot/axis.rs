//! Axes: a range, round numbers on it, and how they are written.

/// How the numbers of an axis are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// As they are.
    Number,
    /// Shares from 0 to 1, as percent.
    Share,
}

/// A range with round numbers on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    low: f64,
    high: f64,
    log: bool,
    /// Round numbers and how they are written.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Steps: from the first to the last, round numbers between.
    pub fn steps(low: f64, high: f64) -> Self {
        let (low, high) = if high > low { (low, high) } else { (low - 1.0, low + 1.0) };
        let step = round_step(high - low, 4.0, Unit::Number).max(1.0);
        let ticks = multiples(low, high, step).map(|x| (x, number(x, step))).collect();
        Self { low, high, log: false, ticks }
    }

    /// Values: widened to round numbers, from 0 where 0 is near; shares always from 0.
    pub fn values(low: f64, high: f64, unit: Unit) -> Self {
        let (low, high) = widened(low, high);
        let (low, high) = if unit == Unit::Share { (0.0, high.clamp(1e-6, 1.0)) } else { (low, high) };
        let step = round_step(high - low, 4.0, unit);
        let (low, high) = ((low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step);
        let ticks = multiples(low, high, step).map(|y| (y, value(y, step, unit))).collect();
        Self { low, high, log: false, ticks }
    }

    /// Values over powers of ten; all of them are above 0.
    pub fn powers(low: f64, high: f64) -> Self {
        let (low, high) = (low.max(1e-100), high.max(low * 2.0));
        let decades = (high / low).log10();
        let factors: &[f64] = if decades < 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let every = (decades / 5.0).ceil().max(1.0);
        let first = low.log10().floor();
        let powers = (0..=((decades + 2.0) / every) as i32).map(|i| 10f64.powf(first + f64::from(i) * every));
        let ticks: Vec<f64> = powers.flat_map(|power| factors.iter().map(move |factor| power * factor)).collect();
        let below = ticks.iter().copied().rfind(|tick| *tick <= low * 1.0001).unwrap_or(low);
        let above = ticks.iter().copied().find(|tick| *tick >= high * 0.9999).unwrap_or(high);
        let shown = ticks.into_iter().filter(|tick| (below * 0.9999..=above * 1.0001).contains(tick));
        let ticks = shown.map(|tick| (tick, number(tick, tick))).collect();
        Self { low: below, high: above, log: true, ticks }
    }

    /// Where a value lies: 0 at the low end, 1 at the high end, never outside.
    pub fn place(&self, value: f64) -> f64 {
        let share = if self.log {
            (value.max(1e-100).log10() - self.low.log10()) / (self.high.log10() - self.low.log10())
        } else {
            (value - self.low) / (self.high - self.low)
        };
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The ends.
    pub fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }
}

/// Room above and below; 0 is included where it is near, and one value alone gets a range around it.
fn widened(low: f64, high: f64) -> (f64, f64) {
    if high - low <= 1e-12 * high.abs().max(low.abs()) {
        let half = if low == 0.0 { 1.0 } else { low.abs() * 0.5 };
        return if low == 0.0 { (0.0, half) } else { (low - half, high + half) };
    }
    let near = |inner: f64, outer: f64| inner * outer > 0.0 && inner.abs() < 0.5 * outer.abs();
    (if near(low, high) && low > 0.0 { 0.0 } else { low }, if near(high, low) && high < 0.0 { 0.0 } else { high })
}

/// The round step that cuts a range into about so many parts: 1, 2 or 5 times a power of ten, quarters for shares.
fn round_step(range: f64, parts: f64, unit: Unit) -> f64 {
    let rough = (range / parts).clamp(1e-90, 1e100);
    let power = 10f64.powf(rough.log10().floor());
    let factors = if unit == Unit::Share { [1.0, 2.5, 5.0] } else { [1.0, 2.0, 5.0] };
    let factor = factors.into_iter().find(|factor| factor * power >= rough * 0.999);
    factor.unwrap_or(10.0) * power
}

/// Multiples of a step in a range; few, whatever the range.
fn multiples(low: f64, high: f64, step: f64) -> impl Iterator<Item = f64> {
    let first = (low / step - 1e-6).ceil();
    let count = ((high / step + 1e-6).floor() - first).clamp(0.0, 20.0) as u32;
    (0..=count)
        .map(move |i| (first + f64::from(i)) * step)
        .filter(move |x| *x >= low - step * 1e-3 && *x <= high + step * 1e-3)
}

fn value(value: f64, step: f64, unit: Unit) -> String {
    match unit {
        Unit::Number => number(value, step),
        Unit::Share => format!("{} %", plain(100.0 * value, 100.0 * step)),
    }
}

/// A number with the digits that a step between such numbers needs.
fn number(value: f64, step: f64) -> String {
    let size = value.abs().max(step);
    if value.abs() < step * 1e-6 {
        return "0".into();
    }
    match size {
        s if s >= 1e15 => format!("{value:.0e}"),
        s if s >= 1e9 => format!("{}G", plain(value / 1e9, step / 1e9)),
        s if s >= 1e6 => format!("{}M", plain(value / 1e6, step / 1e6)),
        s if s >= 1e4 => format!("{}k", plain(value / 1e3, step / 1e3)),
        _ if step < 0.9e-3 => scientific(value, step),
        _ => plain(value, step),
    }
}

fn scientific(value: f64, step: f64) -> String {
    let digits = (value.abs().log10().floor() - step.log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.digits$e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    format!("{mantissa}e{power}")
}

/// Such steps need a digit more than others.
fn is_two_and_a_half(step: f64) -> bool {
    (2.4..2.6).contains(&(step / 10f64.powf(step.log10().floor())))
}

fn plain(value: f64, step: f64) -> String {
    let mut decimals = (-step.log10() - 1e-9).ceil().clamp(0.0, 8.0) as usize;
    decimals += usize::from(is_two_and_a_half(step) && step < 9.0);
    let text = format!("{value:.decimals$}");
    if text.trim_matches(['-', '0', '.']).is_empty() { "0".into() } else { text.replace('-', "−") }
}

/// One value as it is told: three digits that count.
pub fn told(value: f64, unit: Unit) -> String {
    if unit == Unit::Share {
        return format!("{:.1} %", 100.0 * value);
    }
    let size = value.abs();
    match size {
        0.0 => "0".into(),
        s if !(1e-3..1e15).contains(&s) => scientific(value, size / 100.0),
        s if s >= 1e4 => number(value, size / 100.0),
        s => {
            let decimals = (2.0 - s.log10().floor()).clamp(0.0, 3.0) as usize;
            format!("{value:.decimals$}").replace('-', "−")
        }
    }
}
