//! Steps of a task: announced, run in order until one fails, and timed.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::skipped;

pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) work: Work,
}

pub(crate) enum Work {
    /// Arguments for cargo. Its output goes straight through.
    Cargo(&'static [&'static str]),
    /// A function of this program, and the command that repeats it.
    Here(fn() -> Result<(), String>, &'static str),
}

impl Work {
    /// What somebody types to do this step alone.
    fn command(&self) -> String {
        match self {
            Self::Cargo(args) => format!("cargo {}", args.join(" ")),
            Self::Here(_, command) => (*command).to_owned(),
        }
    }

    fn run(&self) -> Result<(), String> {
        match self {
            Self::Cargo(args) => run_cargo(args),
            Self::Here(work, _) => work(),
        }
    }
}

/// Runs the steps in order, stops at the first failure, and tells how long each took.
pub(crate) fn run(steps: &[Step]) -> Result<(), String> {
    let mut durations = Vec::with_capacity(steps.len());
    let mut outcome = Ok(());
    for step in steps {
        let command = step.work.command();
        println!("\n==> {}: {command}", step.name);
        let start = Instant::now();
        let result = step.work.run();
        durations.push((step.name, start.elapsed(), result.is_ok()));
        if let Err(reason) = result {
            outcome = Err(format!("{}: {reason}\nTo repeat this step: {command}", step.name));
            break;
        }
    }
    print!("\n{}", table(&durations));
    outcome
}

fn run_cargo(args: &[&str]) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(args)
        .env(skipped::LOG_VARIABLE, skipped::log_path()?)
        .status()
        .map_err(|error| format!("cargo did not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo {} failed ({status}).", args[0])) }
}

fn table(durations: &[(&str, Duration, bool)]) -> String {
    let total: Duration = durations.iter().map(|(_, duration, _)| *duration).sum();
    let width = durations.iter().map(|(name, ..)| name.len()).max().unwrap_or(0).max("total".len());
    let mut text = String::new();
    for (name, duration, succeeded) in durations {
        let note = if *succeeded { "" } else { "  failed" };
        text += &format!("{name:width$}  {:>7.1} s{note}\n", duration.as_secs_f64());
    }
    text + &format!("{:width$}  {:>7.1} s\n", "total", total.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lines_up_and_marks_the_failure() {
        let text = table(&[
            ("format", Duration::from_millis(1234), true),
            ("nothing skipped", Duration::from_secs(100), false),
        ]);
        assert_eq!(
            text,
            "format               1.2 s\nnothing skipped    100.0 s  failed\ntotal              101.2 s\n"
        );
    }

    #[test]
    fn a_failure_stops_the_rest_and_names_the_command() {
        let steps = [
            Step { name: "first", work: Work::Here(|| Ok(()), "one") },
            Step { name: "second", work: Work::Here(|| Err("it broke.".to_owned()), "cargo xtask two") },
            Step { name: "third", work: Work::Here(|| panic!("must not run"), "three") },
        ];
        assert_eq!(run(&steps).unwrap_err(), "second: it broke.\nTo repeat this step: cargo xtask two");
    }

    #[test]
    fn a_step_of_cargo_can_be_typed_as_it_is_shown() {
        assert_eq!(Work::Cargo(&["fmt", "--all", "--check"]).command(), "cargo fmt --all --check");
    }
}
