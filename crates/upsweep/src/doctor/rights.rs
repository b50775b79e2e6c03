//! Whether this user may list the uploads and move them.

use super::Check;
use crate::render::count;
use crate::wire::{Parts, probe};

pub(super) fn examine(parts: &Parts<'_>, checks: &mut Vec<Check>) {
    let address = parts.store.address();
    let ground = match probe::look(parts.local) {
        Ok(ground) => ground,
        Err(error) => {
            checks.push(Check::problem("store", format!("cannot look at {address}: {error}"), "mend the cause"));
            return;
        }
    };
    checks.push(match (&ground.readable, &ground.writable) {
        (Ok(()), Ok(())) => Check::good("store", format!("{address} can be listed, and files can be moved out of it")),
        (Err(cause), _) => Check::problem(
            "store",
            format!("{address} cannot be listed by user {}: {cause}", ground.user),
            "run upsweep as the user that owns the uploads",
        ),
        (Ok(()), Err(cause)) => Check::problem(
            "store",
            format!("files cannot be moved out of {address} by user {}: {cause}", ground.user),
            "run upsweep as the user that owns the uploads, or give its user the right to write there",
        ),
    });
    if ground.is_frozen {
        checks.push(Check::problem(
            "attributes",
            format!("{address} is immutable or append-only, so no file can be moved out of it"),
            format!("chattr -i -a {address}"),
        ));
    }
    let files = count(ground.sampled, "file");
    checks.push(match (ground.is_sticky, ground.foreign) {
        (true, 1..) => Check::problem(
            "ownership",
            format!(
                "{} of {} that were looked at belong to other users, and the folder is sticky: only their owners may move them",
                ground.foreign, files
            ),
            format!("run upsweep as the files' owner, or take the sticky bit off: chmod -t {address}"),
        ),
        (true, 0) => {
            Check::good("ownership", "the folder is sticky, and this user may move every file that was looked at")
        }
        (false, _) => Check::good("ownership", format!("{files} looked at; whoever owns what, all of it can be moved")),
    });
    if ground.is_setgid {
        checks.push(Check::note(
            "group",
            "the folder hands its group to new files; hidden files keep the group they have",
        ));
    }
}
