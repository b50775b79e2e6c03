//! Which store this is, and whether it is still the one it was.

use upsweep_plan::guard::{self, Binding};
use upsweep_plan::lifecycle::State;
use upsweep_plan::plan::{DatabaseIdentity, StoreRef};

use crate::error::EngineError;
use crate::ports::{Home, Lease, Ledger, Marker, Noted, Store, StoreError};
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
    let place = home.ledger_place().shown;
    let ledger = home.ledger()?.ok_or_else(|| mismatch(format!("there is none at {place}")))?;
    if ledger.id() == marker.ledger_id {
        Ok(ledger)
    } else {
        Err(mismatch(format!("{place} is ledger {}", ledger.id())))
    }
}

/// The ledger of a store as it was found; `None` when it has no marker.
///
/// # Errors
/// As [`open_ledger`].
pub fn ledger_under(store: &dyn Store, home: &dyn Home, bond: &Bond) -> Result<Option<Box<dyn Ledger>>, EngineError> {
    bond.marker.as_ref().map(|marker| open_ledger(store, home, marker)).transpose()
}

/// The ledger of a store, without its lease: for reading, and for what may be noted while a run is at work. `None`
/// when the store never was bound.
///
/// # Errors
/// [`EngineError::Refused`] when it is not the store it was; otherwise as [`open_ledger`].
pub fn ledger_of(store: &dyn Store, home: &dyn Home) -> Result<Option<Box<dyn Ledger>>, EngineError> {
    let bond = examine(store, home)?;
    match guard::marker(&bond.store.address, &bond.binding) {
        Some(refusal) => Err(EngineError::Refused(Box::new(refusal))),
        None => ledger_under(store, home, &bond),
    }
}

/// The store that a ledger belongs to, which may have this marker or none yet: its own, or nobody's so far.
///
/// A ledger among the store's own things is the store's whatever it says: nobody else's can be there.
///
/// # Errors
/// [`EngineError::LedgerTaken`] when it is another store's.
pub(crate) fn owner(
    home: &dyn Home,
    ledger: &dyn Ledger,
    marker: Option<&Marker>,
) -> Result<Option<String>, EngineError> {
    let owner = ledger.store_id()?;
    match (&owner, marker) {
        (Some(owner), Some(marker)) if *owner == marker.store_id => {}
        (Some(owner), _) if !home.ledger_place().is_inside => {
            return Err(EngineError::LedgerTaken { ledger: home.ledger_place().shown, store_id: owner.clone() });
        }
        _ => {}
    }
    Ok(owner)
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
    let mut ledger = world.home.create_ledger()?;
    let now = world.now();
    // A store whose marker was lost keeps the name under which it hid files.
    let store_id = owner(world.home, &*ledger, None)?.unwrap_or_else(|| world.ids.fresh(now));
    let marker = Marker {
        format: MARKER_FORMAT,
        store_id,
        ledger_id: ledger.id().to_owned(),
        databases: databases.to_vec(),
        bound_at: now,
        quarantine: world.store.wanted_quarantine(),
    };
    world.store.bind(&marker)?;
    ledger.belong_to(&marker.store_id)?;
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

/// Hidden files lie where the marker says. Where the configuration wants them elsewhere and none is hidden, the marker
/// follows it; otherwise whatever would hide more of them asks for a decision first.
///
/// # Errors
/// [`EngineError::QuarantineMoved`] when files lie in the old place.
pub(crate) fn follow_quarantine(
    world: &World<'_>,
    bond: &Bond,
    ledger: &dyn Ledger,
    _lease: &dyn Lease,
) -> Result<(), EngineError> {
    let Some(marker) = &bond.marker else { return Ok(()) };
    let wanted = world.store.wanted_quarantine();
    if wanted == marker.quarantine {
        return Ok(());
    }
    let shown = |place: &Option<String>| place.clone().unwrap_or_else(|| "its own folder .upsweep".to_owned());
    let files = match lying(world.store) {
        Ok(files) => files,
        // The old folder is gone. Nobody minds, if nothing was in it.
        Err(StoreError::Quarantine { .. }) if ledger.ops_in(&[State::Quarantined, State::Conflict])?.is_empty() => 0,
        Err(error) => return Err(error.into()),
    };
    if files > 0 {
        return Err(EngineError::QuarantineMoved {
            address: bond.store.address.clone(),
            files,
            lies_in: shown(&marker.quarantine),
            wanted: shown(&wanted),
        });
    }
    tracing::info!(from = shown(&marker.quarantine), to = shown(&wanted), "the empty quarantine moves");
    Ok(world.store.replace_marker(&Marker { quarantine: wanted, ..marker.clone() })?)
}

fn lying(store: &dyn Store) -> Result<u64, StoreError> {
    store.quarantines()?.iter().try_fold(0, |files, run| Ok(files + store.lying_in(run)?.len() as u64))
}
