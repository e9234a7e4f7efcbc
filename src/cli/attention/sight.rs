//! What is known of one token of a recorded session, or is looked at now.

use std::path::Path;
use std::sync::Arc;

use super::AttentionArgs;
use crate::cli::model_load::loaded;
use crate::cli::{CliError, Global};
use crate::engine::Looker;
use crate::trace::{ImageRole, LensEvent, Token};
use crate::tui::attend::{Attending, Shown};
use crate::tui::explorer::Explorer;
use crate::tui::{AttentionPicture, read_explorer};

/// What an error says.
fn sentence(error: CliError) -> String {
    match error {
        CliError::Failed(why) | CliError::Usage(why) => why,
        CliError::Interrupted => "interrupted".to_owned(),
    }
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
        let mut looker: Option<Looker> = None;
        attending
            .settle(&mut explorer, &mut |past, look| {
                let looker = match &mut looker {
                    Some(looker) => looker,
                    None => {
                        let choice =
                            args.load.choice(args.model.as_deref().or(global.settings.model.as_deref()), global);
                        let model = loaded(&choice.map_err(sentence)?, None).map_err(sentence)?;
                        looker.insert(Looker::new(Arc::new(model)))
                    }
                };
                looker.look(past, look).map_err(|e| e.to_string())
            })
            .map_err(|why| CliError::failed(format!("not in the log, and not to be looked at now: {why}")))?;
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
