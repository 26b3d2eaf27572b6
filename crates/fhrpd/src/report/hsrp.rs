//! What only a group of HSRP reports.

use fhrp::HsrpStatus;
use serde::{Deserialize, Serialize};

use super::millis;

/// What only a group of HSRP has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HsrpReport {
    /// Preempt delay after a reload.
    pub preempt_delay_reload_ms: f64,
    /// Preempt delay for clients of the group.
    pub preempt_delay_sync_ms: f64,
    /// The group that it follows.
    pub follow: Option<String>,
}

impl HsrpReport {
    pub(super) fn new(status: &HsrpStatus) -> Self {
        Self {
            preempt_delay_reload_ms: millis(status.preempt_delay_reload),
            preempt_delay_sync_ms: millis(status.preempt_delay_sync),
            follow: status.follow.as_ref().map(ToString::to_string),
        }
    }
}
