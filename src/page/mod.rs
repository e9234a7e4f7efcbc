//! One comic page: safe decoding and crops.
