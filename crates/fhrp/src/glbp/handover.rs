//! For whom a router that stops goes on forwarding.

use std::time::Duration;

use fhrp_wire::glbp::{Body, Parsed, VfState};

use super::Group;

impl Group {
    /// How long a successor may take after a resignation; `None` for a router that serves nobody. Who hears of one takes
    /// over at once (captures: within 2 ms), but there must be somebody.
    pub(crate) fn succession_time(&self) -> Option<Duration> {
        let serves = self.forwarders.iter().any(|forwarder| forwarder.serves() && forwarder.announced);
        let nobody = self.members.iter().next().is_none();
        serves.then_some(if nobody { Duration::MAX } else { Duration::ZERO })
    }

    /// After this router has stopped: whether all that it served is served by others now, who say so.
    pub(crate) fn hear_successor(&mut self, parsed: &Parsed<'_>) -> bool {
        if let Body::Announcement { forwarders, .. } = parsed.packet.body() {
            let active = forwarders.iter().filter(|said| said.state == VfState::Active);
            for said in active.filter(|said| !said.priority.is_resigning()) {
                let known = self.forwarders.iter_mut().find(|known| known.number == said.number);
                if let Some(forwarder) = known {
                    forwarder.given_up = false;
                }
            }
        }
        self.forwarders.iter().all(|forwarder| !forwarder.given_up)
    }
}
