//! A share on a line from 0 to 1, with its interval.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::cell;
use crate::tui::theme::{Role, Theme};
use crate::tui::view::{line, put};

/// A share and what is known of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// The share itself.
    pub value: f64,
    /// Its interval.
    pub ci: [f64; 2],
    /// Something to hold it against, such as chance.
    pub mark: Option<f64>,
}

/// Draws `━━━├─●──┤···┊··` into the first line of an area: `●` the share, `├┤` its interval, `┊` the mark (`┼` inside
/// the interval).
pub fn interval(share: &Share, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let row = line(area, 0);
    let width = row.width;
    if width < 3 {
        return;
    }
    let [low, high] = share.ci.map(|x| cell(x, width));
    let (value, mark) = (cell(share.value, width), share.mark.map(|x| cell(x, width)));
    for x in 0..width {
        let (glyph, role) = match x {
            _ if x == value => ("●", Role::Accent),
            _ if x == low && x < value => ("├", Role::Accent),
            _ if x == high && x > value => ("┤", Role::Accent),
            _ if x > low && x < high && Some(x) == mark => ("┼", Role::Soft),
            _ if x > low && x < high => ("─", Role::Accent),
            _ if Some(x) == mark => ("┊", Role::Soft),
            _ if x < value => ("━", Role::Spark),
            _ => ("·", Role::Ghost),
        };
        put(buf, row, x, glyph, theme.style(role));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{drawn, theme};
    use super::*;
    use proptest::prelude::*;

    fn text(share: Share, width: u16) -> String {
        drawn(width, 1, |area, buf| interval(&share, area, &theme(), buf)).concat()
    }

    #[test]
    fn a_share_its_interval_and_chance() {
        let share = Share { value: 0.55, ci: [0.3, 0.75], mark: Some(0.92) };
        assert_eq!(text(share, 20), "━━━━━━├────●───┤··┊·");
        let none = Share { value: 0.0, ci: [0.0, 0.2], mark: None };
        assert_eq!(text(none, 10), "●─┤·······");
        let all = Share { value: 1.0, ci: [0.8, 1.0], mark: Some(0.5) };
        assert_eq!(text(all, 10), "━━━━━┊━━├●");
        assert_eq!(text(all, 2), "  ");
        let within = Share { value: 0.4, ci: [0.2, 0.8], mark: Some(0.55) };
        assert_eq!(text(within, 10), "━━├─●┼──┤·");
    }

    proptest! {
        #[test]
        fn whatever_the_numbers_the_line_is_full(v in proptest::num::f64::ANY, a in proptest::num::f64::ANY,
                                                 b in proptest::num::f64::ANY, w in 3u16..80) {
            let text = text(Share { value: v, ci: [a, b], mark: Some(b) }, w);
            prop_assert_eq!(text.chars().count(), usize::from(w));
            prop_assert_eq!(text.matches('●').count(), 1);
        }
    }
}
