//! Every way in which input can be wrong: one line that names the culprit and the rule.

/// An input that breaks a rule.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No node at all.
    #[error("graph: num_nodes = 0, but a graph has at least one node")]
    EmptyGraph,
    /// More nodes, tensors or reads than 31 bits count.
    #[error("graph: {count} {what} are not below 2^31")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        count: usize,
    },
    /// Neither seconds nor the facts to compute them from.
    #[error("graph: neither work nor flops is given, and one of them must be")]
    NoWork,
    /// An array that is not as long as the others say.
    #[error("{array}: length {length}, but {rule}")]
    Length {
        /// The array's name.
        array: &'static str,
        /// Its length.
        length: usize,
        /// How long it must be, and why.
        rule: String,
    },
    /// Offsets that do not describe rows.
    #[error("consumer_offsets[{index}] = {value}, but {rule}")]
    Offset {
        /// Where it stands.
        index: usize,
        /// What stands there.
        value: i64,
        /// What must stand there.
        rule: String,
    },
    /// A number that is negative, not finite, or too large.
    #[error("{owner} {index}: {quantity} {value} is {rule}")]
    Quantity {
        /// `node` or `tensor`.
        owner: &'static str,
        /// Which one.
        index: usize,
        /// The array it comes from.
        quantity: &'static str,
        /// The number as given.
        value: String,
        /// What is wrong with it.
        rule: &'static str,
    },
    /// Quantities whose sum is too large to be exact.
    #[error("{quantity} add up to {total}, which is above 2^53")]
    Total {
        /// The array they come from.
        quantity: &'static str,
        /// Their sum.
        total: u128,
    },
    /// A tensor that names a node which does not exist.
    #[error("tensor {tensor}: {role} {node} is {rule}")]
    Endpoint {
        /// The tensor.
        tensor: usize,
        /// `producer` or `consumer`.
        role: &'static str,
        /// The node it names.
        node: i64,
        /// What is wrong with that.
        rule: String,
    },
    /// A tensor that one node both makes and reads.
    #[error("tensor {tensor}: node {node} is its producer and its consumer (a self-loop), but a graph has no cycle")]
    SelfLoop {
        /// The tensor.
        tensor: usize,
        /// The node.
        node: usize,
    },
    /// A tensor that lists a consumer twice.
    #[error("tensor {tensor}: consumer {node} stands twice, but consumers are a set")]
    DuplicateConsumer {
        /// The tensor.
        tensor: usize,
        /// The node.
        node: usize,
    },
    /// Nodes that wait for each other.
    #[error("cycle: {}, but a graph has none", path(.nodes))]
    Cycle {
        /// The nodes of one cycle in order, the first repeated at the end.
        nodes: Vec<usize>,
    },
    /// A device figure that is not usable.
    #[error("device: {figure} {value} is {rule}")]
    Device {
        /// The figure's name.
        figure: &'static str,
        /// As given.
        value: String,
        /// What is wrong with it.
        rule: &'static str,
    },
    /// A device without the figures that the graph needs.
    #[error("device: {figure} is not given, but {rule}")]
    DeviceMissing {
        /// The figure's name.
        figure: &'static str,
        /// Why it is needed.
        rule: &'static str,
    },
    /// Not a number of blocks.
    #[error("num_blocks = {0}, but a partition has from 1 to 2^20 blocks")]
    NumBlocks(usize),
    /// A node that no stage may hold.
    #[error("node {node}: no stage may hold it: {rule}")]
    Homeless {
        /// The node.
        node: usize,
        /// Why.
        rule: &'static str,
    },
    /// Not a topological order.
    #[error("order[{position}] = {node}, but {rule}")]
    Order {
        /// Where it stands.
        position: usize,
        /// What stands there.
        node: i64,
        /// What is wrong with it.
        rule: String,
    },
    /// Not an acyclic partition.
    #[error("block_of[{node}] = {block}, but {rule}")]
    BlockOf {
        /// The node.
        node: usize,
        /// Its block as given.
        block: i64,
        /// What is wrong with it.
        rule: String,
    },
    /// A key that cannot be compared.
    #[error("keys[{node}] = {key}, but a key is a finite number")]
    Key {
        /// The node.
        node: usize,
        /// Its key.
        key: f64,
    },
    /// An instance with more than a method knows.
    #[error("{method}: it takes devices of one kind, costs that are sums, and parameters that one node reads")]
    NotPlain {
        /// The method.
        method: &'static str,
    },
    /// An instance whose nodes are to be merged first.
    #[error("{method}: nodes that must be in one stage are merged first, by `reduce`")]
    Together {
        /// The method.
        method: &'static str,
    },
    /// A search parameter out of range.
    #[error("{name} = {value}, but {rule}")]
    Parameter {
        /// The parameter's name.
        name: &'static str,
        /// As given.
        value: String,
        /// The values it may take.
        rule: String,
    },
}

/// The nodes of a cycle on one line; a long one is cut in the middle.
fn path(nodes: &[usize]) -> String {
    const SHOWN: usize = 8;
    let name = |node: &usize| format!("node {node}");
    let mut names: Vec<String> = nodes.iter().take(SHOWN).map(name).collect();
    if let (Some(last), true) = (nodes.last(), nodes.len() > SHOWN) {
        names.push(format!("{} more", nodes.len() - SHOWN - 1));
        names.push(name(last));
    }
    names.join(" -> ")
}
