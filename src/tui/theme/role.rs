//! What a piece of text on the screen is; themes say how that looks.

use serde::Deserialize;

/// What a piece of text on the screen is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Ordinary text.
    Text,
    /// Secondary text.
    Soft,
    /// Hints, rules, empty states.
    Faint,
    /// Frames.
    Border,
    /// Titles of panes.
    Title,
    /// The program's own highlights.
    Accent,
    /// Names of keys.
    Key,
    /// The status line.
    Status,
    /// The selected row of a list.
    Selection,
    /// The question asked.
    Question,
    /// Label of a think segment.
    Think,
    /// Label of a zoom.
    Zoom,
    /// Label of the answer.
    Answer,
    /// What the tool said.
    Tool,
    /// Label of text outside any tag.
    Plain,
    /// A token the model was sure of.
    Sure,
    /// A token it was not sure of.
    Unsure,
    /// A token it doubted.
    Doubtful,
    /// What comes after the cursor.
    Ghost,
    /// A tag, drawn as one bracket.
    Tag,
    /// The token under the cursor.
    Cursor,
    /// A right answer.
    Right,
    /// A wrong answer.
    Wrong,
    /// Errors and refusals.
    Error,
    /// Probability bar of the token that was drawn.
    Bar,
    /// Probability bar of an alternative.
    BarOther,
    /// The entropy line.
    Spark,
    /// A zoom on the entropy line.
    MarkZoom,
    /// The cursor on the entropy line.
    MarkCursor,
    /// A text field.
    Field,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 30] = [
        Self::Text,
        Self::Soft,
        Self::Faint,
        Self::Border,
        Self::Title,
        Self::Accent,
        Self::Key,
        Self::Status,
        Self::Selection,
        Self::Question,
        Self::Think,
        Self::Zoom,
        Self::Answer,
        Self::Tool,
        Self::Plain,
        Self::Sure,
        Self::Unsure,
        Self::Doubtful,
        Self::Ghost,
        Self::Tag,
        Self::Cursor,
        Self::Right,
        Self::Wrong,
        Self::Error,
        Self::Bar,
        Self::BarOther,
        Self::Spark,
        Self::MarkZoom,
        Self::MarkCursor,
        Self::Field,
    ];
}
