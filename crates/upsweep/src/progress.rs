//! Progress on a terminal; silence elsewhere.

use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use upsweep_engine::ports::{Progress, Stage};

/// Draws a bar with rate and remaining time on standard error, if that is a terminal.
pub(crate) struct Bars {
    current: Mutex<Option<ProgressBar>>,
    visible: bool,
}

impl Bars {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { current: Mutex::new(None), visible: !quiet && std::io::stderr().is_terminal() }
    }
}

impl Progress for Bars {
    fn begin(&self, stage: Stage, total: Option<u64>) {
        if !self.visible {
            return;
        }
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        let template = match total {
            Some(_) => "{prefix:>29} {wide_bar} {human_pos} of {human_len}, {rate}, {eta} left",
            None => "{prefix:>29} {spinner} {human_pos}, {rate}",
        };
        // A template that does not parse is a mistake of ours that the tests would show.
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate for the eye")]
        let rate = |state: &ProgressState, out: &mut dyn Write| {
            // A terminal that went away is no reason to stop.
            let _ = write!(out, "{}/s", HumanCount(state.per_sec() as u64));
        };
        bar.set_style(style.with_key("rate", rate));
        bar.set_prefix(words(stage));
        if let Some(before) = self.current.lock().unwrap_or_else(PoisonError::into_inner).replace(bar) {
            before.finish_and_clear();
        }
    }

    fn advance(&self, steps: u64) {
        if let Some(bar) = &*self.current.lock().unwrap_or_else(PoisonError::into_inner) {
            bar.inc(steps);
        }
    }

    fn end(&self) {
        if let Some(bar) = self.current.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }
}

fn words(stage: Stage) -> &'static str {
    match stage {
        Stage::Listing => "listing files",
        Stage::Claims => "reading claims",
        Stage::Looking => "looking at candidates",
        Stage::Headers => "reading audio headers",
        Stage::Rechecking => "reading claims again",
        Stage::Hiding => "hiding files",
        Stage::Archiving => "copying to the archive",
        Stage::Draining => "waiting for open transactions",
        Stage::Restoring => "bringing files back",
        Stage::Retrieving => "fetching from the archive",
        Stage::Purging => "freeing files",
    }
}
