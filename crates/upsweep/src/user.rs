//! Who runs this program, as far as the system vouches for it.

/// The user of this process: the name from the user database, the number that the kernel knows, and who had logged
/// in, where that was somebody else (as with sudo). `USER` and `LOGNAME` may say anything, so they are not asked.
pub(crate) fn of_process() -> String {
    let uid = rustix::process::geteuid().as_raw();
    let login = std::fs::read_to_string("/proc/self/loginuid").ok().and_then(|text| text.trim().parse().ok());
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    described(uid, login, &users)
}

/// What the kernel says when nobody logged in, as in a service.
const NOBODY_LOGGED_IN: u32 = u32::MAX;

fn described(uid: u32, login: Option<u32>, users: &str) -> String {
    let named = |uid: u32| match name_of(uid, users) {
        Some(name) => format!("{name} (uid {uid})"),
        None => format!("uid {uid}"),
    };
    match login {
        Some(login) if login != uid && login != NOBODY_LOGGED_IN => {
            format!("{}, logged in as {}", named(uid), named(login))
        }
        _ => named(uid),
    }
}

/// The name in `/etc/passwd`; users from elsewhere (LDAP) are known by their number alone.
fn name_of(uid: u32, users: &str) -> Option<&str> {
    let user = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut named = user.filter(|fields| fields.get(2).and_then(|field| field.parse().ok()) == Some(uid));
    named.next().and_then(|fields| fields.first().copied()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_told_by_what_the_system_vouches_for() {
        let users = "root:x:0:0::/:/bin/sh\nanna:x:1000:1000::/:/bin/sh\nbroken\n";
        assert_eq!(described(1000, Some(1000), users), "anna (uid 1000)");
        assert_eq!(described(0, Some(1000), users), "root (uid 0), logged in as anna (uid 1000)");
        assert_eq!(described(0, Some(NOBODY_LOGGED_IN), users), "root (uid 0)");
        assert_eq!(described(7, None, users), "uid 7");
    }
}
