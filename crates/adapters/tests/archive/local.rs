//! What a directory adds: rights, a form on disk, and everything that can be wrong with it.
#![expect(clippy::disallowed_methods, reason = "a disk is taken away and put back by hand")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use upsweep_engine::ports::{ArchiveError, Compression, CopyName};

use crate::rig::{Rig, line};

fn index(rig: &Rig) -> String {
    fs::read_to_string(rig.root().join("store-1/run-1/index.jsonl")).unwrap()
}

#[test]
fn a_line_tells_all_that_a_person_needs() {
    let rig = Rig::local(Compression::None);
    let name = b"sub/new\nline \xff'\"\\%.m4a";
    rig.archive().index("store-1", "run-1", &[line(7, name)]).unwrap();
    let text = index(&rig);
    assert!(text.ends_with('\n') && text.lines().count() == 1);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let decoded: Vec<u8> = percent_encoding::percent_decode_str(json["name"].as_str().unwrap()).collect();
    assert_eq!(decoded, name);
    assert_eq!((json["format"].as_u64(), json["op"].as_u64(), json["size"].as_u64()), (Some(1), Some(7), Some(9)));
    let text = |key: &str| json[key].as_str().unwrap().to_owned();
    assert_eq!((text("copy"), text("blake3"), text("compression")), ("7.m4a".into(), "00ff".into(), "none".into()));
    assert_eq!((text("mtime"), text("mode")), ("-1.999999999".into(), "640".into()));
    assert_eq!(text("hidden_at"), "1970-01-01T00:00:00Z");
    assert_eq!(json["reason"]["owners"][0], "it's \"7\"\n");
}

#[test]
fn everything_is_for_its_owner_alone() {
    let rig = Rig::local(Compression::None);
    let name = rig.draft(1, b"recording");
    rig.archive().publish(&name).unwrap();
    rig.archive().index("store-1", "run-1", &[line(1, b"a")]).unwrap();
    let mode = |path: &str| fs::metadata(rig.root().join(path)).unwrap().mode() & 0o777;
    assert_eq!((mode("store-1"), mode("store-1/run-1")), (0o700, 0o700));
    assert_eq!((mode("store-1/run-1/1.m4a"), mode("store-1/run-1/index.jsonl")), (0o600, 0o600));
}

#[test]
fn a_line_that_a_crash_cut_short_spoils_no_other() {
    let rig = Rig::local(Compression::None);
    rig.archive().index("store-1", "run-1", &[line(1, b"a"), line(2, b"b")]).unwrap();
    let path = rig.root().join("store-1/run-1/index.jsonl");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 20]).unwrap();
    rig.archive().index("store-1", "run-1", &[line(2, b"b"), line(3, b"c")]).unwrap();
    let text = index(&rig);
    let ops: Vec<Option<u64>> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).ok().and_then(|json| json["op"].as_u64()))
        .collect();
    assert_eq!(ops, [Some(1), None, Some(2), Some(3)]);
}

#[test]
fn a_compressed_copy_is_what_the_tool_of_that_name_makes() {
    let rig = Rig::local(Compression::Zstd);
    let content = b"recording ".repeat(1_000);
    let name = rig.draft(1, &content);
    rig.archive().publish(&name).unwrap();
    let path = rig.root().join("store-1/run-1/1.m4a.zst");
    let raw = fs::read(&path).unwrap();
    assert!(raw.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) && raw.len() < 1_000, "{}", raw.len());
    // A single wrong byte is an error and no other content.
    let mut rotten = raw.clone();
    let last = rotten.len() - 1;
    rotten[last] ^= 1;
    fs::write(&path, rotten).unwrap();
    let mut held = Vec::new();
    assert!(rig.archive().read(&name).unwrap().unwrap().read_to_end(&mut held).is_err());
}

#[test]
fn a_disk_that_is_not_there_is_told() {
    let rig = Rig::local(Compression::None);
    let name = rig.draft(1, b"recording");
    let away = rig.root().with_extension("away");
    fs::rename(rig.root(), &away).unwrap();
    for error in [
        rig.archive().check().unwrap_err(),
        rig.archive().draft(&name, &mut &b"x"[..]).unwrap_err(),
        rig.archive().read(&name).err().unwrap(),
    ] {
        assert!(matches!(error, ArchiveError::Unavailable { .. }), "{error:?}");
        assert!(error.to_string().contains("mount its disk"), "{error}");
    }
    assert!(!rig.root().exists(), "and nothing is made in its place");
}

#[test]
fn a_full_disk_ends_all_copying() {
    let rig = Rig::local(Compression::None);
    let name = rig.name(1);
    // Asked of the device that is always full, so that the reader below says what a disk would.
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let error = std::io::Write::write(&mut &full, b"x").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "what a full disk says");
    struct Full;
    impl std::io::Read for Full {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
    }
    let error = rig.archive().draft(&name, &mut Full).unwrap_err();
    assert!(matches!(error, ArchiveError::Unavailable { .. }), "{error:?}");
}

#[test]
fn no_link_is_followed_and_no_name_leads_outside() {
    let rig = Rig::local(Compression::None);
    let elsewhere = rig.root().with_extension("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, rig.root().join("store-1")).unwrap();
    assert!(rig.archive().draft(&rig.name(1), &mut &b"x"[..]).is_err());
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    for store in ["..", "", ".", "a/b"] {
        let name = CopyName { store: store.to_owned(), ..rig.name(1) };
        assert!(rig.archive().draft(&name, &mut &b"x"[..]).is_err(), "{store}");
        assert!(rig.archive().read(&name).is_err(), "{store}");
    }
}
