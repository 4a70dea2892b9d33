//! Builds the arcs of a network, once (see `network.rs` for what they mean).

use super::dinic::Dinic;
use super::network::{AFTER, Arc, BEFORE, ENOUGH, Network, SINK};
use crate::cost::Ticks;
use crate::ids::{narrow, wide};

/// An arc to be added, with its residual capacity and that of its reverse arc.
struct Link {
    from: u32,
    to: u32,
    forth: Ticks,
    back: Ticks,
    is_precedence: bool,
}

/// The arcs of a network that is being built.
pub(super) struct NetworkBuilder {
    links: Vec<Link>,
    num_nodes: u32,
}

impl NetworkBuilder {
    fn arc(&mut self, from: u32, to: u32, forth: Ticks, back: Ticks) {
        self.links.push(Link { from, to, forth, back, is_precedence: false });
    }

    fn auxiliary(&mut self) -> u32 {
        self.num_nodes += 1;
        self.num_nodes - 1
    }

    fn tensor(&mut self, producer: Option<u32>, consumers: &[u32], export: Ticks, import: Ticks) {
        if export == 0 && import == 0 {
            return;
        }
        if let (Some(producer), &[consumer]) = (producer, consumers) {
            self.arc(producer, consumer, export, import);
            return;
        }
        let entrance = self.auxiliary();
        for &consumer in consumers {
            self.arc(consumer, entrance, ENOUGH, 0);
        }
        self.arc(entrance, producer.unwrap_or(SINK), import, 0);
        if let Some(producer) = producer.filter(|_| export > 0) {
            let exit = self.auxiliary();
            self.arc(producer, exit, export, 0);
            for &consumer in consumers {
                self.arc(exit, consumer, ENOUGH, 0);
            }
        }
    }
}

impl Network<'_, '_> {
    /// Adds the arcs of loads, tensors and precedence.
    pub(super) fn build(&mut self) {
        let (quotient, view) = (self.quotient, self.view);
        let all_successors = quotient.successors();
        let mut builder = NetworkBuilder { links: Vec::new(), num_nodes: narrow(self.groups.len() + 1) };
        let mut inputs = std::collections::BTreeSet::new();
        for index in 0..self.groups.len() {
            builder.arc(narrow(index + 1), SINK, quotient.group(self.groups[index]).on(view.kind()).load, 0);
        }
        for index in 0..self.groups.len() {
            let (node, group) = (narrow(index + 1), self.groups[index]);
            for &x in &quotient.group(group).produces {
                let mut consumers: Vec<u32> = quotient.consumers(x).map(|consumer| self.node_of[consumer]).collect();
                consumers.sort_unstable();
                consumers.dedup();
                consumers.retain(|&consumer| consumer != node);
                builder.tensor(Some(node), &consumers, view.export(x), view.transfer(x));
            }
            for &x in &quotient.group(group).reads {
                if quotient.producer(x).is_none() && inputs.insert(x) {
                    let mut consumers: Vec<u32> =
                        quotient.consumers(x).map(|consumer| self.node_of[consumer]).collect();
                    consumers.sort_unstable();
                    consumers.dedup();
                    builder.tensor(None, &consumers, 0, view.transfer(x));
                }
            }
            for &successor in &all_successors[group] {
                let consumer = self.node_of[successor];
                self.successors[wide(node)].push(consumer);
                self.predecessors[wide(consumer)].push(node);
                // Without capacity until a query opens it.
                builder.links.push(Link { from: node, to: consumer, forth: 0, back: 0, is_precedence: true });
            }
        }
        self.store(&builder);
    }

    /// Stores the arcs by tail, and sizes all other arrays.
    fn store(&mut self, NetworkBuilder { links, num_nodes }: &NetworkBuilder) {
        self.dinic = Dinic::new(wide(*num_nodes));
        self.opened = vec![0; self.groups.len() + 1];
        self.first = vec![0; wide(*num_nodes) + 1];
        for link in links {
            self.first[wide(link.from) + 1] += 1;
            self.first[wide(link.to) + 1] += 1;
        }
        for node in 0..wide(*num_nodes) {
            self.first[node + 1] += self.first[node];
        }
        let num_arcs = 2 * links.len();
        let mut free = self.first.clone();
        self.arcs = vec![Arc { to: SINK, back: 0, left: 0 }; num_arcs];
        self.follows = vec![0; num_arcs];
        for link in links {
            let [there, back] = [link.from, link.to].map(|node| {
                let arc = free[wide(node)];
                free[wide(node)] += 1;
                arc
            });
            self.arcs[wide(there)] = Arc { to: link.to, back, left: link.forth };
            self.arcs[wide(back)] = Arc { to: link.from, back: there, left: link.back };
            if link.is_precedence {
                self.follows[wide(there)] = BEFORE;
                self.follows[wide(back)] = AFTER;
            }
        }
        self.capacity = self.arcs.iter().map(|arc| arc.left).collect();
        self.is_changed = vec![false; num_arcs];
        self.is_open = vec![false; num_arcs];
        self.excess = vec![0; wide(*num_nodes)];
    }
}
