//! Counters. Names follow RFC 8347 where it has one (`docs/protocols/vrrp.md` maps them); the others are ours.

macro_rules! counters {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
        pub struct $name { $($(#[$doc])* pub $field: u64),* }

        impl $name {
            /// Every counter with its name, in the order of this page.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($field), self.$field)),*].into_iter()
            }
        }
    };
}

counters! {
    /// Counters that a group of any protocol has.
    GroupStats {
        /// Transitions to Active (RFC 8347: `master-transitions`).
        active_transitions,
        /// Attempts to program the dataplane that failed.
        program_faults,
        /// Things of ours that somebody removed and that were put back.
        mended,
    }
}

counters! {
    /// Counters of one Virtual Router; names of RFC 8347 `statistics` where it has one.
    VrrpStats {
        /// Valid advertisements received.
        advertisement_rcvd,
        /// Advertisements sent, priority 0 included.
        advertisement_sent,
        /// Advertisements whose interval is not the configured one.
        interval_errors,
        /// Valid advertisements with priority 0 received.
        priority_zero_pkts_rcvd,
        /// Advertisements with priority 0 sent.
        priority_zero_pkts_sent,
        /// Packets whose type is not 1 (also counted on the interface).
        invalid_type_pkts_rcvd,
        /// Advertisements with another address list, or an IPv6 list that does not begin with a link-local.
        address_list_errors,
        /// Packets shorter or longer than their own address count says.
        packet_length_errors,
        /// Packets with a wrong checksum.
        checksum_errors,
        /// Packets of another version.
        version_errors,
        /// Packets whose TTL or hop limit is not 255.
        ip_ttl_errors,
        /// Address count 0 (RFC 9568 erratum 8299).
        count_zero_errors,
        /// Interval 0 (RFC 9568 erratum 8301).
        interval_zero_errors,
        /// Not to the group, or in unicast mode not from a configured peer.
        destination_errors,
        /// VRRPv2: another authentication type than configured.
        auth_type_mismatch,
        /// VRRPv2: the password or digest does not match.
        auth_failures,
        /// Advertisements received while this router owns the address: version 3 those of priority 255, version 2 all.
        owner_conflicts,
        /// Our own frames that came back.
        looped,
        /// Version 2 advertisements ignored because their sender also speaks version 3 (RFC 9568 §8.4).
        v2_shadowed,
    }
}

counters! {
    /// Counters of one HSRP group.
    HsrpStats {
        /// Hellos received that count.
        hello_rcvd,
        /// Hellos sent.
        hello_sent,
        /// Coups received that count.
        coup_rcvd,
        /// Coups sent.
        coup_sent,
        /// Resigns received that count.
        resign_rcvd,
        /// Resigns sent.
        resign_sent,
        /// Another kind of authentication than configured.
        auth_type_mismatch,
        /// The key named is not in the chain, or not accepted now.
        auth_key_errors,
        /// The text or digest does not match.
        auth_failures,
        /// Messages of the other version.
        version_errors,
        /// Our own frames that came back.
        looped,
        /// Messages that name another virtual address.
        address_errors,
        /// Messages without a hello time, or with a hold time that is not longer.
        timer_errors,
        /// Messages with a priority above 255.
        priority_errors,
        /// Too short for a message.
        too_short,
        /// The version field is not that of the message's group.
        version_field_errors,
        /// Unknown opcode.
        opcode_errors,
        /// Unknown state.
        state_errors,
        /// Unknown advertisement.
        advertise_type_errors,
        /// Advertisement of a wrong length.
        advertise_length_errors,
        /// Unknown interface state.
        interface_state_errors,
        /// The message ends inside a TLV.
        tlv_too_short,
        /// A TLV of a wrong length.
        tlv_length_errors,
        /// A TLV for the second time.
        tlv_repeated,
        /// Text and MD5 both.
        auth_repeated,
        /// The MD5 block has another shape.
        md5_block_errors,
        /// Neither group state nor interface state.
        no_state_errors,
        /// Another IP version in the message than around it.
        ip_version_errors,
        /// Group above 4095.
        group_range_errors,
    }
}

counters! {
    /// Counters of one GLBP group.
    GlbpStats {
        /// Hellos received that count, without those that resign.
        hello_rcvd,
        /// Hellos sent, likewise.
        hello_sent,
        /// Announcements of forwarders alone received.
        announcement_rcvd,
        /// Announcements of forwarders alone sent, without those that resign.
        announcement_sent,
        /// Requests for a forwarder received.
        request_rcvd,
        /// Requests sent.
        request_sent,
        /// Responses received.
        response_rcvd,
        /// Responses sent.
        response_sent,
        /// Hellos received by which the AVG resigned.
        resign_rcvd,
        /// Hellos sent by which this router resigned as AVG.
        resign_sent,
        /// Forwarders that this router said it gives up.
        forwarder_resign_sent,
        /// Forwarders that were forgotten because their owner stayed away.
        forwarders_expired,
        /// Requests received while this router is not the AVG.
        unexpected_requests,
        /// Requests left without an answer because all forwarders are taken.
        refused_requests,
        /// Requests left without an answer because there were too many.
        limited_requests,
        /// Responses of somebody who was not asked.
        unexpected_responses,
        /// Authenticated packets that list an old nonce of ours.
        stale_nonces,
        /// Hellos of an AVG with another virtual address.
        address_errors,
        /// Hellos with times that no router can have been told, which are not believed as they are.
        timer_errors,
        /// Another kind of authentication than configured.
        auth_type_mismatch,
        /// The key named is not in the chain, or not accepted now.
        auth_key_errors,
        /// The text or digest does not match.
        auth_failures,
        /// Our own packets that came back, or packets with our address or owner id.
        looped,
        /// To another address than packets of their kind.
        destination_errors,
        /// TTL or hop limit not 255.
        ip_ttl_errors,
        /// Not from an address that a router sends from.
        source_errors,
        /// Too short for a header.
        too_short,
        /// Not version 1.
        version_errors,
        /// Unknown opcode.
        opcode_errors,
        /// The owner id is no interface's address.
        owner_id_errors,
        /// A TLV shorter than its head.
        tlv_length_errors,
        /// The packet ends inside a TLV.
        tlv_past_end,
        /// A TLV for the second time.
        tlv_repeated,
        /// Authentication whose lengths do not fit.
        auth_layout_errors,
        /// Unknown authentication type.
        auth_type_errors,
        /// A list of nonces that is not as long as it says.
        nonce_length_errors,
        /// A Hello of a wrong length.
        hello_length_errors,
        /// A virtual address that is neither IPv4 nor IPv6.
        address_type_errors,
        /// A virtual address of a wrong length.
        address_length_errors,
        /// A virtual address of another family than the packet.
        address_family_errors,
        /// Unknown state of a gateway.
        gateway_state_errors,
        /// Hello time 0.
        hello_time_errors,
        /// Hold time not longer than the hello time.
        hold_time_errors,
        /// A virtual address that cannot be a gateway's.
        virtual_address_errors,
        /// A forwarder of a wrong length.
        forwarder_length_errors,
        /// A forwarder number that does not exist.
        forwarder_number_errors,
        /// A virtual MAC that is not that of the forwarder.
        forwarder_mac_errors,
        /// Forwarders, or announcements of nothing else, in an unknown state.
        forwarder_state_errors,
        /// A forwarder for the second time.
        forwarder_repeated,
        /// A request or response without exactly one forwarder.
        forwarder_count_errors,
        /// An announcement of nothing.
        empty_errors,
        /// ARP requests and neighbour solicitations for the virtual addresses, and announcements of these.
        resolve_rcvd,
        /// Of these, answered.
        resolve_answered,
        /// Of these, checks for a duplicate address that were answered.
        resolve_probes_answered,
        /// Of these, left without an answer by the AVG because no forwarder can be used.
        resolve_unanswered,
        /// Of these, announcements of a host that it has the address itself.
        resolve_gratuitous,
        /// Hosts that had to make room in the client cache.
        clients_evicted,
    }
}

counters! {
    /// Counters of one interface: what cannot be laid at a group's door.
    InterfaceStats {
        /// Frames handed to the engine.
        frames_rcvd,
        /// Frames that are no IP packet of a protocol of ours.
        foreign_frames,
        /// Ethernet or IP header not sane, or longer than the frame.
        packet_length_errors,
        /// IPv4 header checksum wrong.
        ip_checksum_errors,
        /// Fragments.
        fragments,
        /// TTL or hop limit not 255.
        ip_ttl_errors,
        /// Version not known.
        version_errors,
        /// Type not 1.
        invalid_type_pkts_rcvd,
        /// Checksum wrong.
        checksum_errors,
        /// VRID not configured on this interface for this family.
        vrid_errors,
        /// Not to the group.
        destination_errors,
        /// CARP, which shares the protocol number.
        carp_pkts_rcvd,
        /// UDP to a port of ours whose header or checksum is wrong.
        udp_errors,
        /// GLBP packets that break a rule of their format; those that name a group of ours are counted there by rule.
        glbp_malformed,
        /// GLBP packets for groups that are not configured here.
        glbp_group_errors,
        /// HSRP messages that break a rule of their format; those that name a group of ours are counted there by rule.
        hsrp_malformed,
        /// HSRP messages for groups that are not configured here.
        hsrp_group_errors,
        /// HSRP messages of a version that no group here speaks.
        hsrp_version_errors,
        /// HSRP messages about an interface (Advertise, Interface State) received.
        hsrp_interface_states_rcvd,
        /// The same, sent.
        hsrp_interface_states_sent,
        /// VRRPv2 in an authentication header (RFC 2338 type 2), which is not supported.
        auth_header_pkts_rcvd,
    }
}

/// Counters of the engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Frames handed in for an interface that the engine does not know.
    pub unknown_interface: u64,
    /// Frames handed in.
    pub frames_rcvd: u64,
    /// Frames handed out.
    pub frames_sent: u64,
}

#[cfg(test)]
pub(crate) mod tests {
    /// The counter to which a text points its reader: `too short (too-short)`.
    pub(crate) fn named(text: &str) -> String {
        let (_, name) = text.rsplit_once(" (").unwrap();
        name.strip_suffix(')').unwrap().replace('-', "_")
    }

    /// What was counted, each once.
    pub(crate) fn counted(counters: impl Iterator<Item = (&'static str, u64)>) -> Vec<&'static str> {
        counters
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| {
                assert_eq!(count, 1, "{name}");
                name
            })
            .collect()
    }
}
