//! What makes a secret that nobody guesses.

use anyhow::bail;

use crate::config::Secret;

/// HS256 is as strong as its key, and its key should be as long as its hash.
const LENGTH_MIN: usize = 32;

/// What templates and tutorials have in its place.
const WELL_KNOWN: [&str; 8] = [
    "your-secret",
    "your_secret",
    "change-me",
    "changeme",
    "change_me",
    "change-this",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    // An example of ours, once.
    "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
];

/// Fewer different characters are a word, over and over.
const DIFFERENT_MIN: usize = 8;

const ADVICE: &str = "make a good one with: openssl rand -hex 32, and give it to the application as well";

/// Refuses a secret that can be guessed, unless that is wanted; never one that is public.
pub(super) fn check(secret: &Secret, insecure_dev: bool) -> anyhow::Result<()> {
    let text = secret.reveal();
    if text.contains("-----BEGIN") {
        bail!(
            "jwt_secret_key holds a key in PEM form, and anybody may know a public key; name its file in jwt_public_key_file, and its algorithm in jwt_algorithm"
        );
    }
    let Some(weakness) = weakness(text) else { return Ok(()) };
    if insecure_dev {
        tracing::warn!("jwt_secret_key {weakness}: whoever guesses it is admin here");
        return Ok(());
    }
    bail!("jwt_secret_key {weakness}; {ADVICE} (--insecure-dev goes on with this one)")
}

fn weakness(text: &str) -> Option<String> {
    if text.len() < LENGTH_MIN {
        return Some(format!("is {} bytes long, and must have at least {LENGTH_MIN}", text.len()));
    }
    let lower = text.to_ascii_lowercase();
    let different: std::collections::BTreeSet<u8> = text.bytes().collect();
    let is_known = WELL_KNOWN.iter().any(|known| lower.contains(known)) || different.len() < DIFFERENT_MIN;
    is_known.then(|| "is one that everybody knows".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::testing::config;
    use super::*;

    fn checked(text: &str, insecure_dev: bool) -> Result<(), String> {
        let secret = config(&[("JWT_SECRET_KEY", text)]).service.tokens.secret.unwrap();
        check(&secret, insecure_dev).map_err(|error| error.to_string())
    }

    #[test]
    fn a_secret_that_can_be_guessed_is_refused_with_the_command_for_a_better_one() {
        let short = checked("0123456789abcdef0123456789abcde", false).unwrap_err();
        assert!(short.contains("is 31 bytes long") && short.contains("openssl rand -hex 32"), "{short}");
        assert!(!short.contains("0123"), "it is a secret all the same: {short}");
        assert_eq!(checked("0123456789abcdef0123456789abcdef", false), Ok(()));
        for known in [
            "your-secret-key-change-in-production",
            "please-CHANGE-ME-please-please-please",
            "secretsecretsecretsecretsecretsecret",
            "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
        ] {
            assert!(checked(known, false).unwrap_err().contains("everybody knows"), "{known}");
            assert_eq!(checked(known, true), Ok(()), "{known}");
        }
        assert_eq!(checked("dev", true), Ok(()));
    }

    #[test]
    fn no_secret_of_the_documents_is_accepted() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let docs = std::fs::read_dir(format!("{root}/docs")).unwrap().map(|entry| entry.unwrap().path());
        let others =
            [".env.example", "README.md", "contrib/upsweep.service"].map(|name| format!("{root}/{name}").into());
        let given = regex::Regex::new(r#"(?i)(?:jwt_secret_key|secret_key)\s*=\s*["']?([^\s"'`|,]+)"#).unwrap();
        let mut found = 0;
        for path in docs.chain(others) {
            let text = std::fs::read_to_string(&path).unwrap();
            for (_, [secret]) in given.captures_iter(&text).map(|captures| captures.extract()) {
                // What a shell would put there is none of the document.
                if secret.starts_with('$') || secret.starts_with('…') {
                    continue;
                }
                assert!(checked(secret, false).is_err(), "{}: {secret}", path.display());
                found += 1;
            }
        }
        assert!(found >= 1);
        assert!(checked(&"0f1e2d3c4b5a69788796a5b4c3d2e1f0".repeat(2), false).is_err());
    }

    #[test]
    fn a_public_key_is_no_secret_whatever_is_allowed() {
        let pem = "-----BEGIN PUBLIC KEY-----MCowBQYDK2VwAyEA-----END PUBLIC KEY-----";
        assert!(checked(pem, false).unwrap_err().contains("jwt_public_key_file"));
        assert!(checked(pem, true).unwrap_err().contains("jwt_public_key_file"));
    }
}
