use proptest::prelude::*;

use super::*;

fn relation(claimed: &str, file: &str) -> Option<Relation> {
    Variants::default().relation(claimed.as_bytes(), file.as_bytes())
}

#[test]
fn a_claim_covers_its_variants_and_what_is_still_written() {
    assert_eq!(relation("a.m4a", "a.m4a"), Some(Relation::Same));
    assert_eq!(relation("a.m4a", "a_processed.mp3"), Some(Relation::Variant));
    assert_eq!(relation("a.m4a", "a.m4a.part"), Some(Relation::InProgress));
    assert_eq!(relation("a.m4a", "a_processed.mp3.tmp"), Some(Relation::InProgress));
    assert_eq!(relation("a_processed.mp3", "a.m4a"), Some(Relation::Sibling));
    assert_eq!(relation("a_processed.mp3", "a_processed_processed.mp3"), Some(Relation::Variant));
}

#[test]
fn strangers_stay_strangers() {
    for (claimed, file) in [
        ("a.m4a", "b.m4a"),
        ("a.m4a", "a.mp3"),
        ("a.m4a", "ab_processed.mp3"),
        ("a.m4a", "x/a_processed.mp3"),
        ("a.m4a", "_processed.mp3"),
        ("a.m4a.part", "a.mp3"),
        ("a.m4a.part", "b.m4a"),
    ] {
        assert_eq!(relation(claimed, file), None, "{claimed} {file}");
    }
}

#[test]
fn a_claim_on_a_name_in_progress_means_what_it_becomes_too() {
    for file in ["a.m4a", "a_processed.mp3", "a_processed.mp3.part", "a.m4a.tmp", "a.m4a_processed.mp3"] {
        assert_eq!(relation("a.m4a.part", file), Some(Relation::Sibling), "{file}");
    }
    assert_eq!(relation("a_processed.mp3.tmp", "a.m4a"), Some(Relation::Sibling));
    assert_eq!(relation("a.part", "a_processed.mp3"), Some(Relation::Sibling));
    assert_eq!(relation("a.m4a.part", "a.m4a.part"), Some(Relation::Same));
    assert_eq!(relation("a.m4a.part", "a.m4a.part.tmp"), Some(Relation::InProgress));
}

#[test]
fn patterns_need_a_stem_and_something_more() {
    for bad in ["{stem}", "processed.mp3", "{stem}/{x}", "a/{stem}.mp3"] {
        assert!(VariantPattern::try_from(bad.to_owned()).is_err(), "{bad}");
    }
}

proptest! {
    // The index finds relatives by group, so a relation across groups would go unseen.
    #[test]
    fn relatives_share_a_group(
        claimed in "(d/)?[ab]{1,2}(_processed)?(_processed)?(\\.mp3|\\.m4a)?(\\.tmp|\\.part)?",
        file in "(d/)?[ab]{1,2}(_processed)?(_processed)?(\\.mp3|\\.m4a)?(\\.tmp|\\.part)?",
    ) {
        let variants = Variants::default();
        let (claimed, file) = (claimed.as_bytes(), file.as_bytes());
        if variants.relation_of_folded(claimed, file).is_some() {
            let of_claim: Vec<_> = variants.groups(claimed).collect();
            prop_assert!(variants.groups(file).any(|g| of_claim.contains(&g)));
        }
    }
}
