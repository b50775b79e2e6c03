//! Words around the example.

use super::Invocation;
use crate::demo::Made;

pub(crate) fn introduce(made: &Made) {
    anstream::println!("An example is in {}:", made.dir.display());
    anstream::println!("  uploads/audio   real audio files, as an application's uploads");
    anstream::println!("  app.db          its database (SQLite), with the table sessions");
    anstream::println!("  upsweep.toml    the configuration that names both\n");
}

pub(crate) fn next_steps(made: &Made, invocation: &Invocation) {
    anstream::println!("\nTry next:");
    let plan = made.dir.join("plan.json").display().to_string();
    for (command, what) in [
        (format!("plan --out {plan}"), "save this plan"),
        (format!("apply {plan}"), "carry out exactly that: the files are hidden"),
        ("status".to_owned(), "what is hidden, and until when"),
        ("restore --all".to_owned(), "bring every file back"),
        ("run".to_owned(), "plan, check, hide and free in one go, as cron would"),
        ("history".to_owned(), "everything that was done"),
    ] {
        anstream::println!("  {}\n      {what}", invocation.line(&command));
    }
    anstream::println!("The sounds can be played from {}.", made.uploads.display());
}
