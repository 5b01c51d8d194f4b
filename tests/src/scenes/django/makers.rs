//! Servers that are not there when a connection is wanted.

use super::{Site, ask};
use crate::tasks::connections::{Kind, backend};

/// There a request fails and the next one connects; here a call does, with what the server's client said.
pub fn a_connection_that_cannot_be_made_is_tried_again_at_the_next_use() {
    let mut site = Site::new();
    ask("stop");
    for _ in 0..5 {
        let told = site.call(backend::call(Kind::Kept)).unwrap_err().to_string();
        assert!(told.contains("error connecting to server"), "{told}");
        assert!(told.contains("refused"), "{told}");
    }
    ask("resume");
    site.look_again();
    let (pids, failed) = site.everywhere(Kind::Kept);
    assert_eq!((pids.len(), failed), (site.workers(), 0));
    site.has_only(pids);
}
