//! Numbers one by one.

pub(super) fn read<const B: usize>(bytes: &[u8], out: &mut [f32], number: impl Fn([u8; B]) -> f32) {
    for (word, out) in bytes.as_chunks::<B>().0.iter().zip(out) {
        *out = number(*word);
    }
}

#[inline(always)]
pub(super) fn write<const B: usize>(row: &[f32], out: &mut [u8], word: impl Fn(f32) -> [u8; B]) {
    for (number, out) in row.iter().zip(out.as_chunks_mut::<B>().0) {
        *out = word(*number);
    }
}
