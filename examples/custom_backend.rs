//! One's own dataplane under the tokio driver: here two routers on a wire made of channels, in one process.
//!
//! To copy: put your forwarding plane behind `Backend`, your packet path behind `PacketIo`. tokio's clock steps by
//! 1 ms; a router wants a finer one (`fhrp-netlink` has it).

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use fhrp::driver::{Backend, BackendEvent, Change, Clock, Driver, Handle, PacketIo, Received};
use fhrp::{
    Binding, Engine, Gate, GroupState, IfIndex, Instant, InterfaceName, LinkEvent, LinkState, MacAddr,
    Reception, Revision, SeatId, VrrpConfig, VrrpSettings,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const ETH0: IfIndex = IfIndex(1);

/// A dataplane that prints what it would do, and says yes at once.
struct PrintingDataplane {
    name: &'static str,
    news: UnboundedReceiver<BackendEvent>,
    tell: UnboundedSender<BackendEvent>,
}

impl Backend for PrintingDataplane {
    fn program(&mut self, seat: SeatId, revision: Revision, wanted: Option<Binding>) {
        if let Some(binding) = wanted {
            let verb = if binding.gate == Gate::Open { "forwards for" } else { "stands by for" };
            println!("{} {verb} {:?}", self.name, binding.addresses);
        }
        let _ = self.tell.send(BackendEvent::Programmed { seat, revision, result: Ok(()) });
    }

    async fn next_event(&mut self) -> BackendEvent {
        match self.news.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }

    async fn shutdown(&mut self) {
        println!("{} is gone", self.name);
    }
}

/// A cable: what one end transmits the other receives.
struct Cable {
    out: UnboundedSender<Bytes>,
    from: UnboundedReceiver<Bytes>,
    waiting: Option<Bytes>,
    start: tokio::time::Instant,
}

impl PacketIo for Cable {
    fn attach(&mut self, _: IfIndex, _: &Reception) -> io::Result<()> {
        Ok(())
    }

    fn detach(&mut self, _: IfIndex) {}

    async fn readable(&mut self) {
        if self.waiting.is_none() {
            self.waiting = self.from.recv().await;
        }
        if self.waiting.is_none() {
            std::future::pending().await
        }
    }

    fn receive(&mut self, sink: &mut dyn FnMut(Received<'_>)) -> bool {
        let at = moment(self.start);
        while let Some(frame) = self.waiting.take().or_else(|| self.from.try_recv().ok()) {
            sink(Received { at, interface: ETH0, frame: &frame });
        }
        false
    }

    fn transmit(&mut self, _: IfIndex, frame: Bytes) {
        let _ = self.out.send(frame);
    }

    fn unicast(&mut self, _: IfIndex, _: IpAddr, _: IpAddr, _: Bytes) {}

    fn flush(&mut self) {}
}

struct TokioClock(tokio::time::Instant);

impl Clock for TokioClock {
    fn now(&self) -> Instant {
        moment(self.0)
    }

    async fn sleep_until(&mut self, deadline: Option<Instant>) {
        match deadline {
            Some(at) => tokio::time::sleep_until(self.0 + Duration::from_micros(at.as_micros())).await,
            None => std::future::pending().await,
        }
    }
}

fn moment(start: tokio::time::Instant) -> Instant {
    Instant::from_micros(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX))
}

fn router(
    name: &'static str,
    last: u8,
    cable: Cable,
) -> (Driver<PrintingDataplane, Cable, TokioClock>, Handle) {
    let (tell, news) = unbounded_channel();
    let link = LinkState {
        name: InterfaceName::new("eth0"),
        index: ETH0,
        mac: MacAddr([2, 0, 0, 0, 0, last]),
        up: true,
        mtu: 1500,
        ipv4: vec![Ipv4Addr::new(192, 0, 2, last)],
        ipv6: Vec::new(),
    };
    let _ = tell.send(BackendEvent::Link(LinkEvent::Present(link)));
    let clock = TokioClock(cable.start);
    let (driver, handle, _) =
        Driver::new(Engine::new(), PrintingDataplane { name, news, tell }, cable, clock);
    (driver, handle)
}

fn config(priority: u8) -> Result<VrrpConfig, Box<dyn Error>> {
    let mut settings = VrrpSettings::new(InterfaceName::new("eth0"), 10, vec!["192.0.2.1".parse()?]);
    settings.priority = priority;
    settings.advertisement_interval = Duration::from_millis(50);
    Ok(VrrpConfig::new(settings)?)
}

async fn until_active(handle: &Handle) -> Result<(), Box<dyn Error>> {
    while handle.snapshot().await?.groups.iter().any(|group| group.state != GroupState::Active) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let start = tokio::time::Instant::now();
    let ((out1, from2), (out2, from1)) = (unbounded_channel(), unbounded_channel());
    let (driver1, r1) = router("r1", 2, Cable { out: out1, from: from1, waiting: None, start });
    let (driver2, r2) = router("r2", 3, Cable { out: out2, from: from2, waiting: None, start });
    let script = async {
        r1.apply(vec![Change::Add(config(200)?.into())]).await?;
        r2.apply(vec![Change::Add(config(100)?.into())]).await?;
        until_active(&r1).await?;
        println!("r1 is Active; now it is stopped");
        r1.shutdown();
        until_active(&r2).await?;
        r2.shutdown();
        Ok::<_, Box<dyn Error>>(())
    };
    let ((), (), outcome) = tokio::join!(driver1.run(), driver2.run(), script);
    outcome
}
