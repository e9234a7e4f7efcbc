//! Colours of probabilities: viridis, whose lightness rises evenly, so that it also reads in grey and to colour-blind eyes.

/// Colours at even steps from 0 to 1 (van der Walt and Smith, matplotlib 1.5).
const VIRIDIS: [[u8; 3]; 9] = [
    [68, 1, 84],
    [71, 44, 122],
    [59, 81, 139],
    [44, 113, 142],
    [33, 144, 141],
    [39, 173, 129],
    [92, 200, 99],
    [170, 220, 50],
    [253, 231, 37],
];

/// The colour of a probability; what is no number is grey.
pub fn heat_colour(p: f64) -> [u8; 3] {
    if !p.is_finite() {
        return [128; 3];
    }
    let at = p.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f64;
    let step = at.floor() as usize;
    let part = at - at.floor();
    let colour = |i: usize| VIRIDIS.get(i.min(VIRIDIS.len() - 1)).copied().unwrap_or_default();
    let (low, high) = (colour(step), colour(step + 1));
    let mut mixed = [0; 3];
    for ((out, a), b) in mixed.iter_mut().zip(low).zip(high) {
        *out = (f64::from(a) + (f64::from(b) - f64::from(a)) * part).round() as u8;
    }
    mixed
}

/// A probability in three characters: `.62`, `1.0`.
pub fn brief(p: f64) -> String {
    let text = format!("{p:.2}");
    match text.strip_prefix('0') {
        Some(rest) => rest.to_owned(),
        None => format!("{p:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lightness_rises_with_the_probability() {
        let light = |p: f64| {
            let [r, g, b] = heat_colour(p).map(f64::from);
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        assert!((1..=100).all(|i| light(f64::from(i) / 100.0) >= light(f64::from(i - 1) / 100.0)));
        assert_eq!(heat_colour(f64::NAN), [128; 3]);
        assert_eq!((heat_colour(-1.0), heat_colour(2.0)), ([68, 1, 84], [253, 231, 37]));
    }

    #[test]
    fn figures_are_brief() {
        assert_eq!([0.0, 0.621, 0.994, 0.996, 1.0].map(brief), [".00", ".62", ".99", "1.0", "1.0"]);
    }
}
