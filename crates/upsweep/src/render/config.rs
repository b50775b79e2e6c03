//! The settings for a person.

use comfy_table::{Table, presets};

use crate::config::Shown;

pub(crate) fn print(settings: &[Shown]) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["setting", "value", "from"]);
    for Shown { key, value, origin } in settings {
        table.add_row([key.as_str(), value.as_deref().unwrap_or("-"), origin]);
    }
    crate::say::say!("{}", table.trim_fmt());
}
