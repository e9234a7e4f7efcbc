//! A line to type in over the explorer.

use super::{Order, Otherwise};
use crate::engine::{At, Edit, OtherCrop, Setting};
use crate::geometry::PageBox;
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::effect::Effect;
use crate::tui::field::TextField;

/// The line and what it is for.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What is asked.
    pub question: Question,
    /// What is typed.
    pub field: TextField,
    /// What is wrong with it.
    pub wrong: Option<String>,
}

/// What a line is typed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// A new breakpoint.
    Breakpoint,
    /// A text that the model is made to write at a position.
    Text(u64),
    /// A region of the page for the crop of a tool call.
    Region(u32),
    /// An image file for it.
    File(u32),
    /// A setting from a position on.
    Setting(u64),
    /// What to look for.
    Search,
    /// Why the session has this label.
    Reason(&'static str),
    /// A tag for the session.
    Tag,
    /// A note on it.
    Note,
}

impl Question {
    /// Title and example.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Breakpoint => ("Break where", "zoom and iou<.3"),
            Self::Text(_) => ("The model writes instead", "any text; tags such as </think> count"),
            Self::Region(_) => ("The zoom returns this region", "x1,y1,x2,y2 in page pixels"),
            Self::File(_) => ("The zoom returns this image", "path of a PNG, JPEG, WebP or GIF"),
            Self::Setting(_) => ("From here on", "temperature 0.8 · seed 7 · tool off · choices A | B · question …"),
            Self::Reason(label) => (label, "why? Enter alone gives no reason"),
            Self::Tag => ("Tag", "a-word; -a-word takes it off"),
            Self::Note => ("Note", "what is to be remembered"),
            Self::Search => ("Look for", "any text; /pattern/ is a regular expression"),
        }
    }
}

impl App {
    /// Opens the line.
    pub(super) fn ask_line(&mut self, question: Question) {
        self.debug.prompt = Some(Prompt { question, field: TextField::default(), wrong: None });
    }

    /// What an action does while a line is typed.
    pub(super) fn in_prompt(&mut self, action: Action) -> Vec<Effect> {
        let Some(prompt) = &mut self.debug.prompt else { return Vec::new() };
        match action {
            Action::Edit(edit) => {
                prompt.field.apply(&edit);
                prompt.wrong = None;
            }
            Action::Close | Action::Back => self.debug.prompt = None,
            Action::Open => return self.typed(),
            _ => {}
        }
        Vec::new()
    }

    fn typed(&mut self) -> Vec<Effect> {
        let Some(prompt) = &self.debug.prompt else { return Vec::new() };
        let (question, text) = (prompt.question, prompt.field.text().to_owned());
        match self.settle(question, &text) {
            Ok(effects) => {
                self.debug.prompt = None;
                effects
            }
            Err(why) => {
                if let Some(prompt) = &mut self.debug.prompt {
                    prompt.wrong = Some(why);
                }
                Vec::new()
            }
        }
    }

    fn settle(&mut self, question: Question, text: &str) -> Result<Vec<Effect>, String> {
        let order = |at, what| vec![Effect::Fork(Box::new(Order { at, what }))];
        let effects = match question {
            Question::Breakpoint => return self.add_breakpoint(text),
            Question::Search => return self.search(text).map(|()| Vec::new()),
            Question::Reason(_) | Question::Tag | Question::Note => return self.settle_remark(question, text),
            Question::Text(_) if text.is_empty() => return Err("type what the model is to write".to_owned()),
            Question::Text(position) => order(At::Token(position), Otherwise::Edit(Edit::Text(text.to_owned()))),
            Question::Region(zoom) => {
                let region = OtherCrop::Region(read_box(text)?);
                order(At::Zoom(zoom), Otherwise::Edit(Edit::Crop(region)))
            }
            Question::File(zoom) if !text.trim().is_empty() => {
                order(At::Zoom(zoom), Otherwise::CropFile(text.trim().into()))
            }
            Question::File(_) => return Err("type the path of an image".to_owned()),
            Question::Setting(position) => order(At::Token(position), Otherwise::Setting(Setting::read(text)?)),
        };
        self.debug.menu = None;
        Ok(effects)
    }
}

/// `x1,y1,x2,y2` in page pixels.
fn read_box(text: &str) -> Result<PageBox, String> {
    let wrong = || "give four numbers, x1,y1,x2,y2, with x1 < x2 and y1 < y2".to_owned();
    let numbers: Vec<f64> =
        text.trim_matches(['[', ']', ' ']).split(',').map_while(|part| part.trim().parse().ok()).collect();
    match numbers.as_slice() {
        [x1, y1, x2, y2] if x1 < x2 && y1 < y2 && [x1, y1, x2, y2].iter().all(|n| n.is_finite()) => {
            Ok(PageBox::new(*x1, *y1, *x2, *y2))
        }
        _ => Err(wrong()),
    }
}
