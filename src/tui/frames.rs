//! When to draw: at once for what a person does, at most so often for everything else, never when nothing changed.
//!
//! Pure arithmetic on seconds, so that it can be tested without a clock.

/// Seconds between frames: 60 a second.
pub const LOCAL_INTERVAL: f64 = 1.0 / 60.0;
/// Seconds between frames over a slow line: 30 a second.
pub const REMOTE_INTERVAL: f64 = 1.0 / 30.0;

/// A frame may be this early, in seconds: sums of floats miss their mark by less.
const TOLERANCE: f64 = 1e-6;

/// The frame schedule.
#[derive(Clone, Debug)]
pub struct Frames {
    interval: f64,
    last: f64,
    wanted: bool,
    urgent: bool,
}

impl Frames {
    /// A schedule that wants its first frame at once.
    pub const fn new(interval: f64) -> Self {
        Self { interval, last: f64::NEG_INFINITY, wanted: true, urgent: true }
    }

    /// Something changed; it can wait for its turn.
    pub const fn request(&mut self) {
        self.wanted = true;
    }

    /// A person did something.
    pub const fn request_now(&mut self) {
        self.wanted = true;
        self.urgent = true;
    }

    /// Whether to draw now.
    pub fn is_due(&self, now: f64) -> bool {
        self.wanted && (self.urgent || now - self.last >= self.interval - TOLERANCE)
    }

    /// Seconds until the next frame is due; `None` while nothing wants one.
    pub fn wait(&self, now: f64) -> Option<f64> {
        if !self.wanted {
            return None;
        }
        Some(if self.urgent { 0.0 } else { (self.last + self.interval - now).clamp(0.0, self.interval) })
    }

    /// A frame was drawn.
    pub const fn drawn(&mut self, now: f64) {
        self.last = now;
        self.wanted = false;
        self.urgent = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `events` (time, urgent) through a schedule as the program does and gives the times of the frames.
    fn play(events: &[(f64, bool)], until: f64) -> Vec<f64> {
        let mut frames = Frames::new(LOCAL_INTERVAL);
        let mut drawn = Vec::new();
        let mut events = events.iter().peekable();
        let mut now = 0.0;
        while now <= until {
            while let Some((_, urgent)) = events.next_if(|(t, _)| *t <= now) {
                if *urgent { frames.request_now() } else { frames.request() }
            }
            if frames.is_due(now) {
                frames.drawn(now);
                drawn.push(now);
            }
            let next_event = events.peek().map(|(t, _)| *t);
            let next_frame = frames.wait(now).map(|w| now + w);
            now = match (next_event, next_frame) {
                (Some(a), Some(b)) => a.min(b),
                (Some(a), None) | (None, Some(a)) => a,
                (None, None) => break,
            };
        }
        drawn
    }

    #[test]
    fn idle_draws_nothing() {
        assert_eq!(play(&[], 100.0), [0.0], "the first frame and no other");
    }

    #[test]
    fn a_flood_of_tokens_is_held_to_sixty_frames_a_second() {
        let tokens: Vec<(f64, bool)> = (1..5000).map(|i| (f64::from(i) * 0.0002, false)).collect();
        let frames = play(&tokens, 2.0).len();
        assert!((50..=62).contains(&frames), "{frames}");
    }

    #[test]
    fn a_key_is_drawn_at_once_even_between_two_frames() {
        let drawn = play(&[(1.0, false), (1.001, true)], 2.0);
        assert_eq!(drawn, [0.0, 1.0, 1.001]);
    }

    #[test]
    fn the_last_change_is_never_lost() {
        let drawn = play(&[(1.0, false), (1.004, false)], 2.0);
        assert_eq!(drawn.len(), 3);
        assert!(drawn.last().is_some_and(|t| (t - (1.0 + LOCAL_INTERVAL)).abs() < 1e-9));
    }
}
