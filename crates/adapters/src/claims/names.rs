//! Names of tables and columns: how people spell them, and what to say when they are not there.

use upsweep_engine::ports::ClaimError;
use upsweep_plan::claim::ClaimRule;

/// A table as it may be meant: its schema, where one is named, and its name.
pub(super) type Reading = (Option<String>, String);

/// Every way to read a configured table name, the most literal first: `a.b` may be a table of that very
/// name, or `b` in the schema `a`; names quoted as in SQL are unquoted, unquoted ones also folded to lower case.
pub(super) fn readings(table: &str) -> Vec<Reading> {
    let mut readings: Vec<Reading> = vec![(None, table.to_owned())];
    let dots = table.match_indices('.').map(|(at, _)| (Some(table[..at].to_owned()), table[at + 1..].to_owned()));
    readings.extend(dots);
    if let Some(parts) = as_sql(table) {
        match <[String; 2]>::try_from(parts) {
            Ok([schema, name]) => readings.push((Some(schema), name)),
            Err(mut parts) if parts.len() == 1 => readings.extend(parts.pop().map(|name| (None, name))),
            Err(_) => {}
        }
    }
    readings.retain(|(schema, name)| !name.is_empty() && schema.as_deref() != Some(""));
    readings
}

/// Reads `"My Schema".sessions` as SQL does; `None` for what is no name in SQL.
fn as_sql(text: &str) -> Option<Vec<String>> {
    let mut parts = vec![];
    let mut rest = text;
    loop {
        let part;
        (part, rest) = match rest.chars().next()? {
            quote @ ('"' | '`') => unquote(rest, quote)?,
            _ => {
                let end = rest.find('.').unwrap_or(rest.len());
                let word = &rest[..end];
                let plain = word.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$');
                (plain.then(|| word.to_lowercase())?, &rest[end..])
            }
        };
        parts.push(part);
        match rest.strip_prefix('.') {
            Some(next) => rest = next,
            None => return rest.is_empty().then_some(parts),
        }
    }
}

/// Splits a quoted name off; a doubled quote stands for one.
fn unquote(text: &str, quote: char) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            name.push(c);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            name.push(quote);
        } else {
            return Some((name, &text[at + 1..]));
        }
    }
    None
}

/// Quotes a name for SQL, doubling the quotes in it.
pub(crate) fn quote(name: &str, quote: char) -> String {
    let doubled = name.replace(quote, &format!("{quote}{quote}"));
    format!("{quote}{doubled}{quote}")
}

/// The error for a rule, with what to do.
pub(super) fn problem(rule: &ClaimRule, problem: impl Into<String>) -> ClaimError {
    ClaimError::Rule { rule: rule.name.clone(), problem: problem.into() }
}

/// The error for a table that is not there; `have` are those that are.
pub(super) fn no_such_table(rule: &ClaimRule, table: &str, database: &str, have: &[String]) -> ClaimError {
    let hint = match (similar(table, have), have) {
        (_, []) => format!("{database} has no tables this role can see: is it the right database?"),
        (similar, _) if !similar.is_empty() => format!("similar ones are {}", similar.join(", ")),
        (_, have) => format!("it has {}", listed(have)),
    };
    problem(
        rule,
        format!(
            "there is no table '{table}' in {database}; {hint}; name the right one with UPSWEEP_SESSIONS_TABLE or in \
             the rule"
        ),
    )
}

/// Checks that each of the rule's columns occurs exactly once among `have`.
pub(super) fn check_columns(rule: &ClaimRule, have: &[String], fold_case: bool) -> Result<(), ClaimError> {
    let same = |a: &str, b: &str| if fold_case { a.eq_ignore_ascii_case(b) } else { a == b };
    for column in rule.columns() {
        match have.iter().filter(|name| same(name, column)).count() {
            1 => {}
            0 => {
                let similar = similar(column, have);
                let hint = match similar.is_empty() {
                    true => String::new(),
                    false => format!(" (did you mean {}?)", similar.join(" or ")),
                };
                let have = listed(have);
                return Err(problem(
                    rule,
                    format!(
                        "there is no column '{column}'{hint}; the columns are {have}: change the rule, or name the \
                         column in its query with AS"
                    ),
                ));
            }
            _ => {
                return Err(problem(
                    rule,
                    format!("the query returns several columns '{column}': name the one that counts with AS"),
                ));
            }
        }
    }
    Ok(())
}

/// Up to three of `have` that could be misspelt as `name`, with or without their schema.
fn similar(name: &str, have: &[String]) -> Vec<String> {
    let bare = |text: &str| text.rsplit('.').next().unwrap_or_default().replace(['"', '`'], "").to_lowercase();
    let name = bare(name);
    let mut scored: Vec<(f64, &String)> =
        have.iter().map(|other| (strsim::jaro_winkler(&name, &bare(other)), other)).collect();
    scored.retain(|(score, _)| *score >= 0.85);
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(3).map(|(_, other)| other.clone()).collect()
}

fn listed(names: &[String]) -> String {
    const MOST: usize = 12;
    let shown = names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > MOST { format!("{shown} and {} more", names.len() - MOST) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_literally_first() {
        let read = |table: &str| {
            let all = readings(table).into_iter();
            all.map(|(schema, name)| schema.map_or(name.clone(), |s| format!("{s}|{name}"))).collect::<Vec<_>>()
        };
        assert_eq!(read("sessions"), ["sessions", "sessions"]);
        assert_eq!(read("App.Sessions"), ["App.Sessions", "App|Sessions", "app|sessions"]);
        assert_eq!(read(r#""My ""S"".x".t"#).last().unwrap(), r#"My "S".x|t"#);
        assert_eq!(read("x; DROP TABLE y"), ["x; DROP TABLE y"]);
        assert_eq!(read(r#""open"#), [r#""open"#]);
    }

    #[test]
    fn quoting_leaves_no_way_out() {
        assert_eq!(quote(r#"a" FROM b --"#, '"'), r#""a"" FROM b --""#);
    }

    #[test]
    fn a_missing_column_is_met_with_the_ones_there_are() {
        let rule = ClaimRule::classic("sessions");
        let have = ["id", "status", "audio_file_name", "created_at"].map(str::to_owned);
        let error = check_columns(&rule, &have, false).unwrap_err().to_string();
        assert!(error.contains("'audio_filename' (did you mean audio_file_name?)"), "{error}");
        let twice = ["id", "status", "audio_filename", "created_at", "ID"].map(str::to_owned);
        assert!(check_columns(&rule, &twice, false).is_ok());
        assert!(check_columns(&rule, &twice, true).unwrap_err().to_string().contains("several columns 'id'"));
    }
}
