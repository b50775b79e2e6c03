//! Words for people on standard output and standard error.
//!
//! Whether they can be written must not decide over the work: a run goes on without a terminal, and at the end
//! the program says by its exit code that its words were lost.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

static WORDS_WERE_LOST: AtomicBool = AtomicBool::new(false);

/// Writes a line, or just text, to standard output.
pub(crate) fn out(text: std::fmt::Arguments<'_>) {
    note(anstream::stdout().lock().write_fmt(text));
}

/// Writes a line to standard error.
pub(crate) fn err(text: std::fmt::Arguments<'_>) {
    note(anstream::stderr().lock().write_fmt(text));
}

fn note(written: std::io::Result<()>) {
    match written {
        // A reader that has seen enough, as `head` has, misses nothing.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => WORDS_WERE_LOST.store(true, Ordering::Relaxed),
        _ => {}
    }
}

/// Whether something could not be written.
pub(crate) fn words_were_lost() -> bool {
    let flushed = std::io::stdout().flush();
    note(flushed);
    WORDS_WERE_LOST.load(Ordering::Relaxed)
}

/// Says a line on standard output.
macro_rules! say {
    ($($words:tt)*) => {
        $crate::say::out(format_args!("{}\n", format_args!($($words)*)))
    };
}

/// Says a line on standard error.
macro_rules! complain {
    ($($words:tt)*) => {
        $crate::say::err(format_args!("{}\n", format_args!($($words)*)))
    };
}

pub(crate) use {complain, say};
