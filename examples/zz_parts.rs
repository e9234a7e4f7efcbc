use panelscope::benchmark::*;
use panelscope::engine::*;
use panelscope::model::sampler::*;
use panelscope::model::*;
use panelscope::protocol::Profile;
use std::sync::Arc;
use std::time::Instant;
fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    s.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}
fn t<T>(name: &str, n: usize, mut f: impl FnMut() -> T) {
    let n = n * 3;
    let mut best = f64::MAX;
    for _ in 0..5 {
        let c = cpu();
        for _ in 0..n {
            std::hint::black_box(f());
        }
        best = best.min((cpu() - c) / n as f64);
    }
    println!("{name}: {:.1} us", best * 1e6);
}
fn main() {
    panelscope::model::settle_threads();
    let model = Arc::new(load_model(&panelscope::demo::model_named(None)).unwrap());
    let b = open_with(
        "synth:2",
        &Selection { tasks: vec![Task::DepthComparison, Task::ActionRecognition], families: vec![], limit: Some(8) },
    )
    .unwrap();
    let q = &b.questions()[0];
    let page = b.page(q).unwrap();
    println!("page {:?}", page.size());
    t("pixel_hash", 10, || panelscope::page::pixel_hash(&page.pixels));
    t("process page", 5, || model.processor().process(&page.pixels).unwrap());
    let patches = model.processor().process(&page.pixels).unwrap();
    println!("grid {:?} tokens {}", patches.grid, patches.tokens());
    t("encode page", 5, || model.encode_image(&patches).unwrap());
    let emb = model.encode_image(&patches).unwrap();
    let profile = Arc::new(Profile::builtin("rarl").unwrap());
    let crop = page.crop(&q.targets[0]).unwrap();
    println!("crop {:?}", crop.dimensions());
    t("process crop", 5, || model.processor().process(&crop).unwrap());
    let cp = model.processor().process(&crop).unwrap();
    println!("crop grid {:?}", cp.grid);
    t("encode crop", 5, || model.encode_image(&cp).unwrap());
    t("profile.hash", 20, || profile.hash());
    let text: String = format!("{:?}", profile.opening(q, true));
    t("tokenize opening", 20, || model.tokenizer().encode(&text).unwrap());
    t("opening parts", 20, || profile.opening(q, true));
    t("model info", 20, || model.info());
    let ids: Vec<u32> = (0..150).collect();
    t("prefill 150+page", 5, || {
        let mut s = model.new_sequence().unwrap();
        model.forward(&mut [Feed { sequence: &mut s, chunks: vec![Chunk::Tokens(&ids), Chunk::Image(&emb)] }]).unwrap()
    });
    let mut s = model.new_sequence().unwrap();
    model.forward(&mut [Feed { sequence: &mut s, chunks: vec![Chunk::Tokens(&ids), Chunk::Image(&emb)] }]).unwrap();
    let n = s.len();
    t("decode 1", 20, || {
        let l = model.forward(&mut [Feed { sequence: &mut s, chunks: vec![Chunk::Tokens(&[7])] }]).unwrap();
        s.truncate(n).unwrap();
        l
    });
    for m in [8usize, 32] {
        let mut all: Vec<Sequence> = (0..m)
            .map(|_| {
                let mut s = model.new_sequence().unwrap();
                model
                    .forward(&mut [Feed { sequence: &mut s, chunks: vec![Chunk::Tokens(&ids), Chunk::Image(&emb)] }])
                    .unwrap();
                s
            })
            .collect();
        t(&format!("decode {m}"), 10, || {
            {
                let mut f: Vec<Feed> =
                    all.iter_mut().map(|s| Feed { sequence: s, chunks: vec![Chunk::Tokens(&[7])] }).collect();
                model.forward(&mut f).unwrap();
            }
            all.iter_mut().for_each(|s| s.truncate(n).unwrap());
        });
    }
    let logits = model.forward(&mut [Feed { sequence: &mut s, chunks: vec![Chunk::Tokens(&[7])] }]).unwrap().remove(0);
    let mut sampler = Sampler::new(Sampling::default(), 0);
    t("sampler", 50, || sampler.next(&logits, &ids).unwrap());
    t("piece x8", 50, || (0..8).map(|i| model.tokenizer().piece_bytes(i)).collect::<Vec<_>>());
    t("available", 50, || panelscope::model::available_memory());
    t("new_sequence", 50, || model.new_sequence().unwrap());
}
