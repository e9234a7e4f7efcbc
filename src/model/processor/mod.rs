//! Smart resize, resampling, patches.
