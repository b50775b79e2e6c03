//! Encryption as libpq and MySQL's clients mean it, with a real certificate authority.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use upsweep_adapters::claims::open;
use upsweep_engine::ports::ClaimError;
use upsweep_testkit::{MariaDb, Postgres, skip};

use crate::db::assert_says;

/// Files `ca.pem`, `other.pem` (a stranger's), `cert.pem` and `key.pem`, the latter for the host `localhost` only.
fn certificates() -> Option<TempDir> {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("leaf.ext"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
        .unwrap();
    let authority = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj";
    for line in [
        format!("{authority} /CN=ca -keyout ca.key -out ca.pem"),
        format!("{authority} /CN=other -keyout other.key -out other.pem"),
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout key.pem -out leaf.csr"
            .to_owned(),
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile leaf.ext -out cert.pem"
            .to_owned(),
    ] {
        let Ok(output) = Command::new("openssl").args(line.split(' ')).current_dir(folder.path()).output() else {
            skip("no openssl");
            return None;
        };
        assert!(output.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&output.stderr));
    }
    // A server that runs as somebody else must read them.
    Command::new("chmod").arg("-R").arg("a+rX").arg(folder.path()).status().unwrap();
    Some(folder)
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

fn connect(url: &str) -> Result<(), ClaimError> {
    open(url).unwrap().identity().map(|_| ())
}

fn install(certificates: &TempDir, folder: &Path, owner: &str) {
    for name in ["cert.pem", "key.pem"] {
        std::fs::copy(certificates.path().join(name), folder.join(name)).unwrap();
        Command::new("chmod").arg("600").arg(folder.join(name)).status().unwrap();
        // Where this is not permitted the server runs as ourselves.
        let _ = Command::new("chown").arg(owner).arg(folder.join(name)).output().unwrap();
    }
}

#[test]
fn postgres_is_verified_as_far_as_asked() {
    let Some(certificates) = certificates() else { return };
    let Some(server) = Postgres::start() else { return skip("no postgres") };
    let port = server.port();
    let url = |host: &str, options: &str| format!("postgresql://postgres@{host}:{port}/postgres?{options}");
    connect(&url("127.0.0.1", "sslmode=prefer")).unwrap();
    let plain = connect(&url("127.0.0.1", "sslmode=require")).unwrap_err();
    assert_says(&plain, &["server does not support TLS", "sslmode"]);

    let folder = server.socket_folder();
    install(&certificates, folder, "postgres");
    for (setting, file) in [("ssl_cert_file", "cert.pem"), ("ssl_key_file", "key.pem")] {
        server.exec("postgres", &format!("ALTER SYSTEM SET {setting} = '{}/{file}'", folder.display()));
    }
    server.exec("postgres", "ALTER SYSTEM SET ssl = on");
    std::fs::write(folder.join("data/pg_hba.conf"), "hostssl all all all trust\nlocal all all trust\n").unwrap();
    server.exec("postgres", "SELECT pg_reload_conf()");

    let (ca, other) = (path(&certificates, "ca.pem"), path(&certificates, "other.pem"));
    for options in [String::new(), "sslmode=prefer".into(), "sslmode=allow".into(), "sslmode=require".into()] {
        connect(&url("127.0.0.1", &options)).unwrap_or_else(|error| panic!("{options}: {error}"));
    }
    assert_says(&connect(&url("127.0.0.1", "sslmode=disable")).unwrap_err(), &["pg_hba.conf"]);
    // The certificate names localhost and not 127.0.0.1.
    connect(&url("localhost", &format!("sslmode=verify-full&sslrootcert={ca}"))).unwrap();
    connect(&url("127.0.0.1", &format!("sslmode=verify-ca&sslrootcert={ca}"))).unwrap();
    connect(&url("127.0.0.1", &format!("sslmode=require&sslrootcert={ca}"))).unwrap();
    for options in [
        format!("sslmode=verify-full&sslrootcert={ca}"),
        format!("sslmode=verify-ca&sslrootcert={other}"),
        format!("sslmode=require&sslrootcert={other}"),
        "sslmode=verify-ca".to_owned(),
        "ssl=true".to_owned(),
    ] {
        let error = connect(&url("127.0.0.1", &options)).expect_err(&options);
        assert!(matches!(error, ClaimError::Connect { .. }), "{options}: {error:?}");
        assert_says(&error, &["certificate", "sslrootcert"]);
    }
    let missing = connect(&url("localhost", "sslmode=verify-full&sslrootcert=/no/such.pem")).unwrap_err();
    assert_says(&missing, &["/no/such.pem"]);
}

#[test]
fn mariadb_is_verified_as_far_as_asked() {
    let Some(certificates) = certificates() else { return };
    let Some(server) = MariaDb::start_with(&[
        &format!("--ssl-cert={}", path(&certificates, "cert.pem")),
        &format!("--ssl-key={}", path(&certificates, "key.pem")),
        &format!("--ssl-ca={}", path(&certificates, "ca.pem")),
    ]) else {
        return skip("no mariadb");
    };
    server.exec("mysql", "CREATE USER strict@'%' REQUIRE SSL");
    let port = server.port();
    let url = |host: &str, options: &str| format!("mysql://strict@{host}:{port}/information_schema?{options}");
    let (ca, other) = (path(&certificates, "ca.pem"), path(&certificates, "other.pem"));
    for options in ["", "ssl_mode=PREFERRED", "ssl-mode=REQUIRED", "ssl=true"] {
        connect(&url("127.0.0.1", options)).unwrap_or_else(|error| panic!("{options}: {error}"));
    }
    assert_says(&connect(&url("127.0.0.1", "ssl_mode=DISABLED")).unwrap_err(), &["Access denied"]);
    connect(&url("localhost", &format!("ssl_mode=VERIFY_IDENTITY&ssl_ca={ca}"))).unwrap();
    connect(&url("localhost", &format!("ssl_ca={ca}"))).unwrap();
    for (host, options) in [
        ("127.0.0.1", format!("ssl_mode=VERIFY_IDENTITY&ssl_ca={ca}")),
        ("localhost", format!("ssl_mode=VERIFY_CA&ssl_ca={other}")),
        ("localhost", "ssl_mode=VERIFY_IDENTITY".to_owned()),
    ] {
        let error = connect(&url(host, &options)).expect_err(&options);
        assert_says(&error, &["certificate", "ssl_ca"]);
    }
}
