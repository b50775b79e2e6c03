use super::*;

fn server(url: &str) -> ServerUrl {
    match DatabaseUrl::parse(url).unwrap() {
        DatabaseUrl::Postgres(server) | DatabaseUrl::MySql(server) => server,
        DatabaseUrl::Sqlite(_) => panic!("{url} is no server"),
    }
}

fn files(url: &str) -> Vec<String> {
    match DatabaseUrl::parse(url).unwrap() {
        DatabaseUrl::Sqlite(file) => file.candidates.iter().map(|path| path.display().to_string()).collect(),
        DatabaseUrl::Postgres(_) | DatabaseUrl::MySql(_) => panic!("{url} is no file"),
    }
}

#[test]
fn servers_are_found_in_every_spelling() {
    for (url, user, password, hosts, database) in [
        ("postgres://localhost/app", None, None, "localhost:5432", Some("app")),
        ("postgresql://u:p@db:6432/app", Some("u"), Some("p"), "db:6432", Some("app")),
        ("postgresql+asyncpg://u:p@db/app", Some("u"), Some("p"), "db:5432", Some("app")),
        ("postgresql+psycopg2://u@db/app?application_name=x", Some("u"), None, "db:5432", Some("app")),
        ("POSTGRESQL://u@db/app", Some("u"), None, "db:5432", Some("app")),
        (" postgresql://u@db/app\n", Some("u"), None, "db:5432", Some("app")),
        ("postgresql://u:@db/app", Some("u"), Some(""), "db:5432", Some("app")),
        ("postgresql://", None, None, "localhost:5432", None),
        ("postgresql:///app?host=/var/run/postgresql", None, None, "/var/run/postgresql", Some("app")),
        ("postgresql://u@/app?host=/run/pg&port=5433", Some("u"), None, "/run/pg", Some("app")),
        ("postgresql://u@%2Frun%2Fpg/app", Some("u"), None, "/run/pg", Some("app")),
        ("postgresql://u@a:1,b:2/app", Some("u"), None, "a:1,b:2", Some("app")),
        ("postgresql://u@/app?host=a:1&host=b:2", Some("u"), None, "a:1,b:2", Some("app")),
        ("postgresql://u@[::1]:5433/app", Some("u"), None, "[::1]:5433", Some("app")),
        ("postgresql://db/app?user=u@corp&password=p@x", Some("u@corp"), Some("p@x"), "db:5432", Some("app")),
        ("postgresql://u%40corp:p%2Fw%3A%25@db/my%20app", Some("u@corp"), Some("p/w:%"), "db:5432", Some("my app")),
        ("mysql://u:p@db/app", Some("u"), Some("p"), "db:3306", Some("app")),
        ("mariadb://u:p@db:3307/app?charset=utf8mb4", Some("u"), Some("p"), "db:3307", Some("app")),
        ("mysql+pymysql://u:p@db/app", Some("u"), Some("p"), "db:3306", Some("app")),
        ("mariadb+mariadbconnector://u:p@db/app", Some("u"), Some("p"), "db:3306", Some("app")),
        ("mysql://u@localhost/app?unix_socket=/run/my.sock", Some("u"), None, "/run/my.sock", Some("app")),
        // Passwords that should have been encoded.
        ("postgresql://u:a@b@db/app", Some("u"), Some("a@b"), "db:5432", Some("app")),
        ("postgresql://u:a/b#c@db/app", Some("u"), Some("a/b#c"), "db:5432", Some("app")),
        ("postgresql://u:a?b@db/app", Some("u"), Some("a?b"), "db:5432", Some("app")),
        ("postgresql://u:100%@db/app", Some("u"), Some("100%"), "db:5432", Some("app")),
        ("postgresql://u:a:b@db/app", Some("u"), Some("a:b"), "db:5432", Some("app")),
    ] {
        let parsed = server(url);
        let shown: Vec<String> = parsed.hosts.iter().map(ToString::to_string).collect();
        let actual = (parsed.user.as_deref(), parsed.password.as_deref(), shown.join(","), parsed.database.as_deref());
        assert_eq!(actual, (user, password, hosts.to_owned(), database), "{url}");
    }
}

#[test]
fn encryption_means_what_it_means_to_the_driver() {
    use TlsMode::{Off, Unverified, VerifyCa, VerifyFull};
    for (url, attempts) in [
        ("postgresql://h/d", &[Unverified, Off][..]),
        ("postgresql://h/d?sslmode=disable", &[Off]),
        ("postgresql://h/d?sslmode=allow", &[Off, Unverified]),
        ("postgresql://h/d?sslmode=prefer", &[Unverified, Off]),
        ("postgresql://h/d?sslmode=require", &[Unverified]),
        ("postgresql://h/d?sslmode=require&sslrootcert=/ca.pem", &[VerifyCa]),
        ("postgresql://h/d?sslmode=verify-ca&sslrootcert=/ca.pem", &[VerifyCa]),
        ("postgresql://h/d?sslmode=verify-full", &[VerifyFull]),
        ("postgresql://h/d?sslrootcert=system", &[VerifyFull]),
        ("postgresql+asyncpg://h/d?ssl=require", &[Unverified]),
        ("postgresql+asyncpg://h/d?ssl=true", &[VerifyFull]),
        ("mysql://h/d", &[Unverified, Off]),
        ("mysql://h/d?ssl-mode=REQUIRED", &[Unverified]),
        ("mysql://h/d?ssl_mode=VERIFY_IDENTITY&ssl_ca=/ca.pem", &[VerifyFull]),
        ("mysql+pymysql://h/d?ssl_ca=/ca.pem", &[VerifyCa]),
        ("mysql+pymysql://h/d?ssl_ca=/ca.pem&ssl_check_hostname=true", &[VerifyFull]),
        ("mysql+mysqlconnector://h/d?ssl_disabled=true", &[Off]),
        ("mysql://h/d?ssl=false", &[Off]),
    ] {
        assert_eq!(server(url).tls.attempts, attempts, "{url}");
    }
    assert_eq!(server("postgresql://h/d?sslrootcert=/a%20b.pem").tls.roots, Roots::File("/a b.pem".into()));
    assert_eq!(server("postgresql://h/d").tls.roots, Roots::Public);
}

#[test]
fn sqlite_paths_keep_both_readings() {
    for (url, candidates) in [
        ("sqlite:app.db", &["app.db"][..]),
        ("sqlite:/srv/app.db", &["/srv/app.db"]),
        ("sqlite://app.db", &["app.db"]),
        ("sqlite:///app.db", &["app.db", "/app.db"]),
        ("sqlite:///./app.db", &["./app.db", "/./app.db"]),
        ("sqlite:////srv/app.db", &["/srv/app.db"]),
        ("sqlite+aiosqlite:///./app.db", &["./app.db"]),
        ("sqlite+pysqlite:////srv/app.db", &["/srv/app.db"]),
        ("sqlite:///file:app.db?mode=ro&uri=true", &["app.db"]),
        ("sqlite:////srv/my%20app.db", &["/srv/my%20app.db", "/srv/my app.db"]),
        ("sqlite:////srv/app.db?cache=shared", &["/srv/app.db"]),
    ] {
        assert_eq!(files(url), candidates, "{url}");
    }
}

#[test]
fn mistakes_name_the_way_out_and_never_a_password() {
    for (url, hint) in [
        ("oracle://u:hunter2@db/app", "scheme is 'oracle'"),
        ("hunter2", "no scheme"),
        ("postgresql:u:hunter2@db", "lacks the //"),
        ("postgresql://u:hunter2@db:x/app", "percent-encoded"),
        ("postgresql://u:hunter2@db:99999/app", "65535"),
        ("postgresql://u:hunter2@db/app?sslmode=maybe", "verify-full"),
        ("mysql://u:hunter2@db/app?ssl_mode=maybe", "VERIFY_IDENTITY"),
        ("postgresql://u:hunter2@db/app?sslcert=/c.pem", "client certificate"),
        ("postgresql://u:hunter2%FF@db/app", "UTF-8"),
        ("mysql://u:hunter2@db/app?ssl=0&ssl_verify_cert=1", "keep one"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite://", "in memory"),
        ("sqlite:///", "in memory"),
        ("sqlite:///file:app?mode=memory&uri=true", "in memory"),
    ] {
        let error = DatabaseUrl::parse(url).unwrap_err().to_string();
        assert!(error.contains(hint), "{url}: {error}");
        assert!(!error.contains("hunter2"), "{url}: {error}");
    }
}

#[test]
fn no_form_of_a_url_shows_its_password() {
    for url in [
        "postgresql+asyncpg://u:hunter%32@db/app?sslmode=require",
        "mysql://db/app?user=u&password=hunter2",
        "postgres://u:hunter2@db,db2/app",
    ] {
        let parsed = DatabaseUrl::parse(url).unwrap();
        assert!(!format!("{parsed} {parsed:?} {}", parsed.masked()).contains("hunter2"), "{url}");
        let server = server(url);
        assert!(!format!("{server:?}").contains("hunter2"), "{url}");
        assert_eq!(server.scrub("no hunter2 here"), "no *** here");
    }
    let scrubbed = server("mysql://u:a%2Fb@db/app").scrub("a/b or a%2Fb");
    assert_eq!(scrubbed, "*** or ***");
    assert_eq!(DatabaseUrl::parse("mariadb://u:p@db/app").unwrap().to_string(), "mysql://u:***@db:3306/app");
}

#[test]
fn of_two_files_neither_is_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one.db"), folder.path().join("two.db"));
    let url = FileUrl { candidates: vec![one.clone(), two.clone()] };
    let names_both = |error: ClaimError| {
        let error = error.to_string();
        assert!(error.contains("one.db") && error.contains("two.db"), "{error}");
    };
    names_both(url.locate().unwrap_err());
    std::fs::write(&two, "").unwrap();
    assert_eq!(url.locate().unwrap(), two.canonicalize().unwrap());
    std::fs::write(&one, "").unwrap();
    names_both(url.locate().unwrap_err());
    #[expect(clippy::disallowed_methods, reason = "the test's own file")]
    std::fs::remove_file(&two).unwrap();
    std::os::unix::fs::symlink(&one, &two).unwrap();
    assert_eq!(url.locate().unwrap(), one.canonicalize().unwrap(), "two names of one file");
}
