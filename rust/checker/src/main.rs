//! `slicegraph-checker PROBLEM LOG [STEPS]`: proves again what a log claims of a problem. Exit status 0: it is so; 1: it is refuted,
//! malformed or beyond the steps; 2: wrong usage or unreadable files.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a program")]

use std::process::ExitCode;

use slicegraph_checker::{Problem, Steps, Stop, check};

const STEPS: u64 = 1_000_000_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let none = String::new();
    let (files, steps) = match &arguments[..] {
        [problem, log] => ([problem, log], Some(STEPS)),
        [problem, log, steps] => ([problem, log], steps.parse().ok()),
        _ => ([&none; 2], None),
    };
    let Some(steps) = steps else {
        eprintln!("usage: slicegraph-checker PROBLEM LOG [STEPS]");
        return ExitCode::from(2);
    };
    let [Ok(problem), Ok(log)] = files.map(std::fs::read) else {
        eprintln!("slicegraph-checker: a file cannot be read");
        return ExitCode::from(2);
    };
    match Problem::read(&problem).and_then(|problem| check(&problem, &log, &mut Steps::new(steps))) {
        Ok(proof) => {
            println!("verified: no partition is better than {} ticks", proof.threshold);
            for (rule, entries, steps) in proof.rules {
                println!("{rule}: {entries}, {steps} steps");
            }
        }
        Err(stop) => {
            match stop {
                Stop::Budget => println!("undecided: beyond the steps"),
                Stop::Interrupted => println!("undecided: interrupted"),
                Stop::Open => println!("undecided: still open"),
                Stop::Malformed(reason) => println!("malformed: {reason}"),
                Stop::Refused { reason, .. } => println!("refuted: {reason}"),
            }
            return ExitCode::from(1);
        }
    }
    ExitCode::SUCCESS
}
