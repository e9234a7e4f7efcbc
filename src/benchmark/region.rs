//! What is where on a page: the boxes behind questions.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::synthetic::{PageTruth, PanelTruth};
use crate::geometry::PageBox;

/// What a region shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegionKind {
    /// A panel.
    Panel,
    /// A figure.
    Figure,
    /// A balloon.
    Balloon,
    /// A lettered sound.
    Sound,
    /// A panel that is one moment of a story.
    Beat,
}

impl RegionKind {
    /// Every kind, in the order files list them.
    pub const ALL: [Self; 5] = [Self::Panel, Self::Figure, Self::Balloon, Self::Sound, Self::Beat];

    /// The category's name in `annotations.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Panel => "panel",
            Self::Figure => "figure",
            Self::Balloon => "balloon",
            Self::Sound => "sound",
            Self::Beat => "beat",
        }
    }

    /// The kind with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What is known about a region: the `attributes` of an annotation. Each is optional.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Facts {
    /// Number of the panel the region is in; 1 for the first in reading order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub panel: Option<u32>,
    /// A panel's own number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// Who a figure is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What a figure does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// How near a figure is; 0 is farthest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// Height of a figure or of letters, in page pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<f64>,
    /// Share of a figure's head and trunk that nothing hides, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visible: Option<f64>,
    /// What is lettered in a balloon or a sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Who says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// A balloon's place in its panel's reading order, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<u32>,
    /// Where a panel takes place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What a panel is made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene: Option<String>,
    /// The story a beat is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arc: Option<String>,
    /// A beat's place in its story, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// The letter drawn in a panel's corner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl Facts {
    /// What is understood of an annotation's attributes; anything else in them is somebody else's.
    fn understood(map: &Map<String, Value>) -> Self {
        let text = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
        let number = |key: &str| map.get(key).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        Self {
            panel: number("panel"),
            number: number("number"),
            name: text("name"),
            action: text("action"),
            depth: number("depth"),
            height: map.get("height").and_then(Value::as_f64),
            visible: map.get("visible").and_then(Value::as_f64),
            text: text("text"),
            speaker: text("speaker"),
            order: number("order"),
            place: text("place"),
            scene: text("scene"),
            arc: text("arc"),
            step: number("step"),
            label: text("label"),
        }
    }
}

impl<'de> Deserialize<'de> for Facts {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(d)?;
        Ok(value.as_object().map(Self::understood).unwrap_or_default())
    }
}

/// A box on a page and what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// What it shows.
    pub kind: RegionKind,
    /// Where, in page pixels.
    pub bounds: PageBox,
    /// What is known about it.
    pub facts: Facts,
}

/// Everything known about a drawn page: panels in reading order, each followed by what is in it.
pub fn drawn_regions(truth: &PageTruth) -> Vec<Region> {
    truth.panels.iter().flat_map(panel_regions).collect()
}

fn panel_regions(panel: &PanelTruth) -> Vec<Region> {
    let here = Facts { panel: Some(panel.number), ..Facts::default() };
    let word = |w: &str| Some(w.to_owned());
    let mut regions = vec![Region {
        kind: RegionKind::Panel,
        bounds: panel.bounds,
        facts: Facts {
            number: Some(panel.number),
            place: word(panel.place.word()),
            scene: word(panel.scene.word()),
            ..Facts::default()
        },
    }];
    regions.extend(panel.figures.iter().map(|f| {
        let facts = Facts {
            name: word(f.figure.name()),
            action: word(f.action.word()),
            depth: Some(f.depth),
            height: Some(f.height.into()),
            visible: Some(f.visible.into()),
            ..here.clone()
        };
        Region { kind: RegionKind::Figure, bounds: f.bounds, facts }
    }));
    regions.extend((1..).zip(&panel.balloons).map(|(order, b)| {
        let (text, speaker) = (word(&b.text), word(b.speaker.name()));
        let facts = Facts { text, speaker, order: Some(order), height: Some(b.letter.into()), ..here.clone() };
        Region { kind: RegionKind::Balloon, bounds: b.bounds, facts }
    }));
    regions.extend(panel.sound.iter().map(|(sound, bounds, letter)| {
        let facts = Facts { text: word(sound.word()), height: Some((*letter).into()), ..here.clone() };
        Region { kind: RegionKind::Sound, bounds: *bounds, facts }
    }));
    regions.extend(panel.beat.iter().map(|beat| {
        let (arc, label) = (word(beat.arc.word()), Some(beat.label.to_string()));
        Region {
            kind: RegionKind::Beat,
            bounds: panel.bounds,
            facts: Facts { arc, step: Some(beat.step), label, ..here.clone() },
        }
    }));
    regions
}
