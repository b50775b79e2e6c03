//! Whatever the documents tell people to type is understood as it stands there.

use std::path::Path;

use clap::CommandFactory as _;
use clap::error::ErrorKind;

use super::*;

/// Options of other programs that the documents speak of on their own.
const FOREIGN: [&str; 1] = ["--yaml"];

/// Every document, with its name.
fn documents() -> Vec<(String, String)> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let folders = [root.to_owned(), root.join("docs")];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let pages = files.filter(|path| path.extension().is_some_and(|ext| ext == "md") || path.ends_with(".env.example"));
    let read = |path: std::path::PathBuf| {
        (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap())
    };
    pages.map(read).collect()
}

/// The lines of fenced blocks, those that end in a backslash joined with the next.
fn fenced(text: &str) -> Vec<String> {
    let (mut lines, mut is_inside, mut begun) = (Vec::new(), false, String::new());
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_inside = !is_inside;
        } else if let (true, Some(begins)) = (is_inside, line.strip_suffix('\\')) {
            begun.push_str(begins);
        } else if is_inside {
            lines.push(std::mem::take(&mut begun) + line);
        }
    }
    lines
}

/// Code in running text, which may go on in the next line.
fn inline(text: &str) -> Vec<String> {
    let parts = text.split("```").step_by(2);
    let code = parts.flat_map(|part| part.split("\n\n")).flat_map(|paragraph| paragraph.split('`').skip(1).step_by(2));
    code.map(|code| code.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// The commands of a line as a shell takes them apart, each as its words.
fn commands(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => word.get_or_insert_default().extend(chars.by_ref().take_while(|next| *next != c)),
            '#' if word.is_none() => break,
            '>' | '<' => {
                word = word.filter(|word| !word.bytes().all(|b| b.is_ascii_digit()));
                words.extend(word.take());
                while chars.next_if(|next| " >&".contains(*next)).is_some() {}
                while chars.next_if(|next| !" )|;".contains(*next)).is_some() {}
            }
            ' ' => words.extend(word.take()),
            '|' | ';' | '&' | '(' | ')' => {
                words.extend(word.take());
                commands.push(std::mem::take(&mut words));
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    commands.push(words);
    commands
}

/// The arguments of every call of upsweep in a line.
fn calls(line: &str) -> Vec<Vec<String>> {
    let is_upsweep = |word: &String| word == "upsweep" || word.ends_with("/upsweep");
    let is_before = |word: &String| word.ends_with(':') || word == "$" || word == "sudo";
    let call = |words: Vec<String>| {
        let at = words.iter().position(is_upsweep)?;
        words[..at]
            .iter()
            .all(is_before)
            .then(|| words[at + 1..].to_vec())
            .filter(|args| args.first().is_some_and(|first| first.is_ascii()))
    };
    commands(line).into_iter().filter_map(call).collect()
}

/// Times and sizes are read later than the rest.
fn selects(select: &selection::Select) -> Result<(), clap::Error> {
    let read = select.selection().map(drop);
    read.map_err(|error| Cli::command().error(ErrorKind::ValueValidation, error))
}

fn understood(args: &[String]) -> Result<(), clap::Error> {
    let words = std::iter::once("upsweep").chain(args.iter().map(String::as_str));
    match Cli::try_parse_from(words) {
        Err(error) if error.use_stderr() => Err(error),
        Ok(Cli { command: Command::Plan(plan), .. }) => selects(&plan.select),
        Ok(Cli { command: Command::Run(run), .. }) => selects(&run.select),
        _ => Ok(()),
    }
}

#[test]
fn every_command_in_the_documents_is_understood() {
    let mut seen = 0;
    for (name, text) in documents() {
        for args in fenced(&text).iter().flat_map(|line| calls(line)) {
            seen += 1;
            understood(&args).unwrap_or_else(|error| panic!("{name}: upsweep {}\n{error}", args.join(" ")));
        }
        for args in inline(&text).iter().filter(|code| code.contains("upsweep ")).flat_map(|code| calls(code)) {
            seen += 1;
            match understood(&args) {
                Ok(()) => {}
                // Running text may name a command without all that it needs.
                Err(error)
                    if error.to_string().contains("a value is required")
                        || matches!(
                            error.kind(),
                            ErrorKind::MissingRequiredArgument
                                | ErrorKind::MissingSubcommand
                                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                        ) => {}
                Err(error) => panic!("{name}: upsweep {}\n{error}", args.join(" ")),
            }
        }
    }
    assert!(seen > 150, "only {seen} commands were found: are they looked for as they are written?");
}

#[test]
fn every_option_in_the_documents_exists() {
    fn of(command: &clap::Command, options: &mut Vec<String>) {
        options.extend(command.get_arguments().filter_map(|arg| arg.get_long()).map(|long| format!("--{long}")));
        command.get_subcommands().for_each(|below| of(below, options));
    }
    let mut options = vec![];
    let mut command = Cli::command();
    command.build();
    of(&command, &mut options);
    for (name, text) in documents() {
        for code in inline(&text).iter().filter(|code| code.starts_with("--")) {
            for word in code.split(' ').filter(|word| word.starts_with("--") && word.len() > 2) {
                let option = word.split('=').next().unwrap_or(word);
                let is_known = FOREIGN.contains(&option) || options.iter().any(|known| known == option);
                assert!(is_known, "{name}: {option}");
            }
        }
    }
}

#[test]
fn a_line_is_taken_apart_as_a_shell_does() {
    let first = |line: &str| calls(line).concat().join("|");
    assert_eq!(first("$ upsweep plan --csv > now.csv   # all"), "plan|--csv");
    assert_eq!(first("0 3 * * *  out=$(/usr/local/bin/upsweep run 2>&1) || echo \"$out\""), "run");
    assert_eq!(first("upsweep hold add 'a b' --reason \"it's\" | jq ."), "hold|add|a b|--reason|it's");
    assert_eq!(first("Undo: upsweep restore --all"), "restore|--all");
    assert_eq!(first("the program upsweep is here"), "");
    assert_eq!(fenced("```\na \\\n  b\n```\nc"), ["a   b"]);
    assert_eq!(inline("x `a\nb` y ```\n`no`\n``` `c`"), ["a b", "c"]);
}
