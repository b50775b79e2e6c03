//! The parameters of a classic call. What is mistyped is refused: ignored, it would delete more than was meant.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use upsweep_engine::ports::Approval;
use upsweep_plan::guard::Code as Guard;
use utoipa::IntoParams;

use crate::cli::moment;
use crate::http::problem::{Code, Problem};
use crate::http::v1::text::WORDS_MAX;

/// Every parameter there is.
const KNOWN: [&str; 5] = ["dry_run", "after", "before", "allow", "reason"];

/// The parameters of a call, for the documentation.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "says what Params reads")]
pub(super) struct Parameters {
    /// Whether to tell only what would be done: `true`, `1`, `yes` or `on`, or `false`, `0`, `no` or `off`, in capital
    /// or small letters. Nothing is no.
    #[param(pattern = "^([01]|[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|[yY][eE][sS]|[nN][oO]|[oO][nN]|[oO][fF][fF])$")]
    dry_run: Option<String>,
    /// Only files last modified (of failed sessions: sessions created) at this time or later: `2026-12-31T12:00:00Z`,
    /// the day `2026-12-31`, which counts from its beginning where the service runs, or `30d`, `12h` or `2w` ago.
    #[param(
        pattern = "^([0-9]{1,5}[hdw]|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2}))?)$"
    )]
    after: Option<String>,
    /// Only files last modified (of failed sessions: sessions created) before this time, in the same forms.
    #[param(
        pattern = "^([0-9]{1,5}[hdw]|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2}))?)$"
    )]
    before: Option<String>,
    /// Guards that an administrator overrules, separated by commas; it takes a `reason`.
    #[param(pattern = "^G0(01|03|05|06|07|10)(,G0(01|03|05|06|07|10))*$", max_length = 60)]
    allow: Option<String>,
    /// Why they are overruled: something other than blanks. Without `allow` it means nothing, whatever it says.
    reason: Option<String>,
}

/// The parameters of a call.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Params {
    pub(super) dry_run: bool,
    pub(super) after: Option<Timestamp>,
    pub(super) before: Option<Timestamp>,
    pub(super) approval: Option<Approval>,
}

impl Params {
    /// Reads them. Unknown ones are ignored, as the classic service did, unless they look like a known one.
    ///
    /// # Errors
    /// [`Code::InvalidParameter`] names the parameter and its value; [`Code::NotPermitted`] where somebody who is no
    /// admin wants to overrule guards.
    pub(super) fn read(pairs: &[(String, String)], is_admin: bool, now: Timestamp) -> Result<Self, Problem> {
        for (name, value) in pairs {
            if let Some(known) = meant(name) {
                return Err(invalid(name, value, &format!("there is no such parameter; did you mean {known}?")));
            }
        }
        let time = |name| only(pairs, name)?.map(|value| moment_of(name, value, now)).transpose();
        Ok(Self {
            dry_run: only(pairs, "dry_run")?.map(|value| flag("dry_run", value)).transpose()?.unwrap_or(false),
            after: time("after")?,
            before: time("before")?,
            approval: approval(pairs, is_admin)?,
        })
    }
}

/// The known parameter that an unknown one probably is.
fn meant(name: &str) -> Option<&'static str> {
    if KNOWN.contains(&name) {
        return None;
    }
    let bare = |name: &str| -> String { name.chars().filter(char::is_ascii_alphanumeric).collect() };
    let typed = bare(name).to_ascii_lowercase();
    // Whatever begins so is meant to change nothing.
    if typed.starts_with("dry") {
        return Some("dry_run");
    }
    let near = |known: &&&str| {
        let (known, far_max) = (bare(known), if known.len() > 6 { 2 } else { 1 });
        strsim::damerau_levenshtein(&typed, &known) <= far_max
    };
    KNOWN.iter().find(near).copied()
}

/// The only value of a parameter; of two it is not known which one is meant.
fn only<'a>(pairs: &'a [(String, String)], name: &str) -> Result<Option<&'a str>, Problem> {
    let mut values = pairs.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str());
    match (values.next(), values.next()) {
        (Some(_), Some(second)) => Err(invalid(name, second, "it is given more than once")),
        (value, _) => Ok(value),
    }
}

fn flag(name: &str, value: &str) -> Result<bool, Problem> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(invalid(name, value, "write true or false")),
    }
}

fn moment_of(name: &str, value: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    moment::past(name, value, now, &TimeZone::system()).map_err(|_| {
        let plus = if value.contains(' ') { "; in a URL a + is written %2B" } else { "" };
        let words = format!("write 2026-12-31, 2026-12-31T12:00:00Z or 30d (ago){plus}");
        invalid(name, value, &words)
    })
}

fn approval(pairs: &[(String, String)], is_admin: bool) -> Result<Option<Approval>, Problem> {
    let reason = only(pairs, "reason")?;
    let lists: Vec<&str> = pairs.iter().filter(|(name, _)| name == "allow").map(|(_, value)| value.as_str()).collect();
    if lists.is_empty() {
        // A reason alone overrules nothing.
        return Ok(None);
    }
    if !is_admin {
        return Err(Problem::new(Code::NotPermitted, "only an admin may overrule guards (allow)"));
    }
    let mut codes = BTreeSet::new();
    for list in lists {
        for text in list.split(',') {
            let guard: Guard = text.parse().map_err(|words: String| invalid("allow", list, &words))?;
            if !guard.is_approvable() {
                let words = format!("{guard} cannot be overruled; what it tells of has to be put right");
                return Err(invalid("allow", list, &words));
            }
            codes.insert(guard);
        }
    }
    match reason.map(str::trim) {
        Some(reason) if reason.chars().any(char::is_control) || reason.chars().count() > WORDS_MAX => {
            Err(invalid("reason", reason, &format!("write one line of at most {WORDS_MAX} characters")))
        }
        Some(reason) if !reason.is_empty() => Ok(Some(Approval { codes, reason: reason.to_owned(), by: None })),
        _ => Err(invalid("reason", reason.unwrap_or_default(), "say why these guards may be overruled")),
    }
}

/// Longer values are cut in the answer.
const SHOWN_MAX: usize = 200;

fn invalid(name: &str, value: &str, words: &str) -> Problem {
    let cut = |text: &str| text.chars().take(SHOWN_MAX).collect::<String>();
    let (name, value) = (cut(name), cut(value));
    let detail = format!("{name}={value}: {words}");
    Problem::new(Code::InvalidParameter, detail).with("parameter", name).with("value", value)
}

#[cfg(test)]
#[path = "params_tests.rs"]
mod tests;
