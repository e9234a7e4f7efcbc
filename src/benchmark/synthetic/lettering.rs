//! Hand lettering: capitals made of pen strokes, so that no font file is needed.

use super::canvas::{Canvas, Ink, Point};

/// Strokes of a capital on a grid 4 wide and 6 high: points as two digits (x, y), strokes divided by blanks.
fn strokes(letter: char) -> &'static str {
    match letter {
        'A' => "0602204246 0444",
        'B' => "00063645342303 2332413000",
        'C' => "4130100105163645",
        'D' => "00062644422000",
        'E' => "40000646 0333",
        'F' => "400006 0333",
        'G' => "41301001051636454323",
        'H' => "0006 4046 0343",
        'I' => "2026",
        'J' => "40452616 0516",
        'K' => "0006 4003 0346",
        'L' => "000646",
        'M' => "0600234046",
        'N' => "06004640",
        'O' => "1030414536160501 0110",
        'P' => "060030414233 3303",
        'Q' => "1030414536160501 0110 2446",
        'R' => "06003041423303 2346",
        'S' => "41301001021333444536 3616 1605",
        'T' => "0040 2026",
        'U' => "000516364540",
        'V' => "002640",
        'W' => "0016233640",
        'X' => "0046 4006",
        'Y' => "002340 2326",
        'Z' => "00400646",
        '!' => "2024 2626",
        '?' => "01103041422324 2626",
        '.' => "2626",
        '\'' => "2021",
        '-' => "1333",
        '&' => "46111020310505163644",
        _ => "",
    }
}

/// Width of a line of text at this letter height.
pub fn width(text: &str, height: f32) -> f32 {
    let advance = height * 0.92;
    text.chars().count() as f32 * advance - height * 0.25
}

/// Writes one line; `at` is the left end of the base line.
pub fn write(canvas: &mut Canvas, text: &str, at: Point, height: f32, ink: Ink, pen: f32) {
    if canvas.is_idle() {
        return;
    }
    let unit = height / 6.0;
    let mut lines = Vec::new();
    for (i, letter) in text.chars().enumerate() {
        let left = at.0 + i as f32 * height * 0.92;
        for stroke in strokes(letter.to_ascii_uppercase()).split(' ') {
            let digits: Vec<f32> = stroke.chars().filter_map(|c| c.to_digit(10)).map(|d| d as f32).collect();
            let mut points: Vec<Point> = digits
                .chunks_exact(2)
                .filter_map(|p| Some((left + p.first()? * unit, at.1 - height + p.get(1)? * unit)))
                .collect();
            if let [only] = points[..] {
                points.push((only.0 + 0.1, only.1));
            }
            lines.push(points);
        }
    }
    canvas.lines(&lines, ink, pen);
}
