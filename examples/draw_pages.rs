//! Writes drawn pages as PNG files, to look at: `draw_pages FIRST_SEED COUNT easy|medium|hard FOLDER`.

use std::path::Path;

use panelscope::benchmark::synthetic::{Difficulty, draw_page};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [first, count, level, folder] = &args[..] else {
        return Err("draw_pages FIRST_SEED COUNT easy|medium|hard FOLDER".into());
    };
    let (first, count): (u64, u64) = (first.parse()?, count.parse()?);
    let difficulty = Difficulty::ALL.into_iter().find(|d| d.word() == level).ok_or("easy, medium or hard")?;
    std::fs::create_dir_all(folder)?;
    for seed in first..first.saturating_add(count) {
        let page = draw_page(seed, difficulty);
        let path = Path::new(folder).join(format!("{}.png", page.truth.name()));
        page.pixels.save(&path)?;
        println!("{}", path.display());
        for panel in &page.truth.panels {
            let figures: Vec<_> = panel.figures.iter().map(|f| (f.figure, f.action, f.depth)).collect();
            let said: Vec<_> = panel.balloons.iter().map(|b| b.text.as_str()).collect();
            let heard = panel.sound.map(|(sound, _, _)| sound);
            println!(
                "  {} {:?} {:?} {figures:?} {said:?} {heard:?} {:?}",
                panel.number, panel.scene, panel.place, panel.beat
            );
        }
    }
    Ok(())
}
