//! Reading the claims of all databases once, past a list of names.

use upsweep_plan::baseline::Fingerprints;
use upsweep_plan::claim::{Claim, ClaimRule, RowReader};
use upsweep_plan::guard::ClockReading;
use upsweep_plan::hold::Hold;
use upsweep_plan::listing::{Names, Sealed};
use upsweep_plan::matching::{Matched, Matcher};
use upsweep_plan::policy::Policy;

use crate::databases::{Snapshots, Source};
use crate::error::EngineError;
use crate::ports::{ClaimError, Clock, RowSink, Snapshot, Stage, Stop};
use crate::world::{World, go_on};
use crate::zone;

/// One complete reading of all claims.
pub(crate) struct Reading {
    pub(crate) matched: Sealed<Matched>,
    pub(crate) snapshots: Snapshots,
    /// What the databases' clocks said, of those that have one.
    pub(crate) clocks: Vec<ClockReading>,
}

/// Which names the claims are read past.
#[derive(Clone, Copy)]
pub(crate) enum Extent<'a> {
    /// All there are: a claim that finds no file lacks it. `expected` had both at the last good survey.
    Whole { expected: Option<&'a Fingerprints> },
    /// Some of them.
    Some,
}

/// Streams every rule of every database past `names`. Only a reading that came to its end is sealed.
///
/// Databases are read one after the other, and a row may move between two of them meanwhile, from one that is
/// still to be read to one that was read already. So all but the last are read a second time: whichever way
/// the row went, one of the readings met it.
pub(crate) fn read(
    world: &mut World<'_>,
    names: &Names,
    extent: Extent<'_>,
    holds: &[Hold],
    stage: Stage,
) -> Result<Reading, EngineError> {
    let rules = &world.policy.claim_rules;
    let shares = shares(rules, &world.claims)?;
    let readers = readers(world.policy)?;
    let mut matcher = Matcher::new(names, &world.policy.variants);
    if let Extent::Whole { expected } = extent {
        matcher = matcher.of_whole_store(expected);
    }
    holds.iter().for_each(|hold| matcher.hold(&hold.target));
    let (asking, mut clocks) = (Asking { clock: world.clock, stop: world.stop }, Vec::new());
    let progress = world.progress;
    progress.begin(stage, None);
    let mut unreported = 0;
    let mut offer = |matcher: &mut Matcher<'_>, rule: usize, row: &[Option<&[u8]>]| {
        matcher.offer(rule, readers[rule].claim(row));
        unreported += 1;
        if unreported == ROWS_PER_STEP {
            progress.advance(ROWS_PER_STEP);
            unreported = 0;
        }
    };
    let mut outcome =
        each(&mut world.claims, &shares, asking, &mut clocks, &mut |rule, row| offer(&mut matcher, rule, row));
    let again = world.claims.len() - 1;
    if again > 0 && outcome.is_ok() {
        matcher.count_no_more();
        let (again, shares) = (&mut world.claims[..again], &shares[..again]);
        let second = each(again, shares, asking, &mut clocks, &mut |rule, row| offer(&mut matcher, rule, row));
        outcome = outcome.and_then(|first| Ok(together(first, second?)?));
    }
    progress.end();
    let snapshots = outcome.map_err(|error| match error {
        EngineError::Claims(error) if again > 0 => one_of_many(error).into(),
        error => error,
    })?;
    told_apart(&world.claims, &snapshots)?;
    Ok(Reading { matched: matcher.seal(), snapshots: Snapshots(snapshots), clocks })
}

const ROWS_PER_STEP: u64 = 4_096;

fn readers(policy: &Policy) -> Result<Vec<RowReader<'_>>, ClaimError> {
    let zone = zone::find(&policy.db_timezone).map_err(ClaimError::Zone)?;
    let reader = |rule| ClaimRule::reader(rule, policy.recursive).in_zone(zone.clone());
    Ok(policy.claim_rules.iter().map(reader).collect())
}

/// Streams every claim of every database once, each with the number of its rule.
pub(crate) fn stream(world: &mut World<'_>, sink: &mut dyn FnMut(usize, Claim)) -> Result<(), EngineError> {
    let shares = shares(&world.policy.claim_rules, &world.claims)?;
    let readers = readers(world.policy)?;
    let (asking, mut clocks) = (Asking { clock: world.clock, stop: world.stop }, Vec::new());
    each(&mut world.claims, &shares, asking, &mut clocks, &mut |rule, row| sink(rule, readers[rule].claim(row)))?;
    Ok(())
}

/// The rules that one database answers, and where they stand among all of them.
type Share = (Vec<usize>, Vec<ClaimRule>);

/// Which database answers which rules. A rule that no database answers would be a rule without rows.
fn shares(rules: &[ClaimRule], sources: &[Source<'_>]) -> Result<Vec<Share>, ClaimError> {
    let mut shares: Vec<Share> = sources.iter().map(|_| Share::default()).collect();
    for (index, rule) in rules.iter().enumerate() {
        let at = match &rule.database {
            None => (!sources.is_empty()).then_some(0),
            Some(name) => sources.iter().position(|source| source.name == name),
        };
        let at = at.ok_or_else(|| ClaimError::Rule {
            rule: rule.name.clone(),
            problem: match &rule.database {
                None => "there is no database to read it from: set DATABASE_URL".to_owned(),
                Some(name) => format!("there is no database '{name}': name one of [[databases]]"),
            },
        })?;
        shares[at].0.push(index);
        shares[at].1.push(rule.clone());
    }
    if shares.is_empty() { Err(ClaimError::Url("no database is configured".to_owned())) } else { Ok(shares) }
}

/// What is looked at around each database: the time, and whether to go on.
#[derive(Clone, Copy)]
struct Asking<'a> {
    clock: &'a dyn Clock,
    stop: &'a dyn Stop,
}

/// Reads these databases to their ends, one after the other.
fn each(
    sources: &mut [Source<'_>],
    shares: &[Share],
    Asking { clock, stop }: Asking<'_>,
    clocks: &mut Vec<ClockReading>,
    sink: &mut RowSink<'_>,
) -> Result<Vec<Snapshot>, EngineError> {
    let mut snapshots = Vec::with_capacity(sources.len());
    for (source, (places, rules)) in sources.iter_mut().zip(shares) {
        go_on(stop)?;
        let asked = clock.now();
        let snapshot = source.claims.read(rules, &mut |rule, row| sink(places[rule], row))?;
        if let Some(said) = snapshot.clock.map(|said| clock.of_another(said)) {
            clocks.push(ClockReading { of: snapshot.identity.to_string(), said, asked, answered: clock.now() });
        }
        snapshots.push(snapshot);
    }
    Ok(snapshots)
}

/// Where only one of several databases cannot be reached, there is a survey, but none that is complete.
fn one_of_many(error: ClaimError) -> ClaimError {
    match error {
        ClaimError::Connect { database, cause } => {
            ClaimError::Incomplete { database, cause: format!("it cannot be reached: {cause}") }
        }
        other => other,
    }
}

/// Of two readings the more doubtful one counts: the earlier transactions, and a replica in either.
fn together(first: Vec<Snapshot>, second: Vec<Snapshot>) -> Result<Vec<Snapshot>, ClaimError> {
    let mut both = first;
    for (first, second) in both.iter_mut().zip(second) {
        if first.identity != second.identity {
            return Err(ClaimError::Incomplete {
                database: first.identity.to_string(),
                cause: format!("when it was read again, {} answered in its place", second.identity),
            });
        }
        first.is_replica |= second.is_replica;
        first.own_files.extend(second.own_files);
    }
    Ok(both)
}

/// One database under two names would be bound, compared and waited for as two.
fn told_apart(sources: &[Source<'_>], snapshots: &[Snapshot]) -> Result<(), ClaimError> {
    for (at, snapshot) in snapshots.iter().enumerate() {
        if let Some(other) = snapshots[..at].iter().position(|earlier| earlier.identity == snapshot.identity) {
            return Err(ClaimError::Twice {
                first: sources[other].name.to_owned(),
                second: sources[at].name.to_owned(),
                identity: snapshot.identity.to_string(),
            });
        }
    }
    Ok(())
}
