use super::*;

const NOW: i64 = 1_800_000_000;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(secs).unwrap()
}

fn calm<'a>() -> Situation<'a> {
    Situation {
        phase: Phase::Hide,
        strict: false,
        store: "/srv/audio",
        binding: &Binding::Bound,
        honours_preconditions: true,
        bound_databases: &[],
        databases: &[],
        replicas: &[],
        incomplete: &[],
        clocks: &[],
        now: at(NOW),
        last_entry: Some(at(NOW - 86_400)),
        before: Some(Before { at: at(NOW - 86_400), live: 900, missing: 40 }),
        files: 1_000,
        explained_files: 900,
        live_files: 900,
        missing: 40,
        missing_expected: 0,
        relinkable: 0,
        claimed_before: 0,
        files_named_after_owner: 0,
        vanishing: &[],
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

#[test]
fn vanished_claims_are_refused() {
    // 449 of the 900 live claims that had files are left, with or without their files.
    let lost = Situation { live_files: 400, missing_expected: 49, explained_files: 400, ..calm() };
    assert_eq!(codes(&lost), [Code::G005]);
    assert_eq!(codes(&Situation { missing_expected: 50, ..lost.clone() }), []);
    assert_eq!(codes(&Situation { before: None, ..lost.clone() }), [], "nothing to compare with");
    assert_eq!(codes(&Situation { removals: 20, ..lost.clone() }), [], "little can be undone");
    assert_eq!(codes(&Situation { removals: 20, phase: Phase::Purge, ..lost.clone() }), [Code::G005]);
    assert_eq!(codes(&Situation { removals: 20, strict: true, ..lost.clone() }), [Code::G005]);
    let few = Some(Before { at: at(NOW), live: 3, missing: 0 });
    let small = Situation { before: few, live_files: 1, missing: 0, ..calm() };
    assert_eq!(codes(&small), [], "two claims less are no alarm");
    assert_eq!(codes(&Situation { phase: Phase::Purge, ..small }), [Code::G005]);
}

#[test]
fn vanished_files_are_refused() {
    let gone = Situation { missing: 81, ..calm() };
    assert_eq!(codes(&gone), [Code::G005]);
    assert_eq!(codes(&Situation { missing: 80, ..calm() }), []);
    let before = Some(Before { at: at(NOW), live: 900, missing: 0 });
    assert_eq!(codes(&Situation { missing: 20, before, ..calm() }), []);
    assert_eq!(codes(&Situation { missing: 21, before, ..calm() }), [Code::G005]);
}

#[test]
fn folders_that_would_vanish_are_refused() {
    let vanishing = [Vanishing { files: 60, folder: "2019".into() }];
    let whole = Situation { vanishing: &vanishing, ..calm() };
    assert_eq!(codes(&whole), [Code::G006]);
    assert!(judge(&whole, &Limits::default())[0].next.contains("exclude = [\"2019\"]"));
    assert_eq!(codes(&Situation { phase: Phase::Purge, ..whole.clone() }), []);
    assert_eq!(codes(&Situation { removals: 20, ..whole }), []);
}

#[test]
fn clocks_that_disagree_are_refused() {
    let reading =
        |said: i64| [ClockReading { of: "db".into(), said: at(said), asked: at(NOW - 60), answered: at(NOW) }];
    for (said, expected) in [
        (NOW - 30, &[][..]),
        (NOW + 300, &[]),
        (NOW - 360, &[]),
        (NOW + 301, &[Code::G007]),
        (NOW - 361, &[Code::G007]),
    ] {
        assert_eq!(codes(&Situation { clocks: &reading(said), ..calm() }), expected, "{}", said - NOW);
    }
    assert_eq!(codes(&Situation { last_entry: Some(at(NOW + 301)), ..calm() }), [Code::G007]);
    assert_eq!(codes(&Situation { last_entry: Some(at(NOW + 300)), ..calm() }), []);
    assert_eq!(codes(&Situation { last_entry: None, ..calm() }), []);
}

#[test]
fn claimed_files_that_became_orphans_are_refused() {
    let lost = Situation { claimed_before: 46, ..calm() };
    assert_eq!(codes(&lost), [Code::G010]);
    assert_eq!(codes(&Situation { claimed_before: 45, ..calm() }), [], "five in a hundred");
    let small =
        Situation { before: Some(Before { at: at(NOW), live: 30, missing: 0 }), live_files: 28, missing: 0, ..calm() };
    assert_eq!(codes(&Situation { claimed_before: 2, ..small.clone() }), [], "little can be undone");
    assert_eq!(codes(&Situation { claimed_before: 2, phase: Phase::Purge, ..small.clone() }), [Code::G010]);
    assert_eq!(codes(&Situation { claimed_before: 2, hidden_recently: 19, ..small }), [Code::G010]);
    assert_eq!(codes(&Situation { claimed_before: 21, phase: Phase::Purge, before: None, ..calm() }), []);
}

#[test]
fn stores_that_ignore_preconditions_are_refused_for_good() {
    let careless = Situation { honours_preconditions: false, removals: 1, ..calm() };
    assert_eq!(codes(&careless), [Code::G009]);
    assert_eq!(codes(&Situation { phase: Phase::Purge, ..careless }), [Code::G009]);
    assert!(!Code::G009.is_approvable());
}

#[test]
fn a_doubtful_survey_is_no_baseline_even_below_the_floor() {
    let limits = Limits::default();
    assert!(may_be_baseline(&calm(), &limits, &[]));
    let empty = Situation { explained_files: 0, removals: 0, ..calm() };
    assert_eq!(codes(&empty), []);
    assert!(!may_be_baseline(&empty, &limits, &[]));
    assert!(may_be_baseline(&empty, &limits, &[Code::G001]), "somebody said that it is right");
    let lost = Situation { live_files: 400, removals: 3, ..calm() };
    assert_eq!(codes(&lost), []);
    assert!(!may_be_baseline(&lost, &limits, &[]));
}
