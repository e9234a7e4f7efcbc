//! Looking at a step: attention weights of the last row and the logit lens.
//!
//! A [`Watch`] given to [`Network::forward_traced`](super::Network::forward_traced) keeps the last row's queries and
//! outputs of every block; it changes no bit of the step and costs nothing where it is not given. Afterwards
//! [`Network::attention`](super::Network::attention) weighs the keys in the cache by the queries once more, and
//! [`Network::lens`](super::Network::lens) puts every block's output through the last norm and the head.

mod again;
mod attention;
mod keep;
mod lens;

pub use attention::{Attention, AttentionPick, Heads, ImagePlace, Layers, Mass};
pub use keep::{Kept, Watch};
pub(crate) use keep::{alone, keep_numbers, keep_shown, keep_tensors, keep_weights, shown};
pub use lens::{Lens, LensLayer};
