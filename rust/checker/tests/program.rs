//! The program: what it reads, what it prints, and its exit status.

use std::path::PathBuf;
use std::process::Command;

/// Two nodes of 4 and 5 ticks and a tensor of 2 between them, on two stages: 7 ticks in two blocks, 9 in one.
const PROBLEM: [&[i64]; 9] = [
    &[0x0031_4750_4753, 2, 1, 2, 1, 0, 0, 0, 0],
    &[0, 0],
    &[-1, -1, -1, 0, 1],
    &[4, 5, 2, 0, 0],
    &[0, 0, 0, 0, 0, 0],
    &[0],
    &[0],
    &[1, 1],
    &[],
];
/// That none is better than 7 ticks, without merges and hints.
const LOG: [u8; 3] = [3, 0, 7];

/// Runs the program in a folder of its own; its exit status, and what it prints.
fn run(name: &str, problem: &[u8], log: &[u8], more: &[&str]) -> (Option<i32>, String) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    let files = [("problem", problem), ("log", log)].map(|(name, content)| {
        std::fs::write(folder.join(name), content).expect("a file");
        folder.join(name)
    });
    let output =
        Command::new(env!("CARGO_BIN_EXE_slicegraph-checker")).args(files).args(more).output().expect("it runs");
    (output.status.code(), String::from_utf8(output.stdout).expect("text"))
}

fn problem() -> Vec<u8> {
    PROBLEM.concat().into_iter().flat_map(i64::to_le_bytes).collect()
}

#[test]
fn what_is_so_is_verified() {
    let (status, told) = run("verified", &problem(), &LOG, &[]);
    assert_eq!((status, told.lines().next()), (Some(0), Some("verified: no partition is better than 7 ticks")));
}

#[test]
fn what_is_not_so_is_refuted() {
    let told = (Some(1), "refuted: some partition costs less than 8\n".into());
    assert_eq!(run("refuted", &problem(), &[3, 0, 8], &[]), told);
}

#[test]
fn what_takes_more_steps_is_undecided() {
    assert_eq!(run("undecided", &problem(), &LOG, &["0"]), (Some(1), "undecided: beyond the steps\n".into()));
}

#[test]
fn what_is_no_log_and_no_problem_is_malformed() {
    for (problem, log) in
        [(problem(), &LOG[..1]), (problem(), &[9, 0, 7]), (problem()[8..].to_vec(), &LOG), (vec![], &LOG)]
    {
        let (status, told) = run("malformed", &problem, log, &[]);
        assert!(status == Some(1) && told.starts_with("malformed: "), "{told}");
    }
}

#[test]
fn wrong_usage_is_told() {
    for more in [&["many"][..], &["-1"], &["1", "2"]] {
        assert_eq!(run("usage", &problem(), &LOG, more), (Some(2), String::new()));
    }
    let output =
        Command::new(env!("CARGO_BIN_EXE_slicegraph-checker")).args(["nowhere", "nowhere"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
}
