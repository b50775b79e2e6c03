//! Just enough of SQL's lexical rules to put a user's query into parentheses.

mod subject;

pub(crate) use subject::around_subject;

/// Which lexical rules apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Postgres,
    MySql,
    Sqlite,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// White space and comments.
    Blank,
    Semicolon,
    /// A keyword or an unquoted name.
    Word,
    /// A quoted name, with its quotes.
    Name,
    Other,
}

/// The query without trailing semicolons and comments. One that keeps only some of its rows is refused: the files
/// of the others would look unclaimed.
///
/// # Errors
/// What is wrong, for [`super::names::problem`].
pub(super) fn only_statement(query: &str, dialect: Dialect) -> Result<&str, String> {
    let statement = without_end(query, dialect)?;
    match cutting_word(statement, dialect) {
        Some(word) => Err(format!(
            "the query cuts its rows with {}, and the files of the rows that are cut off would look unclaimed: \
             remove it",
            word.to_uppercase()
        )),
        None => Ok(statement),
    }
}

/// The one statement of the query, without trailing semicolons and comments.
fn without_end(query: &str, dialect: Dialect) -> Result<&str, String> {
    let mut end = 0;
    let mut ended = false;
    for (token, text, at) in tokens(query, dialect) {
        match token {
            Token::Blank => {}
            Token::Semicolon => ended = end > 0,
            _ if ended => return Err("the query holds more than one statement: keep one SELECT".to_owned()),
            _ => end = at + text.len(),
        }
    }
    if end == 0 {
        return Err("the query is empty: write a SELECT".to_owned());
    }
    Ok(&query[..end])
}

/// The word outside all parentheses that keeps only some of the rows, if there is one. All of these are reserved:
/// as names they are quoted, or stand behind a dot.
fn cutting_word(query: &str, dialect: Dialect) -> Option<&str> {
    let words: &[&str] = match dialect {
        Dialect::Postgres => &["limit", "fetch", "tablesample"],
        Dialect::MySql => &["limit", "fetch"],
        Dialect::Sqlite => &["limit"],
    };
    let (mut depth, mut after_dot) = (0_i32, false);
    for (token, text, _) in tokens(query, dialect) {
        match (token, text) {
            (Token::Blank, _) => continue,
            (Token::Other, "(") => depth += 1,
            (Token::Other, ")") => depth -= 1,
            (Token::Word, word) if depth == 0 && !after_dot && words.iter().any(|w| word.eq_ignore_ascii_case(w)) => {
                return Some(word);
            }
            _ => {}
        }
        after_dot = text == ".";
    }
    None
}

/// Whether the query has `name` among its words and quoted names, in any case.
pub(super) fn mentions(query: &str, name: &str, dialect: Dialect) -> bool {
    tokens(query, dialect).any(|(token, text, _)| match token {
        Token::Word => text.eq_ignore_ascii_case(name) || text.to_lowercase() == name.to_lowercase(),
        Token::Name => {
            let quote = &text[..1];
            let inner = text[1..].strip_suffix(quote).unwrap_or(&text[1..]);
            inner.replace(&quote.repeat(2), quote).to_lowercase() == name.to_lowercase()
        }
        Token::Blank | Token::Semicolon | Token::Other => false,
    })
}

fn tokens(query: &str, dialect: Dialect) -> impl Iterator<Item = (Token, &str, usize)> {
    let mut at = 0;
    let mut last_word = "";
    std::iter::from_fn(move || {
        let rest = query.get(at..).filter(|rest| !rest.is_empty())?;
        let (token, len) = next_token(rest, dialect, last_word);
        last_word = if token == Token::Word { &rest[..len] } else { "" };
        at += len;
        Some((token, &rest[..len], at - len))
    })
}

fn next_token(rest: &str, dialect: Dialect, last_word: &str) -> (Token, usize) {
    let first = rest.chars().next().unwrap_or(' ');
    let is_mysql = dialect == Dialect::MySql;
    let line_comment = match dialect {
        // MySQL reads --1 as minus minus one.
        Dialect::MySql => {
            first == '#'
                || rest.starts_with("--") && !rest[2..].starts_with(|c: char| !c.is_whitespace() && !c.is_control())
        }
        Dialect::Postgres | Dialect::Sqlite => rest.starts_with("--"),
    };
    if line_comment {
        return (Token::Blank, rest.find('\n').map_or(rest.len(), |end| end + 1));
    }
    if let Some(comment) = rest.strip_prefix("/*") {
        // MySQL executes /*! these */.
        let token = if is_mysql && comment.starts_with(['!', 'M']) { Token::Other } else { Token::Blank };
        return (token, block_comment(rest, dialect == Dialect::Postgres));
    }
    match first {
        c if c.is_whitespace() => (Token::Blank, c.len_utf8()),
        ';' => (Token::Semicolon, 1),
        '\'' => (Token::Other, quoted(rest, '\'', is_mysql || last_word.eq_ignore_ascii_case("e"))),
        // MySQL reads "x" as a string unless told otherwise; taking it for a name errs towards caution.
        '"' => (Token::Name, quoted(rest, '"', is_mysql)),
        '`' => (Token::Name, quoted(rest, '`', false)),
        '[' if dialect == Dialect::Sqlite => (Token::Name, rest.find(']').map_or(rest.len(), |end| end + 1)),
        '$' if dialect == Dialect::Postgres && last_word.is_empty() => (Token::Other, dollar_quoted(rest)),
        c if is_word(c) => (Token::Word, rest.find(|c| !is_word(c)).unwrap_or(rest.len())),
        c => (Token::Other, c.len_utf8()),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn block_comment(rest: &str, nested: bool) -> usize {
    let bytes = rest.as_bytes();
    let (mut at, mut depth) = (2, 1);
    while at < bytes.len() && depth > 0 {
        match &bytes[at..bytes.len().min(at + 2)] {
            b"*/" => (depth, at) = (depth - 1, at + 2),
            b"/*" if nested => (depth, at) = (depth + 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

/// The length of a quoted text. A doubled quote needs no care: it reads as two texts side by side, except
/// for names, whose pieces must stay together.
fn quoted(rest: &str, quote: char, backslash: bool) -> usize {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && backslash {
            chars.next();
        } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    rest.len()
}

/// The length of `$tag$ … $tag$`, or of the `$` alone.
fn dollar_quoted(rest: &str) -> usize {
    let Some(tag_end) = rest[1..].find('$').map(|end| end + 2) else { return 1 };
    let tag = &rest[..tag_end];
    let inner = &tag[1..tag.len() - 1];
    if !inner.chars().all(|c| c.is_alphanumeric() || c == '_') || inner.starts_with(|c: char| c.is_ascii_digit()) {
        return 1;
    }
    rest[tag_end..].find(tag).map_or(rest.len(), |end| tag_end + end + tag_end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_follows_the_statement_is_cut() {
        for dialect in [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite] {
            for tail in ["", ";", " ; ", " -- x", "\n-- it's", "; -- ;", " /* ' */ ;; ", ";\n-- x\n"] {
                let query = format!("SELECT ';--' AS a, \"b;\" FROM t{tail}");
                assert_eq!(only_statement(&query, dialect).unwrap(), "SELECT ';--' AS a, \"b;\" FROM t", "{query}");
            }
            assert!(only_statement("SELECT 1; DROP TABLE t", dialect).unwrap_err().contains("one statement"));
            assert!(only_statement(" -- nothing", dialect).is_err());
        }
    }

    #[test]
    fn a_query_that_cuts_its_rows_is_refused() {
        let refused =
            |query, dialect| only_statement(query, dialect).is_err_and(|wrong| wrong.contains("cuts its rows"));
        for dialect in [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite] {
            assert!(refused("SELECT a FROM t ORDER BY a LIMIT 1000", dialect));
            assert!(refused("SELECT a FROM t limit 5 -- for now", dialect));
            for fine in ["SELECT a, (SELECT b FROM u LIMIT 1) FROM t", "SELECT t.limit, 'LIMIT' /* LIMIT 3 */ FROM t"] {
                assert_eq!(only_statement(fine, dialect).map(str::len), Ok(fine.len()), "{fine}");
            }
        }
        assert!(refused("SELECT a FROM t FETCH FIRST 5 ROWS ONLY", Dialect::Postgres));
        assert!(refused("SELECT a FROM t TABLESAMPLE SYSTEM (5)", Dialect::Postgres));
    }

    #[test]
    fn each_dialect_has_its_own_quotes() {
        let whole = |query, dialect| assert_eq!(only_statement(query, dialect), Ok(query), "{query}");
        whole("SELECT $a$;$b$ ; $a$", Dialect::Postgres);
        whole(r"SELECT E'\'; --'", Dialect::Postgres);
        whole("SELECT 1 /* ; /* ; */ ; */ + 1", Dialect::Postgres);
        whole(r"SELECT '\'; --'", Dialect::MySql);
        whole("SELECT `;#` + 1--1", Dialect::MySql);
        whole("SELECT [;--]", Dialect::Sqlite);
        assert_eq!(only_statement("SELECT 1 # x;", Dialect::MySql), Ok("SELECT 1"));
        assert_eq!(only_statement(r"SELECT '\';", Dialect::Postgres), Ok(r"SELECT '\'"));
    }

    #[test]
    fn names_are_found_as_words_only() {
        let query = "SELECT `old` FROM App.Sessions /* archive */ WHERE x = 'log'";
        for (name, expected) in
            [("sessions", true), ("OLD", true), ("session", false), ("archive", false), ("log", false)]
        {
            assert_eq!(mentions(query, name, Dialect::MySql), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_cut_into_all_of_its_tokens(query in "[a-zE'\"`$;#*/\\\\ \n\\[é-]{0,40}") {
            for dialect in [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite] {
                let joined: String = tokens(&query, dialect).map(|(_, text, _)| text).collect();
                prop_assert_eq!(&joined, &query);
                let _ = mentions(&query, "x", dialect);
            }
        }
    }
}
