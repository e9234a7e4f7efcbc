//! Where everything goes, for any size and any page.
//!
//! Pure arithmetic on rectangles; a pane that has no room gets an empty rectangle and draws nothing. A tall page takes the
//! whole left column and the crop stands beside the token; a wide page leaves room below it for the crop.

use ratatui::layout::Rect;

/// The explorer's panes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Explorer {
    /// Title line.
    pub title: Rect,
    /// The page.
    pub page: Rect,
    /// The latest crop.
    pub crop: Rect,
    /// What the model wrote.
    pub reasoning: Rect,
    /// The token under the cursor.
    pub token: Rect,
    /// Entropy over the session.
    pub spark: Rect,
    /// Keys.
    pub hints: Rect,
}

/// The library's panes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Library {
    /// Title line.
    pub title: Rect,
    /// The rows.
    pub list: Rect,
    /// The selected row's page.
    pub preview: Rect,
    /// The selected row's question.
    pub detail: Rect,
    /// Keys.
    pub hints: Rect,
}

/// Cuts `rows` lines from the top.
fn top(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    let head = Rect { height: rows, ..area };
    let rest = Rect { y: area.y.saturating_add(rows), height: area.height - rows, ..area };
    (head, rest)
}

/// Cuts `rows` lines from the bottom.
fn bottom(area: Rect, rows: u16) -> (Rect, Rect) {
    let (rest, foot) = top(area, area.height - rows.min(area.height));
    (foot, rest)
}

/// Cuts `columns` from the left.
fn left(area: Rect, columns: u16) -> (Rect, Rect) {
    let columns = columns.min(area.width);
    let head = Rect { width: columns, ..area };
    let rest = Rect { x: area.x.saturating_add(columns), width: area.width - columns, ..area };
    (head, rest)
}

/// The explorer's panes for a page whose width is `page_aspect` times its height, on cells `cell_aspect` times as high as wide.
pub fn explorer(area: Rect, page_aspect: f64, cell_aspect: f64) -> Explorer {
    let mut out = Explorer::default();
    let mut body = area;
    (out.title, body) = top(body, u16::from(area.height >= 2));
    (out.hints, body) = bottom(body, u16::from(area.height >= 4));
    let spark_rows = if area.height >= 15 { 2 } else { 0 };
    (out.spark, body) = bottom(body, spark_rows);
    if area.width < 48 || body.height < 8 {
        out.reasoning = body;
        return out;
    }
    let tall = page_aspect <= 1.15;
    let columns = page_columns(body, page_aspect, cell_aspect, tall);
    let (side, main) = left(body, columns);
    if tall {
        tall_page(&mut out, side, main)
    } else {
        wide_page(&mut out, side, main, page_aspect, cell_aspect)
    }
    out
}

/// Columns of the page's side: as many as the page can use, between a quarter and some half of the screen.
fn page_columns(body: Rect, page_aspect: f64, cell_aspect: f64, tall: bool) -> u16 {
    let inner = f64::from(body.height.saturating_sub(2));
    let usable = if tall { inner * cell_aspect * page_aspect + 2.0 } else { f64::from(body.width) };
    let share = if tall { 0.46 } else { 0.52 };
    let most = (f64::from(body.width) * share).floor();
    let least = (f64::from(body.width) * 0.25).floor();
    usable.ceil().clamp(least.min(most), most) as u16
}

fn tall_page(out: &mut Explorer, side: Rect, main: Rect) {
    out.page = side;
    let token_rows = token_rows(main.height);
    let (foot, reasoning) = bottom(main, token_rows);
    out.reasoning = reasoning;
    if foot.height >= 7 && foot.width >= 56 {
        let crop = (f64::from(foot.height.saturating_sub(2)) * 2.2) as u16 + 2;
        (out.crop, out.token) = left(foot, crop.min(foot.width / 2));
    } else if side.height >= 20 && foot.height > 0 {
        // A narrow screen: the crop goes under the page.
        (out.crop, out.page) = bottom(side, side.height / 3);
        out.token = foot;
    } else {
        out.token = foot;
    }
}

fn wide_page(out: &mut Explorer, side: Rect, main: Rect, page_aspect: f64, cell_aspect: f64) {
    let wanted = f64::from(side.width.saturating_sub(2)) / page_aspect / cell_aspect + 2.0;
    let most = f64::from(side.height) * 0.6;
    let rows = if side.height >= 16 { wanted.ceil().min(most) as u16 } else { side.height };
    (out.page, out.crop) = top(side, rows);
    (out.token, out.reasoning) = bottom(main, token_rows(main.height).min(10));
}

/// Rows of the token's pane; the last pane to go when room gets short.
fn token_rows(height: u16) -> u16 {
    match height {
        0..=9 => 0,
        10..=15 => 5,
        16..=19 => 6,
        20..=27 => 9,
        h => (h * 2 / 5).min(18),
    }
}

/// The library's panes.
pub fn library(area: Rect) -> Library {
    let mut out = Library::default();
    let mut body = area;
    (out.title, body) = top(body, u16::from(area.height >= 2));
    (out.hints, body) = bottom(body, u16::from(area.height >= 4));
    if body.height >= 14 {
        (out.detail, body) = bottom(body, 5);
    }
    if body.width >= 90 && body.height >= 10 {
        let (list, preview) = left(body, body.width * 3 / 5);
        (out.list, out.preview) = (list, preview);
    } else {
        out.list = body;
    }
    out
}

/// The ask form's panes: the library's, where a list of so many pages leaves the rest of a narrow screen to the page.
pub fn ask(area: Rect, pages: usize) -> Library {
    let mut out = library(area);
    // Without the detail's pane the question stands in the list's first row.
    if out.preview.is_empty() && !out.detail.is_empty() && out.list.height >= 8 {
        let rows = u16::try_from(pages).unwrap_or(u16::MAX).saturating_add(2).clamp(3, out.list.height / 3 + 1);
        (out.list, out.preview) = top(out.list, rows);
    }
    out
}

/// The inside of a bordered pane.
pub fn inside(area: Rect) -> Rect {
    if area.width < 3 || area.height < 3 {
        return Rect { width: 0, height: 0, ..area };
    }
    Rect { x: area.x + 1, y: area.y + 1, width: area.width - 2, height: area.height - 2 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn panes(e: &Explorer) -> [Rect; 7] {
        [e.title, e.page, e.crop, e.reasoning, e.token, e.spark, e.hints]
    }

    proptest! {
        #[test]
        fn panes_stay_inside_and_apart(w in 0u16..260, h in 0u16..90, page in 0.2f64..5.0, cell in 0.5f64..4.0, pages in 0usize..40) {
            let area = Rect::new(0, 0, w, h);
            let layout = explorer(area, page, cell);
            let all = panes(&layout);
            for (i, a) in all.iter().enumerate() {
                prop_assert_eq!(a.intersection(area).area(), a.area());
                for b in all.iter().skip(i + 1) {
                    prop_assert!(a.is_empty() || b.is_empty() || a.intersection(*b).is_empty(), "{:?} {:?}", a, b);
                }
            }
            prop_assert!(w == 0 || h == 0 || !layout.reasoning.is_empty());
            let shelves = library(area);
            prop_assert!(w == 0 || h == 0 || !shelves.list.is_empty());
            let form = super::ask(area, pages);
            let all = [form.title, form.detail, form.list, form.preview, form.hints];
            prop_assert_eq!(all.iter().map(|pane| pane.intersection(area).area()).sum::<u32>(), area.area());
            prop_assert!(w == 0 || h == 0 || !form.list.is_empty());
        }
    }

    #[test]
    fn sixty_by_twenty_keeps_page_reasoning_token_and_status() {
        let layout = explorer(Rect::new(0, 0, 60, 20), 0.7, 2.0);
        assert!(layout.page.area() > 200 && layout.reasoning.height >= 8 && layout.token.height >= 5);
        assert!(layout.title.height == 1 && layout.spark.height == 2);
    }

    #[test]
    fn the_form_shows_its_page_on_a_usual_terminal() {
        let one = ask(Rect::new(0, 0, 80, 24), 1);
        assert!(one.preview.height >= 12 && one.list.height == 3, "{one:?}");
        let many = ask(Rect::new(0, 0, 80, 24), 500);
        assert!(many.preview.height >= 10 && many.list.height >= 5, "{many:?}");
    }

    #[test]
    fn wide_screens_show_every_pane() {
        for (w, h) in [(100, 30), (120, 40), (200, 60)] {
            for aspect in [0.66, 1.0, 1.6] {
                let layout = explorer(Rect::new(0, 0, w, h), aspect, 2.0);
                for pane in panes(&layout) {
                    assert!(!pane.is_empty(), "{w}x{h} {aspect}: {layout:?}");
                }
            }
        }
    }
}
