//! A survey: what the store holds and what the databases say about it.

use jiff::Timestamp;
use upsweep_plan::exclude::is_excluded;
use upsweep_plan::guard::ClockReading;
use upsweep_plan::listing::{Found, Listing, ListingBuilder, Names, Sealed};
use upsweep_plan::matching::Matched;

use crate::claims::{self, Extent};
use crate::databases::Snapshots;
use crate::error::EngineError;
use crate::past::Past;
use crate::ports::{ClaimError, Stage};
use crate::world::World;

/// A complete survey. There is no other kind: what did not complete is an [`Incomplete`].
pub struct Survey {
    /// When it began: later than anything it saw.
    pub began: Timestamp,
    /// The visible files' names, followed by those of the hidden ones.
    pub names: Names,
    /// How many of them are visible.
    pub visible: usize,
    /// Names that a configured exclusion covers.
    pub excluded: Names,
    /// What else the listing met. Its names were moved to `names`.
    pub listing: Listing,
    /// What the claims say about each name.
    pub matched: Sealed<Matched>,
    /// What the databases said of themselves.
    pub snapshots: Snapshots,
    /// What the databases' clocks said.
    pub clocks: Vec<ClockReading>,
}

/// Why a survey proves nothing.
#[derive(Debug)]
pub struct Incomplete {
    /// Each part that could not be read.
    pub reasons: Vec<String>,
}

/// Lists the store, then reads the claims: in this order no file that was just uploaded and claimed can look
/// unclaimed.
///
/// The original names of hidden files, which `past` knows, are judged along.
///
/// # Errors
/// [`EngineError`] when the store or a database cannot be read at all, or somebody asked to stop.
pub fn survey(world: &mut World<'_>, past: &Past) -> Result<Result<Survey, Incomplete>, EngineError> {
    world.go_on()?;
    let began = world.now();
    let mut builder = ListingBuilder::default();
    let mut excluded = Names::default();
    let exclude = &world.policy.exclude;
    world.progress.begin(Stage::Listing, None);
    let mut unreported = 0;
    let listed = world.store.list(world.policy.recursive, &mut |found| {
        match found {
            Found::File(key) if is_excluded(exclude, key) => {
                excluded.push(key);
            }
            // What is none of our business need not be readable either.
            Found::Unreadable(key, _) if is_excluded(exclude, key) => {}
            found => builder.add(found),
        }
        unreported += 1;
        if unreported == NAMES_PER_STEP {
            world.progress.advance(NAMES_PER_STEP);
            unreported = 0;
        }
    });
    world.progress.end();
    listed?;
    let mut listing = match builder.seal() {
        Ok(listing) => listing.into_inner(),
        Err(reasons) => return Ok(Err(Incomplete { reasons })),
    };
    let mut names = std::mem::take(&mut listing.names);
    let visible = names.len();
    for op in &past.hidden {
        names.push(op.key.as_bytes());
    }
    if u32::try_from(names.len()).is_err() {
        let reasons = vec![format!("{} files are more than one survey can hold (2^32)", names.len())];
        return Ok(Err(Incomplete { reasons }));
    }
    let extent = Extent::Whole { expected: past.baseline.as_ref().map(|baseline| &baseline.live) };
    match claims::read(world, &names, extent, &past.holds, Stage::Claims) {
        Ok(claims::Reading { matched, snapshots, clocks }) => {
            Ok(Ok(Survey { began, names, visible, excluded, listing, matched, snapshots, clocks }))
        }
        Err(EngineError::Claims(error @ ClaimError::Incomplete { .. })) => {
            Ok(Err(Incomplete { reasons: vec![error.to_string()] }))
        }
        Err(error) => Err(error),
    }
}

const NAMES_PER_STEP: u64 = 4_096;
