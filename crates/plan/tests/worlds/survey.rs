//! The whole way of the data: what the core makes of a world.

use std::collections::BTreeMap;

use upsweep_plan::baseline::Fingerprints;
use upsweep_plan::claim::{ClaimRule, StandingRule};
use upsweep_plan::exclude::{Exclusion, is_excluded};
use upsweep_plan::key::Key;
use upsweep_plan::listing::{Found, ListingBuilder, Names, Sealed};
use upsweep_plan::matching::{Matched, Matcher, Tally};
use upsweep_plan::plan::{FORMAT, Plan, StoreRef, SurveyFacts, VALID_FOR};
use upsweep_plan::policy::Policy;
use upsweep_plan::reconcile::{Look, Reconciled, reconcile, sift};
use upsweep_plan::relink::Relink;
use upsweep_plan::selection::Selection;
use upsweep_plan::variant::Variants;

use super::{File, Kind, Rule, StandingKind, World};

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
            age_from: self.age_from,
            action: self.action,
            recursive: self.recursive,
            exclude: self.exclude.iter().map(|text| Exclusion::try_from((*text).to_owned()).unwrap()).collect(),
            variants: Variants { patterns, ..Variants::default() },
            claim_rules: self.rules.iter().enumerate().map(rule).collect(),
        }
    }

    /// What the rows and the holds say about `names`, by the core. Of the whole store, it is told which claims
    /// lack their file.
    fn matched_with(&self, names: &Names, of_whole_store: bool) -> Sealed<Matched> {
        let policy = self.policy();
        let expected = Fingerprints::of(self.expected.iter().map(Vec::as_slice));
        let mut matcher = Matcher::new(names, &policy.variants);
        if of_whole_store {
            matcher = matcher.of_whole_store(Some(&expected));
        }
        self.holds.iter().for_each(|hold| matcher.hold(hold));
        for row in &self.rows {
            let number = row.rule % self.rules.len();
            let rule = &policy.claim_rules[number];
            let cells: Vec<Option<&[u8]>> = rule.columns().into_iter().map(|column| row.cell(column)).collect();
            matcher.offer(number, rule.reader(self.recursive).claim(&cells));
        }
        matcher.seal()
    }

    /// The same for some names out of many.
    pub(crate) fn matched(&self, names: &Names) -> Sealed<Matched> {
        self.matched_with(names, false)
    }

    /// The whole way of the data, by the core: files are judged, hidden and excluded ones merely known.
    pub(crate) fn survey(&self) -> Survey {
        self.survey_with(true)
    }

    /// The same as if nobody knew which claims lack their file.
    pub(crate) fn survey_of_some(&self) -> Survey {
        self.survey_with(false)
    }

    fn survey_with(&self, of_whole_store: bool) -> Survey {
        let policy = self.policy();
        let (aside, judged): (Vec<&File>, Vec<&File>) =
            self.files.iter().partition(|file| is_excluded(&policy.exclude, &file.name));
        let (mut excluded, mut listing) = (Names::default(), ListingBuilder::default());
        for file in &aside {
            excluded.push(&file.name);
        }
        judged.iter().for_each(|file| listing.add(Found::File(&file.name)));
        let mut names = listing.seal().unwrap().get().names.clone();
        for name in self.hidden.iter().chain(aside.iter().map(|file| &file.name)) {
            names.push(name);
        }
        let matched = self.matched_with(&names, of_whole_store);
        let sifted = sift(&names, judged.len(), &excluded, &matched, &policy, self.now);
        let looks: Vec<Look> = sifted.candidates.iter().map(|c| judged[c.index].look).collect();
        let outcome = reconcile(&names, sifted, &looks, &policy, self.now);
        let explained = matched.get().explained_files(judged.len());
        let relink = |at: usize| Some((names.get(at).to_vec(), matched.get().relink(at)?.clone()));
        let relinks = (0..judged.len()).filter_map(relink).collect();
        let plan = self.plan(&policy, matched.get(), &outcome, explained);
        Survey { tally: matched.get().tally.clone(), explained, relinks, plan, names, outcome }
    }

    fn plan(&self, policy: &Policy, matched: &Matched, outcome: &Reconciled, explained_files: u64) -> Plan {
        Plan {
            format: FORMAT,
            id: "p".into(),
            created_at: self.now,
            expires_at: self.now + VALID_FOR,
            store: StoreRef { address: "/srv/audio".into(), id: None },
            databases: vec![],
            policy: policy.clone(),
            quarantine_secs: 604_800,
            selection: Selection::default(),
            survey: SurveyFacts {
                files: outcome.fates.len() as u64,
                explained_files,
                rows: self.rows.len() as u64,
                vanished: outcome.vanished,
                claims: matched.tally.clone(),
                ..SurveyFacts::default()
            },
            incomplete: vec![],
            removals: outcome.removals.clone(),
            totals: BTreeMap::new(),
            audio: BTreeMap::new(),
            audio_millis: 0,
            kept: outcome.kept,
            restores: vec![],
            held: vec![],
            relinks: vec![],
            near_misses: vec![],
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
#[derive(Clone, Debug)]
pub(crate) struct Survey {
    pub(crate) outcome: Reconciled,
    pub(crate) tally: Tally,
    pub(crate) explained: u64,
    /// The missing file that a file looks like.
    pub(crate) relinks: BTreeMap<Vec<u8>, Relink>,
    /// The judged files, then the hidden and the excluded ones.
    pub(crate) names: Names,
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
            StandingKind::Expires => StandingRule::Expires { at: since },
            StandingKind::ByStatus => {
                StandingRule::ByStatus { status: "status".into(), failed: vec!["failed".into()], since }
            }
        };
        let mut rule = ClaimRule::classic("sessions");
        (rule.name, rule.key, rule.standing) = (name, key.to_owned().try_into().unwrap(), standing);
        rule
    }
}
