use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;

use super::*;
use crate::http::problem::Code;
use crate::http::testing::Site;

const LONGEST: Duration = Duration::from_secs(60);

/// Counts who is at work.
#[derive(Clone, Default)]
struct Crowd(Arc<[AtomicUsize; 3]>);

impl Crowd {
    fn enter(&self) {
        let now = self.0[0].fetch_add(1, Ordering::SeqCst) + 1;
        self.0[1].fetch_max(now, Ordering::SeqCst);
        self.0[2].fetch_add(1, Ordering::SeqCst);
    }

    fn leave(&self) {
        self.0[0].fetch_sub(1, Ordering::SeqCst);
    }

    /// At most at once, and all in all.
    fn seen(&self) -> (usize, usize) {
        (self.0[1].load(Ordering::SeqCst), self.0[2].load(Ordering::SeqCst))
    }
}

#[tokio::test]
async fn who_hangs_up_leaves_a_survey_to_its_end_and_the_next_caller_shares_it() {
    let site = Site::new();
    let plan = site.service.survey().await.unwrap();
    site.service.surveys.invalidate();
    let crowd = Crowd::default();
    let (begun, begins) = mpsc::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    let make = {
        let (crowd, plan) = (crowd.clone(), Arc::clone(&plan));
        move |_: &Config| {
            crowd.enter();
            begun.send(()).unwrap();
            wait.recv().unwrap();
            crowd.leave();
            Ok(plan)
        }
    };
    let again = |_: &Config| panic!("one is being made");
    let service = Arc::clone(&site.service);
    let first = tokio::spawn(async move { service.shared(LONGEST, make).await });
    tokio::task::spawn_blocking(move || begins.recv_timeout(LONGEST)).await.unwrap().unwrap();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    for _ in 0..10 {
        let asked = tokio::time::timeout(Duration::ZERO, site.service.shared(LONGEST, again));
        assert!(asked.await.is_err(), "who comes second waits for the one that is being made");
    }
    let next = tokio::spawn({
        let service = Arc::clone(&site.service);
        async move { service.shared(LONGEST, again).await }
    });
    go_on.send(()).unwrap();
    assert!(Arc::ptr_eq(&next.await.unwrap().unwrap(), &plan));
    assert_eq!(crowd.seen(), (1, 1));
}

#[tokio::test]
async fn what_is_made_for_one_caller_is_made_one_at_a_time_whoever_hangs_up() {
    let site = Site::new();
    let crowd = Crowd::default();
    let (begun, begins) = mpsc::channel();
    let begins = Arc::new(Mutex::new(begins));
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = Arc::new(Mutex::new(wait));
    let work = || {
        let (crowd, begun, wait) = (crowd.clone(), begun.clone(), Arc::clone(&wait));
        move |_: &Service| {
            crowd.enter();
            begun.send(()).unwrap();
            wait.lock().unwrap().recv().unwrap();
            crowd.leave();
            Err::<(), _>(Problem::new(Code::Internal, "enough"))
        }
    };
    let mut callers = Vec::new();
    for _ in 0..5 {
        let (service, work) = (Arc::clone(&site.service), work());
        callers.push(tokio::spawn(async move { service.apart(work).await }));
    }
    for _ in 0..2 {
        let begins = Arc::clone(&begins);
        tokio::task::spawn_blocking(move || begins.lock().unwrap().recv_timeout(LONGEST)).await.unwrap().unwrap();
        if callers.len() == 5 {
            callers.iter().for_each(tokio::task::JoinHandle::abort);
            for caller in callers.drain(..) {
                assert!(caller.await.unwrap_err().is_cancelled());
            }
            let (service, work) = (Arc::clone(&site.service), work());
            callers.push(tokio::spawn(async move { service.apart(work).await }));
            tokio::task::yield_now().await;
            assert_eq!(crowd.seen(), (1, 1), "its caller is gone, and it is still at work");
        }
        go_on.send(()).unwrap();
    }
    callers.pop().unwrap().await.unwrap().unwrap_err();
    assert_eq!(crowd.seen(), (1, 2));
}
