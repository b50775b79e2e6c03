//! Asked to end, it finishes what it has in hand, and no more.

use std::thread;

use rustix::process::Signal;

use crate::scene::{ALL, Scene, hidden_contents, live_many, orphans_many};
use crate::serve::{Serve, until};
use crate::support::Site;

on_each_database!(asked_to_end_it_finishes_the_batch_and_the_next_run_goes_on);

const ORPHANS: usize = 3_000;

fn asked_to_end_it_finishes_the_batch_and_the_next_run_goes_on(site: Site) {
    live_many(&site, 200);
    orphans_many(&site, ORPHANS);
    let rows = site.database.sessions();
    let Some(mut scene) = Scene::of(site) else { return };
    let path = format!("{ALL}?allow=G003&reason=many");
    let bearer = format!("Bearer {}", scene.callers.admin);
    let answered = thread::scope(|scope| {
        let headers = [("authorization", bearer.as_str())];
        let serve = &scene.serve;
        let path = &path;
        let caller = scope.spawn(move || serve.try_to_send("POST", path, &headers, ""));
        until("something is hidden", || (scene.site.hidden() > 0).then_some(()));
        scene.serve.signal(Signal::TERM);
        caller.join().unwrap()
    });
    let status = scene.serve.wait();
    assert!(status.success(), "{status}: {}", scene.serve.stderr());

    // Who waited is told what became of it.
    let answered = answered.unwrap();
    let hidden = scene.site.hidden();
    assert!(hidden < ORPHANS, "it went on to the end, though asked to end");
    assert!(answered.status == 200 || answered.status == 503 || answered.status == 409, "{answered:?}");
    if answered.status == 200 {
        assert_eq!(answered.json()["result"]["orphaned_files_count"], hidden, "{}", answered.text);
    }
    assert_whole(&scene.site);
    let recovered = scene.site.upsweep(&["recover", "--json"]).expect(0).json();
    assert_eq!(recovered["recovered_operations"], 0, "nothing was left half done: {recovered}");
    assert_eq!(scene.site.database.sessions(), rows);

    let next = Serve::start(&scene.site);
    let answer = next.post(&path, &scene.callers.admin).expect(200);
    assert_eq!(answer.json()["result"]["orphaned_files_count"], ORPHANS - hidden, "{}", answer.text);
    assert_eq!(scene.site.hidden(), ORPHANS);
    assert_whole(&scene.site);
}

/// Every file is there once, in its place or hidden.
fn assert_whole(site: &Site) {
    let visible = site.files();
    assert_eq!(visible.keys().filter(|name| name.to_str().unwrap().starts_with("many-")).count(), 200);
    let mut contents: Vec<String> = visible.into_values().map(|bytes| String::from_utf8(bytes).unwrap()).collect();
    contents.extend(hidden_contents(site));
    contents.retain(|text| text.contains("orphan-"));
    contents.sort();
    contents.dedup();
    assert_eq!(contents.len(), ORPHANS);
}

#[test]
fn a_service_at_rest_ends_at_once() {
    let site = Site::sqlite();
    let serve = Serve::start(&site);
    // A connection that is kept open for nothing holds nobody up.
    let kept = std::net::TcpStream::connect(serve.url().strip_prefix("http://").unwrap()).unwrap();
    let begun = std::time::Instant::now();
    let (status, _) = serve.stop();
    assert!(status.success(), "{status}");
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    drop(kept);
}
