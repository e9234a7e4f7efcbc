//! Differences of graded scores, by resampling pages.

/// Resamplings of one bootstrap.
pub const REPLICATES: usize = 2000;

/// SplitMix64 (Steele, Lea and Flood 2014): ten lines that every language can repeat to the bit, which is why no library's
/// generator is used: a script beside the tests computes the same intervals.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`: the upper 32 bits, scaled.
    fn below(&mut self, n: usize) -> usize {
        (((self.next() >> 32) * n as u64) >> 32) as usize
    }
}

/// The 95 % percentile interval of a mean difference, by drawing whole clusters with replacement. `clusters` are the sum of
/// the differences and the number of pairs of each page. None of fewer than two clusters. The same clusters in the same
/// order with the same seed give the same interval.
pub fn paired_bootstrap(clusters: &[(f64, usize)], seed: u64) -> Option<[f64; 2]> {
    if clusters.len() < 2 {
        return None;
    }
    let mut random = SplitMix(seed);
    let mut means: Vec<f64> = (0..REPLICATES)
        .map(|_| {
            let (mut sum, mut n) = (0.0, 0);
            for _ in 0..clusters.len() {
                let (difference, pairs) = clusters.get(random.below(clusters.len())).copied().unwrap_or_default();
                sum += difference;
                n += pairs;
            }
            sum / n.max(1) as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    // 2.5 % of the replicates lie outside on each side.
    let outside = REPLICATES / 40;
    Some([*means.get(outside)?, *means.get(REPLICATES - 1 - outside)?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_generator_is_the_published_one() {
        // Reference outputs of splitmix64 for the seed 1234567 (Vigna).
        let mut random = SplitMix(1_234_567);
        let want = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([random.next(), random.next(), random.next()], want);
    }

    proptest! {
        #[test]
        fn the_interval_lies_among_the_differences(
            clusters in prop::collection::vec((-1.0..=1.0f64, 1usize..4), 2..12), seed in any::<u64>(),
        ) {
            let sums: Vec<(f64, usize)> = clusters.iter().map(|(mean, n)| (mean * *n as f64, *n)).collect();
            let [low, high] = paired_bootstrap(&sums, seed).unwrap_or_default();
            let (least, most) = clusters.iter().fold((1.0f64, -1.0f64), |(a, b), (m, _)| (a.min(*m), b.max(*m)));
            prop_assert!(low <= high && low >= least - 1e-9 && high <= most + 1e-9);
            prop_assert_eq!(paired_bootstrap(&sums, seed), Some([low, high]));
            // What A is better by, B is worse by.
            let turned: Vec<(f64, usize)> = sums.iter().map(|(sum, n)| (-sum, *n)).collect();
            let other = paired_bootstrap(&turned, seed).unwrap_or_default();
            prop_assert!((other[0] + high).abs() < 1e-9 && (other[1] + low).abs() < 1e-9);
        }
    }

    #[test]
    fn a_clear_difference_is_seen_and_one_page_tells_nothing() {
        let better: Vec<(f64, usize)> = (0..40).map(|i| (if i % 4 == 0 { 0.0 } else { 1.0 }, 1)).collect();
        assert!(paired_bootstrap(&better, 7).is_some_and(|[low, high]| low > 0.5 && high < 0.95));
        assert_eq!(paired_bootstrap(&[(1.0, 1)], 7), None);
    }
}
