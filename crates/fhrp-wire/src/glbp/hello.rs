use std::net::IpAddr;

use bytes::{BufMut, BytesMut};

use super::tlv::{self, HELLO};
use super::{DecodeError, InvalidPacket, Milliseconds, Seconds};
use crate::Family;
use crate::reader::Reader;

/// Octets of the TLV in front of the virtual address.
const FIXED: usize = 24;
const ADDRESS_V4: u8 = 1;
const ADDRESS_V6: u8 = 2;

/// Where the sender's virtual gateway is in the election of the AVG. Disabled (1) and Initial (2) do not speak
/// (inferred: neither was seen).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VgState {
    /// Neither active nor standby.
    Listen,
    /// Takes part in the election of the standby router.
    Speak,
    /// Next in line.
    Standby,
    /// The AVG.
    Active,
}

impl VgState {
    /// The number on the wire.
    #[must_use]
    pub const fn get(self) -> u8 {
        match self {
            Self::Listen => 0x04,
            Self::Speak => 0x08,
            Self::Standby => 0x10,
            Self::Active => 0x20,
        }
    }

    const fn read(octet: u8) -> Result<Self, DecodeError> {
        match octet {
            0x04 => Ok(Self::Listen),
            0x08 => Ok(Self::Speak),
            0x10 => Ok(Self::Standby),
            0x20 => Ok(Self::Active),
            other => Err(DecodeError::VgState(other)),
        }
    }
}

/// The times that a group works with. Every member tells its own; those of the AVG count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timers {
    hello: Milliseconds,
    hold: Milliseconds,
    redirect: Seconds,
    timeout: Seconds,
}

impl Timers {
    /// That the timeout exceeds the redirect time is not asked here: a router with others still speaks GLBP.
    ///
    /// # Errors
    /// [`InvalidPacket::HoldTime`].
    pub const fn new(
        hello: Milliseconds,
        hold: Milliseconds,
        redirect: Seconds,
        timeout: Seconds,
    ) -> Result<Self, InvalidPacket> {
        if hold.get() <= hello.get() {
            return Err(InvalidPacket::HoldTime { hello: hello.get(), hold: hold.get() });
        }
        Ok(Self { hello, hold, redirect, timeout })
    }

    /// From one hello to the next.
    #[must_use]
    pub const fn hello(&self) -> Milliseconds {
        self.hello
    }

    /// After how much silence the sender is to be taken for dead; longer than the hello time.
    #[must_use]
    pub const fn hold(&self) -> Milliseconds {
        self.hold
    }

    /// How long the AVG goes on handing out the MAC of a forwarder whose owner is gone.
    #[must_use]
    pub const fn redirect(&self) -> Seconds {
        self.redirect
    }

    /// How long a forwarder lives without its owner.
    #[must_use]
    pub const fn timeout(&self) -> Seconds {
        self.timeout
    }
}

/// What a router says about its virtual gateway. Always legal.
///
/// ```text
/// |    type 1     | length 28, 40 |   reserved    |   VG state    |
/// |   reserved    |   priority    |           reserved            |
/// |                   hello time, milliseconds                    |
/// |                   hold time, milliseconds                     |
/// |    redirect time, seconds     |  forwarder timeout, seconds   |
/// |           reserved            | address type  | 4 or 16       |
/// |                  virtual address, 4 or 16 octets              |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    state: VgState,
    priority: u8,
    timers: Timers,
    address: IpAddr,
}

impl Hello {
    /// Every priority is legal on the wire: 0 says that the sender resigns.
    ///
    /// # Errors
    /// [`InvalidPacket::VirtualAddress`].
    pub fn new(state: VgState, priority: u8, timers: Timers, address: IpAddr) -> Result<Self, InvalidPacket> {
        if !is_usable(address) {
            return Err(InvalidPacket::VirtualAddress(address));
        }
        Ok(Self { state, priority, timers, address })
    }

    /// Where the sender is in the election.
    #[must_use]
    pub const fn state(&self) -> VgState {
        self.state
    }

    /// The sender's priority; 0 resigns.
    #[must_use]
    pub const fn priority(&self) -> u8 {
        self.priority
    }

    /// Whether the sender gives up being AVG, now.
    #[must_use]
    pub const fn is_resigning(&self) -> bool {
        self.priority == 0
    }

    /// The times that the sender works with.
    #[must_use]
    pub const fn timers(&self) -> Timers {
        self.timers
    }

    /// The primary virtual address; others are not on the wire.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// Family of the address, and of the packet that carries it.
    #[must_use]
    pub const fn family(&self) -> Family {
        Family::of(&self.address)
    }

    pub(super) const fn wire_octets(&self) -> usize {
        FIXED + self.family().address_octets()
    }

    /// Reads a whole TLV out of a packet of `family`.
    pub(super) fn read(family: Family, octets: &[u8]) -> Result<Self, DecodeError> {
        let wrong = DecodeError::HelloLength { actual: octets.len() };
        let mut reader = Reader::new(octets);
        let [_, _, _, state, _, priority, _, _] = reader.array::<8>().ok_or(wrong)?;
        let hello = reader.u32().ok_or(wrong)?;
        let hold = reader.u32().ok_or(wrong)?;
        let redirect = reader.u16().map(Seconds::new).ok_or(wrong)?;
        let timeout = reader.u16().map(Seconds::new).ok_or(wrong)?;
        let [_, _, address_type, address_length] = reader.array::<4>().ok_or(wrong)?;

        check_address(family, address_type, address_length)?;
        let address = match family {
            Family::V4 => reader.array::<4>().map(IpAddr::from),
            Family::V6 => reader.array::<16>().map(IpAddr::from),
        };
        let address = address.filter(|_| reader.rest().is_empty()).ok_or(wrong)?;
        let state = VgState::read(state)?;
        let hello = Milliseconds::new(hello).ok_or(DecodeError::HelloTimeZero)?;
        let too_short = DecodeError::HoldTime { hello: hello.get(), hold };
        let hold = Milliseconds::new(hold).ok_or(too_short)?;
        let timers = Timers::new(hello, hold, redirect, timeout).map_err(|_| too_short)?;
        Self::new(state, priority, timers, address).map_err(|_| DecodeError::VirtualAddress(address))
    }

    pub(super) fn write(&self, out: &mut BytesMut) {
        tlv::write_head(out, HELLO, self.wire_octets());
        out.put_slice(&[0, self.state.get(), 0, self.priority, 0, 0]);
        out.put_u32(self.timers.hello.get());
        out.put_u32(self.timers.hold.get());
        out.put_u16(self.timers.redirect.get());
        out.put_u16(self.timers.timeout.get());
        out.put_u16(0);
        match self.address {
            IpAddr::V4(address) => {
                out.put_slice(&[ADDRESS_V4, 4]);
                out.put_slice(&address.octets());
            }
            IpAddr::V6(address) => {
                out.put_slice(&[ADDRESS_V6, 16]);
                out.put_slice(&address.octets());
            }
        }
    }
}

/// Type and length must agree with each other and with the packet around them.
fn check_address(family: Family, address_type: u8, length: u8) -> Result<(), DecodeError> {
    let of_type = match address_type {
        ADDRESS_V4 => Family::V4,
        ADDRESS_V6 => Family::V6,
        other => return Err(DecodeError::AddressType(other)),
    };
    if usize::from(length) != of_type.address_octets() {
        return Err(DecodeError::AddressLength { family: of_type, actual: length });
    }
    if of_type == family { Ok(()) } else { Err(DecodeError::AddressFamily(of_type)) }
}

/// Whether hosts can have it as a gateway: receivers without an address of their own learn it from hellos.
fn is_usable(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    !(broadcast || address.is_unspecified() || address.is_multicast() || address.is_loopback())
}
