use std::sync::Mutex;

use jiff::tz::TimeZone;

use super::*;
use crate::config::{Missed, TimeTable};

/// A world in which time passes only while somebody waits, until its end.
#[derive(Clone)]
struct World(Arc<Inner>);

struct Inner {
    now: Mutex<Timestamp>,
    end: Timestamp,
    shutdown: CancellationToken,
    /// The clock is set, once, when it shows the first of these to show the second.
    set: Mutex<Option<(Timestamp, Timestamp)>>,
}

impl World {
    fn new(start: &str, end: &str) -> Self {
        let (now, set) = (Mutex::new(at(start)), Mutex::new(None));
        Self(Arc::new(Inner { now, end: at(end), shutdown: CancellationToken::new(), set }))
    }

    fn pass(&self, span: Duration) {
        let mut now = self.0.now.lock().unwrap();
        *now += SignedDuration::try_from(span).unwrap();
        let mut set = self.0.set.lock().unwrap();
        if let Some((_, to)) = set.take_if(|(when, _)| *when <= *now) {
            *now = to;
        }
        if *now >= self.0.end {
            self.0.shutdown.cancel();
        }
    }
}

impl Pace for World {
    fn now(&self) -> Timestamp {
        *self.0.now.lock().unwrap()
    }

    async fn pause(&self, span: Duration) {
        assert!(!span.is_zero() && span <= Duration::from_secs(60), "{span:?}");
        self.pass(span);
        tokio::task::yield_now().await;
    }
}

/// What all processes on one store see of each other.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<(Option<Timestamp>, usize)>>);

impl Shared {
    /// The next so many calls fail.
    fn fail(&self, times: usize) {
        self.0.lock().unwrap().1 = times;
    }

    fn up(&self) -> anyhow::Result<std::sync::MutexGuard<'_, (Option<Timestamp>, usize)>> {
        let mut inner = self.0.lock().unwrap();
        if inner.1 > 0 {
            inner.1 -= 1;
            anyhow::bail!("the disk is away");
        }
        Ok(inner)
    }
}

impl Slots for Shared {
    async fn last(&self) -> anyhow::Result<Option<Timestamp>> {
        Ok(self.up()?.0)
    }

    async fn claim(&self, slot: Timestamp) -> anyhow::Result<bool> {
        let mut inner = self.up()?;
        let is_new = inner.0 < Some(slot);
        inner.0 = inner.0.max(Some(slot));
        Ok(is_new)
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn timetable(cron: &str, zone: &str, missed: Missed) -> Timetable {
    let table = TimeTable { cron: Some(cron.to_owned()), zone: Some(zone.to_owned()), missed, ..TimeTable::default() };
    Timetable::new(&table, TimeZone::UTC).unwrap()
}

/// Runs the loop until the world ends. For which times clean-ups began, and when.
async fn live(world: &World, slots: &Shared, table: &Timetable, fired: impl Fn(&World) -> anyhow::Result<()>) -> Began {
    let began = Mutex::new(Vec::new());
    let fire = |slot: Timestamp| {
        began.lock().unwrap().push((slot, world.now()));
        let outcome = fired(world);
        async move { outcome }
    };
    run(table, world, slots, fire, world.0.shutdown.clone()).await;
    began.into_inner().unwrap()
}

type Began = Vec<(Timestamp, Timestamp)>;

fn quickly(_: &World) -> anyhow::Result<()> {
    Ok(())
}

#[tokio::test]
async fn weeks_have_one_clean_up_a_night_and_those_with_a_changed_clock_too() {
    let table = timetable("30 2 * * *", "Europe/Berlin", Missed::Skip);
    for (start, end) in
        [("2026-03-15T12:00:00Z", "2026-04-12T12:00:00Z"), ("2026-10-11T12:00:00Z", "2026-11-08T12:00:00Z")]
    {
        let world = World::new(start, end);
        let began = live(&world, &Shared::default(), &table, quickly).await;
        assert_eq!(began.len(), 28, "{start}");
        assert!(began.iter().all(|(slot, now)| now == slot), "it wakes at the very moment");
    }
}

#[tokio::test]
async fn of_two_services_on_one_store_one_cleans_up() {
    let slots = Shared::default();
    let table = timetable("0 3 * * *", "UTC", Missed::Once);
    let (one, two) = [(); 2].map(|()| World::new("2026-07-01T12:00:00Z", "2026-07-15T12:00:00Z")).into();
    let (one, two) = tokio::join!(live(&one, &slots, &table, quickly), live(&two, &slots, &table, quickly));
    assert_eq!(one.len() + two.len(), 14);
    let mut slots: Vec<Timestamp> = one.iter().chain(&two).map(|(slot, _)| *slot).collect();
    slots.sort();
    slots.dedup();
    assert_eq!(slots.len(), 14);
}

#[tokio::test]
async fn a_time_that_comes_during_a_clean_up_is_passed_over_for_good() {
    let slots = Shared::default();
    let world = World::new("2026-07-01T11:50:00Z", "2026-07-01T15:50:00Z");
    let table = timetable("*/15 * * * *", "UTC", Missed::Once);
    let slowly = |world: &World| {
        world.pass(Duration::from_secs(50 * 60));
        Ok(())
    };
    let began = live(&world, &slots, &table, slowly).await;
    let hours = [12, 13, 14, 15].map(|hour| at(&format!("2026-07-01T{hour}:00:00Z")));
    assert_eq!(began.iter().map(|(slot, _)| *slot).collect::<Vec<_>>(), hours);
    // A service that starts right afterwards does not make up for what was passed over.
    let next = World::new("2026-07-01T15:51:00Z", "2026-07-01T15:59:00Z");
    assert_eq!(live(&next, &slots, &table, quickly).await, []);
}

#[tokio::test]
async fn after_a_restart_a_missed_time_is_made_up_for_once_or_skipped() {
    for (missed, expected) in [(Missed::Skip, 0), (Missed::Once, 1)] {
        let slots = Shared::default();
        let table = timetable("0 3 * * *", "UTC", missed);
        let before = World::new("2026-07-01T00:00:00Z", "2026-07-02T00:00:00Z");
        assert_eq!(live(&before, &slots, &table, quickly).await.len(), 1);
        for again in [expected, 0] {
            let after = World::new("2026-07-09T12:00:00Z", "2026-07-09T13:00:00Z");
            let began = live(&after, &slots, &table, quickly).await;
            assert_eq!(began.len(), again, "{missed:?}");
            assert!(began.iter().all(|(slot, _)| *slot == at("2026-07-09T03:00:00Z")));
        }
    }
}

#[tokio::test]
async fn a_first_start_makes_up_for_nothing() {
    let world = World::new("2026-07-01T12:00:00Z", "2026-07-01T13:00:00Z");
    let table = timetable("0 3 * * *", "UTC", Missed::Once);
    assert_eq!(live(&world, &Shared::default(), &table, quickly).await, []);
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_clean_up_come_twice() {
    let world = World::new("2026-07-01T02:00:00Z", "2026-07-01T12:00:00Z");
    *world.0.set.lock().unwrap() = Some((at("2026-07-01T03:30:00Z"), at("2026-07-01T02:30:00Z")));
    let table = timetable("0 3 * * *", "UTC", Missed::Once);
    assert_eq!(live(&world, &Shared::default(), &table, quickly).await.len(), 1);
}

#[tokio::test]
async fn a_machine_that_slept_through_a_time_acts_as_after_a_restart() {
    for (missed, expected) in [(Missed::Skip, 0), (Missed::Once, 1)] {
        let world = World::new("2026-07-01T02:00:00Z", "2026-07-01T12:00:00Z");
        *world.0.set.lock().unwrap() = Some((at("2026-07-01T02:30:00Z"), at("2026-07-01T09:00:00Z")));
        let began = live(&world, &Shared::default(), &timetable("0 3 * * *", "UTC", missed), quickly).await;
        assert_eq!(began.len(), expected, "{missed:?}");
    }
}

#[tokio::test]
async fn failures_and_panics_do_not_end_the_schedule() {
    let table = timetable("0 3 * * *", "UTC", Missed::Skip);
    let world = World::new("2026-07-01T00:00:00Z", "2026-07-08T00:00:00Z");
    let began = live(&world, &Shared::default(), &table, |_| anyhow::bail!("the database is away")).await;
    assert_eq!(began.len(), 7);
    let fired = Arc::new(Mutex::new(0));
    let world = World::new("2026-07-01T00:00:00Z", "2026-07-08T00:00:00Z");
    let count = fired.clone();
    let fire = move |_| {
        *count.lock().unwrap() += 1;
        async { panic!("a defect") }
    };
    run(&table, &world, &Shared::default(), fire, world.0.shutdown.clone()).await;
    assert_eq!(*fired.lock().unwrap(), 7);
}

#[tokio::test]
async fn a_ledger_that_is_away_for_a_moment_costs_no_clean_up() {
    let slots = Shared::default();
    slots.fail(3);
    let world = World::new("2026-07-01T02:59:30Z", "2026-07-01T05:00:00Z");
    let table = timetable("0 3 * * *", "UTC", Missed::Skip);
    let began = live(&world, &slots, &table, quickly).await;
    assert_eq!(began.len(), 1);
    assert!(began[0].1 > began[0].0, "it came a little late: {began:?}");
}

#[tokio::test]
async fn the_watch_looks_every_so_often_whatever_happens_to_it_and_to_the_clock() {
    let world = World::new("2026-07-01T00:00:00Z", "2026-07-01T10:00:00Z");
    *world.0.set.lock().unwrap() = Some((at("2026-07-01T05:00:00Z"), at("2026-07-01T01:00:00Z")));
    let looks = Mutex::new(Vec::new());
    let look = || {
        looks.lock().unwrap().push(world.now());
        async { anyhow::bail!("the database is away") }
    };
    watch(Duration::from_secs(300), &world, look, world.0.shutdown.clone()).await;
    let looks = looks.into_inner().unwrap();
    // Five hours, then nine hours once more from one o'clock on.
    assert!((165..=168).contains(&looks.len()), "{}", looks.len());
}

#[tokio::test]
async fn a_shutdown_is_not_waited_for() {
    struct Forever;
    impl Pace for Forever {
        fn now(&self) -> Timestamp {
            at("2026-07-01T00:00:00Z")
        }
        async fn pause(&self, _: Duration) {
            std::future::pending().await
        }
    }
    let shutdown = CancellationToken::new();
    let table = timetable("0 3 * * *", "UTC", Missed::Skip);
    let slots = Shared::default();
    let never = |_| async { Ok(()) };
    let both = async {
        tokio::join!(
            run(&table, &Forever, &slots, never, shutdown.clone()),
            watch(Duration::from_secs(300), &Forever, || async { Ok(()) }, shutdown.clone()),
            async { shutdown.cancel() },
        )
    };
    tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
}
