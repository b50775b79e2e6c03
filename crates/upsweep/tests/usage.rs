//! What `docs/usage.md` shows is what the program says, on a fresh example of `upsweep demo`.

mod support;

use std::process::Command;

use support::{BINARY, said};

/// The words of a line, with what differs from day to day left out.
fn words(line: &str) -> Vec<String> {
    let shape = |word: &str| {
        let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        match shape.as_str() {
            "0000-00-00" => "DAY".to_owned(),
            "00:00:00" => "TIME".to_owned(),
            _ if word.len() == 22 && shape.starts_with("00000000-000000-") => "RUN".to_owned(),
            _ => word.to_owned(),
        }
    };
    line.split_whitespace().map(shape).collect()
}

/// Whether a line of the program's is the one that is shown, which may end in "…" where something was left out.
fn is_like(shown: &str, line: &str) -> bool {
    let (shown, line) = (words(shown), words(line));
    match shown.split_last() {
        Some((last, before)) if last == "…" => line.starts_with(before),
        _ => shown == line,
    }
}

/// The blocks of commands with what they say: `(arguments, lines)`.
fn blocks(text: &str) -> Vec<Vec<(String, Vec<&str>)>> {
    let fenced = text.split("```").skip(1).step_by(2);
    let blocks = fenced.map(|block| {
        let mut calls: Vec<(String, Vec<&str>)> = vec![];
        for line in block.lines().skip(1) {
            match (line.strip_prefix("$ upsweep "), calls.last_mut()) {
                (Some(args), _) => calls.push((args.to_owned(), vec![])),
                (None, Some((_, lines))) => lines.push(line),
                (None, None) => {}
            }
        }
        calls
    });
    blocks.filter(|calls| !calls.is_empty()).collect()
}

#[test]
fn what_the_usage_guide_shows_is_what_is_said() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/usage.md")).unwrap();
    let blocks = blocks(&text);
    assert!(blocks.len() >= 6, "{blocks:#?}");
    for calls in blocks {
        let dir = tempfile::tempdir().unwrap();
        let upsweep = |args: &str| {
            let mut command = Command::new(BINARY);
            let path = std::env::var_os("PATH").unwrap_or_default();
            command.env_clear().env("PATH", path).current_dir(dir.path()).args(args.split(' '));
            said(command)
        };
        upsweep("demo --dir .").expect(0);
        // The text around these says that a run went before.
        if ["status", "history"].iter().any(|word| calls[0].0.starts_with(word)) {
            upsweep("run").expect(0);
        }
        for (args, lines) in calls {
            let said = upsweep(&args);
            // It names itself as it was called.
            let all = format!("{}\n{}", said.out, said.err).replace(BINARY, "upsweep");
            let mut left = all.lines();
            for shown in lines.iter().filter(|line| !["", "…"].contains(&line.trim())) {
                assert!(left.any(|line| is_like(shown, line)), "upsweep {args}: no line '{shown}' in\n{all}");
            }
        }
    }
}
