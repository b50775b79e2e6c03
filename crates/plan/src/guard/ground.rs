//! Guards that doubt the ground itself: G002, G004, G007, G008, G009.

use jiff::SignedDuration;

use super::{Binding, ClockReading, Code, Refusal, Situation};
use crate::moment::spelled as spelled_time;
use crate::plan::DatabaseIdentity;

/// How far clocks may be apart.
pub const CLOCKS_APART_MAX: SignedDuration = SignedDuration::from_mins(5);

/// G002: the store was bound before, and its marker is missing or another's.
#[must_use]
pub fn marker(store: &str, binding: &Binding) -> Option<Refusal> {
    let (saw, note) = match binding {
        Binding::Unbound | Binding::Bound => return None,
        Binding::MarkerMissing { noted, note } => {
            (format!("{store} was bound as store {noted}, but has no marker now"), note)
        }
        Binding::MarkerForeign { noted, note, found } => {
            (format!("{store} was bound as store {noted}, but its marker says {found}"), note)
        }
    };
    Some(Refusal {
        code: Code::G002,
        saw,
        likely: "the disk is not mounted, or another one is mounted in its place".to_owned(),
        next: format!(
            "mount the right disk, or set UPLOAD_DIR to the right folder; if the store was really replaced, remove the note {note}"
        ),
    })
}

/// G004: the database is not the one this store is bound to, or only a copy of it.
pub(super) fn database(s: &Situation<'_>) -> Option<Refusal> {
    let bound = !s.bound_databases.is_empty();
    if bound && s.incomplete.is_empty() && !same_databases(s.bound_databases, s.databases) {
        let list =
            |databases: &[DatabaseIdentity]| databases.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        return Some(Refusal {
            code: Code::G004,
            saw: format!(
                "the store is bound to {}, but the claims came from {}",
                list(s.bound_databases),
                list(s.databases)
            ),
            likely: "DATABASE_URL points to another server or database (staging, a copy, a restored dump)".to_owned(),
            next: "set DATABASE_URL to the database the store belongs to; after a real migration: upsweep rebind --reason \"…\""
                .to_owned(),
        });
    }
    s.replicas.first().map(replica)
}

/// Whether these are the same databases, in whatever order they are configured.
fn same_databases(bound: &[DatabaseIdentity], read: &[DatabaseIdentity]) -> bool {
    let sorted = |list: &[DatabaseIdentity]| {
        let mut list = list.to_vec();
        list.sort();
        list
    };
    sorted(bound) == sorted(read)
}

/// G004 as well: a replica may not know yet what its primary knows.
#[must_use]
pub fn replica(database: &DatabaseIdentity) -> Refusal {
    Refusal {
        code: Code::G004,
        saw: format!("{database} is a replica, which may lag behind its primary"),
        likely: "DATABASE_URL points to a read replica or a standby".to_owned(),
        next: "set DATABASE_URL to the primary; plans may still be made from a replica".to_owned(),
    }
}

/// G007: clocks disagree, or time leapt back since the ledger's last entry.
pub(super) fn clocks(s: &Situation<'_>) -> Option<Refusal> {
    let apart = s.clocks.iter().find_map(|clock| {
        let ClockReading { of, said, asked, answered } = clock;
        let (by, word) = if *said < *asked {
            (asked.duration_since(*said), "behind")
        } else {
            (said.duration_since(*answered), "ahead of")
        };
        (by > CLOCKS_APART_MAX).then(|| format!("the clock of {of} is {} {word} this machine's", spelled(by)))
    });
    let leapt = s.last_entry.and_then(|last| {
        let back = last.duration_since(s.now);
        (back > CLOCKS_APART_MAX).then(|| {
            let (now, last) = (spelled_time(s.now), spelled_time(last));
            format!("this machine's clock says {now}, but the ledger was written at {last}")
        })
    });
    Some(Refusal {
        code: Code::G007,
        saw: apart.or(leapt)?,
        likely: "a clock that is wrong now, or was wrong when Upsweep last ran: ages cannot be trusted".to_owned(),
        next: "set the clocks right (timedatectl, or the time service of the host and of the database), then run again"
            .to_owned(),
    })
}

/// `12 min`, `3 h`, `5 d`.
fn spelled(span: SignedDuration) -> String {
    match span.as_mins() {
        mins @ ..120 => format!("{mins} min"),
        mins @ 120..2_880 => format!("{} h", mins / 60),
        mins => format!("{} d", mins / 1_440),
    }
}

/// G008: the survey is incomplete, so absence proves nothing.
pub(super) fn complete(s: &Situation<'_>) -> Option<Refusal> {
    let first = s.incomplete.first()?;
    let more = match s.incomplete.len() {
        1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    Some(Refusal {
        code: Code::G008,
        saw: format!("the survey did not complete: {first}{more}"),
        likely: "a folder that may not be read, a database that went away, or a role that does not see every row"
            .to_owned(),
        next: "mend the cause and run again; nothing is removed on an incomplete survey, and no option changes that"
            .to_owned(),
    })
}

/// G009: the store takes a change that is bound to another object than the one that is there.
pub(super) fn preconditions(s: &Situation<'_>) -> Option<Refusal> {
    if s.honours_preconditions || s.removals == 0 {
        return None;
    }
    Some(Refusal {
        code: Code::G009,
        saw: format!("{} carries out changes although their preconditions do not hold", s.store),
        likely: "a server that speaks the protocol but ignores conditional requests".to_owned(),
        next: "use a server that honours them; on this one plans and reports are all that is safe".to_owned(),
    })
}
