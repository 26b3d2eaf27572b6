//! Faults of the network, and their mending.

use std::fmt;

use crate::{
    error::Result,
    topology::{Lab, Node, lan_port},
};

/// What is done to a router in a failover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its daemon dies at once, without a word.
    Kill,
    /// Its daemon is asked to stop and resigns.
    Stop,
    /// Its LAN link loses carrier.
    Link,
    /// Its switch port stops forwarding; carrier stays.
    Silent,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Kill, Self::Stop, Self::Link, Self::Silent];
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "kill",
            Self::Stop => "stop",
            Self::Link => "link",
            Self::Silent => "silent",
        })
    }
}

impl Lab {
    /// Takes the carrier of a node's LAN link: the switch side goes down.
    ///
    /// # Errors
    /// [`crate::LabError::Command`].
    pub fn take_carrier(&self, node: &Node, lan: u8) -> Result<()> {
        self.switch().ip([format!("link set dev {} down", lan_port(node.name(), lan))])
    }

    /// Gives the carrier back.
    ///
    /// # Errors
    /// [`crate::LabError::Command`].
    pub fn give_carrier(&self, node: &Node, lan: u8) -> Result<()> {
        self.switch().ip([format!("link set dev {} up", lan_port(node.name(), lan))])
    }

    /// Stops the forwarding of a node's switch port; its carrier stays.
    ///
    /// # Errors
    /// [`crate::LabError::Command`].
    pub fn silence(&self, node: &Node, lan: u8) -> Result<()> {
        self.port_state(node, lan, "disabled")
    }

    /// Lets a silenced port forward again.
    ///
    /// # Errors
    /// [`crate::LabError::Command`].
    pub fn unsilence(&self, node: &Node, lan: u8) -> Result<()> {
        self.port_state(node, lan, "forwarding")
    }

    fn port_state(&self, node: &Node, lan: u8, state: &str) -> Result<()> {
        self.switch().bridge([format!("link set dev {} state {state}", lan_port(node.name(), lan))])
    }

    /// Makes the switch forget what it learned at a node's port.
    ///
    /// # Errors
    /// [`crate::LabError::Command`].
    pub fn forget_port(&self, node: &Node, lan: u8) -> Result<()> {
        self.switch().ip([format!("link set dev {} type bridge_slave fdb_flush", lan_port(node.name(), lan))])
    }

    /// Loses, at random, `permille` of 1,000 frames that the switch receives from a node; 0 loses none.
    ///
    /// # Errors
    /// [`crate::LabError::MissingProgram`] without `nft`; [`crate::LabError::Command`].
    pub fn lose(&self, node: &Node, lan: u8, permille: u16) -> Result<()> {
        self.lose_at(node, lan, ("ingress", permille))
    }

    /// The same for frames that the switch sends to a node.
    ///
    /// # Errors
    /// As [`Lab::lose`].
    pub fn lose_to(&self, node: &Node, lan: u8, permille: u16) -> Result<()> {
        self.lose_at(node, lan, ("egress", permille))
    }

    fn lose_at(&self, node: &Node, lan: u8, (hook, permille): (&str, u16)) -> Result<()> {
        crate::world::require_program("nft", "nftables")?;
        let port = lan_port(node.name(), lan);
        let table = format!("netdev {hook}_{}", port.replace('-', "_"));
        // Declaring it first makes the deletion succeed whether it was there or not.
        let mut lines = vec![format!("table {table}"), format!("delete table {table}")];
        let verdict = match permille {
            0 => None,
            1..1000 => Some(format!("numgen random mod 1000 < {permille} drop")),
            1000.. => Some("drop".to_owned()),
        };
        lines.extend(verdict.map(|verdict| {
            format!(
                "table {table} {{ chain at {{ type filter hook {hook} device \"{port}\" priority 0; {verdict}; }}; }}"
            )
        }));
        self.switch().feed_program("nft", &["-f", "-"], &lines)
    }
}
