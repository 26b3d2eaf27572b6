//! Where the two differ for a reason.

/// A kind of difference, and what decides it: ours is right in all of them.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// What ours says holds these words: `foreign`, `sound`, `broken: WHY`, or where both are sound `FIELD=VALUE`.
    pub ours: &'static str,
    /// What tshark's says holds these.
    pub theirs: &'static str,
    /// Why they differ.
    pub reason: &'static str,
    /// What decides.
    pub source: &'static str,
}

const LENIENT: &str = "tshark shows what is there and does not judge it";
const LENGTHS: &str = "tshark reads as far as it can and leaves the rest";
const NOT_BY_US: &str = "tshark decodes what may be a later version or a mistake as if it were this one";

/// A rule that ours keeps and tshark does not.
const fn rule(ours: &'static str, reason: &'static str, source: &'static str) -> Known {
    Known { ours, theirs: "sound", reason, source }
}

/// All that are known.
pub const KNOWN: [Known; 58] = [
    Known {
        ours: "vrrp.checksum.status=message",
        theirs: "vrrp.checksum.status=0",
        reason: "tshark knows the checksum of version 3 over IPv4 with a pseudo-header only",
        source: "RFC 9568 §5.2.8",
    },
    Known {
        ours: "sound",
        theirs: "broken: glbp.length",
        reason: "tshark stops at a TLV without a value; those of an unknown type are passed over",
        source: "docs/protocols/glbp.md, Header",
    },
    rule("IPv4 total length", LENGTHS, "RFC 791 §3.1"),
    rule("IPv6 payload length", LENGTHS, "RFC 8200 §3"),
    rule(
        "UDP length",
        "tshark takes 0 for a jumbogram and others as they are",
        "RFC 768; RFC 2675 needs an option",
    ),
    rule("no UDP checksum over IPv6", LENIENT, "RFC 8200 §8.1"),
    rule("instead of 255", LENIENT, "RFC 9568 §5.1.1.3, §5.1.2.3; docs/protocols/glbp.md, Transport"),
    rule("HSRP is not sent there", LENIENT, "RFC 2281 §5; docs/protocols/hsrp.md, Facts"),
    // VRRP
    rule("where the header announces", LENGTHS, "RFC 9568 §7.1: the length must be that of the fields"),
    rule("unknown VRRP version", NOT_BY_US, "RFC 9568 §7.1: the version must be known"),
    rule("unknown VRRP packet type", LENIENT, "RFC 9568 §5.2.2: unknown types are discarded"),
    rule("is not defined over", NOT_BY_US, "RFC 3768 is IPv4 only; RFC 9568 §5.2.1"),
    rule("virtual router identifier 0", LENIENT, "RFC 9568 §5.2.3: 1 to 255"),
    rule("the advertisement carries no address", LENIENT, "RFC 9568 §5.2.5: at least 1"),
    rule("the advertisement interval is 0", LENIENT, "RFC 9568 §5.2.7; RFC 3768 §5.3.7"),
    rule("malformed MD5 authentication block", LENIENT, "docs/protocols/vrrp.md, Security"),
    rule("the first IPv6 address is not link-local", LENIENT, "RFC 9568 §5.2.9"),
    // HSRP
    rule("octets are too few for an HSRP", LENGTHS, "RFC 2281 §5.1"),
    rule("unknown HSRP version", NOT_BY_US, "RFC 2281 §5.1"),
    rule("unknown HSRP opcode", LENIENT, "RFC 2281 §5.1"),
    rule("unknown HSRP state", LENIENT, "RFC 2281 §5.1"),
    rule("unknown HSRP advertisement type", LENIENT, "docs/protocols/hsrp.md, Facts"),
    rule("HSRP advertisement length", LENIENT, "docs/protocols/hsrp.md, Facts"),
    rule("unknown HSRP interface state", LENIENT, "docs/protocols/hsrp.md, Facts"),
    rule("the message is too short for its TLVs", LENGTHS, "docs/protocols/hsrp.md, Facts"),
    rule(" of TLV ", LENGTHS, "docs/protocols/hsrp.md, Facts"),
    rule("is repeated", LENIENT, "docs/protocols/hsrp.md, Facts"),
    rule("two kinds of authentication", LENIENT, "docs/protocols/hsrp.md, Facts"),
    rule("malformed MD5 authentication", LENIENT, "docs/protocols/hsrp.md, Facts"),
    rule("neither a group state nor an interface state", LENIENT, "docs/protocols/hsrp.md, Facts"),
    rule("is not that of the packet", LENIENT, "docs/protocols/hsrp.md, Facts"),
    rule("is above 4095", LENIENT, "docs/protocols/hsrp.md, Facts"),
    // GLBP
    rule("octets are too few for a GLBP", LENGTHS, "docs/protocols/glbp.md, Header"),
    rule("unknown GLBP version", NOT_BY_US, "docs/protocols/glbp.md, Header"),
    rule("unknown GLBP opcode", LENIENT, "docs/protocols/glbp.md, Header"),
    rule("is above 1023", LENIENT, "docs/protocols/glbp.md, Header"),
    rule("is not the address of an interface", LENIENT, "docs/protocols/glbp.md, Header"),
    rule("shorter than its head", LENGTHS, "docs/protocols/glbp.md, Header"),
    rule(" octets where ", LENGTHS, "docs/protocols/glbp.md, Header"),
    rule("a second TLV of type", LENIENT, "docs/protocols/glbp.md, Header"),
    rule("malformed authentication of type", LENIENT, "docs/protocols/glbp.md, Authentication"),
    rule("unknown authentication type", LENIENT, "docs/protocols/glbp.md, Authentication"),
    rule("octets for the nonces", LENIENT, "docs/protocols/glbp.md, Nonces"),
    rule("a hello of", LENIENT, "docs/protocols/glbp.md, Hello"),
    rule("unknown address type", LENIENT, "docs/protocols/glbp.md, Hello"),
    rule("cannot be a gateway's", LENIENT, "docs/protocols/glbp.md, Hello"),
    rule("virtual address in a packet of the other family", LENIENT, "docs/protocols/glbp.md, Hello"),
    rule("an IPv4 address of", LENIENT, "docs/protocols/glbp.md, Hello"),
    rule("an IPv6 address of", LENIENT, "docs/protocols/glbp.md, Hello"),
    rule(" of a virtual ", LENIENT, "docs/protocols/glbp.md, Hello and Forwarder"),
    rule("the hello time is 0", LENIENT, "docs/protocols/glbp.md, Timers"),
    rule("does not exceed the hello time", LENIENT, "docs/protocols/glbp.md, Timers"),
    rule("broken: forwarder number", LENIENT, "docs/protocols/glbp.md, Forwarder"),
    rule("is not the virtual MAC of forwarder", LENIENT, "docs/protocols/glbp.md, Forwarder"),
    rule("broken: a forwarder of", LENIENT, "docs/protocols/glbp.md, Forwarder"),
    rule("broken: a request or response with", LENIENT, "docs/protocols/glbp.md, Forwarder"),
    rule("is there twice", LENIENT, "docs/protocols/glbp.md, Forwarder"),
    rule("an announcement that says nothing", LENIENT, "docs/protocols/glbp.md, Announcements of forwarders"),
];
