//! Who plays on a page, and how a player stands, is hidden and is drawn.

use super::canvas::{Area, Canvas, Ink, Point};
use super::figure::{self, Sketch};
use super::rng::Dice;
use super::world::{Action, Figure, FigureTruth};

/// Height of a figure that is neither near nor far, with its hat, in page pixels: a sixth of it is less than one merged
/// cell of the page the model sees.
pub const FIGURE_HEIGHT: f32 = 112.0;
/// What figures do that keep to their place.
pub const CALM: [Action; 3] = [Action::Sitting, Action::Cheering, Action::Reading];
const SHIRTS: [Ink; 6] = [
    Ink(206, 92, 84),
    Ink(92, 132, 186),
    Ink(122, 160, 104),
    Ink(214, 176, 96),
    Ink(150, 118, 160),
    Ink(232, 226, 214),
];
const TROUSERS: [Ink; 4] = [Ink(72, 84, 116), Ink(110, 92, 80), Ink(84, 108, 92), Ink(122, 122, 130)];

/// The figures of a page: two or three pairs of twins, so that figures recur from panel to panel.
pub struct Cast {
    members: Vec<Figure>,
}

impl Cast {
    /// Draws a cast.
    pub fn draw(dice: &mut Dice) -> Self {
        let mut pairs = [Figure::Pip, Figure::Moss, Figure::Juno, Figure::Tilly];
        dice.shuffle(&mut pairs);
        let count = 2 + dice.below(2);
        Self { members: pairs.into_iter().take(count).flat_map(|f| [f, f.twin()]).collect() }
    }

    /// One of the cast.
    pub fn pick(&self, dice: &mut Dice) -> Figure {
        self.members.get(dice.below(self.members.len())).copied().unwrap_or(Figure::Pip)
    }

    /// Different figures: first of the cast, then guests.
    pub fn several(&self, dice: &mut Dice, count: usize) -> Vec<Figure> {
        let mut members = self.members.clone();
        let mut guests: Vec<_> = Figure::ALL.into_iter().filter(|f| !members.contains(f)).collect();
        dice.shuffle(&mut members);
        dice.shuffle(&mut guests);
        members.into_iter().chain(guests).take(count).collect()
    }
}

/// A figure in the clothes of this panel; `height` is that of the standing figure in pixels.
pub fn dress(dice: &mut Dice, figure: Figure, action: Action, feet: Point, height: f32) -> Sketch {
    Sketch {
        figure,
        action,
        feet,
        height,
        flip: dice.chance(0.5),
        shirt: dice.pick(SHIRTS),
        trousers: dice.pick(TROUSERS),
    }
}

/// A figure with its place in a panel.
#[derive(Clone)]
pub struct Player {
    /// How it is drawn.
    pub sketch: Sketch,
    /// 0 is far.
    pub depth: u32,
    /// Height of the crate it stands on, in pixels; 0 for none.
    pub lift: f32,
}

impl Player {
    /// A player on the ground.
    pub const fn new(sketch: Sketch, depth: u32) -> Self {
        Self { sketch, depth, lift: 0.0 }
    }

    /// Where it touches the ground, or where its crate does.
    pub fn floor(&self) -> f32 {
        self.sketch.feet.1 + self.lift
    }

    /// The outline it has for those behind it.
    pub fn outline(&self) -> Outline {
        let lift = self.lift > 0.0;
        let (x, y) = self.sketch.feet;
        let half = self.sketch.height * 0.275;
        Outline {
            head: figure::head_extent(&self.sketch),
            trunk: figure::trunk_extent(&self.sketch),
            crate_box: lift.then(|| Area::new(x - half, y, x + half, y + self.lift)),
        }
    }

    fn draw(&self, canvas: &mut Canvas) -> Area {
        if self.lift > 0.0 {
            figure::draw_crate(canvas, self.sketch.feet, self.sketch.height * 0.55, self.lift);
        }
        canvas.start_bounds();
        figure::draw(canvas, &self.sketch);
        canvas.take_bounds()
    }
}

/// Boxes that tell what hides what.
pub struct Outline {
    /// Head and hat.
    pub head: Area,
    /// Trunk and legs.
    pub trunk: Area,
    /// The crate below.
    pub crate_box: Option<Area>,
}

impl Outline {
    /// The boxes that hide what is behind them.
    pub fn hiding(&self) -> impl Iterator<Item = Area> {
        [Some(self.head), Some(self.trunk), self.crate_box].into_iter().flatten()
    }

    /// Everything but the crate.
    pub fn whole(&self) -> Area {
        let (a, b) = (self.head, self.trunk);
        Area::new(a.x1.min(b.x1), a.y1.min(b.y1), a.x2.max(b.x2), a.y2.max(b.y2))
    }

    /// The share of head and trunk that none of these boxes covers: an estimate from 12×8 places in each.
    pub fn visible(&self, hidden_by: &[Area]) -> f32 {
        let seen = |part: &Area| {
            let places = (0..96).map(|i| (part.x(((i % 8) as f32 + 0.5) / 8.0), part.y(((i / 8) as f32 + 0.5) / 12.0)));
            places.filter(|place| !hidden_by.iter().any(|h| h.has(*place))).count() as f32 / 96.0
        };
        let (head, trunk) = (self.head.w() * self.head.h(), self.trunk.w() * self.trunk.h());
        (seen(&self.head) * head + seen(&self.trunk) * trunk) / (head + trunk).max(1.0)
    }

    /// The share of the head that none of these boxes covers.
    pub fn head_visible(&self, hidden_by: &[Area]) -> f32 {
        let hidden: f32 = hidden_by.iter().map(|h| h.shared(&self.head)).sum();
        1.0 - hidden / (self.head.w() * self.head.h()).max(1.0)
    }
}

/// What of the players can be seen, in their order; later players and the boxes of `before` hide earlier ones.
pub fn outlines_hidden_by(players: &[Player], before: &[(f32, Area)]) -> Vec<(Outline, Vec<Area>)> {
    let outlines: Vec<Outline> = players.iter().map(Player::outline).collect();
    let hidden: Vec<Vec<Area>> = (0..players.len())
        .map(|i| {
            let nearer = outlines.iter().skip(i + 1).flat_map(Outline::hiding);
            let floor = players.get(i).map_or(0.0, Player::floor);
            nearer.chain(before.iter().filter(|(base, _)| *base > floor).map(|(_, b)| *b)).collect()
        })
        .collect();
    outlines.into_iter().zip(hidden).collect()
}

/// Draws the players, the first one farthest, and gives what is true of them, from left to right. `before` holds things
/// that stand in front of all whose floor is higher on the page: the height of their base, and their box.
pub fn draw_players(canvas: &mut Canvas, panel: &Area, players: &[Player], before: &[(f32, Area)]) -> Vec<FigureTruth> {
    let hidden = outlines_hidden_by(players, before);
    let mut figures: Vec<FigureTruth> = players
        .iter()
        .zip(&hidden)
        .map(|(player, (outline, by))| FigureTruth {
            figure: player.sketch.figure,
            action: player.sketch.action,
            depth: player.depth,
            bounds: player.draw(canvas).within(panel).page_box(),
            height: player.sketch.height,
            feet: player.sketch.feet.1,
            visible: outline.visible(by),
        })
        .collect();
    figures.sort_by(|a, b| (a.bounds.x1 + a.bounds.x2).total_cmp(&(b.bounds.x1 + b.bounds.x2)));
    figures
}
