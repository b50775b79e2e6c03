//! Guards that find a plan too large: G003, G006.

use super::{Code, Phase, Refusal, Situation, files, percent, share};
use crate::policy::Limits;

/// G003: the plan removes too large a share, or more files or bytes than allowed.
pub(super) fn amount(s: &Situation<'_>, limits: &Limits) -> Option<Refusal> {
    if s.phase == Phase::Purge {
        return None;
    }
    let too_many = limits.max_files.filter(|max| s.removals > *max).map(|max| format!("more than max_files = {max}"));
    let too_big =
        limits.max_bytes.filter(|max| s.removal_bytes > *max).map(|max| format!("more than max_bytes = {max}"));
    let below_floor = s.is_below_floor(s.removals, limits);
    let too_large_a_share =
        (!below_floor && s.removals > 0 && share(s.removals, s.files) > limits.max_share).then(|| {
            format!(
                "{} of all, more than max_share = {}",
                percent(share(s.removals, s.files)),
                percent(limits.max_share)
            )
        });
    let why: Vec<String> = [too_large_a_share, too_many, too_big].into_iter().flatten().collect();
    if why.is_empty() {
        return None;
    }
    Some(Refusal {
        code: Code::G003,
        saw: format!(
            "{} of {} ({} bytes) would be removed: {}",
            s.removals,
            files(s.files),
            s.removal_bytes,
            why.join("; ")
        ),
        likely: "a claim rule that misses most rows, a restored old database, or a long time without a clean-up"
            .to_owned(),
        next: "review every file with: upsweep plan --csv".to_owned(),
    })
}

/// G006: a whole folder larger than the floor would vanish.
pub(super) fn folders(s: &Situation<'_>, limits: &Limits) -> Option<Refusal> {
    if s.phase == Phase::Purge || s.is_below_floor(s.removals, limits) {
        return None;
    }
    let first = s.vanishing.first()?;
    let more = match s.vanishing.len() {
        1 => String::new(),
        n => format!(" (and so it would in {} more)", n - 1),
    };
    Some(Refusal {
        code: Code::G006,
        saw: format!("every one of the {} files in {}/ would go{more}", first.files, first.folder),
        likely: "a folder that belongs to something else, or one whose rows are in a database that was not read"
            .to_owned(),
        next: format!(
            "if it is none of Upsweep's business, exclude it in upsweep.toml: exclude = [\"{}\"]; otherwise review it with: upsweep plan --csv",
            first.folder
        ),
    })
}
