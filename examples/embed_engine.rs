//! The engine in a loop of one's own: virtual time here, a real clock and sockets in a real program.
//!
//! To copy: replace `now` by your clock, `Transmit` by your socket, `Program` by what your router does to forward for
//! an address, and feed received frames to `Engine::handle_frame` before you call `Engine::handle_timeout`.

use std::error::Error;
use std::net::Ipv4Addr;

use fhrp::{
    Action, Engine, Gate, IfIndex, Instant, InterfaceName, LinkEvent, LinkState, MacAddr, VrrpConfig,
    VrrpSettings,
};

fn main() -> Result<(), Box<dyn Error>> {
    let (mut engine, mut now) = (Engine::new(), Instant::from_millis(0));
    let eth0 = InterfaceName::new("eth0");
    let link = LinkState {
        name: eth0.clone(),
        index: IfIndex(2),
        mac: MacAddr([0x02, 0, 0, 0, 0, 0x01]),
        up: true,
        mtu: 1500,
        ipv4: vec![Ipv4Addr::new(192, 0, 2, 2)],
        ipv6: Vec::new(),
    };
    engine.handle_link(now, LinkEvent::Present(link));
    engine.add(now, VrrpConfig::new(VrrpSettings::new(eth0, 10, vec!["192.0.2.1".parse()?]))?)?;

    while now < Instant::from_millis(6_000) {
        while let Some(action) = engine.poll_action() {
            match action {
                Action::Transmit { frame, .. } => println!("{now} send {} octets", frame.len()),
                Action::Unicast { peer, .. } => println!("{now} send to {peer}"),
                Action::Program { seat, revision, binding } => {
                    let open = binding.is_some_and(|binding| binding.gate == Gate::Open);
                    println!(
                        "{now} {}",
                        if open { "forward for the virtual address" } else { "do not forward" }
                    );
                    engine.handle_programmed(now, seat, revision, Ok(()));
                }
                Action::Attach { interface, .. } => println!("{now} receive on {interface:?}"),
                Action::Detach(interface) => println!("{now} receive no more on {interface:?}"),
                Action::Notify(notice) => println!("{now} {}: {:?}", notice.group, notice.kind),
            }
        }
        now = engine.next_deadline().unwrap_or(Instant::from_millis(6_000));
        engine.handle_timeout(now);
    }
    Ok(())
}
