//! Constraints: the stages that may hold each node, and the nodes that must be in one stage.

use crate::bits::{has, insert, nothing};
use crate::error::Error;
use crate::ids::NodeId;

/// More pairs of a node and a stage than fit the memory of a set of stages per node.
const MAX_PAIRS: usize = 1 << 34;

/// The constraints on partitions besides precedence; by default, none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Constraints {
    /// The only stages that may hold a node; a node that stands twice may be where both allow it.
    pub stages: Vec<(usize, Vec<usize>)>,
    /// Nodes that are in one stage.
    pub together: Vec<Vec<usize>>,
}

/// For each node, the set of stages that may hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    num_stages: usize,
    num_words: usize,
    words: Vec<u64>,
}

impl Allowed {
    /// Every node may be in every one of these stages.
    pub(super) fn anywhere(num_nodes: usize, num_stages: usize) -> Self {
        let mut all = nothing(num_stages);
        (0..num_stages).for_each(|stage| insert(&mut all, stage));
        Self { num_stages, num_words: all.len(), words: all.repeat(num_nodes) }
    }

    /// The stages that may hold a node, as bits.
    pub(crate) fn of(&self, node: NodeId) -> &[u64] {
        &self.words[node.index() * self.num_words..][..self.num_words]
    }

    /// Keeps of a node's stages those in a set.
    pub(super) fn restrict(&mut self, node: usize, stages: &[u64]) {
        let row = &mut self.words[node * self.num_words..][..self.num_words];
        row.iter_mut().zip(stages).for_each(|(word, other)| *word &= other);
    }

    /// Whether a stage may hold a node.
    pub(super) fn has(&self, node: NodeId, stage: usize) -> bool {
        has(self.of(node), stage)
    }

    /// The stages that may hold a node, ascending.
    pub(crate) fn stages(&self, node: NodeId) -> impl Iterator<Item = usize> + '_ {
        (0..self.num_stages).filter(move |&stage| self.has(node, stage))
    }

    /// How many nodes there are.
    fn num_nodes(&self) -> usize {
        self.words.len() / self.num_words.max(1)
    }

    /// For groups of nodes, the stages that may hold all nodes of a group.
    pub(super) fn of_groups(&self, group_of: &[usize], num_groups: usize) -> Self {
        let mut groups = Self::anywhere(num_groups, self.num_stages);
        for (node, &group) in group_of.iter().enumerate() {
            groups.restrict(group, self.of(NodeId::new(node)));
        }
        groups
    }

    /// Whether every node may be in every stage.
    pub(super) fn is_everything(&self) -> bool {
        (0..self.num_nodes()).all(|node| (0..self.num_stages).all(|stage| self.has(NodeId::new(node), stage)))
    }

    /// The first node that no stage may hold.
    pub(super) fn homeless(&self) -> Option<usize> {
        (0..self.num_nodes()).find(|&node| self.of(NodeId::new(node)).iter().all(|&word| word == 0))
    }
}

/// The stages that may hold each node, by the kinds that can run it (`works`: seconds by kind and node) and by the constraints; none
/// when every stage may.
pub(super) fn allowed_stages(
    works: &[&[f64]],
    kind_of: &[usize],
    constraints: &Constraints,
) -> Result<Option<Allowed>, Error> {
    let can_all = |works: &&[f64]| !works.iter().any(|s| s.is_nan());
    if constraints.stages.is_empty() && works.iter().all(can_all) {
        return Ok(None);
    }
    let (num_nodes, num_stages) = (works[0].len(), kind_of.len());
    if num_nodes.saturating_mul(num_stages) > MAX_PAIRS {
        return Err(Error::TooMany {
            what: "pairs of a node and a stage",
            count: num_nodes.saturating_mul(num_stages),
        });
    }
    let mut allowed = Allowed::anywhere(num_nodes, num_stages);
    let set = |stages: &mut dyn Iterator<Item = usize>| {
        let mut set = nothing(num_stages);
        stages.for_each(|stage| insert(&mut set, stage));
        set
    };
    for node in 0..num_nodes {
        if works.iter().any(|works| works[node].is_nan()) {
            let can_run = |&stage: &usize| !works[kind_of[stage]][node].is_nan();
            allowed.restrict(node, &set(&mut (0..num_stages).filter(can_run)));
        }
    }
    if let Some(node) = allowed.homeless() {
        return Err(Error::Homeless { node, rule: "no stage's device can run it" });
    }
    for (node, stages) in &constraints.stages {
        let wrong = |value: usize, rule| Error::Parameter { name: "stages", value: value.to_string(), rule };
        if *node >= num_nodes {
            return Err(wrong(*node, format!("there are {num_nodes} nodes")));
        }
        if let Some(&stage) = stages.iter().find(|&&stage| stage >= num_stages) {
            return Err(wrong(stage, format!("node {node}'s stages are 0..{num_stages}")));
        }
        allowed.restrict(*node, &set(&mut stages.iter().copied()));
    }
    if let Some(node) = allowed.homeless() {
        return Err(Error::Homeless { node, rule: "the constraints and the kinds of devices leave it no stage" });
    }
    Ok((!allowed.is_everything()).then_some(allowed))
}

/// The sets of nodes that are in one stage, of two nodes at least.
pub(super) fn together_nodes(num_nodes: usize, constraints: &Constraints) -> Result<Vec<Vec<NodeId>>, Error> {
    let mut all = Vec::new();
    for nodes in constraints.together.iter().filter(|nodes| nodes.len() > 1) {
        if let Some(&node) = nodes.iter().find(|&&node| node >= num_nodes) {
            let rule = format!("there are {num_nodes} nodes");
            return Err(Error::Parameter { name: "together", value: node.to_string(), rule });
        }
        all.push(nodes.iter().copied().map(NodeId::new).collect());
    }
    Ok(all)
}
