//! What is known of one token of a recorded session, or is looked at now.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::AttentionArgs;
use crate::cli::at_once::at_once;
use crate::cli::model_load::loaded;
use crate::cli::{CliError, Global, interrupt_flag};
use crate::engine::Looker;
use crate::model::Model;
use crate::text::one_line;
use crate::trace::{ImageRole, LensEvent, ModelInfo, Token};
use crate::tui::attend::{Attending, Shown};
use crate::tui::explorer::Explorer;
use crate::tui::{AttentionPicture, read_explorer};

/// The model that is asked what the log does not say.
fn model(args: &AttentionArgs, global: &Global, stop: &AtomicBool) -> Result<Model, CliError> {
    let choice = args.load.choice(args.model.as_deref().or(global.settings.model.as_deref()), global)?;
    loaded(&choice, stop)
}

/// Refuses a layer or a head that is not there, counted from 1 as the flags are; of heads 0 is nothing known.
fn within(args: &AttentionArgs, [layers, heads]: [u32; 2]) -> Result<(), CliError> {
    for (flag, asked, of) in [("layer", args.layer, layers), ("head", args.head, heads)] {
        if let Some(asked) = asked.filter(|asked| of > 0 && *asked > of) {
            return Err(CliError::usage(format!("--{flag} {asked}: the model has {of} {flag}s")));
        }
    }
    Ok(())
}

/// Says that the session's model had its numbers otherwise: what is looked at now may differ from what was then.
fn other_arithmetic(then: &ModelInfo, now: &ModelInfo) -> Option<String> {
    let differs = then.weights == now.weights && then.dtype != now.dtype;
    let kept = [&then.dtype, &now.dtype].map(|dtype| one_line(dtype).into_owned());
    differs.then(|| {
        format!(
            "note: the weights were kept as {}, now as {}: these are not quite the session's numbers; --dtype and --quant \
             say how",
            kept[0], kept[1]
        )
    })
}

/// One token and what it attended to.
pub(super) struct Sight {
    pub(super) explorer: Explorer,
    pub(super) attending: Attending,
    pub(super) shown: Shown,
}

impl Sight {
    /// Opens a session at a token; what its log does not say, a model of its weights is asked.
    pub(super) fn of(path: &Path, args: &AttentionArgs, global: &Global) -> Result<Self, CliError> {
        let mut explorer = read_explorer(path).map_err(CliError::failed)?;
        if let Some(position) = args.token {
            let shown = explorer.count_until(position);
            explorer.step_to(shown);
        }
        let current = explorer.current().map(|token| token.position);
        if current.is_none() || args.token.is_some_and(|asked| current != Some(asked)) {
            return Err(CliError::usage("the model wrote no token at that position of the session"));
        }
        let mut attending = Attending::default();
        attending.on = true;
        attending.layer = args.layer.map(|layer| layer - 1);
        attending.head = args.head.map(|head| head - 1);
        (attending.raw, attending.lens) = (args.raw, args.lens);
        if let Some(of) = explorer.layers_and_heads() {
            within(args, of)?;
        }
        let start = explorer.trace().start.clone();
        let (mut looker, mut misused): (Option<(Looker, Arc<AtomicBool>)>, _) = (None, None);
        let settled = attending.settle(&mut explorer, &mut |past, look| {
            let (looker, stop) = match &mut looker {
                Some(looker) => looker,
                None => {
                    let stop = interrupt_flag();
                    let model = match model(args, global, &stop) {
                        Ok(model) => model,
                        Err(CliError::Failed(why) | CliError::Usage(why)) => return Err(why),
                        Err(stopped) => {
                            misused = Some(stopped);
                            return Err(String::new());
                        }
                    };
                    let text = &model.config().text;
                    let of = [text.layers, text.heads].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
                    if let Err(error) = within(args, of) {
                        misused = Some(error);
                        return Err(String::new());
                    }
                    if let Some(note) = start.as_ref().and_then(|start| other_arithmetic(&start.model, &model.info())) {
                        eprintln!("{note}");
                    }
                    looker.insert((Looker::new(Arc::new(model)), stop))
                }
            };
            match at_once(stop, "asking the model", || looker.look(past, look)) {
                Ok(seen) => seen.map_err(|e| e.to_string()),
                Err(stopped) => {
                    misused = Some(stopped);
                    Err(String::new())
                }
            }
        });
        if let Some(error) = misused {
            return Err(error);
        }
        settled.map_err(|why| CliError::failed(format!("not in the log, and not to be looked at now: {why}")))?;
        let shown = attending.shown(&explorer).ok_or_else(|| CliError::failed("nothing is known of this token"))?;
        Ok(Self { explorer, attending, shown })
    }

    /// The token.
    pub(super) fn token(&self) -> Option<&Token> {
        self.explorer.current()
    }

    /// What the layers would have said, where it was asked for or recorded.
    pub(super) fn lens(&self) -> Option<&Arc<LensEvent>> {
        self.explorer.trace().looked.lens_of(self.token()?.position)
    }

    /// An image of the context with its part of the weights.
    pub(super) fn picture(&self, index: usize) -> Result<AttentionPicture, CliError> {
        let images = &self.explorer.trace().images;
        let placed = images
            .get(index)
            .ok_or_else(|| CliError::usage(format!("the session has {} images; 0 is the page", images.len())))?;
        let wash = self.shown.wash(index);
        let wash = wash.ok_or_else(|| CliError::failed("this token came before that image, or its map is damaged"))?;
        let pixels = self.explorer.pixels(&placed.event.hash).cloned();
        let pixels = pixels.ok_or_else(|| CliError::failed("the pixels of that image are not kept"))?;
        let role = if placed.event.role == ImageRole::Page { "page" } else { "crop" };
        Ok(AttentionPicture {
            pixels,
            wash,
            title: super::numbers::title(self),
            most: self.shown.most,
            words: super::numbers::shares(&self.shown, role),
            boxes: self.boxes(index),
        })
    }

    /// Where the session zoomed after this token first, and its target: on the page alone.
    fn boxes(&self, index: usize) -> Vec<([f64; 4], String)> {
        let (Some(token), true) = (self.token(), index == 0) else { return Vec::new() };
        let trace = self.explorer.trace();
        let next = trace.zooms.iter().find(|zoom| zoom.position >= token.position);
        let zoomed = next.and_then(|zoom| match &zoom.outcome {
            crate::trace::ZoomOutcome::Cropped { page_box, .. } => {
                Some((page_box.corners(), format!("zoom {} follows", zoom.number)))
            }
            crate::trace::ZoomOutcome::Refused { .. } => None,
        });
        zoomed.into_iter().collect()
    }
}
