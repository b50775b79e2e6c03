use jiff::SignedDuration;

use super::*;

const NOW: &str = "2026-11-10T12:00:00Z";

fn read_as(is_admin: bool, query: &[(&str, &str)]) -> Result<Params, Problem> {
    let pairs: Vec<_> = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Params::read(&pairs, is_admin, NOW.parse().unwrap())
}

fn read(query: &[(&str, &str)]) -> Params {
    read_as(true, query).unwrap()
}

#[track_caller]
fn refused(query: &[(&str, &str)]) -> String {
    let problem = read_as(true, query).unwrap_err();
    assert_eq!(problem.code(), Code::InvalidParameter);
    problem.detail().to_owned()
}

#[test]
fn a_call_is_real_unless_it_says_otherwise() {
    assert_eq!(read(&[]), Params::default());
    assert!(!read(&[]).dry_run);
    for value in ["true", "True", "TRUE", "1", "yes", "Yes", "on", "ON"] {
        assert!(read(&[("dry_run", value)]).dry_run, "{value}");
    }
    for value in ["false", "False", "0", "no", "NO", "off"] {
        assert!(!read(&[("dry_run", value)]).dry_run, "{value}");
    }
    for value in ["", "2", "maybe", "tru", " true", "null"] {
        let detail = refused(&[("dry_run", value)]);
        assert!(detail.starts_with(&format!("dry_run={value}: ")), "{detail}");
    }
}

#[test]
fn what_is_given_twice_is_refused_even_if_it_agrees() {
    for name in ["dry_run", "after", "before", "reason"] {
        assert!(refused(&[(name, "1"), (name, "1")]).contains("more than once"), "{name}");
    }
}

#[test]
fn unknown_parameters_are_ignored_unless_they_look_like_a_known_one() {
    assert_eq!(read(&[("page", "2"), ("_", "1731240000"), ("verbose", "true"), ("order", "x")]), Params::default());
    for (typed, meant) in [
        ("dryrun", "dry_run"),
        ("dry-run", "dry_run"),
        ("DRY_RUN", "dry_run"),
        ("dryRun", "dry_run"),
        ("dry_run[]", "dry_run"),
        ("dry", "dry_run"),
        ("dr_run", "dry_run"),
        ("drt_rum", "dry_run"),
        ("After", "after"),
        ("afer", "after"),
        ("befor", "before"),
        ("allows", "allow"),
        ("reasons", "reason"),
    ] {
        let detail = refused(&[(typed, "true")]);
        assert!(detail.ends_with(&format!("did you mean {meant}?")), "{typed}: {detail}");
    }
}

#[test]
fn times_are_written_as_on_the_command_line() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let params = read(&[("after", "2026-11-01T00:00:00+01:00"), ("before", "36h")]);
    assert_eq!(params.after, Some(at("2026-10-31T23:00:00Z")));
    assert_eq!(params.before, Some(at(NOW) - SignedDuration::from_hours(36)));
    let midnight = "2026-11-01".parse::<jiff::civil::Date>().unwrap();
    let midnight = TimeZone::system().to_timestamp(midnight.at(0, 0, 0, 0)).unwrap();
    assert_eq!(read(&[("before", "2026-11-01")]).before, Some(midnight), "a day begins here");
    for value in ["", "yesterday", "2026-13-01", "2026-11-01T12:00", "1731240000"] {
        assert!(refused(&[("after", value)]).starts_with(&format!("after={value}: ")), "{value}");
    }
    assert!(refused(&[("after", "2026-11-01T00:00:00 01:00")]).contains("%2B"));
}

#[test]
fn only_an_admin_who_says_why_overrules_guards_and_only_some_of_them() {
    let codes = |params: Params| params.approval.map(|approval| (approval.codes, approval.reason));
    let expected = Some((BTreeSet::from([Guard::G001, Guard::G003]), "old imports".to_owned()));
    assert_eq!(codes(read(&[("allow", "G001,g003"), ("reason", " old imports ")])), expected);
    assert_eq!(codes(read(&[("allow", "G003"), ("reason", "old imports"), ("allow", "G001")])), expected);
    for list in ["G001", "G002", "nonsense", ""] {
        let problem = read_as(false, &[("allow", list), ("reason", "old imports")]).unwrap_err();
        assert_eq!(problem.code(), Code::NotPermitted, "{list}");
    }
    for guard in ["G002", "G004", "G008", "G009"] {
        let detail = refused(&[("allow", guard), ("reason", "old imports")]);
        assert!(detail.contains(&format!("{guard} cannot be overruled")), "{detail}");
    }
    assert!(refused(&[("allow", "G001,G999"), ("reason", "x")]).contains("'G999' is no guard"));
    assert!(refused(&[("allow", ""), ("reason", "x")]).starts_with("allow=: "));
    assert!(refused(&[("allow", "G001")]).starts_with("reason=: "));
    assert!(refused(&[("allow", "G001"), ("reason", "  ")]).contains("say why"));
    assert_eq!(read_as(false, &[("reason", "old imports")]).unwrap(), Params::default(), "nothing is overruled");
}
