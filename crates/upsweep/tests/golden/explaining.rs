//! `upsweep explain`; every verdict is told in a test of its own, three of them word for word here.

use crate::support::Site;
use crate::tale::Tale;

#[test]
fn three_names() {
    let site = Site::sqlite().acting("quarantine");
    site.live("talk.m4a");
    site.file("talk_processed.mp3", 720.25);
    site.session("s-old", "failed", Some("failed.m4a"), 30);
    site.file("failed.m4a", 720.25);
    site.file("orphan.m4a", 72.25);
    let mut tale = Tale::new("explain/three", site);
    for name in ["talk.m4a", "failed.m4a", "orphan.m4a"] {
        tale.upsweep(&["explain", name]);
    }
    tale.upsweep(&["run", "--only", "orphans"])
        .upsweep(&["explain", "orphan.m4a"])
        .json("explain/claimed", &["explain", "--json", "talk.m4a"], 0)
        .json("explain/failed", &["explain", "--json", "failed.m4a"], 0)
        .json("explain/hidden", &["explain", "--json", "orphan.m4a"], 0)
        .end();
}
