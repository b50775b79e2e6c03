//! Guards that doubt the mapping: G001, G005, G010.

use super::{Before, Code, Phase, Refusal, Situation, percent, share};
use crate::moment::spelled;
use crate::policy::Limits;

/// Fewer files than this share being explained makes the mapping doubtful.
const EXPLAINED_SHARE_MIN: f64 = 0.05;

/// More claimed files than this share becoming orphans makes the database doubtful.
const CLAIMED_BEFORE_SHARE_MAX: f64 = 0.05;

/// G001: hardly any file is explained by a claim of any standing.
pub(super) fn explained(s: &Situation<'_>, limits: &Limits) -> Option<Refusal> {
    let enough = s.files == 0 || share(s.explained_files, s.files) >= EXPLAINED_SHARE_MIN;
    // Files that stay only because they look like missing ones are as unexplained as those that would go.
    let unexplained = s.removals.saturating_add(s.relinkable);
    if enough || unexplained == 0 || s.is_below_floor(unexplained, limits) || !s.incomplete.is_empty() {
        return None;
    }
    let by_row = s.files_named_after_owner * 2 > s.files;
    let likely = if by_row {
        format!(
            "files are stored under the row's identifier, not under the name in the claimed column ({} of {} file names are an identifier plus an extension): the column may hold the names that clients gave",
            s.files_named_after_owner, s.files
        )
    } else if s.missing > 0 {
        format!(
            "the claims name {} files that are not in {}: the column may hold other names (for instance those that clients gave), or this may be the wrong folder or database",
            s.missing, s.store
        )
    } else {
        "the database holds hardly any claim: it may be the wrong one, an empty one, or an old copy".to_owned()
    };
    let next = if by_row {
        "set a claim rule with a key template such as '{id}{ext(audio_filename)}' in upsweep.toml, then: upsweep plan"
    } else {
        "check DATABASE_URL, UPLOAD_DIR and the claim rules, then look again with: upsweep plan"
    };
    Some(Refusal {
        code: Code::G001,
        saw: format!(
            "{} of {} files are explained by a claim ({})",
            s.explained_files,
            s.files,
            percent(share(s.explained_files, s.files))
        ),
        likely,
        next: next.to_owned(),
    })
}

/// G005: live claims that expect a file shrank by more than half, or missing files more than doubled.
///
/// A live claim expects a file if it had one at the last good survey.
pub(super) fn shrunk(s: &Situation<'_>, limits: &Limits) -> Option<Refusal> {
    let Before { at, live, missing } = s.before?;
    if s.removals == 0 || s.is_below_floor(s.removals, limits) || !s.incomplete.is_empty() {
        return None;
    }
    let expecting = s.live_files.saturating_add(s.missing_expected);
    // What may be hidden without a question is no alarm either; what is freed cannot be asked about again.
    let tolerated = if s.phase == Phase::Hide && !s.strict { limits.floor_files } else { 0 };
    if expecting < live / 2 + live % 2 && live - expecting > tolerated {
        return Some(Refusal {
            code: Code::G005,
            saw: format!("live claims on files fell from {live} to {expecting} since {}", spelled(at)),
            likely: "the database was restored from an old or partial copy, rows were deleted in bulk, or a claim rule misses rows that it used to find".to_owned(),
            next: "look at the database, and at what the files are, with: upsweep plan --csv".to_owned(),
        });
    }
    // One file more that is missing is nothing: applications delete what they have processed.
    if s.missing > missing.saturating_mul(2) && s.missing - missing > limits.floor_files {
        return Some(Refusal {
            code: Code::G005,
            saw: format!("missing files rose from {missing} to {} since {}", s.missing, spelled(at)),
            likely: "part of the store is not mounted, files were moved or renamed, or the database names files in another way than before".to_owned(),
            next: "see which files are missing with: upsweep plan --json".to_owned(),
        });
    }
    None
}

/// G010: files that a live claim covered at the last good survey are orphans now.
pub(super) fn claimed_before(s: &Situation<'_>, limits: &Limits) -> Option<Refusal> {
    let idle = s.claimed_before == 0 || s.removals == 0;
    if idle || s.is_below_floor(s.claimed_before, limits) || !s.incomplete.is_empty() {
        return None;
    }
    // Hidden files are judged by what they were when they were hidden: the last good survey knows them as orphans.
    let (all, when) = match (s.phase, s.before) {
        (Phase::Hide, Some(before)) => (before.live, format!("on {}", spelled(before.at))),
        (Phase::Hide, None) | (Phase::Purge, _) => {
            (s.live_files.saturating_add(s.claimed_before), "shortly before they were hidden".to_owned())
        }
    };
    let part = share(s.claimed_before, all);
    if part <= CLAIMED_BEFORE_SHARE_MAX {
        return None;
    }
    Some(Refusal {
        code: Code::G010,
        saw: format!("{} of {all} files that a live row claimed {when} are claimed by nobody now ({})", s.claimed_before, percent(part)),
        likely: "rows were lost or deleted in bulk, or the column that names the files changed its form".to_owned(),
        next: "if the rows were deleted on purpose, review their files with: upsweep plan --csv; otherwise restore the rows, and the files come back by themselves".to_owned(),
    })
}
