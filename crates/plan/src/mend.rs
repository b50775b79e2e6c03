//! What would bring a file and the row that misses it together again. Nobody but a human does it.

use serde::{Deserialize, Serialize};

use crate::claim::{ClaimRule, RowSource};
use crate::key::{Key, split_dir};
use crate::relink::Relink;

/// A file that looks like a missing one, and what would bring the two together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mend {
    /// The file.
    pub file: Key,
    /// The missing file that it looks like.
    #[serde(flatten)]
    pub relink: Relink,
    /// A shell command, to be run in the store, that would give the file the missing name.
    pub rename: String,
    /// A statement that would make the row name the file; `None` where the rule is more than one column of a table.
    pub sql: Option<String>,
}

/// A missing file, and one that is there under a name much like it, whatever becomes of that one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NearMiss {
    /// The name that a live claim asks for in vain.
    pub missing: Key,
    /// The file.
    pub file: Key,
}

impl Mend {
    /// Writes both down.
    #[must_use]
    pub fn new(file: Key, relink: Relink, rules: &[ClaimRule]) -> Self {
        let rename = rename(file.as_bytes(), relink.claimed.as_bytes());
        let sql = rules.get(relink.rule).and_then(|rule| statement(rule, &relink.owner, &file));
        Self { file, relink, rename, sql }
    }
}

/// The folder that the row names may be missing as well.
fn rename(file: &[u8], claimed: &[u8]) -> String {
    let folder = |name| split_dir(name).0;
    let mkdir = match folder(claimed) {
        to if to.is_empty() || to == folder(file) => String::new(),
        to => format!("mkdir -p -- {} && ", shell(to)),
    };
    format!("{mkdir}mv -n -- {} {}", shell(file), shell(claimed))
}

fn statement(rule: &ClaimRule, owner: &str, file: &Key) -> Option<String> {
    let (RowSource::Table(table), Some(owner_column)) = (&rule.source, &rule.owner) else { return None };
    let columns = rule.key.columns();
    let [column] = columns.as_slice() else { return None };
    let name = std::str::from_utf8(file.as_bytes()).ok()?;
    let is_plain = rule.key.to_string() == format!("{{{column}}}");
    let is_word = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.".contains(&b));
    // A backslash means one thing to MySQL and another to the rest.
    let is_tame = |text: &str| !text.contains(['\\', '\0', '\n']) && !text.is_empty();
    if !is_plain
        || !is_tame(name)
        || !is_tame(owner)
        || ![table.as_str(), column, owner_column].into_iter().all(is_word)
    {
        return None;
    }
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    Some(format!("UPDATE {table} SET {column} = {} WHERE {owner_column} = {};", quoted(name), quoted(owner)))
}

/// A name as one word of a POSIX shell, or, where it holds bytes that are no plain text, of bash.
fn shell(name: &[u8]) -> String {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"_-./@%+,".contains(b);
    match std::str::from_utf8(name) {
        Ok(text) if name.iter().all(plain) => text.to_owned(),
        Ok(text) if !text.contains(char::is_control) => format!("'{}'", text.replace('\'', "'\\''")),
        _ => {
            let byte = |b: &u8| if plain(b) { char::from(*b).to_string() } else { format!("\\x{b:02x}") };
            format!("$'{}'", name.iter().map(byte).collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relink::Likeness;
    use crate::template::Template;

    fn mend(file: &[u8], claimed: &[u8], rule: &ClaimRule) -> Mend {
        let claimed = Key::parse(claimed).unwrap();
        let relink = Relink { likeness: Likeness::SameLetters, claimed, owner: "7".into(), rule: 0 };
        Mend::new(Key::parse(file).unwrap(), relink, std::slice::from_ref(rule))
    }

    #[test]
    fn both_ways_are_written_so_that_they_can_be_pasted() {
        let found = mend(b"it's here.m4a", b"a.m4a", &ClaimRule::classic("app.sessions"));
        assert_eq!(found.rename, r"mv -n -- 'it'\''s here.m4a' a.m4a");
        let sql = "UPDATE app.sessions SET audio_filename = 'it''s here.m4a' WHERE id = '7';";
        assert_eq!(found.sql.as_deref(), Some(sql));
        let moved = "mkdir -p -- 'a b/' && mv -n -- x/t.m4a 'a b/t.m4a'";
        assert_eq!(mend(b"x/t.m4a", b"a b/t.m4a", &ClaimRule::classic("s")).rename, moved);
        assert_eq!(mend(b"x/t.wav", b"x/t.m4a", &ClaimRule::classic("s")).rename, "mv -n -- x/t.wav x/t.m4a");
        assert_eq!(mend(b"\xff'.m4a", b"-a", &ClaimRule::classic("s")).rename, r"mv -n -- $'\xff\x27.m4a' -a");
    }

    #[test]
    fn no_statement_is_better_than_a_wrong_one() {
        let classic = ClaimRule::classic("sessions");
        assert!(mend(b"a.m4a", b"b", &classic).sql.is_some());
        let template = |text: &str| ClaimRule { key: Template::parse(text).unwrap(), ..classic.clone() };
        assert_eq!(mend(b"a.m4a", b"b", &template("{id}{ext(audio_filename)}")).sql, None);
        assert_eq!(mend(b"a.m4a", b"b", &template("{basename(audio_url)}")).sql, None);
        assert_eq!(mend(b"a\\b", b"b", &classic).sql, None);
        assert_eq!(mend(b"a.m4a", b"b", &ClaimRule::classic("s; DROP TABLE x")).sql, None);
        assert_eq!(mend(b"a.m4a", b"b", &ClaimRule { owner: None, ..classic }).sql, None);
    }
}
