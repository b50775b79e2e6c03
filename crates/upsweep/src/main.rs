//! The command `upsweep`.

use std::process::ExitCode;

fn main() -> ExitCode {
    upsweep::main()
}
