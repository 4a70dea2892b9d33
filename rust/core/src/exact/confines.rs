//! What minimum cuts say of every partition whose blocks are cheap: where its nodes can be, and what they are charged.

use super::{Narrowing, Reach, Windows, charges};
use crate::cost::{Instance, Ticks};
use crate::ids::NodeId;
use crate::interrupt::{Interrupt, Interrupted};
use crate::reduce::apart;

/// Charges are found so many times at most, as long as they leave this part of the windows' slack or less.
const ROUNDS: usize = 3;
const WORTHWHILE: [usize; 2] = [97, 100];

/// What is known of every partition whose blocks cost at most a cap.
#[derive(Clone, Debug)]
pub struct Confines {
    /// In which blocks its nodes are.
    pub windows: Windows,
    /// What its nodes take of their blocks, at least.
    pub charges: Vec<Ticks>,
    /// What its first blocks are charged.
    pub reach: Reach,
    /// The least pairs of nodes that are apart.
    pub apart: Vec<(NodeId, NodeId)>,
    /// What narrows windows and reach further.
    pub narrowing: Narrowing,
    /// Whether cuts have narrowed the windows.
    pub are_of_use: bool,
}

impl Confines {
    /// What follows without cuts from windows, and from what the first blocks are charged; none when there is no such partition.
    #[must_use]
    pub fn new(
        instance: &Instance,
        cap: Ticks,
        mut windows: Windows,
        charges: Vec<Ticks>,
        mut reach: Reach,
    ) -> Option<Self> {
        let narrowing = Narrowing::new(instance.graph(), &charges, instance.num_blocks(), cap, &[]);
        let can_be = narrowing.narrow(&mut reach, &mut windows);
        can_be.then_some(Self { windows, charges, reach, apart: Vec::new(), narrowing, are_of_use: false })
    }

    /// With what minimum cuts say; none when there is no such partition.
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
        interrupt: &Interrupt,
    ) -> Result<Option<Self>, Interrupted> {
        let (graph, num_blocks) = (instance.graph(), instance.num_blocks());
        let first = self.windows.slack();
        if !self.narrowing.shave(instance, cap + 1, &mut self.windows, interrupt)? {
            return Ok(None);
        }
        self.apart = apart(instance, cap + 1, interrupt)?;
        for _ in 0..ROUNDS {
            let Self { windows, charges: given, apart, .. } = &self;
            let slack = windows.slack();
            let Some(charges) = charges(instance, cap, apart, windows, given, interrupt)? else { return Ok(None) };
            // What was said of smaller charges is not true of larger ones, but the windows hold.
            self.narrowing = Narrowing::new(graph, &charges, num_blocks, cap, &self.apart);
            (self.charges, self.reach) = (charges, Reach::default());
            let can_be = self.narrowing.narrow(&mut self.reach, &mut self.windows)
                && self.narrowing.shave(instance, cap + 1, &mut self.windows, interrupt)?
                && self.narrowing.narrow(&mut self.reach, &mut self.windows);
            if !can_be {
                return Ok(None);
            }
            if self.windows.slack() * WORTHWHILE[1] > slack * WORTHWHILE[0] {
                break;
            }
        }
        self.are_of_use = self.windows.slack() * WORTHWHILE[1] <= first * WORTHWHILE[0];
        Ok(Some(self))
    }
}
