//! The engine as a whole: two routers on one LAN, and whatever else can happen to them, out of the octets of one input.
//!
//! An input says which groups each router has and what happens then, in order: time passes, frames of a third party
//! arrive that the codec wrote (right in checksum and authentication, then perhaps bent in one place) or that nobody
//! wrote, frames of one router reach the other, links and tracked objects change, the dataplane answers, the
//! operator adds, changes and removes groups.

mod frames;
mod happen;
mod settings;
mod traffic;
mod watch;
mod world;

use arbitrary::Unstructured;

use world::World;

/// What is cut off: an input that is read for longer finds nothing that a shorter one does not.
const OCTETS_MAX: usize = 2048;

/// Lives through what `data` says, twice.
///
/// # Panics
/// When an invariant of the engine does not hold, or the two runs differ: that is the finding.
pub fn engine(data: &[u8]) {
    let data = data.get(..OCTETS_MAX).unwrap_or(data);
    let first = live(data);
    let second = live(data);
    assert_eq!(first.log(), second.log(), "the same inputs give the same actions");
    assert_eq!(first.status(), second.status(), "the same inputs lead to the same state");
}

/// A frame that the codec writes of the values in `data`; empty where they do not fit together.
#[must_use]
pub fn written(data: &[u8]) -> Vec<u8> {
    frames::frame(&mut Unstructured::new(data))
}

fn live(data: &[u8]) -> World {
    let mut input = Unstructured::new(data);
    let mut world = World::new(&mut input);
    while !input.is_empty() && world.goes_on() {
        happen::next(&mut world, &mut input);
    }
    world.close();
    world
}
