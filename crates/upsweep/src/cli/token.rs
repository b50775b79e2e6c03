//! `upsweep token`

use clap::Args;
use upsweep_engine::ports::Clock as _;

use crate::clock::SystemClock;
use crate::config::Config;
use crate::exit::Exit;
use crate::http::auth::{Wish, mint};

#[derive(Args)]
pub(super) struct TokenCommand {
    /// The role, as in therapist or admin
    #[arg(long)]
    role: String,
    /// Whom the token names; where accounts are looked up it must be one
    #[arg(long, value_name = "NAME", default_value = "upsweep-token")]
    subject: String,
    /// For how many minutes it is good, a day at the most
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1_440))]
    minutes: u32,
}

impl TokenCommand {
    pub(super) fn run(&self, config: &Config) -> anyhow::Result<Exit> {
        let Self { role, subject, minutes } = self;
        let wish = Wish { subject, role, minutes: *minutes };
        let token = mint(&config.service.tokens, &wish, SystemClock::new().now())?;
        crate::say::out(format_args!("{token}\n"));
        Ok(Exit::Done)
    }
}
