//! Passwords have no place in words: not in errors, which land in mails and tickets, and not in commands to type again.
//!
//! Database URLs are masked where they are known to be some. This is for every other way in which one may get into a
//! message: a URL in the wrong setting, or a line of a file that an error quotes.

/// What stands in a password's place.
const MASK: &str = "***";

/// The text, with the password of every URL in it masked.
pub(crate) fn masked(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        plain.push_str(before);
        let scheme = before[..at].rsplit(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))).next();
        let end = after.find(|c: char| c.is_whitespace() || "\"'`<>".contains(c)).unwrap_or(after.len());
        let (url, following) = after.split_at(end);
        // A file's name may hold anything, and none of it is a password.
        let is_file = scheme.is_some_and(|scheme| scheme.starts_with("sqlite") || scheme == "file");
        plain.push_str(&if is_file { url.to_owned() } else { without_passwords(url) });
        rest = following;
    }
    plain.push_str(rest);
    plain
}

/// What follows `scheme://`, with `***` for the password before the last `@`, and for those among the options.
fn without_passwords(url: &str) -> String {
    let (user_info, place) = url.rsplit_once('@').map_or((None, url), |(info, place)| (Some(info), place));
    let user_info = user_info.map_or_else(String::new, |info| match info.split_once(':') {
        Some((user, _)) => format!("{user}:{MASK}@"),
        None => format!("{info}@"),
    });
    let Some((place, options)) = place.split_once('?') else { return format!("{user_info}{place}") };
    let masked = |option: &str| match option.split_once('=') {
        Some((name, _)) if name.to_ascii_lowercase().contains("pass") => format!("{name}={MASK}"),
        _ => option.to_owned(),
    };
    let options: Vec<String> = options.split('&').map(masked).collect();
    format!("{user_info}{place}?{}", options.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_urls_are_masked_and_nothing_else() {
        for (text, plain) in [
            ("postgresql://app:hunter2@db:5432/app", "postgresql://app:***@db:5432/app"),
            ("url = \"mysql+x://a:p@ss:w/rd?@h/d\" # it's", "url = \"mysql+x://a:***@h/d\" # it's"),
            ("two: a://u:x@h b://u:y@h.", "two: a://u:***@h b://u:***@h."),
            ("pg://h/d?user=u&password=x&sslmode=off", "pg://h/d?user=u&password=***&sslmode=off"),
            ("pg://reader@localhost/app", "pg://reader@localhost/app"),
            ("sqlite:////srv/a:b@c/app.db", "sqlite:////srv/a:b@c/app.db"),
            ("at 12:00 by me@home: no URL", "at 12:00 by me@home: no URL"),
            ("https://docs.rs/x", "https://docs.rs/x"),
            ("://", "://"),
        ] {
            assert_eq!(masked(text), plain);
        }
    }
}
