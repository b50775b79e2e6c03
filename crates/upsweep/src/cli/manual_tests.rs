use clap::ValueEnum as _;

use super::*;

fn built() -> clap::Command {
    let mut command = Cli::command();
    command.build();
    command
}

/// Every command with the options it takes, as `plan --json`.
fn all(command: &clap::Command) -> Vec<&clap::Command> {
    let below = command.get_subcommands().filter(|below| below.get_name() != "help");
    std::iter::once(command).chain(below.flat_map(all)).collect()
}

fn options(command: &clap::Command) -> Vec<String> {
    command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set())
        .filter_map(|arg| arg.get_long())
        .map(str::to_owned)
        .collect()
}

#[test]
fn there_is_a_page_for_every_command_that_mentions_its_options() {
    let dir = tempfile::tempdir().unwrap();
    let command = built();
    let pages = write_pages(dir.path(), &command).unwrap();
    let commands = all(&command);
    assert_eq!(pages, commands.len() as u64);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), commands.len());
    for command in commands {
        let name = command.get_display_name().unwrap_or_else(|| command.get_name());
        let page = std::fs::read_to_string(dir.path().join(format!("{name}.1"))).unwrap();
        for option in options(command) {
            let spelled = format!("\\-\\-{}", option.replace('-', "\\-"));
            assert!(page.contains(&spelled), "{name}: {spelled}\n{page}");
        }
    }
}

#[test]
fn every_shell_completes_every_command_and_option() {
    let command = built();
    for shell in Shell::value_variants() {
        let mut script = Vec::new();
        clap_complete::generate(*shell, &mut Cli::command(), "upsweep", &mut script);
        let script = String::from_utf8(script).unwrap();
        for command in all(&command) {
            assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
            for option in options(command) {
                assert!(script.contains(&option), "{shell}: {} --{option}", command.get_name());
            }
        }
    }
}
