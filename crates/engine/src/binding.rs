//! Which store this is, and whether it is still the one it was.

use upsweep_plan::guard::Binding;
use upsweep_plan::plan::{DatabaseIdentity, StoreRef};

use crate::error::EngineError;
use crate::ports::{Home, Ledger, Marker, Noted, Store};
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
pub fn examine(store: &dyn Store, home: &dyn Home) -> Result<Bond, EngineError> {
    let address = store.address();
    let marker = store.marker()?;
    let noted = home.noted(&address).map_err(EngineError::Notes)?;
    let binding = match (&marker, noted) {
        (None, None) => Binding::Unbound,
        (None, Some(Noted { store_id: noted, location: note })) => Binding::MarkerMissing { noted, note },
        (Some(marker), Some(Noted { store_id: noted, location: note })) if marker.store_id != noted => {
            Binding::MarkerForeign { noted, note, found: marker.store_id.clone() }
        }
        // Without a note the marker speaks for itself: the store moved, or is new to this machine.
        (Some(_), _) => Binding::Bound,
    };
    let store = StoreRef { address, id: marker.as_ref().map(|m| m.store_id.clone()) };
    Ok(Bond { binding, marker, store })
}

/// Opens the ledger that the marker names.
///
/// # Errors
/// [`EngineError::LedgerMismatch`] when it is gone or another's.
pub fn open_ledger(store: &dyn Store, home: &dyn Home, marker: &Marker) -> Result<Box<dyn Ledger>, EngineError> {
    let mismatch = |found: String| EngineError::LedgerMismatch {
        address: store.address(),
        expected: marker.ledger_id.clone(),
        found,
    };
    let ledger = home.ledger()?.ok_or_else(|| mismatch("there is none".to_owned()))?;
    if ledger.id() == marker.ledger_id { Ok(ledger) } else { Err(mismatch(format!("found ledger {}", ledger.id()))) }
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

/// Notes outside the store that it is bound, where that was never done: it moved, another user runs the
/// program, or the run that bound it could not. Without the note a missing disk would go unnoticed (G002), so
/// whatever hides or frees files asks for it first; bringing files back does not.
///
/// # Errors
/// [`EngineError::Notes`] when it cannot be noted.
pub fn note_again(world: &World<'_>, bond: &Bond) -> Result<(), EngineError> {
    let address = &bond.store.address;
    match (&bond.marker, world.home.noted(address).map_err(EngineError::Notes)?) {
        (Some(marker), None) => world.home.note(address, &marker.store_id).map_err(EngineError::Notes),
        _ => Ok(()),
    }
}
