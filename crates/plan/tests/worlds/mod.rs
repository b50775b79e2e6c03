//! Small worlds in which everything collides: a few stems, many spellings, and times at every boundary.

mod names;

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use upsweep_plan::claim::{ClaimRule, RowSource, StandingRule};
use upsweep_plan::key::{Escaped, Key};
use upsweep_plan::listing::{FileFacts, FileTime, Found, ListingBuilder, Names, Sealed};
use upsweep_plan::matching::{Matched, Matcher, Tally};
use upsweep_plan::plan::{FORMAT, Plan, StoreRef, SurveyFacts, VALID_FOR};
use upsweep_plan::policy::Policy;
use upsweep_plan::reconcile::{Candidate, Kept, Look, Reconciled, candidates, reconcile};
use upsweep_plan::variant::Variants;

use self::names::{claimed_names, file_names, ids, urls};

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
    pub(crate) now: Timestamp,
    pub(crate) files: Vec<File>,
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

/// Nanoseconds since 1970 around everything that matters: a retention ago, one to either side, the future.
fn moments() -> impl Strategy<Value = i128> {
    let retention = select(vec![0, 3_600, 604_800]).prop_map(|secs: i128| NOW - secs * SECOND);
    let near = (retention, select(vec![-1, 0, 1, -2 * SECOND])).prop_map(|(then, by)| then + by);
    prop_oneof![4 => near, 3 => select(vec![NOW - 9_000_000 * SECOND, NOW + 90 * SECOND, NOW - 90_000 * SECOND])]
}

fn looks() -> impl Strategy<Value = Look> {
    let absurd = select(vec![(i64::MIN, 0), (i64::MAX, 999_999_999), (0, u32::MAX), (0, 1_000_000_000), (-1, 5)]);
    let time = moments()
        .prop_map(|n| (i64::try_from(n.div_euclid(SECOND)).unwrap(), u32::try_from(n.rem_euclid(SECOND)).unwrap()));
    let file = (prop_oneof![9 => time, 1 => absurd], 1..4_u64).prop_map(|((secs, nanos), ino)| {
        let mtime = FileTime { secs, nanos };
        Look::File(FileFacts { dev: 1, ino, size_bytes: ino * 7, mtime, ctime: mtime, btime: None, links: 1 })
    });
    prop_oneof![12 => file, 1 => Just(Look::Gone), 1 => Just(Look::Failed)]
}

/// A time as some database spells it.
fn created() -> impl Strategy<Value = Moment> {
    let said = |text: String, nanos| Moment { cell: Some(text.into()), means: Some(at(nanos)) };
    let spelled = (moments(), 0..8_usize).prop_map(move |(n, how)| {
        let (whole, milli) = (n.div_euclid(SECOND) * SECOND, n.div_euclid(1_000_000) * 1_000_000);
        let blank = |n: i128| format!("{:.9}", at(n)).replace('T', " ").replace('Z', "");
        match how {
            0 => said(format!("{:.9}", at(n)), n),
            1 => said(blank(n), n),
            2 => said(format!("{}+02", blank(n + 7_200 * SECOND)), n),
            3 => said(format!("{}-05:30", blank(n - 19_800 * SECOND)), n),
            4 => said(n.to_string(), n),
            5 => said((whole / SECOND).to_string(), whole),
            6 => said((milli / 1_000_000).to_string(), milli),
            _ => said(format!(" {}", blank(whole).replace(".000000000", "")), whole),
        }
    });
    // None of these says when: zero dates, words, dates and days written as numbers, other epochs.
    let words = ["", "infinity", "yesterday", "0000-00-00 00:00:00", "2026-13-01", "12:30", "1e9"];
    let numbers = ["0", "-1793502000", "20261101", "202611011230", "2461346", "20758", "639291330000000000"];
    let zeros = ["0001-01-01", "1900-01-01", "1970-01-01 00:00:00", "1970-01-01T00:00:00Z", "1999-12-31 23:59:59"];
    let nothing = select([&words[..], &numbers, &zeros].concat())
        .prop_map(|text| Moment { cell: Some(text.into()), means: None });
    let null = select(vec![None, Some(vec![0xff])]).prop_map(|cell| Moment { cell, means: None });
    prop_oneof![8 => spelled, 1 => nothing, 1 => null]
}

fn rows() -> impl Strategy<Value = Row> {
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
    let standing =
        || select(vec![StandingKind::ByStatus, StandingKind::ByStatus, StandingKind::Failed, StandingKind::Live]);
    let rule = (kind, standing()).prop_map(|(kind, standing)| Rule { kind, standing });
    let retention = || select(vec![RETENTIONS[0], RETENTIONS[1], RETENTIONS[2], RETENTIONS[2], RETENTIONS[3]]);
    let settings = (any::<bool>(), any::<bool>(), retention(), retention(), vec(rule, 1..3));
    settings.prop_flat_map(|(recursive, more_variants, orphan_secs, failed_secs, rules)| {
        (files(recursive), vec(rows(), 0..6)).prop_map(move |(files, rows)| World {
            recursive,
            more_variants,
            orphan_secs,
            failed_secs,
            now: at(NOW),
            files,
            rules: rules.clone(),
            rows,
        })
    })
}

/// A world in which much may go: failed rows name its own files, and retentions are short.
pub(crate) fn ripe_worlds() -> impl Strategy<Value = World> {
    (worlds(), any::<u16>(), moments()).prop_map(|(world, which, since)| {
        let named = world.files.iter().enumerate().filter(|(at, _)| which >> at & 1 == 1);
        let created = Moment { cell: Some(at(since).to_string().into()), means: Some(at(since)) };
        let row = |(_, file): (usize, &File)| Row {
            rule: 0,
            id: None,
            file: Some(file.name.clone()),
            url: None,
            status: Some("failed".to_owned()),
            created: created.clone(),
        };
        let rows = named.map(row).collect();
        let rules = vec![Rule { kind: Kind::File, standing: StandingKind::ByStatus }];
        World { orphan_secs: 3_600, failed_secs: 0, rows, rules, ..world }
    })
}

impl World {
    /// What stands around the stem in a variant's name.
    pub(crate) fn affixes(&self) -> Vec<(&'static str, &'static str)> {
        let all = [("", "_processed.mp3"), ("", ".mp3"), ("t_", ".m4a")];
        all[..if self.more_variants { 3 } else { 1 }].to_vec()
    }

    pub(crate) fn policy(&self) -> Policy {
        let pattern = |(p, s): (&str, &str)| format!("{p}{{stem}}{s}").try_into().unwrap();
        let patterns = self.affixes().into_iter().map(pattern).collect();
        let rule = |(at, rule): (usize, &Rule)| rule.as_claim_rule(format!("rule {at}"));
        Policy {
            db_timezone: "UTC".to_owned(),
            orphan_retention_secs: self.orphan_secs,
            failed_retention_secs: self.failed_secs,
            recursive: self.recursive,
            variants: Variants { patterns, ..Variants::default() },
            claim_rules: self.rules.iter().enumerate().map(rule).collect(),
        }
    }

    pub(crate) fn names(&self) -> Names {
        let mut listing = ListingBuilder::default();
        self.files.iter().for_each(|file| listing.add(Found::File(&file.name)));
        listing.seal().unwrap().get().names.clone()
    }

    /// What the rows say about `names`, by the core.
    pub(crate) fn matched(&self, names: &Names) -> Sealed<Matched> {
        let policy = self.policy();
        let mut matcher = Matcher::new(names, &policy.variants);
        for row in &self.rows {
            let rule = &policy.claim_rules[row.rule % self.rules.len()];
            let cells: Vec<Option<&[u8]>> = rule.columns().into_iter().map(|column| row.cell(column)).collect();
            matcher.offer(rule.reader(self.recursive).claim(&cells));
        }
        matcher.seal()
    }

    /// The whole way of the data, by the core.
    pub(crate) fn survey(&self) -> Survey {
        let (policy, names) = (self.policy(), self.names());
        let matched = self.matched(&names);
        let mut kept = Kept::default();
        let chosen: Vec<Candidate> = candidates(&matched, &policy, self.now, &mut kept, names.len());
        let looks: Vec<Look> = chosen.iter().map(|c| self.files[c.index].look).collect();
        let outcome = reconcile(&names, &chosen, &looks, &policy, self.now, kept);
        let explained = matched.get().explained_files(names.len());
        Survey { tally: matched.get().tally.clone(), explained, plan: self.plan(&policy, &matched, &outcome), outcome }
    }

    fn plan(&self, policy: &Policy, matched: &Sealed<Matched>, outcome: &Reconciled) -> Plan {
        Plan {
            format: FORMAT,
            id: "p".into(),
            created_at: self.now,
            expires_at: self.now + VALID_FOR,
            store: StoreRef { address: "/srv/audio".into(), id: None },
            databases: vec![],
            policy: policy.clone(),
            survey: SurveyFacts {
                files: self.files.len() as u64,
                explained_files: matched.get().explained_files(self.files.len()),
                rows: self.rows.len() as u64,
                vanished: outcome.vanished,
                claims: matched.get().tally.clone(),
                ..SurveyFacts::default()
            },
            incomplete: vec![],
            removals: outcome.removals.clone(),
            totals: BTreeMap::new(),
            audio: BTreeMap::new(),
            audio_millis: 0,
            kept: outcome.kept,
            restores: vec![],
            errors: vec![],
            refusals: vec![],
            hash: String::new(),
        }
        .sealed()
    }

    /// The same world with fewer files: those for which `keep` holds.
    pub(crate) fn only(&self, keep: impl Fn(&Key) -> bool) -> Self {
        let files = self.files.iter().filter(|f| keep(&Key::parse(&f.name).unwrap()));
        Self { files: files.cloned().collect(), ..self.clone() }
    }
}

/// What the core made of a world.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Survey {
    pub(crate) outcome: Reconciled,
    pub(crate) tally: Tally,
    pub(crate) explained: u64,
    pub(crate) plan: Plan,
}

impl Rule {
    fn as_claim_rule(self, name: String) -> ClaimRule {
        let key = match self.kind {
            Kind::File => "{audio_filename}",
            Kind::IdExt => "{id}{ext(audio_filename)}",
            Kind::IdThen(tail) => &format!("{{id}}{tail}"),
            Kind::UrlBase => "{basename(audio_url)}",
        };
        let since = "created_at".to_owned();
        let standing = match self.standing {
            StandingKind::Live => StandingRule::Live,
            StandingKind::Failed => StandingRule::Failed { since },
            StandingKind::ByStatus => {
                StandingRule::ByStatus { status: "status".into(), failed: vec!["failed".into()], since }
            }
        };
        let source = RowSource::Table("sessions".into());
        ClaimRule {
            name,
            database: None,
            source,
            key: key.to_owned().try_into().unwrap(),
            owner: Some("id".into()),
            standing,
        }
    }
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
            Look::File(facts) => write!(f, "{} {:?}", shown(Some(&self.name)), facts.mtime),
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
