//! What the log says of work that nobody waits for and that was not done: the code of its problem, its run, and the
//! guards that refused. None of them names a file; the words of the problem may, so they are told apart.

use upsweep_engine::logs::FILE_NAMES;

use crate::http::problem::{Code, Problem};

/// Of a clean-up: a refusal is what guards are for, everything else is an error.
pub(crate) fn problem(problem: &Problem, (run, by): (Option<&str>, &str), what: &'static str) {
    if matches!(problem.code(), Code::Refused | Code::Busy) {
        return warning(problem, (run, by), what);
    }
    let code = problem.code().word();
    tracing::error!(code, run, by, "{what}");
    words(problem, what);
}

/// Of something that is tried again soon.
pub(crate) fn warning(problem: &Problem, (run, by): (Option<&str>, &str), what: &'static str) {
    let (code, guards) = (problem.code().word(), guards(problem));
    tracing::warn!(code, run, guards, by, "{what}");
    words(problem, what);
}

/// The codes of the guards, if any refused.
fn guards(problem: &Problem) -> Option<String> {
    let codes: Vec<String> = problem.refusals().iter().map(|refusal| refusal.code.to_string()).collect();
    (!codes.is_empty()).then(|| codes.join(" "))
}

fn words(problem: &Problem, what: &'static str) {
    tracing::warn!(target: FILE_NAMES, error = problem.detail(), "{what}");
}
