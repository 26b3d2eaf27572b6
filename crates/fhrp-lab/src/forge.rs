//! Packets of other people's tools for making packets, sent from a node: Scapy's and yersinia's.

use std::{net::Ipv4Addr, path::Path, process::Command};

use crate::{
    error::{LabError, Result},
    namespace::find_program,
    topology::Node,
    world::require_program,
};

/// The Python that Debian's package is for; another may come first in `PATH`.
const PYTHON: &str = "/usr/bin/python3";
const SCAPY: &str = "/usr/lib/python3/dist-packages/scapy";

/// Its own value for a packet that is sent once.
const YERSINIA_SEND_ONE: &str = "0";

/// Whether Scapy cannot be used.
pub(crate) fn scapy_is_missing() -> bool {
    !Path::new(PYTHON).is_file() || !Path::new(SCAPY).is_dir()
}

/// A packet of HSRP version 1 as yersinia sends it: with the password `cisco` and from a MAC address of its choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HsrpForgery {
    /// 0 hello, 1 coup, 2 resign.
    pub opcode: u8,
    /// 16 is Active.
    pub state: u8,
    /// Hello time in seconds.
    pub hello_s: u8,
    /// Hold time in seconds.
    pub hold_s: u8,
    /// Priority.
    pub priority: u8,
    /// Group number.
    pub group: u8,
    /// The virtual address.
    pub address: Ipv4Addr,
    /// The source address, which need not be the sender's.
    pub source: Ipv4Addr,
}

impl HsrpForgery {
    fn arguments(&self) -> Vec<String> {
        // It reads all numbers as two hexadecimal digits.
        let numbers = [
            ("-opcode", self.opcode),
            ("-state", self.state),
            ("-hello", self.hello_s),
            ("-hold", self.hold_s),
            ("-priority", self.priority),
            ("-group", self.group),
        ];
        let numbers =
            numbers.into_iter().flat_map(|(name, number)| [name.to_owned(), format!("{number:02X}")]);
        let addresses = [("-ipvirtual", self.address), ("-ipsource", self.source)];
        let addresses =
            addresses.into_iter().flat_map(|(name, address)| [name.to_owned(), address.to_string()]);
        numbers.chain(addresses).collect()
    }
}

impl Node {
    /// Runs lines of Python in this node, with everything of Scapy in scope (`sendp`, `Ether`, `HSRP`, …), and gives
    /// what they printed.
    ///
    /// # Errors
    /// [`LabError::MissingProgram`] without Scapy, [`LabError::Command`] with Python's words.
    pub fn scapy(&self, program: &str) -> Result<String> {
        if scapy_is_missing() {
            return Err(LabError::MissingProgram { program: "scapy".to_owned(), package: "python3-scapy" });
        }
        self.namespace().query(PYTHON, &["-c", &format!("from scapy.all import *\n{program}")])
    }

    /// Lets yersinia send a packet out of an interface of this node. It takes about a second.
    ///
    /// # Errors
    /// [`LabError::MissingProgram`] without yersinia, [`LabError::Command`] if it refuses.
    pub fn yersinia_hsrp(&self, interface: &str, forgery: &HsrpForgery) -> Result<()> {
        require_program("yersinia", "yersinia")?;
        let program = find_program("yersinia").unwrap_or_default();
        let mut command = Command::new(program);
        command
            .args(["hsrp", "-attack", YERSINIA_SEND_ONE, "-interface", interface])
            .args(forgery.arguments());
        // It writes a log where it is.
        let output = self.namespace().output(command.current_dir(self.work_dir()))?;
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        // Its exit status is 0 also when it refuses.
        if said.contains("Starting") {
            return Ok(());
        }
        let stderr = said.lines().filter(|line| line.is_ascii()).collect::<Vec<_>>().join(" ");
        Err(LabError::Command { command: format!("yersinia hsrp -interface {interface}"), stderr })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yersinia_reads_hexadecimal_digits() {
        let forgery = HsrpForgery {
            opcode: 1,
            state: 16,
            hello_s: 3,
            hold_s: 10,
            priority: 255,
            group: 1,
            address: Ipv4Addr::new(192, 0, 2, 1),
            source: Ipv4Addr::new(192, 0, 2, 66),
        };
        assert_eq!(
            forgery.arguments().join(" "),
            "-opcode 01 -state 10 -hello 03 -hold 0A -priority FF -group 01 -ipvirtual 192.0.2.1 -ipsource 192.0.2.66"
        );
    }
}
