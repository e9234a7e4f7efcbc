//! Three-axis positions (M-RoPE) on a running counter.
//!
//! A text token at the counter `p` has (p, p, p) and moves it by one. An image of merged cells has (p, p + row,
//! p + column) for every cell and moves it by its longer side. Nothing else is needed for several images, or for an
//! image that arrives in the middle of generation.

use super::error::ModelError;

/// Temporal, height and width position of a token.
pub type Position = [u32; 3];

/// Marks a token after which the counter is undefined: one inside an image.
const INSIDE: u32 = u32::MAX;

/// The positions of a sequence so far and where it goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions {
    ids: Vec<Position>,
    /// The counter after each token, or [`INSIDE`].
    after: Vec<u32>,
}

impl Positions {
    /// The position of every token.
    pub fn ids(&self) -> &[Position] {
        &self.ids
    }

    /// The position the next text token will have.
    pub fn next(&self) -> u32 {
        self.after.last().copied().unwrap_or(0)
    }

    /// Appends text tokens.
    pub fn push_text(&mut self, count: usize) {
        for _ in 0..count {
            let position = self.next();
            self.ids.push([position; 3]);
            self.after.push(position.saturating_add(1));
        }
    }

    /// Appends the tokens of an image of merged `[frames, rows, columns]`, in that order.
    pub fn push_image(&mut self, grid: [usize; 3]) {
        let [frames, rows, columns] = grid.map(|side| side as u32);
        let start = self.next();
        for frame in 0..frames {
            for row in 0..rows {
                for column in 0..columns {
                    self.ids.push([start + frame, start + row, start + column]);
                    self.after.push(INSIDE);
                }
            }
        }
        if let Some(last) = self.after.last_mut() {
            *last = start + rows.max(columns);
        }
    }

    /// Forgets everything from token `length` on.
    ///
    /// # Errors
    /// [`ModelError::BeyondEnd`]; [`ModelError::InsideImage`] where the counter is undefined.
    pub fn truncate(&mut self, length: usize) -> Result<(), ModelError> {
        if length > self.ids.len() {
            return Err(ModelError::BeyondEnd { asked: length, have: self.ids.len() });
        }
        if length.checked_sub(1).and_then(|last| self.after.get(last)) == Some(&INSIDE) {
            return Err(ModelError::InsideImage { asked: length });
        }
        self.ids.truncate(length);
        self.after.truncate(length);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_image_moves_the_counter_by_its_longer_side() {
        let mut positions = Positions::default();
        positions.push_text(2);
        positions.push_image([1, 2, 3]);
        positions.push_text(1);
        let expected = [[0; 3], [1; 3], [2, 2, 2], [2, 2, 3], [2, 2, 4], [2, 3, 2], [2, 3, 3], [2, 3, 4], [5, 5, 5]];
        assert_eq!(positions.ids(), expected);
        assert_eq!(positions.next(), 6);
    }

    #[test]
    fn truncation_restores_the_counter() {
        let mut positions = Positions::default();
        positions.push_text(2);
        positions.push_image([1, 2, 3]);
        positions.push_text(4);
        positions.truncate(8).unwrap();
        assert_eq!(positions.next(), 5);
        assert!(matches!(positions.truncate(4), Err(ModelError::InsideImage { asked: 4 })));
        assert!(matches!(positions.truncate(9), Err(ModelError::BeyondEnd { asked: 9, have: 8 })));
        positions.truncate(2).unwrap();
        assert_eq!((positions.next(), positions.ids().len()), (2, 2));
        positions.truncate(0).unwrap();
        assert_eq!(positions.next(), 0);
    }
}
