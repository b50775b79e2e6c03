//! Words around the example.

use super::Invocation;
use super::invocation::quoted;
use crate::demo::Made;

pub(crate) fn introduce(made: &Made) {
    crate::say::say!("An example is in {}:", made.dir.display());
    crate::say::say!("  uploads/audio   real audio files, as an application's uploads");
    crate::say::say!("  app.db          its database (SQLite), with the table sessions");
    crate::say::say!("  upsweep.toml    the configuration that names both\n");
}

pub(crate) fn next_steps(made: &Made, invocation: &Invocation) {
    crate::say::say!("\nTry next:");
    let plan = quoted(&made.dir.join("plan.json").display().to_string());
    for (command, what) in [
        (format!("plan --out {plan}"), "save this plan"),
        (format!("apply {plan}"), "carry out exactly that: the files are hidden"),
        ("status".to_owned(), "what is hidden, and until when"),
        ("restore upload-broke-off.ogg".to_owned(), "bring one file back; a hold keeps it from now on"),
        ("run".to_owned(), "plan, check, hide and free in one go, as cron would; it leaves that file alone"),
        ("hold list".to_owned(), "what is held, since when, by whom and why"),
        ("history".to_owned(), "everything that was done"),
    ] {
        crate::say::say!("  {}\n      {what}", invocation.line(&command));
    }
    crate::say::say!("The sounds can be played from {}.", made.uploads.display());
}
