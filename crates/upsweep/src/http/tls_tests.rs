use super::*;

/// A certificate for localhost and its key, each in a file of this name below `dir`.
pub(crate) fn made(dir: &Path, name: &str) -> TlsFiles {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let files = TlsFiles { cert: dir.join(format!("{name}.pem")), key: dir.join(format!("{name}.key")) };
    std::fs::write(&files.cert, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    files
}

#[test]
fn what_is_wrong_with_the_files_is_said_with_their_names_and_without_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (made(dir.path(), "one"), made(dir.path(), "two"));
    assert!(load(&one).is_ok());
    let wrong = |cert: &Path, key: &Path| {
        let said = load(&TlsFiles { cert: cert.to_owned(), key: key.to_owned() });
        let said = format!("{:#}", said.err().unwrap());
        let secret = std::fs::read_to_string(&one.key).unwrap();
        assert!(secret.lines().all(|line| !said.contains(line)), "{said}");
        said
    };
    let missing = wrong(&dir.path().join("none.pem"), &one.key);
    assert!(missing.contains("tls_cert_file") && missing.contains("none.pem") && missing.contains("cannot be read"));
    let swapped = wrong(&one.key, &one.cert);
    assert!(swapped.contains("one.key: holds no certificate"), "{swapped}");
    let no_key = wrong(&one.cert, &one.cert);
    assert!(no_key.contains("tls_key_file") && no_key.contains("holds no private key"), "{no_key}");
    let strangers = wrong(&one.cert, &two.key);
    assert!(strangers.contains("do not belong together"), "{strangers}");
    let broken = dir.path().join("broken.key");
    let half: String = std::fs::read_to_string(&one.key).unwrap().lines().take(2).collect::<Vec<_>>().join("\n");
    std::fs::write(&broken, half).unwrap();
    assert!(wrong(&one.cert, &broken).contains("broken.key"));
}
