//! Conversation to tokens and back: profiles and the incremental parser.
