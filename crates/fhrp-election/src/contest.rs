//! What the contest is made of: states, what is heard, and what follows from it.

use std::fmt;
use std::time::Duration;

use crate::{Instant, Rank};

/// Where a router stands. The order is how close it is to being active.
///
/// `Speak` and `Standby` are reached only under [`crate::Succession::ViaStandby`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Takes no part: not started, or its interface or address is missing.
    Init,
    /// Follows the active router, if there is one. RFC 9568 §6.4.2 calls this Backup.
    Listen,
    /// Stands for the standby role. RFC 2281 §5.
    Speak,
    /// The one that takes over when the active router is lost. RFC 2281 §5.
    Standby,
    /// Forwards.
    Active,
}

/// What the sender of an advert says it is or does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    /// "I am active."
    Active,
    /// "I am the standby router."
    Standby,
    /// "I stand for the standby role."
    Speak,
    /// "I am here, and claim nothing."
    Listen,
    /// "I become active in your place."
    Coup,
    /// "I am no longer active."
    Resign,
}

/// One message heard from another router, already checked and stripped of its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Advert {
    /// Who sent it. For [`Claim::Resign`] the priority is not looked at.
    pub from: Rank,
    /// What it says.
    pub claim: Claim,
    /// The interval between adverts that the message announces.
    pub hello: Duration,
    /// How long the message says that its sender is to be believed; looked at only under
    /// [`crate::Silence::Hold`].
    pub hold: Duration,
}

/// A router that is being followed, and when it was last heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Heard {
    /// Its rank, as last announced.
    pub rank: Rank,
    /// When it was last heard, followed or not.
    pub at: Instant,
}

/// What the caller has to do, in the order given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Send an advert (a Hello) that shows the state as it is now.
    Advertise,
    /// Tell the active router that this one becomes active in its place; comes before the move it announces.
    Coup,
    /// Say that this router gives up the active role.
    Resign,
    /// The state has changed.
    Moved {
        /// The state that was left.
        from: State,
        /// The state that was entered.
        to: State,
        /// Why.
        cause: Cause,
    },
}

/// Why a state was left for another. Prints as the second half of "became active because …".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Started, and another router may be active.
    Startup,
    /// Started as the owner of the address.
    OwnerStartup,
    /// Stopped by its caller.
    Shutdown,
    /// No active router was heard for as long as one is waited for.
    ActiveSilent,
    /// The active router that was followed was not heard any more.
    ActiveLost {
        /// The router that was lost.
        lost: Rank,
        /// For how long it had not been heard.
        silent: Duration,
    },
    /// The active router resigned.
    ActiveResigned,
    /// A lower-ranked active router was ignored until its time was up.
    LowerActiveOutlasted {
        /// The router that was ignored.
        lower: Rank,
    },
    /// A lower-ranked active router was heard and is pushed aside.
    LowerActiveChallenged {
        /// The router that is pushed aside.
        lower: Rank,
    },
    /// This router was active and heard a higher-ranked active router.
    Outranked {
        /// The higher-ranked router.
        by: Rank,
    },
    /// This router was active and a higher-ranked router announced that it takes over.
    Couped {
        /// The higher-ranked router.
        by: Rank,
    },
    /// Not decided here: another contest decides for this one too.
    Followed,
    /// No standby router was heard for as long as one is waited for.
    StandbySilent,
    /// A lower-ranked standby router was heard.
    LowerStandby {
        /// The lower-ranked router.
        lower: Rank,
    },
    /// A higher-ranked router holds the standby role or stands for it.
    HigherContender {
        /// The higher-ranked router.
        by: Rank,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Startup => write!(f, "it was started"),
            Self::OwnerStartup => write!(f, "it was started as the owner of the address"),
            Self::Shutdown => write!(f, "it was stopped"),
            Self::ActiveSilent => write!(f, "no active router was heard"),
            Self::ActiveLost { lost, silent } => {
                write!(f, "the active router {lost} was silent for {silent:?}")
            }
            Self::Followed => write!(f, "the group that it follows did"),
            Self::ActiveResigned => write!(f, "the active router resigned"),
            Self::LowerActiveOutlasted { lower } => {
                write!(f, "it outranks the active router {lower}, now outlasted")
            }
            Self::LowerActiveChallenged { lower } => write!(f, "it outranks the active router {lower}"),
            Self::Outranked { by } => write!(f, "it is outranked by the active router {by}"),
            Self::Couped { by } => write!(f, "{by} takes over"),
            Self::StandbySilent => write!(f, "no standby router was heard"),
            Self::LowerStandby { lower } => write!(f, "it outranks the standby router {lower}"),
            Self::HigherContender { by } => write!(f, "it is outranked by {by} for the standby role"),
        }
    }
}
