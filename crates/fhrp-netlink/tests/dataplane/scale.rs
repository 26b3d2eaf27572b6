//! Hundreds of groups.

use fhrp::{Acceptance, Binding, IfIndex};

use crate::support::{Driven, binding, in_router, inventory, open};

const GROUPS: u8 = 250;

fn groups(base: IfIndex) -> Vec<Binding> {
    (1..=GROUPS)
        .map(|vrid| {
            let mut group = binding(base, vrid, &[&format!("10.0.{vrid}.1")]);
            group.acceptance = if vrid % 2 == 0 { Acceptance::Deny } else { Acceptance::Allow };
            group
        })
        .collect()
}

fn program_all(driven: &mut Driven, wishes: impl Iterator<Item = Option<Binding>>) {
    let asked: Vec<_> = wishes.zip(1..).map(|(wish, seat)| (seat, driven.wish(seat, wish))).collect();
    for (seat, revision) in asked {
        driven.answer(seat, revision).unwrap();
    }
}

#[test]
fn many_groups_are_made_opened_closed_and_removed() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |_, router| {
        let before = inventory(router);
        let held = || router.namespace().query("ip", &["-o", "-4", "addr"]).unwrap().matches("/32 ").count();
        let links = || router.namespace().query("ip", &["-o", "link"]).unwrap().matches("vr4-").count();
        let mut driven = Driven::start(router);
        let base = driven.base();
        let closed = groups(base);
        program_all(&mut driven, closed.iter().cloned().map(Some));
        assert_eq!((links(), held()), (usize::from(GROUPS), 0));
        program_all(&mut driven, closed.iter().map(|group| Some(open(group))));
        assert_eq!(held(), usize::from(GROUPS));
        program_all(&mut driven, closed.iter().cloned().map(Some));
        assert_eq!(held(), 0);
        program_all(&mut driven, closed.iter().map(|group| Some(open(group))));
        // Half of them go, all at once; those that stay are not touched.
        program_all(&mut driven, closed.iter().take(usize::from(GROUPS) / 2).map(|_| None));
        while links() > usize::from(GROUPS) / 2 {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert_eq!((links(), held()), (usize::from(GROUPS) / 2, usize::from(GROUPS) / 2));
        assert_eq!(driven.mendings(), Vec::<String>::new());
        driven.shutdown();
        assert_eq!(inventory(router), before);
    });
}
