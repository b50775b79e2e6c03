//! What a row says.

use jiff::Timestamp;
use upsweep_plan::key::KeyError;

use super::ties::{Gap, Width, ext, unescaped};
use crate::worlds::{Kind, Row, StandingKind, World};

/// What a row says, by its rule.
pub(crate) struct Said {
    pub(crate) name: Name,
    pub(crate) owner: String,
    /// Why and when the row needs its file no more; `None` while it is live.
    pub(crate) end: Option<End>,
}

/// How a row's claim ends, and when, if it says so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    Failed(Option<Timestamp>),
    Expires(Option<Timestamp>),
}

pub(crate) enum Name {
    None,
    Plain(Vec<u8>),
    Gap(Gap),
    /// A name, perhaps with a gap, that is no key: as it is shown, why, and what it is read as.
    NoKey(Vec<u8>, KeyError, Gap),
}

/// Reads a row the way its rule says.
pub(crate) fn said(world: &World, row: &Row) -> Said {
    let rule = &world.rules[row.rule % world.rules.len()];
    let filled = |cell: &Option<Vec<u8>>| cell.clone().filter(|c| !c.is_empty());
    let (id, file, url) = (filled(&row.id), filled(&row.file), filled(&row.url));
    let gap = |before: &[u8], only_ext, after: &[u8]| {
        let gap =
            Gap { before: before.into(), width: if only_ext { Width::Ext } else { Width::Any }, after: after.into() };
        match plain([before, b"*", after].concat(), world.recursive) {
            Name::NoKey(shown, why, _) => Name::NoKey(shown, why, gap),
            _ => Name::Gap(gap),
        }
    };
    let whole = |value: Option<Vec<u8>>| value.map_or(Name::None, |v| plain(v, world.recursive));
    let name = match rule.kind {
        Kind::File => whole(file),
        Kind::IdExt => match (id, file.map(|f| ext(&last_of_path(&f)).to_vec()).filter(|e| !e.is_empty())) {
            (Some(id), Some(ext)) => plain([id, ext].concat(), world.recursive),
            (Some(id), None) => gap(&id, true, b""),
            (None, Some(ext)) => gap(b"", false, &ext),
            (None, None) => Name::None,
        },
        Kind::IdThen(tail) => id.map_or(Name::None, |id| {
            let (before, after) = tail.split_once('*').unwrap();
            gap(&[&id, before.as_bytes()].concat(), false, after.as_bytes())
        }),
        Kind::UrlBase => whole(url.map(|u| last_of_path(&u))),
    };
    let end = match rule.standing {
        StandingKind::Live => None,
        StandingKind::Failed => Some(End::Failed(row.created.means)),
        StandingKind::Expires => Some(End::Expires(row.created.means)),
        StandingKind::ByStatus => (row.status.as_deref() == Some("failed")).then_some(End::Failed(row.created.means)),
    };
    let owner = row.id.clone().unwrap_or_default();
    Said { name, owner: String::from_utf8_lossy(&owner).into_owned(), end }
}

pub(super) fn plain(value: Vec<u8>, recursive: bool) -> Name {
    let parts: Vec<&[u8]> = value.split(|b| *b == b'/').collect();
    let why = if value.is_empty() {
        return Name::None;
    } else if value.contains(&0) {
        KeyError::Nul
    } else if value[0] == b'/' {
        KeyError::Absolute
    } else if let Some(odd) = parts.iter().find(|p| matches!(**p, b"" | b"." | b"..")) {
        if odd.is_empty() { KeyError::EmptyComponent } else { KeyError::Dots }
    } else if parts.len() > 1 && !recursive {
        KeyError::BelowTopLevel
    } else {
        return Name::Plain(value);
    };
    let whole = Gap::from(&*value);
    Name::NoKey(value, why, whole)
}

/// What stands between the last slashes, but for those at the very end.
fn last_of_path(value: &[u8]) -> Vec<u8> {
    let is_url = value.starts_with(b"https://");
    let is_slash = |b: &u8| *b == b'/' || (*b == b'\\' && !is_url);
    let mut path = value.to_vec();
    if is_url {
        path.truncate(path.iter().position(|b| *b == b'?' || *b == b'#').unwrap_or(path.len()));
    }
    while path.last().is_some_and(is_slash) {
        path.pop();
    }
    let last = path.iter().rposition(is_slash).map_or(&*path, |slash| &path[slash + 1..]);
    if is_url { unescaped(last) } else { last.to_vec() }
}
