//! Small worlds in which everything collides: a few stems, many spellings, and times at every boundary.

mod names;
mod protections;
mod survey;
mod times;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use upsweep_plan::action::Action;
use upsweep_plan::hold::HoldTarget;
use upsweep_plan::key::Escaped;
use upsweep_plan::policy::AgeFrom;
use upsweep_plan::reconcile::Look;

use self::names::{claimed_names, file_names, ids, urls};
use self::protections::exclusions;
use self::times::{created, looks, moments};

pub(crate) use self::protections::{holds, selections};
pub(crate) use self::survey::Survey;

/// 2026-11-01T03:00:00Z and a little.
const NOW: i128 = 1_793_502_000_000_000_007;
const SECOND: i128 = 1_000_000_000;
const RETENTIONS: [u64; 4] = [0, 3_600, 604_800, u64::MAX];

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) recursive: bool,
    /// Whether `x.mp3` and `t_x.m4a` count as made of `x.*` too.
    pub(crate) more_variants: bool,
    pub(crate) orphan_secs: u64,
    pub(crate) failed_secs: u64,
    pub(crate) age_from: AgeFrom,
    pub(crate) action: Action,
    pub(crate) now: Timestamp,
    /// All that lies in the store, what is excluded too.
    pub(crate) files: Vec<File>,
    /// Names of files that are hidden.
    pub(crate) hidden: Vec<Vec<u8>>,
    /// Patterns of the configuration.
    pub(crate) exclude: Vec<&'static str>,
    pub(crate) holds: Vec<HoldTarget>,
    /// Names that had a live claim and a file at the last good survey.
    pub(crate) expected: BTreeSet<Vec<u8>>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) rows: Vec<Row>,
}

#[derive(Clone)]
pub(crate) struct File {
    pub(crate) name: Vec<u8>,
    pub(crate) look: Look,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) kind: Kind,
    pub(crate) standing: StandingKind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    File,
    IdExt,
    /// `{id}` and a text with a gap.
    IdThen(&'static str),
    UrlBase,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum StandingKind {
    Live,
    Failed,
    Expires,
    ByStatus,
}

#[derive(Clone)]
pub(crate) struct Row {
    /// Which rule reads it, modulo their number.
    pub(crate) rule: usize,
    pub(crate) id: Option<Vec<u8>>,
    pub(crate) file: Option<Vec<u8>>,
    pub(crate) url: Option<Vec<u8>>,
    pub(crate) status: Option<String>,
    pub(crate) created: Moment,
}

/// A cell with a time, and what it means.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub(crate) cell: Option<Vec<u8>>,
    pub(crate) means: Option<Timestamp>,
}

fn at(nanos: i128) -> Timestamp {
    Timestamp::from_nanosecond(nanos).unwrap()
}

pub(crate) fn rows() -> impl Strategy<Value = Row> {
    let cell = |s: BoxedStrategy<Vec<u8>>| option::weighted(0.9, prop_oneof![20 => s, 1 => Just(vec![])]);
    let status = select(vec![None, Some("failed"), Some("failed"), Some("failed"), Some("FAILED"), Some("done")]);
    (0..6_usize, option::weighted(0.9, ids()), cell(claimed_names().boxed()), cell(urls().boxed()), status, created())
        .prop_map(|(rule, id, file, url, status, created)| Row {
            rule,
            id,
            file,
            url,
            status: status.map(str::to_owned),
            created,
        })
}

fn files(recursive: bool) -> impl Strategy<Value = Vec<File>> {
    let dir = if recursive { vec!["", "", "", "d/", "D/"] } else { vec![""] };
    let name = (select(dir), file_names()).prop_map(|(dir, name)| [dir.as_bytes(), &name].concat());
    vec((name, looks()), 0..12).prop_map(|files| {
        let unique: BTreeMap<Vec<u8>, Look> = files.into_iter().collect();
        unique.into_iter().map(|(name, look)| File { name, look }).collect()
    })
}

/// A whole world.
pub(crate) fn worlds() -> impl Strategy<Value = World> {
    let tail = select(vec![".*", ".*", "*m4a", "*.m4a", "*", "*.part", ".pa*", "_p*", "*.mp3"]);
    let kind = prop_oneof![4 => Just(Kind::File), 1 => select(vec![Kind::IdExt, Kind::UrlBase]), 2 => tail.prop_map(Kind::IdThen)];
    let standings = [StandingKind::ByStatus, StandingKind::Failed, StandingKind::Expires, StandingKind::Live];
    let standing = prop_oneof![1 => Just(StandingKind::ByStatus), 3 => select(standings.to_vec())];
    let rule = (kind, standing).prop_map(|(kind, standing)| Rule { kind, standing });
    let retention = || select(vec![RETENTIONS[0], RETENTIONS[1], RETENTIONS[2], RETENTIONS[2], RETENTIONS[3]]);
    let age_from = select(AgeFrom::ALL.map(|(from, _)| from).to_vec());
    let ages = (retention(), retention(), age_from, select(Action::ALL.to_vec()));
    let settings = (any::<bool>(), any::<bool>(), ages, vec(rule, 1..3), exclusions());
    settings.prop_flat_map(|(recursive, more_variants, ages, rules, exclude)| {
        let (orphan_secs, failed_secs, age_from, action) = ages;
        let names = || files(recursive).prop_map(|files| files.into_iter().map(|f| f.name));
        let hidden = names().prop_map(|names| names.take(2).collect());
        let expected = names().prop_map(Iterator::collect);
        (files(recursive), vec(rows(), 0..6), holds(), hidden, expected).prop_map(
            move |(files, rows, holds, hidden, expected)| World {
                recursive,
                more_variants,
                orphan_secs,
                failed_secs,
                age_from,
                action,
                now: at(NOW),
                files,
                hidden,
                exclude: exclude.clone(),
                holds,
                expected,
                rules: rules.clone(),
                rows,
            },
        )
    })
}

/// A world in which much may go: ended rows name its own files, and retentions are short.
pub(crate) fn ripe_worlds() -> impl Strategy<Value = World> {
    (worlds(), any::<u16>(), moments(), any::<bool>()).prop_map(|(world, which, since, expires)| {
        let named = world.files.iter().enumerate().filter(|(at, _)| which >> at & 1 == 1);
        let created = Moment { cell: Some(at(since).to_string().into()), means: Some(at(since)) };
        let row = |(at, file): (usize, &File)| Row {
            rule: 0,
            id: Some(format!("R{at}").into()),
            file: Some(file.name.clone()),
            url: None,
            status: Some("failed".to_owned()),
            created: created.clone(),
        };
        let rows = named.map(row).collect();
        let standing = if expires { StandingKind::Expires } else { StandingKind::ByStatus };
        let rules = vec![Rule { kind: Kind::File, standing }];
        World { orphan_secs: 3_600, failed_secs: 0, holds: vec![], rows, rules, ..world }
    })
}

impl Row {
    fn cell(&self, column: &str) -> Option<&[u8]> {
        match column {
            "id" => self.id.as_deref(),
            "audio_filename" => self.file.as_deref(),
            "audio_url" => self.url.as_deref(),
            "status" => self.status.as_deref().map(str::as_bytes),
            "created_at" => self.created.cell.as_deref(),
            other => panic!("no rule has a column {other}"),
        }
    }
}

/// A cell as a person reads it.
fn shown(cell: Option<&[u8]>) -> String {
    cell.map_or("NULL".to_owned(), |bytes| format!("'{}'", Escaped(bytes)))
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.look {
            Look::File(facts, seen) => {
                write!(f, "{} {:?} {:?} {seen:?}", shown(Some(&self.name)), facts.mtime, facts.ctime)
            }
            other => write!(f, "{} {other:?}", shown(Some(&self.name))),
        }
    }
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rule, id, file, url, status, created } = self;
        let [id, file, url] = [id, file, url].map(|cell| shown(cell.as_deref()));
        write!(f, "rule {rule}: id {id}, audio_filename {file}, audio_url {url}, status {status:?}, ")?;
        write!(f, "created_at {} ({:?})", shown(created.cell.as_deref()), created.means)
    }
}
