//! Reachability between groups, by a breadth-first search with a limit.

use crate::quotient::{GroupId, Quotient};

/// The most groups that one search visits; a rule whose search is not complete by then is not applied.
const MAX_VISITS: usize = 2_000;

/// Marks of the groups that a search has seen, kept from one to the next.
#[derive(Debug)]
pub(super) struct Reach {
    seen: Vec<u32>,
    search: u32,
    stack: Vec<GroupId>,
}

impl Reach {
    pub(super) fn new(num_nodes: usize) -> Self {
        Self { seen: vec![0; num_nodes], search: 0, stack: Vec::new() }
    }

    /// Whether all `targets` come before `from`.
    pub(super) fn all_before(
        &mut self,
        quotient: &Quotient<'_>,
        place: &[u32],
        targets: impl Iterator<Item = GroupId> + Clone,
        from: GroupId,
    ) -> bool {
        let Some(first) = targets.clone().map(|target| place[target]).min() else { return true };
        let producers = |group: GroupId, push: &mut dyn FnMut(GroupId)| {
            let producers = quotient.group(group).reads.iter().filter_map(|&x| quotient.producer(x));
            producers.filter(|&producer| place[producer] >= first).for_each(push);
        };
        self.sees_all(from, producers, targets)
    }

    /// Whether all `targets` come after `from`.
    pub(super) fn all_after(
        &mut self,
        quotient: &Quotient<'_>,
        place: &[u32],
        targets: impl Iterator<Item = GroupId> + Clone,
        from: GroupId,
    ) -> bool {
        let Some(last) = targets.clone().map(|target| place[target]).max() else { return true };
        let consumers = |group: GroupId, push: &mut dyn FnMut(GroupId)| {
            let consumers = quotient.group(group).produces.iter().flat_map(|&x| quotient.consumers(x));
            consumers.filter(|&consumer| place[consumer] <= last).for_each(push);
        };
        self.sees_all(from, consumers, targets)
    }

    fn sees_all(
        &mut self,
        from: GroupId,
        neighbours: impl Fn(GroupId, &mut dyn FnMut(GroupId)),
        mut targets: impl Iterator<Item = GroupId>,
    ) -> bool {
        self.search(from, neighbours) && targets.all(|target| self.seen[target] == self.search)
    }

    /// Marks what can be reached; whether the search came to an end.
    fn search(&mut self, from: GroupId, neighbours: impl Fn(GroupId, &mut dyn FnMut(GroupId))) -> bool {
        self.search += 1;
        self.stack.clear();
        self.stack.push(from);
        self.seen[from] = self.search;
        let (mut visits, search) = (0, self.search);
        while let Some(group) = self.stack.pop() {
            let (seen, stack) = (&mut self.seen, &mut self.stack);
            neighbours(group, &mut |next| {
                visits += 1;
                if seen[next] != search {
                    seen[next] = search;
                    stack.push(next);
                }
            });
            if visits > MAX_VISITS {
                return false;
            }
        }
        true
    }
}
