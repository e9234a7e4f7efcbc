//! Resizing pages as Pillow and as torchvision do, beside both libraries: in turns in one run, one thread each, the least of
//! many times.
//!
//! `cargo bench --bench resample`; the peers need `python3` with Pillow, torch and torchvision, and are left out without.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use image::{Rgb, RgbImage};
use panelscope::model::Resampler;

const ROUNDS: usize = 40;
/// From and to, width and height: a crop, a page of the demo, a scanned page, a small page enlarged.
const SIZES: [[u32; 4]; 4] =
    [[390, 390, 168, 168], [840, 1176, 140, 196], [1654, 2339, 840, 1176], [300, 420, 588, 840]];

/// Times what it is asked to, a line a time.
const PEER: &str = r#"
import sys, time
import numpy as np, torch
from PIL import Image
import torchvision.transforms.v2.functional as F
torch.set_num_threads(1)
for line in sys.stdin:
    who, w, h, W, H = line.split(); w, h, W, H = map(int, (w, h, W, H))
    y, x = np.mgrid[0:h, 0:w].astype(np.uint32)
    planes = [(x * 7 + y * 3 + c * 85 + (x * y >> 6) + (x // 40 * 97 + y // 40 * 61)) & 255 for c in range(3)]
    pixels = np.stack(planes, -1).astype(np.uint8)
    if who == "pillow":
        image = Image.fromarray(pixels); run = lambda: image.resize((W, H), Image.Resampling.BICUBIC)
    else:
        image = torch.from_numpy(pixels.transpose(2, 0, 1).copy())
        run = lambda: F.resize(image, [H, W], interpolation=F.InterpolationMode.BICUBIC, antialias=True)
    run(); start = time.perf_counter(); run(); print(time.perf_counter() - start, flush=True)
"#;

struct Peer {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Peer {
    /// `None` where the libraries are not installed.
    fn start() -> Option<Self> {
        let mut python = Command::new("python3");
        let command = python.args(["-c", PEER]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        let mut peer = Self { to: child.stdin.take()?, from: BufReader::new(child.stdout.take()?), child };
        peer.ask("pillow", [8, 8, 4, 4]).map(|_| peer)
    }

    fn ask(&mut self, who: &str, [w, h, to_w, to_h]: [u32; 4]) -> Option<f64> {
        writeln!(self.to, "{who} {w} {h} {to_w} {to_h}").ok()?;
        let mut line = String::new();
        self.from.read_line(&mut line).ok()?;
        line.trim().parse().ok()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn page(w: u32, h: u32) -> RgbImage {
    let value = |x: u32, y: u32, c: u32| x * 7 + y * 3 + c * 85 + ((x * y) >> 6) + (x / 40 * 97 + y / 40 * 61);
    RgbImage::from_fn(w, h, |x, y| Rgb([0, 1, 2].map(|c| value(x, y, c) as u8)))
}

fn main() {
    let mut peer = Peer::start();
    if peer.is_none() {
        println!("no peers: python3 with Pillow, torch and torchvision is not there");
    }
    println!("{:<24} {:<12} {:>9} {:>9} {:>7}", "pixels", "as", "here", "there", "times");
    for size in SIZES {
        let [w, h, to_w, to_h] = size;
        let image = page(w, h);
        for resampler in [Resampler::Pillow, Resampler::Torchvision] {
            let (mut here, mut there) = (f64::INFINITY, f64::INFINITY);
            for _ in 0..ROUNDS {
                let start = Instant::now();
                black_box(resampler.resize(black_box(&image), to_w, to_h).unwrap());
                here = here.min(start.elapsed().as_secs_f64());
                there =
                    there.min(peer.as_mut().and_then(|peer| peer.ask(resampler.name(), size)).unwrap_or(f64::INFINITY));
            }
            let ms = |seconds: f64| format!("{:.2} ms", seconds * 1e3);
            let name = format!("{w}×{h} → {to_w}×{to_h}");
            println!("{name:<24} {:<12} {:>9} {:>9} {:>6.2}", resampler.name(), ms(here), ms(there), there / here);
        }
    }
}
