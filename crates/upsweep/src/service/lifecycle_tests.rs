use std::sync::{Mutex, mpsc};
use std::thread::JoinHandle;

use upsweep_engine::ports::{Clock as _, Holder};

use super::*;
use crate::http::testing::Site;

/// Another process at work on the store, until somebody waits.
struct Other {
    lets_go: Mutex<Option<(mpsc::Sender<()>, JoinHandle<()>)>>,
}

impl Other {
    fn at(site: &Site) -> Self {
        let (config, holder) = (site.service.config().clone(), wire::holder("run"));
        let (has_it, wait) = mpsc::channel();
        let (let_go, told) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let work = wire::with_home(&config, |_, home| {
                let _lease = home.acquire(&Holder { run: Some("of another".to_owned()), ..holder })?;
                has_it.send(()).unwrap();
                told.recv()?;
                Ok(())
            });
            work.unwrap();
        });
        wait.recv_timeout(Duration::from_secs(60)).unwrap();
        Self { lets_go: Mutex::new(Some((let_go, thread))) }
    }
}

impl Pace for Other {
    fn now(&self) -> Timestamp {
        SystemClock::new().now()
    }

    async fn pause(&self, _: Duration) {
        let (let_go, thread) = self.lets_go.lock().unwrap().take().expect("one pause is enough");
        let_go.send(()).unwrap();
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn a_clean_up_waits_while_another_process_has_the_store() {
    let site = Site::new();
    site.orphan("old.m4a");
    let other = Other::at(&site);
    site.service.clean_up("the schedule", &other).await;
    assert!(other.lets_go.lock().unwrap().is_none(), "it paused, since another was at work");
    assert!(!site.uploads.join("old.m4a").exists());
}

#[tokio::test]
async fn only_who_is_busy_is_waited_for() {
    let site = Site::refused();
    let other = Other { lets_go: Mutex::new(None) };
    site.service.clean_up("the schedule", &other).await;
    assert!(site.uploads.join("old-00.m4a").exists());
}

#[tokio::test]
async fn what_hangs_does_not_keep_the_service_and_a_run_does() {
    let site = Site::new();
    let (let_go, told) = mpsc::channel::<()>();
    let (service, begun) = (Arc::clone(&site.service), Arc::new(tokio::sync::Notify::new()));
    let begins = Arc::clone(&begun);
    let hanging = tokio::spawn(async move {
        let hang = move |_: &Service| {
            begins.notify_one();
            Ok(told.recv().is_ok())
        };
        service.blocking(hang).await
    });
    begun.notified().await;
    let order = Order { task: Task::Run(Selection::default()), by: "me".to_owned(), approval: None, run: None };
    let job = site.service.start(order).await.unwrap().job;
    let wound_up = site.service.wind_up(std::future::ready(()));
    tokio::time::timeout(Duration::from_secs(60), wound_up).await.expect("it ends although something hangs");
    assert!(matches!(job.phase(), crate::service::job::Phase::Ended(_)), "runs are never left alone");
    let_go.send(()).unwrap();
    assert!(hanging.await.unwrap().unwrap());
}
