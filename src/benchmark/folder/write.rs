//! The files of a benchmark's folder, written as pages come.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::json;

use super::annotations::{Annotation, Category, Image, ImageFacts};
use super::format::{Manifest, QuestionLine};
use super::{ANNOTATIONS, MANIFEST, PAGES, QUESTIONS};
use crate::benchmark::region::{Region, RegionKind};
use crate::geometry::Size;

/// A page on its way to the folder.
pub struct WrittenPage {
    /// Its name.
    pub name: String,
    /// Its file, PNG.
    pub png: Vec<u8>,
    /// Its size in pixels.
    pub size: Size,
    /// How it is drawn, and how hard it is to read.
    pub facts: ImageFacts,
    /// What is where.
    pub regions: Vec<Region>,
    /// Questions about it.
    pub questions: Vec<QuestionLine>,
}

/// Writes a benchmark's folder page by page; what it holds depends on nothing but the pages and their order.
pub struct FolderWriter {
    dir: std::path::PathBuf,
    questions: BufWriter<File>,
    annotations: BufWriter<File>,
    images: Vec<Image>,
    boxes: u64,
}

impl FolderWriter {
    /// Begins in an empty folder.
    pub fn begin(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir.join(PAGES))?;
        let questions = BufWriter::new(File::create(dir.join(QUESTIONS))?);
        let mut annotations = BufWriter::new(File::create(dir.join(ANNOTATIONS))?);
        let categories: Vec<Category> =
            (1..).zip(RegionKind::ALL).map(|(id, kind)| Category { id, name: kind.name().to_owned() }).collect();
        // Boxes first: the images are known when all pages are written.
        write!(
            annotations,
            "{{\"info\":{},\n\"categories\":{},\n\"annotations\":[",
            json!({"v": 1}),
            json!(categories)
        )?;
        Ok(Self { dir: dir.to_owned(), questions, annotations, images: Vec::new(), boxes: 0 })
    }

    /// Writes a page, its questions and its boxes.
    pub fn page(&mut self, page: WrittenPage) -> io::Result<()> {
        let file_name = format!("{}.png", page.name);
        std::fs::write(self.dir.join(PAGES).join(&file_name), &page.png)?;
        for question in &page.questions {
            serde_json::to_writer(&mut self.questions, question)?;
            self.questions.write_all(b"\n")?;
        }
        let image_id = self.images.len() as u64 + 1;
        for region in page.regions {
            let comma = if self.boxes == 0 { "\n" } else { ",\n" };
            self.boxes += 1;
            self.annotations.write_all(comma.as_bytes())?;
            serde_json::to_writer(&mut self.annotations, &annotation(self.boxes, image_id, region))?;
        }
        let Size { w: width, h: height } = page.size;
        self.images.push(Image { id: image_id, file_name, width, height, attributes: page.facts });
        Ok(())
    }

    /// Writes the rest; `benchmark.json` last, without which a folder is no benchmark.
    pub fn finish(mut self, manifest: &Manifest) -> io::Result<()> {
        write!(self.annotations, "\n],\n\"images\":[")?;
        for (at, image) in self.images.iter().enumerate() {
            self.annotations.write_all(if at == 0 { b"\n" } else { b",\n" })?;
            serde_json::to_writer(&mut self.annotations, image)?;
        }
        writeln!(self.annotations, "\n]}}")?;
        for mut file in [self.annotations, self.questions] {
            file.flush()?;
            file.get_ref().sync_all()?;
        }
        let mut text = serde_json::to_string_pretty(manifest)?;
        text.push('\n');
        let mut file = File::create(self.dir.join(MANIFEST))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }
}

/// A region in COCO's words: left, top, width, height; hundredths of a pixel are enough.
fn annotation(id: u64, image_id: u64, mut region: Region) -> serde_json::Value {
    let [x1, y1, x2, y2] = region.bounds.corners();
    let bbox = [x1, y1, x2 - x1, y2 - y1].map(hundredths);
    let [_, _, w, h] = bbox;
    region.facts.height = region.facts.height.map(hundredths);
    region.facts.visible = region.facts.visible.map(hundredths);
    let category_id = (1_u64..).zip(RegionKind::ALL).find(|(_, kind)| *kind == region.kind).map_or(0, |(id, _)| id);
    let mut entry = json!(Annotation { id, image_id, category_id, bbox, attributes: region.facts });
    if let Some(fields) = entry.as_object_mut() {
        fields.insert("area".to_owned(), json!(hundredths(w * h)));
        fields.insert("iscrowd".to_owned(), json!(0));
    }
    entry
}

fn hundredths(v: f64) -> f64 {
    (v * 100.0).round() / 100.0
}
