//! Where in a trace the view stands, and how it moves on.
//!
//! The engine and the file know more than the screen shows: a fast model is held back to a pace, a recording plays in its
//! own time, a person scrubs. All three are one number, how many model-written tokens are shown, and whether it is moving.
//! At the *edge* everything known is shown, what came after the last token included. Times are in seconds.

/// Longest wait replayed between two tokens: a person's pause of a minute is not worth a minute.
const LONGEST_GAP: f64 = 1.0;

/// How the head moves when it moves by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As recorded, times a speed.
    Recorded {
        /// 1 is recorded time.
        speed: f64,
    },
    /// So many tokens a second.
    Tokens(f64),
    /// At once.
    Unlimited,
}

/// Paces of a live session, slow to fast.
const PACES: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0];
/// Speeds of a replay, slow to fast.
const SPEEDS: [f64; 9] = [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0];

impl Pace {
    /// One step faster.
    #[must_use]
    pub fn faster(self) -> Self {
        match self {
            Self::Recorded { speed } => Self::Recorded { speed: next_above(&SPEEDS, speed).unwrap_or(speed) },
            Self::Tokens(rate) => next_above(&PACES, rate).map_or(Self::Unlimited, Self::Tokens),
            Self::Unlimited => Self::Unlimited,
        }
    }

    /// One step slower.
    #[must_use]
    pub fn slower(self) -> Self {
        match self {
            Self::Recorded { speed } => Self::Recorded { speed: next_below(&SPEEDS, speed).unwrap_or(speed) },
            Self::Tokens(rate) => Self::Tokens(next_below(&PACES, rate).unwrap_or(rate)),
            Self::Unlimited => Self::Tokens(320.0),
        }
    }

    /// The pace in words.
    pub fn label(self) -> String {
        match self {
            Self::Recorded { speed } if speed < 1.0 => format!("×1/{}", (1.0 / speed).round()),
            Self::Recorded { speed } => format!("×{speed}"),
            Self::Tokens(rate) => format!("{rate} tok/s"),
            Self::Unlimited => "full speed".to_owned(),
        }
    }
}

fn next_above(steps: &[f64], value: f64) -> Option<f64> {
    steps.iter().copied().find(|s| *s > value)
}

fn next_below(steps: &[f64], value: f64) -> Option<f64> {
    steps.iter().rev().copied().find(|s| *s < value)
}

/// The head: how much is shown, and whether it moves.
#[derive(Clone, Debug, PartialEq)]
pub struct Playhead {
    shown: usize,
    edge: bool,
    /// Whether it moves by itself.
    pub moving: bool,
    /// Whether a person put it where it is (what comes after is then drawn faintly).
    pub scrubbed: bool,
    /// How it moves.
    pub pace: Pace,
    clock: f64,
    carry: f64,
}

impl Playhead {
    /// A head before the first token.
    pub const fn new(pace: Pace, moving: bool) -> Self {
        Self { shown: 0, edge: false, moving, scrubbed: false, pace, clock: 0.0, carry: 0.0 }
    }

    /// How many model-written tokens are shown.
    pub const fn shown(&self) -> usize {
        self.shown
    }

    /// Whether everything known is shown.
    pub const fn at_edge(&self) -> bool {
        self.edge
    }

    /// Moves by `dt` seconds; `times` are the arrival times of the model's tokens. True when something changed.
    pub fn advance(&mut self, dt: f64, times: &[f64]) -> bool {
        if !self.moving || self.edge {
            return false;
        }
        let before = self.shown;
        match self.pace {
            Pace::Unlimited => self.shown = times.len(),
            Pace::Tokens(rate) => {
                self.carry += dt.clamp(0.0, 1.0) * rate;
                let whole = self.carry.floor();
                self.carry -= whole;
                self.shown = (self.shown + whole as usize).min(times.len());
            }
            Pace::Recorded { speed } => self.play(dt.clamp(0.0, 1.0) * speed, times),
        }
        if self.shown >= times.len() {
            self.edge = true;
            self.carry = 0.0;
        }
        self.edge || self.shown != before
    }

    fn play(&mut self, dt: f64, times: &[f64]) {
        let next = times.get(self.shown).map_or(0.0, |time| time - LONGEST_GAP);
        self.clock = self.clock.max(next) + dt;
        while times.get(self.shown).is_some_and(|time| *time <= self.clock) {
            self.shown += 1;
        }
    }

    /// Seconds until the head moves next, if it moves.
    pub fn next_due(&self, times: &[f64]) -> Option<f64> {
        if !self.moving || self.edge {
            return None;
        }
        Some(match (self.pace, times.get(self.shown)) {
            (Pace::Unlimited, _) | (_, None) => 0.0,
            (Pace::Tokens(rate), _) => (1.0 - self.carry).max(0.0) / rate,
            (Pace::Recorded { speed }, Some(time)) => ((time - self.clock).clamp(0.0, LONGEST_GAP)) / speed,
        })
    }

    /// More tokens are known now: `before` of them were known a moment ago, `now` are.
    pub fn grown(&mut self, before: usize, now: usize) {
        if now <= before || !self.edge {
            return;
        }
        if self.moving && self.pace != Pace::Unlimited {
            self.edge = false;
        } else {
            self.shown = now;
        }
    }

    /// Goes to a place; `total` tokens are known. The last place is the edge.
    pub fn go(&mut self, shown: usize, times: &[f64]) {
        self.shown = shown.min(times.len());
        self.edge = self.shown == times.len();
        self.carry = 0.0;
        self.clock = self.shown.checked_sub(1).and_then(|last| times.get(last)).copied().unwrap_or(0.0);
    }

    /// Goes to a place because a person asked: it stops there, unless that is the edge, where it follows again.
    pub fn scrub(&mut self, shown: usize, times: &[f64], follows: bool) {
        self.go(shown, times);
        self.scrubbed = !self.edge;
        self.moving = self.edge && follows;
    }

    /// Starts to move.
    pub fn play_on(&mut self) {
        self.moving = true;
        self.scrubbed = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_time_is_kept_and_long_pauses_are_cut() {
        let times = [5.0, 5.1, 65.0];
        let mut head = Playhead::new(Pace::Recorded { speed: 1.0 }, true);
        assert!(!head.advance(0.5, &times));
        assert!(head.advance(0.5, &times), "the load time before the first token is cut to a second");
        assert_eq!(head.shown(), 1);
        assert!((head.next_due(&times).unwrap_or(9.0) - 0.1).abs() < 1e-9);
        head.advance(0.11, &times);
        assert_eq!(head.shown(), 2);
        head.advance(0.98, &times);
        assert_eq!(head.shown(), 2);
        head.advance(0.1, &times);
        assert!(head.at_edge());
        assert_eq!(head.next_due(&times), None);
    }

    #[test]
    fn pace_is_tokens_a_second_and_lags_behind_the_trace() {
        let times = [0.0; 100];
        let mut head = Playhead::new(Pace::Tokens(10.0), true);
        for _ in 0..10 {
            head.advance(0.05, &times);
        }
        assert_eq!((head.shown(), head.at_edge()), (5, false));
        head.pace = Pace::Unlimited;
        head.advance(0.0, &times);
        assert_eq!((head.shown(), head.at_edge()), (100, true));
    }

    #[test]
    fn a_paused_edge_shows_what_a_step_brings_and_a_moving_one_paces_it() {
        let mut head = Playhead::new(Pace::Tokens(10.0), true);
        head.go(3, &[0.0; 3]);
        head.moving = false;
        head.grown(3, 4);
        assert_eq!((head.shown(), head.at_edge()), (4, true));
        head.play_on();
        head.grown(4, 9);
        assert_eq!((head.shown(), head.at_edge()), (4, false));
    }

    #[test]
    fn scrubbing_stops_and_the_end_follows_again() {
        let times = [0.0, 1.0, 2.0];
        let mut head = Playhead::new(Pace::Unlimited, true);
        head.scrub(1, &times, true);
        assert!(!head.moving && head.scrubbed && !head.at_edge());
        assert!(!head.advance(5.0, &times));
        head.scrub(99, &times, true);
        assert!(head.moving && !head.scrubbed && head.at_edge());
    }

    #[test]
    fn paces_and_speeds_have_ends() {
        let mut pace = Pace::Tokens(40.0);
        for _ in 0..20 {
            pace = pace.faster();
        }
        assert_eq!(pace, Pace::Unlimited);
        for _ in 0..20 {
            pace = pace.slower();
        }
        assert_eq!(pace, Pace::Tokens(1.0));
        let mut speed = Pace::Recorded { speed: 1.0 };
        for _ in 0..20 {
            speed = speed.slower();
        }
        assert_eq!(speed.label(), "×1/8");
        assert_eq!(speed.faster().label(), "×1/4");
    }
}
