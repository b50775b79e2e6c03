use super::*;

fn plan() -> Plan {
    let created_at: Timestamp = "2026-11-01T03:00:00Z".parse().unwrap();
    Plan {
        format: FORMAT,
        id: "p1".into(),
        created_at,
        expires_at: created_at + VALID_FOR,
        store: StoreRef { address: "/srv/audio".into(), id: Some("s1".into()) },
        databases: vec![database("app.db")],
        policy: Policy::classic(),
        selection: Selection::default(),
        quarantine_secs: 604_800,
        survey: SurveyFacts::default(),
        incomplete: vec![],
        removals: vec![],
        totals: BTreeMap::new(),
        audio: BTreeMap::new(),
        audio_millis: 0,
        kept: Kept::default(),
        restores: vec![],
        held: vec![],
        relinks: vec![],
        near_misses: vec![],
        errors: vec![],
        refusals: vec![],
        hash: String::new(),
    }
    .sealed()
}

fn database(name: &str) -> DatabaseIdentity {
    DatabaseIdentity { engine: "sqlite".into(), server: "/srv".into(), database: name.into() }
}

fn check(plan: &Plan, now: &str) -> Result<(), PlanError> {
    let store = StoreRef { address: "/elsewhere".into(), id: Some("s1".into()) };
    plan.check(&store, &[database("app.db")], &Policy::classic(), now.parse().unwrap())
}

#[test]
fn a_saved_plan_comes_back_whole() {
    let json = serde_json::to_vec_pretty(&plan()).unwrap();
    assert_eq!(Plan::read(&json).unwrap(), plan());
}

#[test]
fn any_altered_byte_is_noticed() {
    let json = serde_json::to_string(&plan()).unwrap();
    let altered = json.replace("\"claimed\":0", "\"claimed\":1");
    assert_ne!(altered, json);
    assert_eq!(Plan::read(altered.as_bytes()), Err(PlanError::Altered));
    assert!(matches!(Plan::read(&json.as_bytes()[..json.len() / 2]), Err(PlanError::Unreadable(_))));
    let newer = json.replacen("\"format\":1", "\"format\":9", 1);
    assert_eq!(Plan::read(newer.as_bytes()), Err(PlanError::Format { found: 9 }));
}

#[test]
fn a_plan_lives_a_day() {
    assert_eq!(check(&plan(), "2026-11-02T02:59:59Z"), Ok(()));
    assert!(matches!(check(&plan(), "2026-11-02T03:00:00Z"), Err(PlanError::Stale { .. })));
    assert!(matches!(check(&plan(), "2026-10-31T03:00:00Z"), Err(PlanError::FromTheFuture { .. })));
}

#[test]
fn a_plan_belongs_to_one_store_one_database_and_one_set_of_rules() {
    let now = "2026-11-01T04:00:00Z".parse().unwrap();
    let here = StoreRef { address: "/srv/audio".into(), id: Some("s2".into()) };
    let foreign = plan().check(&here, &[database("app.db")], &Policy::classic(), now);
    assert!(matches!(foreign, Err(PlanError::Foreign { .. })));
    let here = StoreRef { id: Some("s1".into()), ..here };
    let foreign = plan().check(&here, &[database("staging.db")], &Policy::classic(), now);
    assert!(matches!(foreign, Err(PlanError::Foreign { .. })));
    let policy = Policy { orphan_retention_secs: 3600, ..Policy::classic() };
    let changed = plan().check(&here, &[database("app.db")], &policy, now).unwrap_err().to_string();
    assert!(changed.contains("orphaned_file_retention_hours was 24 h, is now 1 h"), "{changed}");
}
