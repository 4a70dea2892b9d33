//! What minimum cuts say of every partition whose blocks are cheap: where its nodes can be, and what they are charged.

use std::sync::Arc;

use super::incompatible::apart;
use super::weights::{Charges, Order, charges, far};
use super::windows::{Narrowing, Reach, WHOLE, Windows, sum};
use crate::cost::{Instance, Ticks};
use crate::ids::{NodeId, count};
use crate::interrupt::{Interrupt, Interrupted};

/// Charges are found in these orders: those at the front say most of the blocks of what comes after them, and the other way
/// round; from the middle they often add up to more. The last ones only as long as each leaves this part of the windows' slack
/// or less, all as long as they take so many hundredths of what all blocks can cost: with less, no contradiction is near.
const ORDERS: [Order; 5] = [Order::Forward, Order::Backward, Order::Outward, Order::Backward, Order::Outward];
const ALWAYS: usize = 3;
const WORTHWHILE: [usize; 2] = [97, 100];
const NEAR: [i128; 2] = [80 * WHOLE / 100, 95 * WHOLE / 100];
/// Cuts are of use when they leave so many hundredths of the windows' slack or less, or of the room that loads leave.
const OF_USE: [i128; 2] = [99, 90];

/// Arcs that may be looked at to narrow windows, a fraction of a second's.
pub const SHAVING: i64 = 1 << 25;
/// Arcs that may be looked at for charges: half a second's, and one and a half.
pub const BRIEFLY: i64 = 1 << 26;
/// Thresholds below the best partition's bottleneck are worth more.
pub const PATIENTLY: i64 = 3 << 26;

/// What somebody knows of every partition better than a threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// In which blocks its nodes are.
    pub windows: Windows,
    /// What its nodes take of their blocks, at least.
    pub charges: Vec<Ticks>,
}

impl Known {
    /// That nodes can be anywhere, and that they take what they load.
    #[must_use]
    pub fn nothing(instance: &Instance) -> Self {
        let charges = instance.loads();
        Self { windows: Windows::all(charges.len(), instance.num_blocks()), charges }
    }

    /// Of a quotient, whose groups stay together.
    pub(crate) fn of_groups(&self, group_of: &[usize], num_groups: usize) -> Self {
        let mut windows = Windows { earliest: vec![1; num_groups], latest: vec![usize::MAX; num_groups] };
        let mut charges = vec![0; num_groups];
        for (node, &group) in group_of.iter().enumerate() {
            windows.earliest[group] = windows.earliest[group].max(self.windows.earliest[node]);
            windows.latest[group] = windows.latest[group].min(self.windows.latest[node]);
            charges[group] += self.charges[node];
        }
        Self { windows, charges }
    }
}

/// What is known of every partition whose blocks cost at most a cap.
#[derive(Clone, Debug)]
pub struct Confines {
    /// In which blocks its nodes are, and what they take of them.
    pub known: Known,
    /// What its first blocks are charged.
    pub reach: Reach,
    /// The least pairs of nodes that are apart.
    pub apart: Vec<(NodeId, NodeId)>,
    /// What narrows windows and reach further.
    pub narrowing: Arc<Narrowing>,
    /// Whether cuts have said much.
    pub are_of_use: bool,
    /// Whether there were steps for all of them.
    pub are_all: bool,
}

impl Confines {
    /// What follows without cuts; none when there is no such partition.
    #[must_use]
    pub fn new(instance: &Instance, cap: Ticks, mut known: Known) -> Option<Self> {
        let narrowing = Narrowing::new(instance.graph(), &known.charges, instance.num_blocks(), cap, &[]);
        let mut reach = Reach::default();
        let can_be = narrowing.narrow(&mut reach, &mut known.windows);
        can_be.then_some(Self {
            known,
            reach,
            apart: Vec::new(),
            narrowing: narrowing.into(),
            are_of_use: false,
            are_all: true,
        })
    }

    /// With what minimum cuts say, in so many steps for charges; none when there is no such partition.
    ///
    /// # Errors
    /// [`Interrupted`], when `interrupt` was raised first.
    ///
    /// # Complexity
    /// Each part has a limit of its own: one to three seconds.
    pub fn by_cuts(
        mut self,
        instance: &Instance,
        cap: Ticks,
        steps: i64,
        interrupt: &Interrupt,
    ) -> Result<Option<Self>, Interrupted> {
        let (first, loads) = (self.known.windows.slack(), self.known.charges.clone());
        if !self.narrowing.shave(instance, cap + 1, &mut self.known.windows, &mut { SHAVING }, interrupt)? {
            return Ok(None);
        }
        self.apart = apart(instance, cap + 1, &self.apart, interrupt)?;
        let (far, mut most) = (far(instance.graph(), &self.apart), loads.clone());
        for (round, order) in ORDERS.into_iter().enumerate() {
            let slack = self.known.windows.slack();
            let found = charges(instance, cap, &far, &self.known.windows, order, &mut { steps }, interrupt)?;
            let Some(Charges { of_nodes: charges, are_all }) = found else { return Ok(None) };
            self.are_all &= are_all;
            if sum(&charges) > sum(&most) {
                most.clone_from(&charges);
            }
            let (has_loads, mut shaving) = (charges == loads, SHAVING);
            let steps = (!has_loads).then_some(&mut shaving);
            if !self.take(instance, cap, charges, steps, interrupt)? {
                return Ok(None);
            }
            let is_near = self.narrowing.share() >= NEAR[round.min(1)];
            let is_narrower = self.known.windows.slack() * WORTHWHILE[1] <= slack * WORTHWHILE[0];
            if has_loads || !are_all || !is_near || round >= ALWAYS && !is_narrower {
                break;
            }
        }
        if sum(&self.known.charges) < sum(&most) && !self.take(instance, cap, most, None, interrupt)? {
            return Ok(None);
        }
        let slacks = [self.known.windows.slack(), first].map(|slack| i128::from(count(slack)));
        let room = i128::from(cap) * i128::from(count(instance.num_blocks()));
        let free = [&self.known.charges, &loads].map(|charges| room - sum(charges));
        self.are_of_use =
            [(slacks, OF_USE[0]), (free, OF_USE[1])].into_iter().any(|([left, all], most)| left * 100 <= all * most);
        Ok(Some(self))
    }

    /// What is known of those partitions whose nodes are in narrower windows, with charges that are found anew in one order;
    /// none when there is none. `far` is by [`far`]. What is looked at is taken from `steps`; when none are left it has not
    /// been enough.
    ///
    /// # Errors
    /// [`Interrupted`], when `interrupt` was raised first.
    pub(crate) fn within(
        &self,
        windows: &Windows,
        (instance, cap): (&Instance, Ticks),
        far: &[Vec<u64>],
        order: Order,
        steps: &mut i64,
        interrupt: &Interrupt,
    ) -> Result<Option<Self>, Interrupted> {
        let mut part = self.clone();
        part.known.windows.clone_from(windows);
        let Self { known: Known { windows, .. }, reach, narrowing, .. } = &mut part;
        if !narrowing.narrow(reach, windows) || !narrowing.shave(instance, cap + 1, windows, steps, interrupt)? {
            return Ok(None);
        }
        let Some(charges) = charges(instance, cap, far, windows, order, steps, interrupt)? else { return Ok(None) };
        let can_be = if sum(&charges.of_nodes) > sum(&self.known.charges) {
            part.take(instance, cap, charges.of_nodes, Some(steps), interrupt)?
        } else {
            narrowing.narrow(reach, windows)
        };
        Ok(can_be.then_some(part))
    }

    /// Takes charges, and what follows from them, by minimum cuts too if there are steps for them; whether there can be such a
    /// partition.
    fn take(
        &mut self,
        instance: &Instance,
        cap: Ticks,
        charges: Vec<Ticks>,
        steps: Option<&mut i64>,
        interrupt: &Interrupt,
    ) -> Result<bool, Interrupted> {
        self.narrowing = Narrowing::new(instance.graph(), &charges, instance.num_blocks(), cap, &self.apart).into();
        // What was said of other charges is not true of these, but the windows hold.
        (self.known.charges, self.reach) = (charges, Reach::default());
        let (reach, windows) = (&mut self.reach, &mut self.known.windows);
        Ok(self.narrowing.narrow(reach, windows)
            && match steps {
                Some(steps) => self.narrowing.shave(instance, cap + 1, windows, steps, interrupt)?,
                None => true,
            }
            && self.narrowing.narrow(reach, windows))
    }
}
