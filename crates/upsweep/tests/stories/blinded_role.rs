//! G008: row-level security hides rows from the role that reads them.

use crate::support::{Database, Site};
use crate::tale::{
    DUE, Objection, cannot_be_overruled, claim_the_first, ends_well, frees_nothing, hides_nothing, orphans,
    with_hidden, with_past,
};

/// A role that may read everything, and nothing else.
fn with_reader(site: Site) -> Site {
    let mut site = site;
    site.database.exec("CREATE ROLE reader LOGIN; GRANT SELECT ON sessions TO reader");
    let Database::Postgres(server) = &site.database else { unreachable!() };
    let url = server.url("reader", "app");
    site.set("DATABASE_URL", &url);
    site
}

/// Somebody makes the application safe for several tenants; the role is none of them, so it sees no row.
fn blind(site: &Site) {
    site.database.exec(
        "ALTER TABLE sessions ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON sessions USING (id = current_user)",
    );
}

#[test]
fn a_role_that_is_blinded_hides_nothing() {
    let Some(site) = Site::postgres() else { return };
    let site = with_past(with_reader(site), 30);
    orphans(&site, "old-", 3);
    blind(&site);
    let said = hides_nothing(&site, 0, &["G008"]);
    let found = Objection::of(&said, "G008");
    found.says("row-level security", "a role that does not see every row", "mend the cause and run again");
    cannot_be_overruled(&site, 0, "run", "G008");
    site.upsweep(&["plan"]).expect(3).has("The survey did not complete, so nothing would be removed");
    // What the documentation says to do.
    site.database.exec("ALTER ROLE reader BYPASSRLS");
    site.upsweep(&["run"]).expect(0).has("Hid 3 files");
}

/// The harmless neighbour: policies on a table that is not read.
#[test]
fn policies_elsewhere_do_no_harm() {
    let Some(site) = Site::postgres() else { return };
    let site = with_past(with_reader(site), 30);
    orphans(&site, "old-", 3);
    site.database.exec("CREATE TABLE notes (id text); ALTER TABLE notes ENABLE ROW LEVEL SECURITY");
    site.upsweep(&["run"]).expect(0).has("Hid 3 files");
}

#[test]
fn nothing_is_freed_by_a_blinded_role() {
    let Some(site) = Site::postgres() else { return };
    let site = with_hidden(with_reader(site), 30);
    blind(&site);
    claim_the_first(&site);
    let said = frees_nothing(&site, DUE, &["G008"]);
    Objection::of(&said, "G008").says("row-level security", "does not see every row", "mend the cause");
    cannot_be_overruled(&site, DUE, "purge", "G008");
    site.database.exec("ALTER TABLE sessions DISABLE ROW LEVEL SECURITY");
    ends_well(&site, DUE);
}
