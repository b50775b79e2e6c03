//! The token in a request's headers.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

/// Longer ones are not looked at.
const LENGTH_MAX: usize = 8 * 1024;

/// What follows `Bearer`, or why there is no such thing.
pub(super) fn token(headers: &HeaderMap) -> Result<&str, &'static str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let value = match (all.next(), all.next()) {
        (None, _) => return Err("there is no Authorization header"),
        (Some(_), Some(_)) => return Err("there is more than one Authorization header"),
        (Some(value), None) => value,
    };
    if value.len() > LENGTH_MAX {
        return Err("the Authorization header is too long");
    }
    let text = value.to_str().map_err(|_| "the Authorization header is no plain text")?;
    let (scheme, token) = text.split_once(' ').ok_or("the Authorization header has one word only")?;
    let token = token.trim_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err("the Authorization header's scheme is not Bearer");
    }
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
        return Err("what follows Bearer is no token");
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, value.parse().unwrap())).collect()
    }

    #[test]
    fn exactly_one_header_counts_in_any_case_of_its_scheme() {
        for good in ["Bearer a.b.c", "bearer a.b.c", "BEARER  a.b.c ", "bEaReR a.b.c"] {
            assert_eq!(token(&headers(&[good])), Ok("a.b.c"), "{good}");
        }
        for (bad, cause) in [
            (vec![], "no Authorization"),
            (vec!["Bearer a.b.c", "Bearer a.b.c"], "more than one"),
            (vec!["Basic YTpi"], "not Bearer"),
            (vec!["Bearer"], "one word"),
            (vec!["Bearer "], "no token"),
            (vec!["Bearer a.b.c, Bearer a.b.c"], "no token"),
            (vec!["Bearer a b"], "no token"),
            (vec!["Bearer\ta.b.c"], "one word"),
            (vec!["Bearer a.b.c="], "no token"),
        ] {
            let said = token(&headers(&bad)).unwrap_err();
            assert!(said.contains(cause), "{bad:?}: {said}");
        }
    }

    #[test]
    fn a_header_that_is_too_long_is_not_looked_at() {
        let long = |len: usize| format!("Bearer {}", "a".repeat(len - "Bearer ".len()));
        assert!(token(&headers(&[&long(LENGTH_MAX)])).is_ok());
        assert_eq!(token(&headers(&[&long(LENGTH_MAX + 1)])), Err("the Authorization header is too long"));
    }
}
