//! Who lives in the drawn world, what they do, and the truth about a page.

use serde::{Deserialize, Serialize};

use super::words::named;
use crate::geometry::{PageBox, Size};

/// Raised whenever the same seed draws another page or asks another question.
pub const WORLD_VERSION: u32 = 3;

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

named! {
    /// How hard pages are to read: small models learn on easy ones, large ones are tested on hard ones.
    Difficulty {
        /// Three columns, one style, one thing a panel.
        Easy = "easy",
        /// Other grids and styles, more figures, some of them partly hidden.
        Medium = "medium",
        /// Small, crowded, hidden, in every style and grid.
        Hard = "hard",
    }
}

impl Difficulty {
    /// Most figures of a [`Scene::Crowd`].
    pub const fn largest_crowd(self) -> usize {
        match self {
            Self::Easy => 5,
            Self::Medium => 6,
            Self::Hard => 8,
        }
    }
}

named! {
    /// How a page is drawn.
    Style {
        /// Even lines and flat colours.
        ClearLine = "clear-line",
        /// Black and white, tones made of pen strokes.
        Hatched = "hatched",
        /// Black and white, tones made of dots.
        Screentone = "screentone",
    }
}

named! {
    /// Where a panel takes place.
    Place {
        /// A house.
        Village = "a village",
        /// Trees.
        Wood = "a wood",
        /// Water to the horizon.
        Sea = "the sea",
        /// Peaks.
        Mountains = "the mountains",
    }
}

named! {
    /// Onomatopoeia, as lettered in a burst.
    Sound {
        /// An explosion.
        Boom = "BOOM",
        /// Something falls to pieces.
        Crash = "CRASH",
        /// Water.
        Splash = "SPLASH",
        /// A bell.
        Ding = "DING",
        /// A blow.
        Pow = "POW",
        /// A knock.
        Tok = "TOK",
        /// Air.
        Whoosh = "WHOOSH",
        /// Paper or cloth.
        Rip = "RIP",
    }
}

named! {
    /// Stories whose order can be seen.
    Arc {
        /// A seed becomes a tree.
        Plant = "a plant grows",
        /// A candle gets shorter.
        Candle = "a candle burns down",
        /// A snowman sinks into a puddle.
        Snowman = "a snowman melts",
        /// A pizza loses its slices.
        Pizza = "a pizza is eaten",
        /// A house gets its walls and roof.
        House = "a house is built",
        /// A balloon swells and bursts.
        Balloon = "a balloon is blown up",
    }
}

named! {
    /// What a panel is made for.
    Scene {
        /// One figure that does something.
        Lone = "lone",
        /// Two or more figures at different depths.
        Depth = "depth",
        /// Figures to be counted.
        Crowd = "crowd",
        /// Figures that talk in turn.
        Talk = "talk",
        /// One moment of a story.
        Beat = "beat",
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
    /// Height of the standing figure in page pixels.
    pub height: f32,
    /// The y of its soles in page pixels: of two figures the one with the smaller number stands higher.
    pub feet: f32,
    /// Share of head and trunk that nothing in front of it hides, 0 to 1; its own props do not count.
    pub visible: f32,
}

/// A balloon.
#[derive(Clone, Debug, PartialEq)]
pub struct BalloonTruth {
    /// What it says.
    pub text: String,
    /// The balloon without its tail, in page pixels.
    pub bounds: PageBox,
    /// Who says it.
    pub speaker: Figure,
    /// Height of its letters in page pixels.
    pub letter: f32,
}

/// A panel's place in a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeatTruth {
    /// The story.
    pub arc: Arc,
    /// 0 for its first moment; no two panels of a page have the same.
    pub step: u32,
    /// The letter drawn in the panel's corner.
    pub label: char,
}

/// One panel.
#[derive(Clone, Debug, PartialEq)]
pub struct PanelTruth {
    /// 1 for the first in reading order.
    pub number: u32,
    /// The panel's frame, in page pixels.
    pub bounds: PageBox,
    /// What it is made for.
    pub scene: Scene,
    /// Where it takes place.
    pub place: Place,
    /// Figures from left to right.
    pub figures: Vec<FigureTruth>,
    /// Balloons in reading order: from top to bottom, at one height from left to right.
    pub balloons: Vec<BalloonTruth>,
    /// What is heard, where it is lettered, and the height of its letters in page pixels.
    pub sound: Option<(Sound, PageBox, f32)>,
    /// Its place in a story.
    pub beat: Option<BeatTruth>,
}

/// Everything known about a page.
#[derive(Clone, Debug, PartialEq)]
pub struct PageTruth {
    /// The seed it was drawn from.
    pub seed: u64,
    /// How hard it is.
    pub difficulty: Difficulty,
    /// How it is drawn.
    pub style: Style,
    /// Panels in reading order.
    pub panels: Vec<PanelTruth>,
}

impl PageTruth {
    /// The page's name: `s` and the seed, `m` or `h` in the place of `s` on medium and hard pages.
    pub fn name(&self) -> String {
        let first = match self.difficulty {
            Difficulty::Easy => 's',
            Difficulty::Medium => 'm',
            Difficulty::Hard => 'h',
        };
        format!("{first}{}", self.seed)
    }

    /// The panel with this number.
    pub fn panel(&self, number: u32) -> Option<&PanelTruth> {
        self.panels.iter().find(|p| p.number == number)
    }
}
