//! Queries with a place for a subject, `:subject`.

use super::{Dialect, Token, tokens, without_end};

/// The text around every `:subject` of a query, whose adapter puts its driver's own parameter in between. A text, a
/// quoted name, a comment and a cast (`::subject`) are no such place.
///
/// # Errors
/// What is wrong with the query, in words that follow its name.
pub(crate) fn around_subject(query: &str, dialect: Dialect) -> Result<Vec<&str>, String> {
    let statement = without_end(query, dialect)?;
    let first = tokens(statement, dialect).find(|(token, ..)| *token != Token::Blank);
    if !first.is_some_and(|(_, word, _)| ["select", "with"].iter().any(|begin| word.eq_ignore_ascii_case(begin))) {
        return Err("the query must begin with SELECT or WITH".to_owned());
    }
    let (mut pieces, mut from, mut colons) = (vec![], 0, 0);
    for (_, text, at) in tokens(statement, dialect) {
        if colons == 1 && text == "subject" {
            pieces.push(&statement[from..at - 1]);
            from = at + text.len();
        }
        colons = if text == ":" { colons + 1 } else { 0 };
    }
    if pieces.is_empty() {
        return Err("the query must hold :subject, outside of quotes, as in WHERE id = :subject".to_owned());
    }
    pieces.push(&statement[from..]);
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Dialect; 3] = [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite];

    #[test]
    fn the_subject_is_found_outside_of_quotes_comments_and_casts_only() {
        for dialect in ALL {
            let query =
                "SELECT ':subject', \":subject\" /* :subject */ FROM t -- :subject\nWHERE a = :subject OR b=:subject;";
            let found = around_subject(query, dialect).unwrap().join("?");
            assert_eq!(found, query.replace("a = :subject OR b=:subject;", "a = ? OR b=?"));
            let with = "with x as (select :subject as s) select s as role from x";
            assert_eq!(around_subject(with, dialect).unwrap().len(), 2);
        }
        let cast = "SELECT role FROM t WHERE id = :subject::subject AND x::subject = $$:subject$$";
        let found = around_subject(cast, Dialect::Postgres).unwrap().join("$1");
        assert_eq!(found, cast.replace("= :subject", "= $1"));
    }

    #[test]
    fn a_query_that_cannot_be_meant_is_refused() {
        for dialect in ALL {
            let wrong = |query| around_subject(query, dialect).unwrap_err();
            assert!(wrong("SELECT role FROM t WHERE id = ':subject'").contains("must hold :subject"));
            assert!(wrong("SELECT role FROM t WHERE id = :subject_id").contains("must hold :subject"));
            assert!(wrong("SELECT :subject; DROP TABLE t").contains("more than one statement"));
            assert!(wrong("DELETE FROM t WHERE id = :subject").contains("begin with SELECT"));
            assert!(wrong("/* SELECT */ UPDATE t SET a = :subject").contains("begin with SELECT"));
            assert!(wrong(" -- nothing").contains("empty"));
        }
    }
}
