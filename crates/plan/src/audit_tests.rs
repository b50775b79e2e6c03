use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::Config;

use super::export::{FileFinding, FileVerifier, first_line, last_line, read_checkpoint};
use super::*;

const LEDGER: &str = "20261101-030000-7f3a9c";

fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap()
}

fn new_record() -> impl Strategy<Value = (i64, NewRecord)> {
    let text = || "[ -~äß\u{1}\u{2028}\"\\\\]{0,6}";
    let details = btree_map(text(), text(), 0..3);
    let parts = (proptest::option::of(text()), text(), "[a-z-]{1,9}", proptest::option::of(text()), details);
    (0..4_000_000_000_000_000_i64, parts).prop_map(|(micros, (run, actor, event, subject, details))| {
        (micros, NewRecord { run, actor, event, subject, details })
    })
}

fn chain(what: Vec<(i64, NewRecord)>) -> Vec<Record> {
    let mut head = Start::of_ledger(LEDGER).head();
    let mut records = Vec::new();
    for (micros, what) in what {
        let record = Record::after(&head, at(micros), what);
        head = record.head();
        records.push(record);
    }
    records
}

fn chains(least: usize) -> impl Strategy<Value = Vec<Record>> {
    vec(new_record(), least..7).prop_map(chain)
}

/// Five records, a second apart.
fn five() -> Vec<Record> {
    let record = |n: i64| NewRecord { actor: "anna".into(), event: "freed".into(), ..NewRecord::default() }.at(n);
    chain((1..=5).map(record).collect())
}

impl NewRecord {
    fn at(self, secs: i64) -> (i64, Self) {
        (secs * 1_000_000, self)
    }
}

fn whole(records: &[Record]) -> Result<Summary, Finding> {
    verify(records, Start::of_ledger(LEDGER), None)
}

fn file(records: &[Record]) -> String {
    let mut lines = vec![first_line(Start::of_ledger(LEDGER))];
    lines.extend(records.iter().map(Record::line));
    lines.push(last_line(records.last().unwrap().checkpoint(LEDGER)));
    lines.join("\n") + "\n"
}

fn check(file: &[u8], kept: Option<Checkpoint>) -> Result<Summary, String> {
    let mut verifier = FileVerifier::new(kept);
    let lines = file.strip_suffix(b"\n").unwrap_or(file).split(|byte| *byte == b'\n');
    lines.into_iter().try_for_each(|line| verifier.line(line)).map_err(|finding| finding.to_string())?;
    verifier.finish().map_err(|finding| finding.to_string())
}

proptest! {
    #![proptest_config(Config { cases: 64, ..Config::default() })]

    #[test]
    fn a_whole_chain_is_found_whole(records in chains(1)) {
        let last = records.last().unwrap();
        let summary = whole(&records).unwrap();
        prop_assert_eq!((summary.records, summary.last_seq), (records.len() as u64, last.seq));
        prop_assert_eq!(&summary.last_hash, &last.hash);
        for record in &records {
            prop_assert_eq!(Record::read(&record.line()), Ok(record.clone()));
            verify(&records, Start::of_ledger(LEDGER), Some(record.checkpoint(LEDGER))).unwrap();
        }
        prop_assert_eq!(check(file(&records).as_bytes(), None).unwrap(), summary);
    }

    #[test]
    fn any_altered_byte_is_found(records in chains(1), place: prop::sample::Index, byte: u8) {
        let mut bytes = file(&records).into_bytes();
        // Whether the very last newline is there says nothing.
        let place = place.index(bytes.len() - 1);
        prop_assume!(bytes[place] != byte);
        bytes[place] = byte;
        prop_assert!(check(&bytes, None).is_err(), "{}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_dropped_record_is_found(records in chains(2), place: prop::sample::Index) {
        let mut left = records.clone();
        let gone = left.remove(place.index(records.len()));
        let kept = records.last().unwrap().checkpoint(LEDGER);
        let finding = verify(&left, Start::of_ledger(LEDGER), Some(kept)).unwrap_err();
        prop_assert_eq!(finding.seq(), gone.seq);
        match finding {
            Finding::HeadCut { .. } => prop_assert_eq!(gone.seq, 1),
            Finding::TailCut { .. } => prop_assert_eq!(gone.seq, records.len() as u64),
            other => prop_assert!(matches!(other, Finding::Missing { .. }), "{}", other),
        }
    }

    #[test]
    fn any_two_swapped_records_are_found(records in chains(2), a: prop::sample::Index, b: prop::sample::Index) {
        let (a, b) = (a.index(records.len()), b.index(records.len()));
        let b = if a == b { (b + 1) % records.len() } else { b };
        let mut swapped = records.clone();
        swapped.swap(a, b);
        let finding = whole(&swapped).unwrap_err();
        prop_assert_eq!(finding.seq(), a.min(b) as u64 + 1, "{}", finding);
    }

    #[test]
    fn a_cut_tail_is_found_with_a_checkpoint(records in chains(2), left: prop::sample::Index) {
        let left = left.index(records.len());
        let kept = records.last().unwrap().checkpoint(LEDGER);
        let finding = verify(&records[..left], Start::of_ledger(LEDGER), Some(kept)).unwrap_err();
        prop_assert!(matches!(finding, Finding::TailCut { last, .. } if last == left as u64), "{}", finding);
        whole(&records[..left]).expect("without a checkpoint nobody can tell");
    }

    #[test]
    fn a_trail_written_anew_is_found_with_a_checkpoint(records in chains(1), other in chains(1)) {
        let kept = records.last().unwrap().checkpoint(LEDGER);
        prop_assume!(!other.starts_with(&records));
        verify(&other, Start::of_ledger(LEDGER), Some(kept)).unwrap_err();
    }
}

#[test]
fn each_finding_says_what_it_is() {
    let records = five();
    let start = || Start::of_ledger(LEDGER);
    let kept = |n: usize| Some(records[n - 1].checkpoint(LEDGER));
    let mut altered = records.clone();
    altered[2].actor = "berta".into();
    assert!(matches!(whole(&altered), Err(Finding::Altered { seq: 3, .. })));
    let rest: Vec<Record> = altered.split_off(2).into_iter().skip(1).collect();
    let replaced = Record::after(&altered[1].head(), at(9), NewRecord::default());
    let made_to_fit: Vec<Record> = altered.into_iter().chain([replaced]).chain(rest).collect();
    assert!(matches!(whole(&made_to_fit), Err(Finding::Unlinked { seq: 4, .. })));
    assert_eq!(whole(&records[1..]), Err(Finding::HeadCut { expected: 1, found: (2, Some(at(2_000_000))) }));
    let foreign = verify(&records, Start::of_ledger("another"), None);
    assert!(matches!(foreign, Err(Finding::Foreign { .. })), "{foreign:?}");
    let foreign = verify(&records, Start { ledger: "another".into(), ..start() }, None);
    assert!(matches!(foreign, Err(Finding::Foreign { .. })), "{foreign:?}");
    let foreign = verify(&records, start(), Some(records[4].checkpoint("another")));
    assert!(matches!(foreign, Err(Finding::Foreign { .. })), "{foreign:?}");
    let anchor = || Start { ledger: LEDGER.into(), seq: 2, hash: records[1].hash.clone() };
    assert_eq!(verify(&records[2..], anchor(), kept(2)).unwrap().first, Some((3, at(3_000_000))), "pruned, and whole");
    assert!(matches!(verify(&records[2..], anchor(), kept(1)), Err(Finding::HeadCut { found: (1, None), .. })));
    let other = Checkpoint { hash: "0".into(), ..kept(2).unwrap() };
    assert_eq!(verify(&records[2..], anchor(), Some(other)), Err(Finding::Rewritten { seq: 2, at: at(2_000_000) }));
    let other = Checkpoint { hash: "0".into(), ..kept(4).unwrap() };
    assert_eq!(verify(&records, start(), Some(other)), Err(Finding::Rewritten { seq: 4, at: at(4_000_000) }));
    let mut verifier = Verifier::new(start(), None).unwrap();
    verifier.line(&records[0].line()).unwrap();
    assert!(matches!(verifier.line("gibberish"), Err(Finding::Unreadable { after: 1, .. })));
}

#[test]
fn a_file_needs_its_first_and_its_last_line() {
    let text = file(&five());
    let lines: Vec<&str> = text.lines().collect();
    let found = |lines: &[&str]| check(lines.join("\n").as_bytes(), None).unwrap_err();
    assert!(found(&lines[1..]).contains("the first line"));
    assert!(found(&lines[..6]).contains("after record 5 the line with the checkpoint is missing"));
    assert!(found(&[&lines[..4], &lines[6..]].concat()).contains("records 4 to 5 are missing"));
    assert!(found(&[&lines[..7], &lines[5..6]].concat()).contains("lines follow the checkpoint"));
    let other_end = last_line(five()[4].checkpoint("another"));
    assert!(found(&[&lines[..6], &[&other_end]].concat()).contains("does not agree with record 5"));
    assert!(check(b"", None).is_err());
    let other_form = lines[0].replace("upsweep-audit-1", "upsweep-audit-2");
    let mut verifier = FileVerifier::new(None);
    assert!(matches!(verifier.line(other_form.as_bytes()), Err(FileFinding::FirstLine(_))));
}

/// Also where another spelling would mean the same, as `t` for `T` in a time.
#[test]
fn no_byte_of_a_file_has_another_spelling() {
    let bytes = file(&five()[..2]).into_bytes();
    for place in 0..bytes.len() - 1 {
        for byte in [bytes[place] ^ 0x20, bytes[place] ^ 1, b' ', b'0'] {
            let mut altered = bytes.clone();
            altered[place] = byte;
            let is_found = check(&altered, None).is_err();
            assert_eq!(is_found, altered != bytes, "{}", String::from_utf8_lossy(&altered));
        }
    }
}

#[test]
fn a_checkpoint_is_read_from_the_last_line_of_a_file() {
    let records = five();
    let line = last_line(records[4].checkpoint(LEDGER));
    assert_eq!(read_checkpoint(&format!("{line}\n")), Ok(records[4].checkpoint(LEDGER)));
    assert!(read_checkpoint(&line.replace(':', ": ")).is_err());
}

#[test]
fn a_shell_can_compute_a_hash() {
    // As docs/audit.md says: the line without its hash, and for the first one the ledger's id.
    let record = &five()[0];
    let line = record.line();
    let (body, hash) = line.rsplit_once(",\"hash\":\"").unwrap();
    assert_eq!(blake3::hash(format!("{body}}}").as_bytes()).to_hex().as_str(), hash.trim_end_matches("\"}"));
    assert_eq!(record.previous, blake3::hash(LEDGER.as_bytes()).to_hex().as_str());
    assert!(line.starts_with(r#"{"seq":1,"at":"1970-01-01T00:00:01Z","run":null,"actor":"anna","event":"freed""#));
}
