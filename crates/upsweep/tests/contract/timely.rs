//! What the service does by itself, when its time has come. The program's clock is set so that this is soon.

use crate::scene::{CONFIG, Scene, furnish};
use crate::serve::{Serve, until};
use crate::support::Site;
use crate::tokens::{Callers, in_secs};

on_each_database!(the_schedule_cleans_up_where_it_is_switched_on);

/// How soon the time comes; whoever starts later than that is too late.
const SOON_SECS: i64 = 10;

/// By how many seconds the clock has to be shifted so that it is soon this hour in UTC.
fn shift_to(hour: i64) -> i64 {
    let second_of_day = in_secs(0).rem_euclid(86_400);
    (hour * 3_600 - second_of_day).rem_euclid(86_400) - SOON_SECS
}

fn the_schedule_cleans_up_where_it_is_switched_on(site: Site) {
    furnish(&site);
    let off = Site::sqlite();
    furnish(&off);
    let files = off.files();
    let shift = shift_to(4).to_string();
    let classic =
        [("CLEANUP_SCHEDULE_HOUR", "4"), ("UPSWEEP_TIMEZONE", "UTC"), ("UPSWEEP_TEST_CLOCK_OFFSET", shift.as_str())];
    let by_hour = Serve::with(&site, &[classic.as_slice(), &[("UPSWEEP_SCHEDULE_ENABLED", "true")]].concat());
    let idle = Serve::with(&off, &classic);
    assert!(idle.stderr().contains("UPSWEEP_SCHEDULE_ENABLED"), "how to switch it on: {}", idle.stderr());
    until("the hour comes", || (site.hidden() == 4).then_some(()));
    assert!(!site.has("orphan.m4a") && site.has("live-0.m4a") && site.has("orphan-young.m4a"));
    drop(by_hour);
    site.upsweep(&["history"]).expect(0).has("run");
    // The hour alone, as it stands in many an application's file, switches nothing on.
    assert_eq!(off.files(), files);
    assert!(!off.has(".upsweep"));
}

#[test]
fn a_cron_expression_cleans_up_in_the_zone_that_is_set() {
    let site = Site::sqlite();
    furnish(&site);
    // Half past nine in Kathmandu is a quarter to four in UTC.
    let shift = shift_to(4) - 900;
    let set = [
        ("UPSWEEP_SCHEDULE", "30 9 * * *"),
        ("UPSWEEP_TIMEZONE", "Asia/Kathmandu"),
        ("UPSWEEP_TEST_CLOCK_OFFSET", &shift.to_string()),
    ];
    let _serve = Serve::with(&site, &set);
    until("the time comes", || (site.hidden() == 4).then_some(()));
}

#[test]
fn a_clean_up_that_was_missed_is_made_up_for_once_if_wanted() {
    let site = Site::sqlite();
    furnish(&site);
    let Some(callers) = Callers::in_days(10) else { return };
    let on = [("UPSWEEP_SCHEDULE", "0 4 * * *"), ("UPSWEEP_TIMEZONE", "UTC")];
    let shift = shift_to(4);
    // It was there when a clean-up was due.
    let first = Serve::with(&site, &[on.as_slice(), &[("UPSWEEP_TEST_CLOCK_OFFSET", &shift.to_string())]].concat());
    until("the hour comes", || (site.hidden() == 4).then_some(()));
    until("the run has ended", || (first.post(crate::scene::ALL, &callers.admin).status == 200).then_some(()));
    drop(first);
    site.file("while-down.m4a", 48.0);
    // Two days and an hour later.
    let later = (shift + 2 * 86_400 + 3_600).to_string();
    let late = [on.as_slice(), &[("UPSWEEP_TEST_CLOCK_OFFSET", later.as_str())]].concat();
    let skips = Serve::with(&site, &late);
    skips.get(CONFIG, &callers.admin).expect(200);
    assert!(skips.stop().0.success());
    assert!(site.has("while-down.m4a"), "skipped, as nobody said otherwise");
    // And two days later again.
    let later = (shift + 4 * 86_400 + 3_600).to_string();
    let late = [on.as_slice(), &[("UPSWEEP_TEST_CLOCK_OFFSET", later.as_str())]].concat();
    let once = [late.as_slice(), &[("UPSWEEP_SCHEDULE_MISSED", "once")]].concat();
    let _serve = Serve::with(&site, &once);
    until("it is made up for", || (!site.has("while-down.m4a")).then_some(()));
}

#[test]
fn what_is_claimed_again_comes_back_without_anybody_calling() {
    let site = Site::sqlite();
    furnish(&site);
    let Some(scene) = Scene::with(site, &[("UPSWEEP_WATCH_MINUTES", "1")]) else { return };
    scene.post(crate::scene::ALL);
    assert!(!scene.site.has("orphan.m4a"));
    scene.site.session("again", "processed", Some("orphan.m4a"), 0);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(100);
    while !(scene.site.has("orphan.m4a") && scene.site.has("orphan_processed.mp3")) {
        assert!(std::time::Instant::now() < deadline, "it did not come back");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(scene.site.hidden(), 2, "what nobody claims stays hidden");
}
