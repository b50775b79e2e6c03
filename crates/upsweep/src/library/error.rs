//! Why a clean-up could not be done, for an application that embeds it.

use super::result::Objection;
use crate::http::problem::{Code, Problem};

/// Why a clean-up could not be done.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CleanupError {
    /// The configuration makes no sense.
    #[error("{0}")]
    Config(String),
    /// A guard refused: nothing was hidden.
    #[error("{detail}")]
    Refused {
        /// What was seen, and what to do next.
        detail: String,
        /// Each guard's objection.
        refusals: Vec<Objection>,
        /// The refused plan, which was kept so that somebody can look at it.
        plan_id: Option<String>,
    },
    /// Another run works on the store.
    #[error("{detail}")]
    Busy {
        /// What to do.
        detail: String,
        /// The other run, if it is known.
        run_id: Option<String>,
    },
    /// The database cannot be reached, or went away.
    #[error("{0}")]
    DatabaseUnavailable(String),
    /// The upload directory cannot be reached.
    #[error("{0}")]
    StoreUnavailable(String),
    /// It was stopped, where nothing was half done.
    #[error("{0}")]
    Stopped(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl From<Problem> for CleanupError {
    fn from(problem: Problem) -> Self {
        let detail = problem.detail().to_owned();
        let text = |member: &str| problem.member(member).and_then(|value| value.as_str()).map(str::to_owned);
        match problem.code() {
            Code::Refused => Self::Refused {
                detail,
                refusals: problem.refusals().iter().map(Objection::from).collect(),
                plan_id: text("plan_id"),
            },
            Code::Busy => Self::Busy { detail, run_id: text("run_id") },
            Code::DatabaseUnavailable => Self::DatabaseUnavailable(detail),
            Code::StoreUnavailable => Self::StoreUnavailable(detail),
            _ if problem.is_stop() => Self::Stopped(detail),
            _ => Self::Failed(detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use upsweep_engine::error::EngineError;

    use super::CleanupError;
    use crate::http::problem::{Code, Problem};

    #[test]
    fn only_what_somebody_stopped_was_stopped() {
        let not_bound = EngineError::NotBound { address: "/srv/uploads".to_owned(), what: "nothing to purge" };
        let of = |problem: Problem| CleanupError::from(problem);
        assert!(matches!(of(Problem::of_engine(&EngineError::Stopped)), CleanupError::Stopped(_)));
        assert!(matches!(of(Problem::new(Code::ShuttingDown, "")), CleanupError::Stopped(_)));
        assert!(matches!(of(Problem::of_engine(&not_bound)), CleanupError::Failed(words) if words.contains("/srv")));
        assert!(matches!(of(Problem::new(Code::Conflict, "")), CleanupError::Failed(_)));
    }
}
