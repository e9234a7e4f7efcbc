//! Files that people and other tools read: reports.
//!
//! Takes: runs with their figures, and the logs of a few sessions. Gives: one HTML page that needs nothing else, Markdown for
//! a paper's appendix, JSON. What models, files and servers wrote is text in all of them, never markup. Uses the rooms from
//! `geometry` to `study`.

pub mod report;
