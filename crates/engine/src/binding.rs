//! Which store this is, and whether it is still the one it was.

use upsweep_plan::guard::Binding;
use upsweep_plan::plan::{DatabaseIdentity, StoreRef};

use crate::error::EngineError;
use crate::ports::{Ledger, Marker};
use crate::world::World;

/// The version of the marker's form.
pub const MARKER_FORMAT: u32 = 1;

/// A store's binding as it was found.
#[derive(Clone, Debug)]
pub struct Bond {
    /// How the marker compares with the note outside the store.
    pub binding: Binding,
    /// The marker, if there is one.
    pub marker: Option<Marker>,
    /// The store, for plans.
    pub store: StoreRef,
}

/// Compares the store's marker with the note kept outside it.
///
/// # Errors
/// [`EngineError`] when either cannot be read.
pub fn examine(world: &World<'_>) -> Result<Bond, EngineError> {
    let address = world.store.address();
    let marker = world.store.marker()?;
    let noted = world.home.noted(&address).map_err(EngineError::Notes)?;
    let binding = match (&marker, noted) {
        (None, None) => Binding::Unbound,
        (None, Some(noted)) => Binding::MarkerMissing { noted },
        (Some(marker), Some(noted)) if marker.store_id != noted => {
            Binding::MarkerForeign { noted, found: marker.store_id.clone() }
        }
        // Without a note this is the store's first run on this machine: the marker speaks for itself.
        (Some(_), _) => Binding::Bound,
    };
    let store = StoreRef { address, id: marker.as_ref().map(|m| m.store_id.clone()) };
    Ok(Bond { binding, marker, store })
}

/// Opens the ledger that the marker names.
///
/// # Errors
/// [`EngineError::LedgerMismatch`] when it is gone or another's.
pub fn open_ledger(world: &World<'_>, marker: &Marker) -> Result<Box<dyn Ledger>, EngineError> {
    let mismatch = |found: String| EngineError::LedgerMismatch {
        address: world.store.address(),
        expected: marker.ledger_id.clone(),
        found,
    };
    let ledger = world.home.ledger()?.ok_or_else(|| mismatch("there is none".to_owned()))?;
    if ledger.id() == marker.ledger_id { Ok(ledger) } else { Err(mismatch(format!("found ledger {}", ledger.id()))) }
}

/// Notes a bound store on a machine that does not know it yet: only a store that is noted is missed (G002).
///
/// A failure is no reason to leave files unrestored: it is said, and tried again by the next run.
pub(crate) fn note_if_new(world: &World<'_>, bond: &Bond, marker: &Marker) {
    let address = &bond.store.address;
    let noted = match world.home.noted(address) {
        Ok(None) => world.home.note(address, &marker.store_id),
        other => other.map(drop),
    };
    if let Err(error) = noted {
        tracing::warn!(%error, "if this store's disk is not mounted one day, upsweep cannot tell");
    }
}

/// Binds a store that was not bound: makes its ledger, writes its marker, notes it outside.
///
/// A crash in between leaves a ledger without a marker, which the next attempt takes over.
///
/// # Errors
/// [`EngineError`]; the store is then not bound, except where only the note outside failed.
pub fn bind(world: &World<'_>, databases: &[DatabaseIdentity]) -> Result<(Marker, Box<dyn Ledger>), EngineError> {
    let address = world.store.address();
    if world.store.marker()?.is_some() {
        return Err(EngineError::BoundMeanwhile { address });
    }
    let ledger = world.home.create_ledger()?;
    let now = world.now();
    let marker = Marker {
        format: MARKER_FORMAT,
        store_id: world.ids.fresh(now),
        ledger_id: ledger.id().to_owned(),
        databases: databases.to_vec(),
        bound_at: now,
    };
    world.store.bind(&marker)?;
    world.home.note(&address, &marker.store_id).map_err(EngineError::Notes)?;
    Ok((marker, ledger))
}
