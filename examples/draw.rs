fn main() {
    let t = std::time::Instant::now();
    for seed in 0..4u64 {
        let p = panelscope::benchmark::synthetic::draw_page(seed);
        for q in panelscope::benchmark::synthetic::page_questions(&p.truth) {
            println!("{q:?}");
        }
        p.pixels.save(format!("/tmp/page{seed}.png")).unwrap();
    }
    println!("{:?}", t.elapsed());
    let t = std::time::Instant::now();
    for seed in 0..20u64 {
        panelscope::benchmark::synthetic::draw_page(seed);
    }
    println!("{:?}", t.elapsed() / 20);
}
