//! How many consumers of a tensor each block has.

use crate::graph::{Csr, Graph};
use crate::ids::{TensorId, wide};

/// Up to so many consumers of a tensor are looked at one by one; of more, counts by block are kept.
pub(super) const FEW: usize = 4;

/// How many consumers of a tensor are in a block.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    block: u32,
    consumers: u32,
}

/// Of each tensor of a graph under moves.
#[derive(Clone, Debug)]
pub(super) struct Shares {
    /// Rows of shares for the tensors with many consumers, of which the first `in_use` are.
    shares: Csr<Share>,
    in_use: Vec<u32>,
}

impl Shares {
    pub(super) fn new(graph: &Graph, block_of: &[u32], num_blocks: usize) -> Self {
        let rows = graph.tensors().flat_map(|x| {
            let consumers = graph.consumers(x).len();
            (0..if consumers > FEW { consumers.min(num_blocks) } else { 0 }).map(move |_| (x.index(), Share::default()))
        });
        let shares = Csr::from_pairs(graph.num_tensors(), Share::default(), rows);
        let mut shares = Self { shares, in_use: vec![0; graph.num_tensors()] };
        for x in graph.tensors().filter(|&x| graph.consumers(x).len() > FEW) {
            for &consumer in graph.consumers(x) {
                shares.add(x, block_of[consumer.index()]);
            }
        }
        shares
    }

    /// How many of the consumers of a tensor, of which there are so many, are in one block and in another.
    pub(super) fn consumers(
        &self,
        graph: &Graph,
        block_of: &[u32],
        (x, consumers): (TensorId, u32),
        from: u32,
        to: u32,
    ) -> (u32, u32) {
        let (mut here, mut there) = (0, 0);
        if wide(consumers) <= FEW {
            for consumer in graph.consumers(x) {
                let block = block_of[consumer.index()];
                here += u32::from(block == from);
                there += u32::from(block == to);
            }
        } else {
            for share in &self.shares.row(x.index())[..wide(self.in_use[x.index()])] {
                if share.block == from {
                    here = share.consumers;
                } else if share.block == to {
                    there = share.consumers;
                }
            }
        }
        (here, there)
    }

    /// Moves a consumer of a tensor from one block to another.
    pub(super) fn shift(&mut self, x: TensorId, from: u32, to: u32) {
        if !self.shares.row(x.index()).is_empty() {
            self.remove(x, from);
            self.add(x, to);
        }
    }

    fn add(&mut self, x: TensorId, block: u32) {
        let in_use = wide(self.in_use[x.index()]);
        let row = self.shares.row_mut(x.index());
        if let Some(share) = row[..in_use].iter_mut().find(|share| share.block == block) {
            share.consumers += 1;
        } else {
            row[in_use] = Share { block, consumers: 1 };
            self.in_use[x.index()] += 1;
        }
    }

    fn remove(&mut self, x: TensorId, block: u32) {
        let in_use = wide(self.in_use[x.index()]);
        let row = self.shares.row_mut(x.index());
        let place = row[..in_use].iter().position(|share| share.block == block).expect("a consumer is in its block");
        row[place].consumers -= 1;
        if row[place].consumers == 0 {
            row[place] = row[in_use - 1];
            self.in_use[x.index()] -= 1;
        }
    }
}
