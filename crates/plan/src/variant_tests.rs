use proptest::prelude::*;

use super::*;
use crate::glob::Piece;
use crate::group_index::Scope;
use crate::listing::Names;
use crate::pattern_index::PatternIndex;
use crate::standing::{Standing, Worth};

const NAME: &str = "(d/)?(t_)?[ab]{1,2}(_processed)?(_processed)?(\\.mp3|\\.m4a)?(\\.tmp|\\.part)?";

/// The usual variants, and some whose names begin otherwise or end in nothing special.
fn many() -> Variants {
    let more = ["{stem}.mp3", "t_{stem}.m4a", "t_{stem}"].map(|text| text.to_owned().try_into().unwrap());
    let mut variants = Variants::default();
    variants.patterns.extend(more);
    variants
}

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

fn reaches(variants: &Variants, glob: &Glob, file: &str) -> bool {
    let mut names = Names::default();
    names.push(file.as_bytes());
    !PatternIndex::new(&names, variants, Scope::Path).offer(glob, Worth::of(Standing::Live, false)).is_empty()
}

#[test]
fn a_pattern_ends_in_an_extension_whatever_files_in_progress_are_called() {
    let variants = Variants { in_progress: vec![], ..Variants::default() };
    let glob = Glob::new([Piece::Literal(b"7.".to_vec()), Piece::Any]);
    assert!(reaches(&variants, &glob, "7_processed.mp3") && !reaches(&variants, &glob, "77_processed.mp3"));
}

proptest! {
    // The index finds relatives by group, so a relation across groups would go unseen.
    #[test]
    fn relatives_share_a_group(claimed in NAME, file in NAME) {
        let variants = many();
        let (claimed, file) = (claimed.as_bytes(), file.as_bytes());
        if variants.relation_of_folded(claimed, file).is_some() {
            let of_claim: Vec<_> = variants.groups(claimed).collect();
            prop_assert!(variants.groups(file).any(|g| of_claim.contains(&g)));
        }
    }

    // A pattern is a claim on each of its names.
    #[test]
    fn a_pattern_reaches_what_its_names_reach(claimed in NAME, file in NAME, gap in any::<[prop::sample::Index; 2]>()) {
        let variants = many();
        let mut gap = gap.map(|at| at.index(claimed.len() + 1));
        gap.sort_unstable();
        let literal = |text: &str| Piece::Literal(text.as_bytes().to_vec());
        let glob = Glob::new([literal(&claimed[..gap[0]]), Piece::Any, literal(&claimed[gap[1]..])]);
        prop_assert!(claimed[gap[0]..gap[1]].contains('/') || glob.matches(claimed.as_bytes()));
        let reached = reaches(&variants, &glob, &file);
        let related = variants.relation_of_folded(claimed.as_bytes(), file.as_bytes()).is_some();
        prop_assert!(reached || !related || claimed[gap[0]..gap[1]].contains('/'), "{glob:?}");
    }
}
