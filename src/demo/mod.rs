//! What is embedded in the program.
