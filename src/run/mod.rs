//! Many sessions under one setting.
