//! The five probes by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::nearest;

/// A probe: forks of a session that test one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeKind {
    /// Can't find or can't see: the true region forced as the zoom.
    Find,
    /// Does the crop matter: swapped, blanked, withheld.
    Crop,
    /// Does the tool matter: off.
    Tool,
    /// Is it guessing: the choices in other orders.
    Guess,
    /// Where does it matter: the crop forced to every region of a grid.
    Sweep,
}

impl ProbeKind {
    /// Every probe, in the order lists have them.
    pub const ALL: [Self; 5] = [Self::Find, Self::Crop, Self::Tool, Self::Guess, Self::Sweep];

    /// The name used in files, flags and screens.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Find => "find",
            Self::Crop => "crop",
            Self::Tool => "tool",
            Self::Guess => "guess",
            Self::Sweep => "sweep",
        }
    }

    /// What it asks.
    pub const fn asks(self) -> &'static str {
        match self {
            Self::Find => "Can it not find the place, or not see it?",
            Self::Crop => "Does the crop matter?",
            Self::Tool => "Does the tool matter?",
            Self::Guess => "Is it guessing?",
            Self::Sweep => "Where on the page does it matter to look?",
        }
    }

    /// What it does to find out.
    pub const fn does(self) -> &'static str {
        match self {
            Self::Find => "forces the true region as the zoom",
            Self::Crop => "swaps, blanks and withholds the crop",
            Self::Tool => "asks again without the tool",
            Self::Guess => "lists the choices in other orders",
            Self::Sweep => "forces the crop to each region of a grid",
        }
    }
}

impl fmt::Display for ProbeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ProbeKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            let meant = nearest(text, &names).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
            format!("there is no probe \"{text}\"; there are {}{meant}", names.join(", "))
        })
    }
}
