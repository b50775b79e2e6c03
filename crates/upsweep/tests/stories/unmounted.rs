//! G002: the disk with the uploads is not mounted, or another one is mounted in its place.

use std::fs;
use std::path::PathBuf;

use crate::support::Site;
use crate::tale::{
    DUE, Objection, cannot_be_overruled, claim_the_first, ends_well, frees_nothing, hides_nothing, orphans,
    with_hidden, with_past,
};

/// Takes the disk away: an empty mount point remains.
fn unmount(site: &Site) -> PathBuf {
    let disk = site.dir.path().join("disk");
    fs::rename(&site.uploads, &disk).unwrap();
    fs::create_dir(&site.uploads).unwrap();
    disk
}

fn mount(site: &Site, disk: &PathBuf) {
    fs::remove_dir_all(&site.uploads).unwrap();
    fs::rename(disk, &site.uploads).unwrap();
}

#[test]
fn files_at_an_empty_mount_point_are_not_judged() {
    let site = with_past(Site::sqlite(), 10);
    let disk = unmount(&site);
    // The application goes on writing; these files look like very old orphans.
    orphans(&site, "astray-", 30);
    let said = hides_nothing(&site, 0, &["G002"]);
    Objection::of(&said, "G002").says("was bound as store", "the disk is not mounted", "mount the right disk");
    assert_eq!(site.files().len(), 30);
    assert!(!site.has(".upsweep"), "nothing is written to the mount point either");
    cannot_be_overruled(&site, 0, "run", "G002");
    mount(&site, &disk);
    site.upsweep(&["run"]).expect(0).has("Nothing was hidden");
    assert_eq!(site.files().len(), 10);
}

#[test]
fn another_disk_in_its_place_is_not_judged() {
    let site = with_past(Site::sqlite(), 10);
    // Another store, with a marker of its own.
    let mut other = with_past(Site::sqlite(), 10);
    let disk = unmount(&site);
    fs::remove_dir(&site.uploads).unwrap();
    fs::rename(&other.uploads, &site.uploads).unwrap();
    orphans(&site, "other-", 5);
    // Its marker names its own database as well.
    let said = hides_nothing(&site, 0, &["G002"]);
    Objection::of(&said, "G002").says("but its marker says", "another one is mounted in its place", "mount the right");
    other.uploads = other.dir.path().join("uploads/audio");
    fs::rename(&site.uploads, &other.uploads).unwrap();
    fs::rename(&disk, &site.uploads).unwrap();
    site.upsweep(&["run"]).expect(0);
}

/// The harmless neighbour: the disk was mounted elsewhere, and the configuration says so.
#[test]
fn a_disk_that_moved_is_still_the_same() {
    let mut site = with_past(Site::sqlite(), 10);
    orphans(&site, "old-", 1);
    let moved = site.dir.path().join("moved");
    fs::rename(&site.uploads, &moved).unwrap();
    site.set("UPLOAD_DIR", moved.to_str().unwrap());
    site.upsweep(&["run"]).expect(0).has("Hid 1 file");
}

/// The last resort that the message names: the store was really replaced.
#[test]
fn removing_the_note_binds_the_new_disk() {
    let site = with_past(Site::sqlite(), 10);
    unmount(&site);
    let said = hides_nothing(&site, 0, &["G002"]);
    let next = Objection::of(&said, "G002").next;
    let note = next.rsplit_once("remove the note ").unwrap().1;
    fs::remove_file(note).unwrap();
    site.upsweep(&["run"]).expect(0).has("the store is bound now");
}

#[test]
fn nothing_is_freed_while_the_disk_is_away() {
    let site = with_hidden(Site::sqlite(), 10);
    let disk = unmount(&site);
    claim_the_first(&site);
    let said = frees_nothing(&site, DUE, &["G002"]);
    Objection::of(&said, "G002").says("was bound as store", "not mounted", "mount");
    cannot_be_overruled(&site, DUE, "purge", "G002");
    mount(&site, &disk);
    assert_eq!(site.hidden(), 5);
    ends_well(&site, DUE);
}
