//! Compares two lists of numbers: `cargo run -p perfvt-stats --example two_samples -- 9.8,10.1,10.0 9.1,9.3,9.0`.

// An example prints.
#![allow(clippy::print_stdout)]

use stats::{hedges_g, mann_whitney, moments, ratio_of_means, welch, welch_log};
use std::error::Error;

fn numbers(text: &str) -> Result<Vec<f64>, Box<dyn Error>> {
    text.split(',').map(|word| Ok(word.trim().parse()?)).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [a, b] = args.as_slice() else { return Err("give two lists of numbers, such as 1,2,3 4,5,6".into()) };
    let (a, b) = (numbers(a)?, numbers(b)?);
    println!("A {:?}", moments(&a)?);
    println!("B {:?}", moments(&b)?);
    println!("difference (Welch) {:?}", welch(&a, &b)?);
    // What is not defined for these values says why, and is not a number.
    println!("of the logarithms  {:?}", welch_log(&a, &b));
    println!("ratio of means     {:?}", ratio_of_means(&a, &b));
    println!("Mann and Whitney   {:?}", mann_whitney(&a, &b));
    println!("Hedges' g          {:?}", hedges_g(&a, &b));
    Ok(())
}
