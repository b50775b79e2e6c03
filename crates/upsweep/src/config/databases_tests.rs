use super::super::tests::{message, sources, with_toml};
use super::super::{Config, Sources, show};

const BILLING: &str = "[[databases]]\nname = \"billing\"\nurl_env = \"BILLING_DATABASE_URL\"\n";

fn rule(database: &str) -> String {
    format!("[[claims]]\nname = \"x\"\ndatabase = \"{database}\"\ntable = \"t\"\nkey = \"{{f}}\"\n")
}

fn urls(config: &Config) -> Vec<(&str, &str)> {
    config.databases.iter().map(|database| (database.name.as_str(), database.url.as_deref().unwrap_or("-"))).collect()
}

#[test]
fn the_first_is_the_one_of_database_url() {
    let env = [("DATABASE_URL", "sqlite:///a.db"), ("BILLING_DATABASE_URL", "sqlite:///b.db")];
    let config = with_toml(BILLING, &env).unwrap();
    assert_eq!(urls(&config), [("main", "sqlite:///a.db"), ("billing", "sqlite:///b.db")]);
    let config = with_toml(BILLING, &env[1..]).unwrap();
    assert_eq!(urls(&config), [("billing", "sqlite:///b.db")], "without it they are all there is");
    let config = with_toml(&format!("{BILLING}{}", rule("billing")), &env).unwrap();
    assert_eq!(config.policy.claim_rules[0].database.as_deref(), Some("billing"));
}

#[test]
fn url_env_is_read_from_the_environment_before_dotenv() {
    let dir = tempfile::tempdir().unwrap();
    let (file, dotenv) = (dir.path().join("upsweep.toml"), dir.path().join(".env"));
    std::fs::write(&file, BILLING).unwrap();
    std::fs::write(&dotenv, "BILLING_DATABASE_URL=sqlite:///dotenv.db\n").unwrap();
    let load = |env: &[(&str, &str)]| {
        Config::load(&Sources { file: Some(file.clone()), dotenv: Some(dotenv.clone()), ..sources(env) }).unwrap()
    };
    assert_eq!(urls(&load(&[])), [("billing", "sqlite:///dotenv.db")]);
    assert_eq!(urls(&load(&[("BILLING_DATABASE_URL", "sqlite:///env.db")])), [("billing", "sqlite:///env.db")]);
}

#[test]
fn a_variable_that_is_not_set_is_a_mistake_but_does_not_stop_what_needs_no_database() {
    let config = with_toml(BILLING, &[]).unwrap();
    assert_eq!(urls(&config), [("billing", "-")]);
    let said = config.databases[0].url().unwrap_err().to_string();
    assert!(said.contains("'billing' has no URL: BILLING_DATABASE_URL is not set"), "{said}");
}

#[test]
fn mistakes_are_named_with_a_way_out() {
    let main = [("DATABASE_URL", "sqlite:///a.db")];
    let said = |toml: &str| message(with_toml(toml, &main));
    let named = |name: &str, rest: &str| said(&format!("[[databases]]\nname = \"{name}\"\n{rest}"));
    assert!(named("b", "").contains("needs either url or url_env"));
    assert!(named("b", "url = \"x\"\nurl_env = \"Y\"").contains("needs either url or url_env"));
    assert!(named("main", "url = \"sqlite:///b.db\"").contains("is the name of database_url"));
    assert!(named("b", "url = \"sqlite:///a.db\"").contains("'main' and 'b' have one and the same URL"));
    assert!(named("b", "urll = \"x\"").contains("urll"));
    assert!(named("", "url = \"x\"").contains("empty name"));
    let b = "[[databases]]\nname = \"b\"\nurl = \"sqlite:///b.db\"\n";
    assert!(said(&format!("{b}{b}")).contains("appears twice"));
    let billing = "[[databases]]\nname = \"billing\"\nurl = \"sqlite:///b.db\"\n";
    let unknown = said(&format!("{billing}{}", rule("biling")));
    assert!(unknown.contains("there is no database 'biling'; did you mean billing?"), "{unknown}");
    let unknown = said(&format!("{billing}{}", rule("warehouse")));
    assert!(unknown.contains("the databases are main, billing"), "{unknown}");
    assert!(said("database = 1").contains("did you mean databases?"));
    assert!(said(&format!("isolated = true\n{BILLING}")).contains("isolated = true"));
}

#[test]
fn what_nobody_reads_is_worth_a_warning() {
    let billing = "[[databases]]\nname = \"billing\"\nurl = \"sqlite:///b.db\"\n";
    let warnings = |toml: &str| with_toml(toml, &[("DATABASE_URL", "sqlite:///a.db")]).unwrap().warnings;
    assert_eq!(warnings(billing), ["no claim rule reads the database 'billing'"]);
    assert_eq!(warnings(&format!("{billing}{}", rule("billing"))), ["no claim rule reads the database 'main'"]);
    assert!(warnings(&rule("main")).is_empty());
}

#[test]
fn without_any_database_rules_may_still_name_the_main_one() {
    assert!(with_toml(&rule("main"), &[]).unwrap().databases.is_empty());
    assert!(message(with_toml(&rule("billing"), &[])).contains("there is no database 'billing'"));
}

#[test]
fn their_passwords_are_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("upsweep.toml");
    let toml = "[[databases]]\nname = \"b\"\nurl_env = \"B_URL\"\n[[databases]]\nname = \"c\"\nurl = \"mysql://u:hunter2@h/c\"\n";
    std::fs::write(&file, toml).unwrap();
    let env = sources(&[("B_URL", "postgresql://app:hunter2@localhost/b")]);
    let shown = show(&Sources { file: Some(file), ..env }).unwrap();
    let text = serde_json::to_string(&shown).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    let b = shown.iter().find(|shown| shown.key == "databases.b").unwrap();
    assert_eq!(b.origin, "B_URL in the environment");
    assert!(b.value.as_deref().unwrap().contains("@localhost:5432/b"), "{b:?}");
}
