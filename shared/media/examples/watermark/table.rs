//! Prints what was measured.

use std::time::Duration;

use crate::attacks::ATTACKS;
use crate::{LOOKS, Measured};

#[expect(clippy::print_stdout, reason = "the one place of this program that prints its results")]
pub(crate) fn print(measured: &[Measured]) {
    println!("| attack | target | found | of | percent |\n|---|---|---|---|---|");
    for (at, attack) in ATTACKS.iter().enumerate() {
        let ran: Vec<bool> = measured.iter().filter_map(|measured| measured.found[at]).collect();
        let found = ran.iter().filter(|found| **found).count();
        let target = attack.target_percent.map_or_else(String::new, |percent| format!("{percent}%"));
        let percent = found as f64 * 100.0 / ran.len().max(1) as f64;
        println!("| {} | {target} | {found} | {} | {percent:.1} |", attack.name, ran.len());
    }
    let per_megapixel = |time: fn(&Measured) -> Duration| {
        let times = measured.iter().map(|measured| time(measured).as_secs_f64() * 1e3 / measured.megapixels);
        let times = sorted(times.collect());
        format!("{:.0} / {:.0}", times[times.len() / 2], times[times.len() - 1])
    };
    let psnr = sorted(measured.iter().map(|measured| f64::from(measured.psnr_db)).collect());
    println!("\n| | |\n|---|---|");
    println!("| pictures | {} |", measured.len());
    println!(
        "| PSNR, lowest / median / highest | {:.1} / {:.1} / {:.1} dB |",
        psnr[0],
        psnr[psnr.len() / 2],
        psnr[psnr.len() - 1]
    );
    println!(
        "| embedding, median / slowest | {} ms for each megapixel |",
        per_megapixel(|measured| measured.embedding)
    );
    println!(
        "| detecting, median / slowest | {} ms for each megapixel |",
        per_megapixel(|measured| measured.detection)
    );
    println!(
        "| finding nothing, median / slowest | {} ms for each megapixel |",
        per_megapixel(|measured| measured.search)
    );
    let looks = measured.len() * LOOKS;
    let wrong: usize = measured.iter().map(|measured| measured.false_positives).sum();
    println!("| found where none was, of {looks} looks | {wrong} |");
    println!();
    for measured in measured {
        let lost = ATTACKS.iter().zip(&measured.found).filter(|(_, found)| **found == Some(false));
        let lost: Vec<_> = lost.map(|(attack, _)| attack.name).collect();
        if !lost.is_empty() {
            println!("- {} ({:.1} dB): lost after {}", measured.name, measured.psnr_db, lost.join("; "));
        }
    }
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}
