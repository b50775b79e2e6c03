use super::*;

fn calm<'a>() -> Situation<'a> {
    Situation {
        phase: Phase::Hide,
        store: "/srv/audio",
        binding: &Binding::Bound,
        bound_databases: &[],
        databases: &[],
        replicas: &[],
        incomplete: &[],
        files: 1_000,
        explained_files: 900,
        missing: 0,
        files_named_after_owner: 0,
        removals: 100,
        removal_bytes: 1_000_000,
        hidden_recently: 0,
    }
}

fn codes(situation: &Situation<'_>) -> Vec<Code> {
    codes_with(situation, &Limits::default())
}

fn codes_with(situation: &Situation<'_>, limits: &Limits) -> Vec<Code> {
    judge(situation, limits).into_iter().map(|r| r.code).collect()
}

#[test]
fn an_ordinary_clean_up_passes() {
    assert_eq!(codes(&calm()), []);
    assert_eq!(codes(&Situation { files: 0, explained_files: 0, removals: 0, ..calm() }), []);
}

#[test]
fn unexplained_files_are_refused_unless_few() {
    let unexplained = Situation { explained_files: 49, removals: 400, ..calm() };
    assert_eq!(codes(&unexplained), [Code::G001]);
    assert_eq!(codes(&Situation { explained_files: 50, removals: 400, ..calm() }), []);
    let few = Situation { files: 20, explained_files: 0, removals: 20, ..calm() };
    assert_eq!(codes(&few), []);
    assert_eq!(codes(&Situation { hidden_recently: 1, ..few.clone() }), [Code::G001, Code::G003]);
    assert_eq!(codes(&Situation { phase: Phase::Purge, removals: 3, ..few }), [Code::G001], "purging has no floor");
}

#[test]
fn the_host_s_mismatch_is_named() {
    let mismatch = Situation { explained_files: 0, files_named_after_owner: 990, missing: 990, ..calm() };
    let refusal = judge(&mismatch, &Limits::default()).remove(0);
    assert!(refusal.likely.contains("under the row's identifier"), "{refusal:?}");
    assert!(refusal.next.contains("{id}{ext(audio_filename)}"), "{refusal:?}");
}

#[test]
fn a_large_share_is_refused() {
    assert_eq!(codes(&Situation { removals: 500, ..calm() }), []);
    assert_eq!(codes(&Situation { removals: 501, ..calm() }), [Code::G003]);
    assert_eq!(codes(&Situation { removals: 501, phase: Phase::Purge, ..calm() }), []);
}

#[test]
fn absolute_limits_have_no_floor() {
    let limits = Limits { max_files: Some(5), ..Limits::default() };
    assert_eq!(codes_with(&Situation { removals: 6, ..calm() }, &limits), [Code::G003]);
    assert_eq!(codes_with(&Situation { removals: 5, ..calm() }, &limits), []);
    let limits = Limits { max_bytes: Some(999), ..Limits::default() };
    assert_eq!(codes_with(&Situation { removals: 1, ..calm() }, &limits), [Code::G003]);
}

#[test]
fn wrong_stores_and_databases_are_refused_and_cannot_be_approved() {
    let missing = Binding::MarkerMissing { noted: "s1".into(), note: "/state/n.json".into() };
    assert_eq!(codes(&Situation { binding: &missing, ..calm() }), [Code::G002]);
    let foreign = Binding::MarkerForeign { noted: "s1".into(), note: "/state/n.json".into(), found: "s2".into() };
    assert_eq!(codes(&Situation { binding: &foreign, ..calm() }), [Code::G002]);
    let database =
        |name: &str| DatabaseIdentity { engine: "sqlite".into(), server: "/srv".into(), database: name.into() };
    let (bound, read) = ([database("app.db")], [database("staging.db")]);
    let other = Situation { bound_databases: &bound, databases: &read, ..calm() };
    assert_eq!(codes(&other), [Code::G004]);
    assert_eq!(codes(&Situation { databases: &bound, ..other.clone() }), []);
    assert_eq!(codes(&Situation { databases: &bound, replicas: &bound, ..other }), [Code::G004]);
    let incomplete = ["private: permission denied".to_owned()];
    assert_eq!(codes(&Situation { incomplete: &incomplete, removals: 0, ..calm() }), [Code::G008]);
    for code in [Code::G002, Code::G004, Code::G008] {
        assert!(!code.is_approvable());
    }
}
