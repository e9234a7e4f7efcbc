//! A recorded session that is to be probed.

use std::path::Path;
use std::sync::Arc;

use super::error::{ProbeError, unfit};
use crate::benchmark::{Benchmark, RegionKind, Selection, open_with};
use crate::engine::{Ask, At, CropMode, PageMode, PageSource, Past};
use crate::geometry::{PageBox, Size, intersection};
use crate::page::Page;
use crate::protocol::Profile;
use crate::session::{SessionSummary, open_recording};
use crate::text::one_line;
use crate::trace::{Body, Change, ImageRole, ModelInfo, SessionStart, Trace, ZoomEvent};

/// A recorded session with all that a fork of it needs.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What was recorded, with its pixels.
    pub past: Arc<Past>,
    /// Its beginning.
    pub start: SessionStart,
    /// The page.
    pub page: Arc<Page>,
    /// How it was talked to.
    pub profile: Arc<Profile>,
    /// It in a few figures.
    pub summary: SessionSummary,
    /// Panels of the page, where they are known.
    pub panels: Vec<PageBox>,
}

/// Where pages, panels and profiles may come from besides a log and what the program ships.
#[derive(Clone, Copy, Default)]
pub struct Sources<'a> {
    /// A benchmark that a person named.
    pub bench: Option<&'a Benchmark>,
    /// A profile that a person named.
    pub profile: Option<&'a Arc<Profile>>,
}

impl Subject {
    /// Reads a log.
    ///
    /// # Errors
    /// [`ProbeError::Session`] where it cannot be read; those of [`Subject::of`].
    pub fn open(path: &Path, sources: Sources<'_>) -> Result<Self, ProbeError> {
        Self::of(past(path)?, sources)
    }

    /// As [`Subject::open`] for a session recorded with a profile that is not to be had: it can only be asked anew.
    ///
    /// # Errors
    /// Those of [`Subject::open`] but for the profile.
    pub fn in_any_way(path: &Path, sources: Sources<'_>, profile: &Arc<Profile>) -> Result<Self, ProbeError> {
        Self::with(past(path)?, sources, Arc::clone(profile))
    }
}

/// What a log and its folder know.
fn past(path: &Path) -> Result<Past, ProbeError> {
    let (log, mut store) = open_recording(path)?;
    let mut past = Past { trace: Arc::new(Trace::of(&log.records)), ..Past::default() };
    for record in &log.records {
        if let Body::Image(image) = &record.body {
            let found = store.get(&image.hash);
            if found.problem.is_none() {
                past.pixels.insert(image.hash.clone(), found.image);
            }
        }
    }
    Ok(past)
}

impl Subject {
    /// A session that is in memory.
    ///
    /// # Errors
    /// [`ProbeError::Unfit`] where it does not say what it is, [`ProbeError::OtherProfile`], [`ProbeError::NoPage`].
    pub fn of(past: Past, sources: Sources<'_>) -> Result<Self, ProbeError> {
        let Some(start) = past.trace.start.as_ref() else {
            return unfit("the log does not say what was asked of whom");
        };
        let session = one_line(&start.id).into_owned();
        let profile = profile_of(start, sources.profile)
            .ok_or_else(|| ProbeError::OtherProfile { session, name: one_line(&start.profile).into_owned() })?;
        Self::with(past, sources, profile)
    }

    fn with(mut past: Past, sources: Sources<'_>, profile: Arc<Profile>) -> Result<Self, ProbeError> {
        let Some(start) = past.trace.start.clone() else { return unfit("the log does not say what was asked of whom") };
        let page = page_of(&mut past, &start, sources.bench)?;
        let summary = SessionSummary::of(&past.trace);
        let panels = panels_of(&start, sources.bench);
        Ok(Self { past: Arc::new(past), start, page, profile, summary, panels })
    }

    /// Its id, safe to print.
    pub fn id(&self) -> String {
        one_line(&self.start.id).into_owned()
    }

    /// Size of the page.
    pub fn size(&self) -> Size {
        self.page.size()
    }

    /// The targets as far as they lie on the page.
    pub fn targets(&self) -> Vec<PageBox> {
        let size = self.size();
        let on_page = self.start.question.targets.iter().map(|target| target.clamped(size));
        on_page.filter(|target| target.area() > 0.0).collect()
    }

    /// The same question for a fork, as it was put.
    pub fn ask(&self, id: String) -> Ask {
        Ask::of_log(&self.start, id, PageSource::Page(Arc::clone(&self.page)), Arc::clone(&self.profile))
    }

    /// The tool call to change: that of a number, else the first.
    ///
    /// # Errors
    /// [`ProbeError::Unfit`] where the number is none of its calls.
    pub fn zoom(&self, number: Option<u32>) -> Result<Option<&ZoomEvent>, ProbeError> {
        let zooms = &self.past.trace.zooms;
        let Some(number) = number else { return Ok(zooms.first()) };
        match zooms.iter().find(|zoom| zoom.number == number) {
            Some(zoom) => Ok(Some(zoom)),
            None => unfit(format!("{} has no zoom {number}; it has {}", self.id(), zooms.len())),
        }
    }

    /// The first place where the model could have called the tool: its first token.
    ///
    /// # Errors
    /// [`ProbeError::Unfit`] where it wrote nothing.
    pub fn first_place(&self) -> Result<At, ProbeError> {
        match self.past.trace.sampled().next() {
            Some(token) => Ok(At::Token(token.position)),
            None => unfit(format!("{} holds nothing the model wrote", self.id())),
        }
    }

    /// Refuses a session that another model answered.
    ///
    /// # Errors
    /// [`ProbeError::OtherModel`].
    pub fn same_model(&self, model: &ModelInfo) -> Result<(), ProbeError> {
        if self.start.model.weights == model.weights {
            return Ok(());
        }
        let [recorded, given] = [&self.start.model.name, &model.name].map(|name| one_line(name).into_owned());
        // Two checkpoints of one name are told apart by their hashes.
        let hashed = |name: String, info: &ModelInfo| {
            let short: String = info.weights.chars().take(8).collect();
            format!("{name} ({short})")
        };
        let (recorded, given) = if recorded == given {
            (hashed(recorded, &self.start.model), hashed(given, model))
        } else {
            (recorded, given)
        };
        Err(ProbeError::OtherModel { session: self.id(), recorded, given })
    }

    /// Refuses a session in which something was intervened: a probe would test two causes at once.
    ///
    /// # Errors
    /// [`ProbeError::Unfit`].
    pub fn untouched(&self, tool: bool) -> Result<(), ProbeError> {
        let ask = self.ask(String::new());
        if ask.crop_mode != CropMode::Normal || ask.page_mode != PageMode::Normal {
            let what = self.start.interventions.iter().map(|text| one_line(text).into_owned());
            let what = what.collect::<Vec<_>>().join(", ");
            return unfit(format!("{} was itself recorded with {what}; probe one without interventions", self.id()));
        }
        if tool && !self.start.tool {
            return unfit(format!(
                "{} had no tool to look with; --rerun asks its question anew, with the tool",
                self.id()
            ));
        }
        Ok(())
    }

    /// Refuses a fork whose tokens, box or crop were edited: asked once more it is without the edit, its forks are with it.
    ///
    /// # Errors
    /// [`ProbeError::Unfit`].
    pub fn unedited(&self) -> Result<(), ProbeError> {
        let Some(parent) = &self.start.parent else { return Ok(()) };
        let edited = match &parent.change {
            Some(Change::Token { .. } | Change::Text { .. } | Change::Box { .. } | Change::Crop { .. }) => true,
            Some(_) => false,
            // Logs of before a change was said for programs.
            None => ["token", "text", "zoom"].iter().any(|what| parent.edit.starts_with(what)),
        };
        if !edited {
            return Ok(());
        }
        let [edit, session] = [&parent.edit, &parent.session].map(|text| one_line(text).into_owned());
        unfit(format!("{} is a fork that was edited ({edit}); probe the session it departs from, {session}", self.id()))
    }

    /// Other regions of the page that hold nothing of the targets, at most `most`: panels where they are known, else windows
    /// of the size of `like`. Spread over the page, always the same ones.
    pub fn elsewhere(&self, like: &PageBox, most: usize) -> Vec<PageBox> {
        let mut avoid = self.targets();
        if avoid.is_empty() {
            avoid.push(*like);
        }
        let free =
            |b: &PageBox| avoid.iter().all(|t| intersection(t, b) <= 0.0) && intersection(like, b) < 0.5 * like.area();
        let panels: Vec<PageBox> =
            self.panels.iter().map(|p| p.clamped(self.size())).filter(|p| p.area() > 0.0).collect();
        let mut found: Vec<PageBox> = panels.iter().filter(|p| free(p)).copied().collect();
        if found.is_empty() {
            found = windows(self.size(), like).into_iter().filter(free).collect();
        }
        spread(found, most)
    }
}

/// At most `most` of them, evenly from first to last.
fn spread(boxes: Vec<PageBox>, most: usize) -> Vec<PageBox> {
    let n = boxes.len();
    if n <= most {
        return boxes;
    }
    let wanted: Vec<usize> = (0..most).map(|i| i * n / most.max(1)).collect();
    boxes.into_iter().enumerate().filter(|(i, _)| wanted.contains(i)).map(|(_, b)| b).collect()
}

/// Windows of one size, side by side over the page from its corners inwards.
fn windows(page: Size, like: &PageBox) -> Vec<PageBox> {
    let (w, h) = (f64::from(page.w), f64::from(page.h));
    let (width, height) = (like.width().clamp(1.0, w), like.height().clamp(1.0, h));
    let places = |whole: f64, part: f64| {
        let n = (whole / part).floor().max(1.0) as usize;
        let n = n.min(8);
        (0..n).map(move |i| if n == 1 { 0.0 } else { (whole - part) * i as f64 / (n - 1) as f64 })
    };
    let row = |y: f64| places(w, width).map(move |x| PageBox::new(x, y, x + width, y + height));
    places(h, height).flat_map(row).collect()
}

fn profile_of(start: &SessionStart, given: Option<&Arc<Profile>>) -> Option<Arc<Profile>> {
    if let Some(profile) = given.filter(|profile| profile.hash() == start.profile_hash) {
        return Some(Arc::clone(profile));
    }
    // Only shipped names are looked up: a log must not make the program read files.
    Profile::builtin(&start.profile).ok().filter(|profile| profile.hash() == start.profile_hash).map(Arc::new)
}

/// The page as the log's folder keeps it, else of the benchmark that was named.
fn page_of(past: &mut Past, start: &SessionStart, bench: Option<&Benchmark>) -> Result<Arc<Page>, ProbeError> {
    let missing = || ProbeError::NoPage { session: one_line(&start.id).into_owned() };
    let image = past.trace.images.iter().find(|image| image.event.role == ImageRole::Page);
    let hash = image.map(|image| image.event.hash.clone()).ok_or_else(missing)?;
    if let Some(pixels) = past.pixels.get(&hash) {
        return Ok(Arc::new(Page { pixels: Arc::clone(pixels), hash, path: None }));
    }
    let page = bench.and_then(|bench| bench.page(&start.question).ok()).filter(|page| page.hash == hash);
    let page = page.ok_or_else(missing)?;
    past.pixels.insert(hash, Arc::clone(&page.pixels));
    Ok(page)
}

fn panels_of(start: &SessionStart, bench: Option<&Benchmark>) -> Vec<PageBox> {
    let Some(page) = start.question.page.as_deref() else { return Vec::new() };
    let name = start.benchmark.as_deref().unwrap_or_default();
    let regions = match bench.filter(|bench| bench.name() == name) {
        Some(bench) => bench.regions(page),
        // Only drawn pages are looked up: a log must not make the program read files.
        None if name == "demo" || name.starts_with("synth:") => {
            let nothing = Selection { limit: Some(0), ..Selection::default() };
            open_with(name, &nothing).and_then(|bench| bench.regions(page))
        }
        None => return Vec::new(),
    };
    let panels = regions.unwrap_or_default().into_iter().filter(|region| region.kind == RegionKind::Panel);
    panels.map(|region| region.bounds).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn windows_lie_on_the_page(w in 1u32..3000, h in 1u32..3000, bw in 0.1f64..4000.0, bh in 0.1f64..4000.0) {
            let found = windows(Size::new(w, h), &PageBox::new(0.0, 0.0, bw, bh));
            prop_assert!(!found.is_empty() && found.len() <= 64);
            for b in found {
                prop_assert!(b.area() > 0.0 && b.x1 >= 0.0 && b.y1 >= 0.0, "{b:?}");
                prop_assert!(b.x2 <= f64::from(w) + 1e-9 && b.y2 <= f64::from(h) + 1e-9, "{b:?}");
            }
        }
    }

    #[test]
    fn what_is_spread_keeps_its_order() {
        let boxes: Vec<PageBox> = (0..10).map(|i| PageBox::new(f64::from(i), 0.0, f64::from(i) + 1.0, 1.0)).collect();
        let xs: Vec<f64> = spread(boxes.clone(), 3).iter().map(|b| b.x1).collect();
        assert_eq!(xs, [0.0, 3.0, 6.0]);
        assert_eq!(spread(boxes, 99).len(), 10);
    }
}
