//! From a database to published segments: `cargo run --example quickstart [folder]`.
//!
//! Makes a small SQLite database of a payments platform, hands the engine the seven rules of
//! `examples/rules`, refreshes them as of New Year 2026 and shows what came out. With a folder,
//! the database and the catalog stay there; without one, they go when the example ends.

use std::error::Error;
use std::path::{Path, PathBuf};

use arrow::util::pretty::pretty_format_batches;
use indicatif::{ProgressBar, ProgressStyle};
use segmentry::{Refresh, RunEvent, SegmentEngine, SqliteCatalog};
use segmentry_examples::Platform;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let fresh = tempfile::tempdir()?;
    let folder = std::env::args_os().nth(1).map_or(fresh.path().to_owned(), PathBuf::from);
    std::fs::create_dir_all(&folder)?;

    // 1. The host's data: users, card payments and UPI payments.
    let platform = folder.join("platform.db");
    Platform::default().create(&platform)?;

    // 2. The engine: a catalog for what it keeps, and the host's tables, which it only reads.
    let catalog = SqliteCatalog::open(folder.join("audience.db"))?;
    let engine = SegmentEngine::builder().catalog(catalog).build().await?;
    engine.add_sqlite(&platform).await?;

    // 3. The rules. They name one another, so they go in together, all or nothing.
    engine.import_rules(&rules()?).await?;

    // 4. One run. Without `as_of`, it would be about the present instant.
    let bar =
        ProgressBar::new(0).with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}")?);
    let shown = bar.clone();
    let refresh = Refresh::all()
        .as_of("2026-01-01T00:00:00Z".parse()?)
        .progress(move |event: &RunEvent| show(&shown, event));
    let run = engine.refresh(refresh).await?;
    bar.finish_and_clear();
    for failure in &run.failed {
        println!("{} failed: {:?}", failure.rule_name, failure.problems);
    }

    // 5. What came out.
    let summary = engine.summary().await?;
    println!(
        "{} users, {} transactions, as of {}\n",
        summary.total_users, summary.total_transactions, run.as_of
    );
    println!("{:<28} {:>8} {:>8}", "segment", "members", "share");
    for segment in &run.segments {
        let share = segment.row_count as f64 * 100.0 / summary.total_users as f64;
        println!("{:<28} {:>8} {:>6.1} %", segment.segment_name, segment.row_count, share);
    }

    let segment = engine.segment("High Value, Not Travelling").await?;
    let columns = ["user_id", "name", "city", "city_tier", "income", "signup_date"];
    let sample = segment.sample(5, Some(&columns)).await?;
    println!("\nFive members of \"High Value, Not Travelling\":");
    println!("{}", pretty_format_batches(&[sample])?);

    let segment = engine.segment("Recent Travellers").await?;
    println!("\nThe SQL of \"Recent Travellers\":\n{}", segment.sql_query());

    // 6. Where it goes: "Premium Travellers" does not name it, but asks for the same in other
    // words, and was answered from it.
    let lineage = engine.lineage("Recent Travellers").await?;
    println!("\nThe lineage of \"Recent Travellers\", for mermaid.live:\n{}", lineage.to_mermaid());
    Ok(())
}

/// The documents of `examples/rules`, by file name.
fn rules() -> Result<Vec<serde_json::Value>, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.sort();
    let read = |path: &PathBuf| Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?);
    paths.iter().map(read).collect()
}

fn show(bar: &ProgressBar, event: &RunEvent) {
    match event {
        RunEvent::Started { rules, .. } => bar.set_length(*rules as u64),
        RunEvent::Evaluated { rule_name, done, .. } | RunEvent::Failed { rule_name, done, .. } => {
            bar.set_message(rule_name.clone());
            bar.set_position(*done as u64);
        }
        _ => {}
    }
}
