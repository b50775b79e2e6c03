//! The conformance suite of the port `Accounts`, against real databases.

/// Makes one test per database out of each case, a function of its `Db`. Without its server a test says so and
/// passes.
macro_rules! everywhere {
    ([$($backend:ident),*] $cases:tt) => { $(everywhere!(@backend $backend $cases);)* };
    (@backend $backend:ident { $($case:ident),* $(,)? }) => {
        mod $backend {
            $(#[test] fn $case() {
                if let Some(db) = crate::db::Db::$backend() {
                    super::$case(db);
                }
            })*
        }
    };
}

mod conformance;
#[path = "../claims/db.rs"]
#[allow(dead_code, reason = "the suite of the claims uses the rest")]
mod db;
