//! One thing after the other, as the input says.

use std::time::Duration;

use arbitrary::Unstructured;
use fhrp::{GroupId, IfIndex, LinkEvent, ProgramFault, TrackState};

use super::frames;
use super::settings::{self, flag, interface, octet, one, track};
use super::watch::Stage;
use super::world::{Passage, ROUTERS, World, link};

const DURATIONS: [Duration; 8] = [
    Duration::from_millis(1),
    Duration::from_millis(10),
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(11),
    Duration::from_secs(60),
    Duration::from_secs(4000),
];
/// How long a frame may have waited in a socket.
const LATE_MAX: u64 = 2000;

/// Reads the next thing from `input` and lets it happen.
pub(super) fn next(world: &mut World, input: &mut Unstructured<'_>) {
    let kind = octet(input);
    let router = usize::from(kind >> 7) % ROUTERS;
    match kind & 0x1f {
        0..=4 => world.pass(one(input, &DURATIONS) * u32::from(octet(input) % 4 + 1)),
        5..=8 => wake_some(world, input),
        9 => world.now = world.now + one(input, &DURATIONS),
        10..=16 => written(world, router, input),
        17 => unwritten(world, router, input),
        18 | 19 => again(world, input),
        20 => answer(world, router, input),
        21 => mend(world, router, input),
        22 => relink(world, router, input),
        23 => vanish(world, router, input),
        24 => {
            if let Some(group) = settings::group(input) {
                world.add(router, group);
            }
        }
        25 | 26 => update(world, router, input),
        27 => remove(world, router, input),
        28 => retrack(world, router, input),
        29 => settime(world, router, input),
        30 => world.habits.answers = flag(input),
        _ => stop(world, router, input),
    }
}

/// The next few that are due, one by one.
fn wake_some(world: &mut World, input: &mut Unstructured<'_>) {
    for _ in 0..=octet(input) % 32 {
        let Some((due, router)) = world.next_due() else { return };
        world.now = world.now.max(due);
        world.wake(router);
    }
}

fn written(world: &mut World, router: usize, input: &mut Unstructured<'_>) {
    let frame = frames::frame(input);
    hear(world, router, input, &frame);
}

fn unwritten(world: &mut World, router: usize, input: &mut Unstructured<'_>) {
    let octets = usize::from(octet(input));
    let frame = input.bytes(octets.min(input.len())).unwrap_or_default().to_vec();
    hear(world, router, input, &frame);
}

fn hear(world: &mut World, router: usize, input: &mut Unstructured<'_>, frame: &[u8]) {
    let bits = octet(input);
    let late = if bits & 0x0f == 1 { u64::from(bits >> 4) * LATE_MAX / 16 } else { 0 };
    let at = world.now.saturating_sub(Duration::from_millis(late));
    let interface = IfIndex(if bits & 0xf0 == 0xf0 { 3 } else { 2 });
    world.call(router, |engine| engine.handle_frame(at, interface, frame));
}

/// A frame that was sent before arrives, bent or as it was, at the other router or where it came from.
fn again(world: &mut World, input: &mut Unstructured<'_>) {
    let place = usize::from(octet(input)) % world.heard.len().max(1);
    let Some((sender, interface, frame)) = world.heard.get(place).cloned() else { return };
    let mut frame = frame.to_vec();
    let bits = octet(input);
    if bits & 1 == 1 {
        frames::bend(input, &mut frame);
    }
    let router = if bits & 6 == 6 { sender } else { ROUTERS - 1 - sender };
    let now = world.now;
    world.call(router, |engine| engine.handle_frame(now, interface, &frame));
}

/// The dataplane has carried out an open wish, or could not, or speaks of one that never was.
fn answer(world: &mut World, router: usize, input: &mut Unstructured<'_>) {
    let (bits, now) = (octet(input), world.now);
    let wishes = &mut world.routers[router].wishes;
    let place = usize::from(bits >> 2) % wishes.len().max(1);
    let Some((seat, revision)) = wishes.remove(place) else { return };
    let result = if bits & 1 == 0 { Ok(()) } else { Err(ProgramFault("refused".into())) };
    if result.is_err() {
        world.routers[router].refuse(seat, revision);
    }
    world.call(router, |engine| engine.handle_programmed(now, seat, revision, result));
}

fn mend(world: &mut World, router: usize, input: &mut Unstructured<'_>) {
    let now = world.now;
    let seat = fhrp::SeatId::from_raw(u32::from(octet(input) % 16));
    if flag(input) {
        world.call(router, |engine| engine.handle_mended(now, seat, "address".into()));
    } else {
        let fault = ProgramFault("no socket".into());
        world.call(router, |engine| engine.handle_attach_fault(now, IfIndex(2), &fault));
    }
}

/// An interface is not as it was.
fn relink(world: &mut World, router: usize, input: &mut Unstructured<'_>) {
    let bits = octet(input);
    let mut state = link(router, usize::from(bits & 1));
    state.up = bits & 2 == 0;
    if bits & 4 != 0 {
        state.ipv4.clear();
    }
    if bits & 8 != 0 {
        state.ipv6.clear();
    }
    if bits & 16 != 0 {
        // A virtual address is its own, first or last.
        let own = [10, 0, 0, 254].into();
        state.ipv4.insert(if bits & 1 == 0 { 0 } else { state.ipv4.len() }, own);
        state.ipv6.push([0xfe80, 0, 0, 0, 0, 0, 0, 0x254].into());
    }
    if bits & 32 != 0 {
        state.index = IfIndex(state.index.0 + 1);
    }
    if bits & 64 != 0 {
        state.mac.0[3] = 9;
    }
    if bits & 0x83 == 0x83 {
        state.mac = fhrp::MacAddr::ZERO;
    }
    let now = world.now;
    world.call(router, |engine| engine.handle_link(now, LinkEvent::Present(state)));
}

/// An interface goes, or others come and go that nobody asked for: each has a name of its own.
fn vanish(world: &mut World, router: usize, input: &mut Unstructured<'_>) {
    let bits = octet(input);
    if bits & 0x80 != 0 {
        let passage = if bits & 0x40 == 0 { Passage::OneByOne } else { Passage::Renamed };
        return world.pass_by(router, (bits & 0x1f) + 1, passage);
    }
    let (now, index) = (world.now, IfIndex(u32::from(bits % 4) + 2));
    world.call(router, |engine| engine.handle_link(now, LinkEvent::Gone(index)));
}

fn some_id(world: &World, router: usize, input: &mut Unstructured<'_>) -> Option<GroupId> {
    let ids: Vec<GroupId> = world.routers[router].engine.status().map(|status| status.id).collect();
    ids.get(usize::from(octet(input)) % ids.len().max(1)).cloned()
}

fn update(world: &mut World, router: usize, input: &mut Unstructured<'_>) {
    let now = world.now;
    if let Some(group) = settings::group(input) {
        world.call(router, |engine| {
            let _ = engine.update(now, group);
        });
    }
}

fn remove(world: &mut World, router: usize, input: &mut Unstructured<'_>) {
    let now = world.now;
    if let Some(id) = some_id(world, router, input) {
        world.call(router, |engine| engine.remove(now, &id).expect("it is there"));
    }
}

fn retrack(world: &mut World, router: usize, input: &mut Unstructured<'_>) {
    let (now, name) = (world.now, track(input));
    match octet(input) % 4 {
        0 => world.call(router, |engine| engine.set_track(now, &name, TrackState::Down)),
        1 => world.call(router, |engine| engine.set_track(now, &name, TrackState::Up)),
        2 => {
            let interface = interface(input);
            world.call(router, |engine| engine.track_interface(now, &name, &interface));
        }
        _ => world.call(router, |engine| engine.forget_track(now, &name)),
    }
}

fn settime(world: &mut World, router: usize, input: &mut Unstructured<'_>) {
    let now = world.now;
    let unix = one(input, &[1_000_000, 999_999, 0, u64::from(u32::MAX)]);
    world.call(router, |engine| engine.set_wall_clock(now, Duration::from_secs(unix)));
}

/// Rarely: little happens afterwards.
fn stop(world: &mut World, router: usize, input: &mut Unstructured<'_>) {
    if octet(input) & 7 != 7 {
        return;
    }
    let now = world.now;
    world.routers[router].stage = Stage::Stops;
    world.call(router, |engine| engine.stop(now));
    world.routers[router].stage = Stage::Stopped;
}
