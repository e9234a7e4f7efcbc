//! Text that goes round in circles.

/// A repetition counts from so many tokens on: four dots are none.
pub const LOOP_TOKENS: usize = 16;

/// How often the end of a list repeats: the largest number of times some piece stands at the end, one behind the other, where
/// the repetition is at least [`LOOP_TOKENS`] long; a piece may be cut off at the end. 1 where nothing repeats, 0 of nothing.
///
/// Linear time and memory, by the Z function (Gusfield 1997) of the reversed list: its value at `p` is how far the list
/// equals itself `p` places earlier, counted from the end.
pub fn tail_repeats(ids: &[u32]) -> u32 {
    let reversed: Vec<u32> = ids.iter().rev().copied().collect();
    let found = z_function(&reversed).into_iter().enumerate().skip(1);
    let repeats = found.filter(|(period, same)| same + period >= LOOP_TOKENS).map(|(period, same)| same / period + 1);
    repeats.max().map_or(u32::from(!ids.is_empty()), |n| u32::try_from(n).unwrap_or(u32::MAX))
}

/// For each place how long a stretch from there equals the beginning; 0 at the first place.
fn z_function(list: &[u32]) -> Vec<usize> {
    let mut z = vec![0; list.len()];
    let (mut from, mut to) = (0, 0);
    for i in 1..list.len() {
        let known = z.get(i - from).copied().unwrap_or(0);
        let mut length = if i < to { known.min(to - i) } else { 0 };
        while list.get(length).is_some_and(|a| list.get(i + length) == Some(a)) {
            length += 1;
        }
        if i + length > to {
            (from, to) = (i, i + length);
        }
        if let Some(place) = z.get_mut(i) {
            *place = length;
        }
    }
    z
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn repetitions_at_the_end_are_counted() {
        let told = |head: &[u32], piece: &[u32], times: usize, cut: usize| {
            let tail = piece.iter().copied().cycle().take(piece.len() * times + cut);
            tail_repeats(&head.iter().copied().chain(tail).collect::<Vec<_>>())
        };
        assert_eq!(told(&[9, 8], &[1, 2, 3, 4], 5, 0), 5);
        assert_eq!(told(&[9, 8], &[1, 2, 3, 4], 5, 3), 5, "a piece that is cut off counts as far as it goes");
        assert_eq!(told(&[9, 8], &[7], 15, 0), 1, "too short to be a loop");
        assert_eq!(told(&[9, 8], &[7], 16, 0), 16);
        assert_eq!((tail_repeats(&[]), tail_repeats(&[1, 2, 3])), (0, 1));
        let straight: Vec<u32> = (0..500).collect();
        assert_eq!(tail_repeats(&straight), 1);
        let ended: Vec<u32> = [1, 2].repeat(50).into_iter().chain([99]).collect();
        assert_eq!(tail_repeats(&ended), 1, "what ends with something else does not loop");
    }

    proptest! {
        #[test]
        fn it_says_what_a_slow_search_says(ids in prop::collection::vec(0u32..3, 0..60)) {
            let n = ids.len();
            let slow = (1..n).filter_map(|p| {
                let same = (p..n).rev().take_while(|i| ids.get(*i) == ids.get(*i - p)).count();
                (same + p >= LOOP_TOKENS).then_some(same / p + 1)
            });
            prop_assert_eq!(tail_repeats(&ids) as usize, slow.max().unwrap_or(n.min(1)));
        }
    }
}
