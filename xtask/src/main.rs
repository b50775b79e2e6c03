//! Upsweep's task runner: `cargo xtask help`.
#![expect(clippy::print_stdout, reason = "telling what it does is a task runner's job")]

mod invariants;
mod links;
mod python;
mod root;
mod skipped;
mod steps;
mod tidy;
mod tools;

use std::process::ExitCode;

use steps::{Step, Work};

const HELP: &str = "\
Usage: cargo xtask <task>

  test       install what the tests need, then check everything; what CI runs
  tools      install what the tests need (part of `test`)
  tidy       the house rules that compilers do not check (part of `test`)
  coverage   which lines the tests run; needs cargo-llvm-cov
  bench      how fast it is here, with an optimised build
  help       this text

Exit codes: 0 all is well, 1 something failed, 64 no such task.";

/// Everything `cargo xtask test` does, in order: what is quick and often wrong comes first.
const TEST: &[Step] = &[
    Step { name: "tools", work: Work::Here(tools::provide, "cargo xtask tools") },
    Step { name: "format", work: Work::Cargo(&["fmt", "--all", "--check"]) },
    Step { name: "tidy", work: Work::Here(tidy::check, "cargo xtask tidy") },
    Step {
        name: "lints",
        work: Work::Cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]),
    },
    Step { name: "tests", work: Work::Cargo(&["nextest", "run", "--workspace", "--all-features"]) },
    Step { name: "examples in docs", work: Work::Cargo(&["test", "--workspace", "--doc", "--all-features"]) },
    Step { name: "nothing skipped", work: Work::Here(skipped::report, "cargo xtask test") },
    Step { name: "dependencies", work: Work::Cargo(&["deny", "check", "licenses", "bans", "sources"]) },
];

const TOOLS: &[Step] = &[Step { name: "tools", work: Work::Here(tools::provide, "cargo xtask tools") }];

const TIDY: &[Step] = &[Step { name: "tidy", work: Work::Here(tidy::check, "cargo xtask tidy") }];

const BENCH: &[Step] =
    &[Step { name: "the service", work: Work::Cargo(&["bench", "-p", "upsweep", "--bench", "service"]) }];

const COVERAGE: &[Step] = &[
    Step { name: "tools", work: Work::Here(tools::provide_for_coverage, "cargo xtask coverage") },
    Step { name: "coverage", work: Work::Cargo(&["llvm-cov", "nextest", "--workspace", "--all-features"]) },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let task = match args.as_slice() {
        ["test"] => TEST,
        ["tools"] => TOOLS,
        ["tidy"] => TIDY,
        ["coverage"] => COVERAGE,
        ["bench"] => BENCH,
        ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(64);
        }
    };
    match root::enter().and_then(|()| skipped::start_log()).and_then(|()| steps::run(task)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("\n{message}");
            ExitCode::FAILURE
        }
    }
}
