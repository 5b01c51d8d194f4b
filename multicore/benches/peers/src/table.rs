//! The results as a person reads them.

use crate::contenders::Contender;
use crate::jobs::Job;
use crate::rounds::Results;

/// Rows are jobs and their parts; columns are contenders.
pub fn print(results: &Results, jobs: &[Job], contenders: &[Contender]) {
    let width = |contender: &Contender| contender.name().len().max(8);
    print!("{:<36}", "");
    contenders.iter().for_each(|contender| print!("  {:>1$}", contender.name(), width(contender)));
    println!("  others %");
    for &job in jobs {
        for (part, unit) in results.parts(job) {
            let name = [job.title(), part].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>();
            print!("{:<36}", format!("{}, {unit}", name.join(", ")));
            for contender in contenders {
                let cell = match results.median(job, part, *contender) {
                    Some(value) => short(value),
                    None if results.has(job, part, *contender) => "–".to_owned(),
                    None => String::new(),
                };
                print!("  {cell:>0$}", width(contender));
            }
            println!("  {:>8}", results.others(job).map_or_else(String::new, |share| format!("{share:.0}")));
        }
    }
}

/// About three digits that count, and all those before the point.
pub fn short(value: f64) -> String {
    match value {
        _ if value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ if value >= 0.1 => format!("{value:.2}"),
        _ if value > 0.0 => format!("{value:.4}"),
        _ => "0".to_owned(),
    }
}
