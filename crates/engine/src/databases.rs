//! Several databases at once: each keeps its name, and together they say what one of them alone would.

use upsweep_plan::plan::DatabaseIdentity;

use crate::ports::{ClaimError, ClaimSource, Horizon, Snapshot};
use crate::world::World;

/// A database and the name it has in the configuration. Rules that name no database read the first one.
pub struct Source<'a> {
    /// Its name, as rules spell it.
    pub name: &'a str,
    /// The database itself.
    pub claims: &'a mut dyn ClaimSource,
}

/// What the databases said of themselves, one snapshot each, in configured order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshots(pub Vec<Snapshot>);

impl Snapshots {
    /// Which databases were read, in configured order.
    #[must_use]
    pub fn identities(&self) -> Vec<DatabaseIdentity> {
        self.0.iter().map(|snapshot| snapshot.identity.clone()).collect()
    }

    /// Those among them that replay another's changes.
    #[must_use]
    pub fn replicas(&self) -> Vec<DatabaseIdentity> {
        self.0.iter().filter(|snapshot| snapshot.is_replica).map(|snapshot| snapshot.identity.clone()).collect()
    }

    /// The files the databases are made of, as device and inode.
    #[must_use]
    pub fn own_files(&self) -> Vec<(u64, u64)> {
        self.0.iter().flat_map(|snapshot| snapshot.own_files.iter().copied()).collect()
    }

    /// Rows of all of them.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.0.iter().flat_map(|snapshot| &snapshot.rows).sum()
    }

    /// Whether any role could change the tables it reads; `None` where no database has roles.
    #[must_use]
    pub fn role_can_write(&self) -> Option<bool> {
        self.0.iter().filter_map(|snapshot| snapshot.role_can_write).reduce(|a, b| a || b)
    }

    /// Where their transactions stood, in the order in which the ledger keeps them.
    #[must_use]
    pub fn horizons(&self) -> Vec<Horizon> {
        by_identity(self.0.iter().map(|snapshot| (snapshot.identity.clone(), snapshot.horizon)).collect())
    }
}

/// Which databases these are, in configured order.
///
/// # Errors
/// [`ClaimError`] when one of them cannot be reached or does not say.
pub fn identities(world: &mut World<'_>) -> Result<Vec<DatabaseIdentity>, ClaimError> {
    world.claims.iter_mut().map(|source| source.claims.identity()).collect()
}

/// Where their transactions stand now, in the order in which the ledger keeps them.
///
/// # Errors
/// [`ClaimError`] when one of them cannot be reached.
pub(crate) fn horizons(world: &mut World<'_>) -> Result<Vec<Horizon>, ClaimError> {
    if let [only] = &mut *world.claims {
        return Ok(vec![only.claims.horizon()?]);
    }
    let asked = |source: &mut Source<'_>| Ok((source.claims.identity()?, source.claims.horizon()?));
    world.claims.iter_mut().map(asked).collect::<Result<_, _>>().map(by_identity)
}

/// Transaction numbers of different databases must not be compared, and a configuration may list its databases
/// in another order tomorrow: so their identities set the order.
fn by_identity(mut horizons: Vec<(DatabaseIdentity, Horizon)>) -> Vec<Horizon> {
    horizons.sort_by(|(a, _), (b, _)| a.cmp(b));
    horizons.into_iter().map(|(_, horizon)| horizon).collect()
}
