/// What packet sockets have done so far, over all interfaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketCounters {
    /// Frames handed over.
    pub received: u64,
    /// Wanted frames that the kernel dropped because nobody fetched them in time (`PACKET_STATISTICS`).
    pub dropped: u64,
    /// Frames too long to be any protocol's, not handed over.
    pub truncated: u64,
    /// Failed reads other than "nothing there", for instance because the interface went down.
    pub receive_errors: u64,
    /// Frames and unicast packets that the kernel took.
    pub sent: u64,
    /// Frames and unicast packets that could not be sent and were dropped.
    pub send_errors: u64,
    /// Failed attempts to join an IP multicast group.
    pub join_failures: u64,
}
