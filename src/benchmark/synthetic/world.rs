//! Who lives in the drawn world, what they do, and the truth about a page.

use crate::geometry::{PageBox, Size};

/// Raised whenever the same seed draws another page or asks another question.
pub const WORLD_VERSION: u32 = 1;

/// Size of every drawn page in pixels.
pub const PAGE_SIZE: Size = Size::new(840, 1176);

/// The cast: four pairs of twins. A figure is known by its hat; twins wear one colour and differ in its shape, and clothes
/// change from panel to panel, so that colour never tells twins apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Figure {
    /// A low red cap with a long peak.
    Pip,
    /// A tall green pointed hat.
    Moss,
    /// A wide blue bow.
    Juno,
    /// A tall blue top hat.
    Bram,
    /// A wide straw hat.
    Tilly,
    /// A golden crown.
    Oro,
    /// Two green feelers.
    Fen,
    /// A high red flame of hair.
    Wick,
}

impl Figure {
    /// The whole cast.
    pub const ALL: [Self; 8] =
        [Self::Pip, Self::Moss, Self::Juno, Self::Bram, Self::Tilly, Self::Oro, Self::Fen, Self::Wick];

    /// The name as questions write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pip => "Pip",
            Self::Moss => "Moss",
            Self::Juno => "Juno",
            Self::Bram => "Bram",
            Self::Tilly => "Tilly",
            Self::Oro => "Oro",
            Self::Fen => "Fen",
            Self::Wick => "Wick",
        }
    }

    /// The figure whose hat has the same colour.
    pub const fn twin(self) -> Self {
        match self {
            Self::Pip => Self::Wick,
            Self::Wick => Self::Pip,
            Self::Moss => Self::Fen,
            Self::Fen => Self::Moss,
            Self::Juno => Self::Bram,
            Self::Bram => Self::Juno,
            Self::Tilly => Self::Oro,
            Self::Oro => Self::Tilly,
        }
    }

    /// Position in [`Figure::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// What a figure is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Legs wide, speed lines behind.
    Running,
    /// On a stool.
    Sitting,
    /// Lying down, with Zs.
    Sleeping,
    /// Both arms up.
    Cheering,
    /// Behind a large open book.
    Reading,
    /// A long rod, a line, a fish.
    Fishing,
    /// Three balls in the air.
    Juggling,
    /// A chest held overhead.
    Carrying,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 8] = [
        Self::Running,
        Self::Sitting,
        Self::Sleeping,
        Self::Cheering,
        Self::Reading,
        Self::Fishing,
        Self::Juggling,
        Self::Carrying,
    ];

    /// The word an answer uses.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Sitting => "sitting",
            Self::Sleeping => "sleeping",
            Self::Cheering => "cheering",
            Self::Reading => "reading",
            Self::Fishing => "fishing",
            Self::Juggling => "juggling",
            Self::Carrying => "carrying",
        }
    }

    /// Position in [`Action::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// One figure in one panel.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureTruth {
    /// Who it is.
    pub figure: Figure,
    /// What it does.
    pub action: Action,
    /// 0 is far; a larger number is nearer and drawn larger and later.
    pub depth: u32,
    /// Everything drawn for it, in page pixels.
    pub bounds: PageBox,
}

/// One panel.
#[derive(Clone, Debug, PartialEq)]
pub struct PanelTruth {
    /// 1 for the first in reading order.
    pub number: u32,
    /// The panel's frame, in page pixels.
    pub bounds: PageBox,
    /// Figures from left to right.
    pub figures: Vec<FigureTruth>,
    /// What the balloon says, and where it is.
    pub balloon: Option<(String, PageBox)>,
}

/// Everything known about a page.
#[derive(Clone, Debug, PartialEq)]
pub struct PageTruth {
    /// The seed it was drawn from.
    pub seed: u64,
    /// Panels in reading order.
    pub panels: Vec<PanelTruth>,
}
