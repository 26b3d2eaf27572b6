//! Bytes to values and back: VRRP, and the Ethernet, IP, ARP and ND envelopes around it
