//! `upsweep hold`

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt;

use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use upsweep_engine::holds;
use upsweep_engine::ports::{Clock as _, NewHold, Release};
use upsweep_plan::hold::{Hold, HoldTarget, Prefix};
use upsweep_plan::key::Escaped;

use super::numbers::Numbers;
use super::{moment, restore};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::exit::{Exit, UsageError};
use crate::{render, wire};

#[derive(Args)]
pub(super) struct HoldCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Keep files, whatever the rows say
    Add(Add),
    /// Show the holds there are
    List {
        /// Write them as JSON
        #[arg(long)]
        json: bool,
    },
    /// End holds: the files are judged by the rows again
    Release(ReleaseHolds),
}

#[derive(Args)]
struct Add {
    #[command(flatten)]
    which: Which,
    /// Why; it is kept in the audit trail
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// When the hold ends by itself: 30d, 12h, 2w, a day (to its end), or an exact time [default: when it is released]
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// Write the holds as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[group(required = true, multiple = true)]
struct Which {
    /// Names of files to keep
    keys: Vec<OsString>,
    /// Keep every file whose name begins so, as in 2026/
    #[arg(long, value_name = "P")]
    prefix: Vec<OsString>,
    /// Keep every file of this session
    #[arg(long, value_name = "ID")]
    session: Vec<String>,
}

#[derive(Args)]
struct ReleaseHolds {
    /// Numbers of holds, as upsweep hold list shows them; 3-1002 means all from the one to the other
    #[arg(required_unless_present = "all", value_name = "ID")]
    ids: Vec<Numbers>,
    /// Every hold there is
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    /// Why; it is kept in the audit trail
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl HoldCommand {
    pub(super) fn run(&self, config: &Config) -> anyhow::Result<Exit> {
        match &self.what {
            What::Add(add) => add.run(config),
            What::List { json } => {
                let now = SystemClock::new().now();
                let holds = wire::with_home(config, |store, home| Ok(holds::list(store, home, now)?))?;
                if *json {
                    render::print_json(&holds)?
                } else {
                    render::hold::print(&holds)
                }
                Ok(Exit::Done)
            }
            What::Release(release) => release.run(config),
        }
    }
}

impl Add {
    fn run(&self, config: &Config) -> anyhow::Result<Exit> {
        let now = SystemClock::new().now();
        let until = match &self.until {
            Some(text) => Some(moment::coming("--until", text, now, &TimeZone::system())?),
            None => None,
        };
        let (by, why) = (wire::holder("hold").by(), worded(&self.reason)?);
        let hold = |target| NewHold { target, by: by.clone(), why: why.to_owned(), since: now, until };
        let holds: Vec<NewHold> = self.which.targets()?.into_iter().map(hold).collect();
        let set = wire::with_home(config, |store, home| Ok(holds::add(store, home, &holds)?))?;
        if self.json {
            render::print_json(&set)?;
        } else {
            render::hold::added(&set, &render::Invocation::of_process());
        }
        Ok(Exit::Done)
    }
}

impl Which {
    fn targets(&self) -> anyhow::Result<Vec<HoldTarget>> {
        let Self { keys, prefix, session } = self;
        let mut targets = Vec::new();
        for name in keys {
            targets.push(HoldTarget::Key(restore::key(name)?));
        }
        for prefix in prefix {
            let bytes = prefix.as_bytes();
            let prefix =
                Prefix::parse(bytes).map_err(|why| UsageError(format!("--prefix '{}': {why}", Escaped(bytes))))?;
            targets.push(HoldTarget::Prefix(prefix));
        }
        for session in session {
            if session.is_empty() {
                return Err(UsageError("--session needs the session's id".to_owned()).into());
            }
            targets.push(HoldTarget::Owner(session.clone()));
        }
        Ok(targets)
    }
}

impl ReleaseHolds {
    /// The numbers of the holds that are meant: those named one by one, and what there is of the rest.
    fn meant(&self, held: &[Hold]) -> Vec<u64> {
        let Self { ids, all, reason: _ } = self;
        let there = |range: RangeInclusive<u64>| held.iter().map(|hold| hold.id).filter(move |id| range.contains(id));
        if *all {
            return there(0..=u64::MAX).collect();
        }
        let mut meant: Vec<u64> = Vec::new();
        for numbers in ids {
            match numbers {
                Numbers::One(id) => meant.push(*id),
                Numbers::From(range) => meant.extend(there(range.clone())),
            }
        }
        let mut seen = BTreeSet::new();
        meant.retain(|id| seen.insert(*id));
        meant
    }

    fn run(&self, config: &Config) -> anyhow::Result<Exit> {
        let (by, why) = (wire::holder("hold").by(), worded(&self.reason)?);
        let now = SystemClock::new().now();
        let done = wire::with_home(config, |store, home| {
            let ids = self.meant(&holds::list(store, home, now)?);
            Ok(holds::release(store, home, &ids, (&by, why), now)?)
        })?;
        let mut exit = Exit::Done;
        if done.is_empty() {
            crate::say::say!("None of these is held, so nothing was released.");
        }
        for (id, outcome) in done {
            match outcome {
                Release::Released(hold) => crate::say::say!("Released hold {id}: {}.", hold.target),
                Release::Unknown => {
                    crate::say::complain!("not released: there is no hold {id}; see: upsweep hold list");
                    exit = Exit::Partial;
                }
                Release::Already { by, at } => {
                    let by = Escaped(by.as_bytes());
                    crate::say::complain!(
                        "not released: hold {id} was released before, on {} by {by}",
                        render::time(at)
                    );
                    exit = Exit::Partial;
                }
            }
        }
        Ok(exit)
    }
}

fn worded(reason: &str) -> Result<&str, UsageError> {
    match reason.trim() {
        "" => Err(UsageError("--reason must say why".to_owned())),
        words => Ok(words),
    }
}
