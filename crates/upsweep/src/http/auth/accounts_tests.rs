use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::super::testing::HandClock;
use super::*;

/// A database that says what it is told to, waits where it is told to, and counts.
struct Told {
    answer: Mutex<Answer>,
    asked: AtomicUsize,
    at_once: AtomicUsize,
    at_once_max: AtomicUsize,
    gate: Mutex<Option<mpsc::Receiver<()>>>,
}

impl Told {
    fn new(answer: Answer) -> Arc<Self> {
        let [asked, at_once, at_once_max] = [const { AtomicUsize::new(0) }; 3];
        Arc::new(Self { answer: Mutex::new(answer), asked, at_once, at_once_max, gate: Mutex::default() })
    }

    fn says(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Accounts for Told {
    fn look_up(&self, _: &str) -> Answer {
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.at_once_max.fetch_max(now, Ordering::SeqCst);
        self.asked.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = &*self.gate.lock().unwrap() {
            let _ = gate.recv();
        }
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        self.answer.lock().unwrap().clone()
    }
}

fn active() -> Answer {
    Ok(Some(Account { role: None, is_active: true }))
}

fn known(told: &Arc<Told>, keep_secs: u64) -> (Arc<KnownAccounts>, Arc<HandClock>) {
    let clock = Arc::new(HandClock::new());
    let source: Arc<dyn Accounts> = Arc::clone(told) as Arc<dyn Accounts>;
    let known = KnownAccounts::new(source, Duration::from_secs(keep_secs), Arc::clone(&clock) as Arc<dyn Clock>);
    (Arc::new(known), clock)
}

fn words(answer: &Answer) -> String {
    format!("{answer:?}")
}

#[tokio::test]
async fn an_answer_counts_for_as_long_as_is_configured_whatever_it_says() {
    for first in [active(), Ok(None)] {
        let told = Told::new(first.clone());
        let (known, clock) = known(&told, 10);
        assert_eq!(words(&known.of_subject("anna").await), words(&first));
        told.says(Ok(Some(Account { role: Some("admin".to_owned()), is_active: false })));
        clock.advance(9);
        assert_eq!(words(&known.of_subject("anna").await), words(&first));
        assert_eq!(told.asked(), 1);
        clock.advance(1);
        assert!(words(&known.of_subject("anna").await).contains("is_active: false"));
        assert_eq!(told.asked(), 2);
    }
}

#[tokio::test]
async fn with_no_time_to_keep_it_every_request_asks() {
    let told = Told::new(active());
    let (known, _) = known(&told, 0);
    for times in 1..4 {
        known.of_subject("anna").await.unwrap();
        assert_eq!(told.asked(), times);
    }
}

#[tokio::test]
async fn a_failure_is_told_and_not_kept() {
    let told = Told::new(Err(AccountError::Unavailable("away".to_owned())));
    let (known, _) = known(&told, 300);
    assert!(matches!(known.of_subject("anna").await, Err(AccountError::Unavailable(_))));
    told.says(active());
    assert_eq!(words(&known.of_subject("anna").await), words(&active()));
}

#[tokio::test]
async fn who_asks_for_one_subject_at_once_shares_one_look_up() {
    let told = Told::new(active());
    let (known, _) = known(&told, 10);
    let all: Vec<_> = (0..50)
        .map(|_| {
            let known = Arc::clone(&known);
            tokio::spawn(async move { known.of_subject("anna").await.is_ok() })
        })
        .collect();
    for one in all {
        assert!(one.await.unwrap());
    }
    assert_eq!(told.asked(), 1);
}

#[tokio::test]
async fn the_database_sees_a_few_look_ups_at_once() {
    let told = Told::new(active());
    let (open, gate) = mpsc::channel();
    *told.gate.lock().unwrap() = Some(gate);
    let (known, _) = known(&told, 10);
    let all: Vec<_> = (0..20)
        .map(|subject| {
            let known = Arc::clone(&known);
            tokio::spawn(async move { known.of_subject(&subject.to_string()).await.is_ok() })
        })
        .collect();
    // As many as may are under way before the first of them ends.
    while told.asked() < AT_ONCE {
        tokio::task::yield_now().await;
    }
    for _ in 0..20 {
        open.send(()).unwrap();
    }
    for one in all {
        assert!(one.await.unwrap());
    }
    assert_eq!(told.asked(), 20);
    assert!(told.at_once_max.load(Ordering::SeqCst) <= AT_ONCE);
}

#[tokio::test]
async fn the_memory_is_bounded() {
    let told = Told::new(Ok(None));
    let clock: Arc<dyn Clock> = Arc::new(HandClock::new());
    let source: Arc<dyn Accounts> = Arc::clone(&told) as Arc<dyn Accounts>;
    let mut known = KnownAccounts::new(source, Duration::from_secs(10), clock);
    known.subjects_max = 10;
    for subject in 0..100 {
        known.of_subject(&subject.to_string()).await.unwrap();
        assert!(known.cells.lock().unwrap().len() <= 10);
    }
}
