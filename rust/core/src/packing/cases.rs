//! The pricing problem: branch and bound over cases by seeds, each closed by minimum cuts or divided (see `packing`).

use crate::bits::{has, insert, nothing, numbers, unite};
use crate::cost::{Instance, Ticks};
use crate::flow::{AFTER, BEFORE, ELSEWHERE, Flow, Network};
use crate::ids::NodeId;
use crate::interrupt::{Interrupt, Interrupted};
use crate::quotient::Quotient;

/// Lagrange multipliers ("factors") are in units of `1 / ONE`.
const ONE: i64 = 1 << 12;
/// The most nodes inside of a case that the checker accepts.
const MAX_INSIDE: usize = 32;
/// The largest sum of all weights.
const MAX_WEIGHT: i128 = 1 << 56;
/// In a log: a case in which every set costs the threshold or more.
const EXPENSIVE: u64 = 2;

/// The tuned numbers of pricing.
#[derive(Clone, Copy, Debug)]
pub struct Params {
    /// The least and the largest factor that is tried.
    pub factors: [i64; 2],
    /// The most minimum cuts of a case.
    pub max_cuts: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            factors: [ONE / 8, ONE * 64], // not measured
            max_cuts: 6,                  // not measured
        }
    }
}

/// The nodes of a convex set, and what it costs.
pub type Block = (Vec<NodeId>, Ticks);

/// A pricing problem: does a set that costs less than the threshold weigh the target or more?
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// By node.
    pub weights: &'q [Ticks],
    /// Sets of this cost or more do not count.
    pub threshold: Ticks,
    /// The least weight of a set that is too heavy.
    pub target: Ticks,
    /// The least weight of the sets that are returned.
    pub kept: Ticks,
    /// The most cases of a seed.
    pub max_cases: usize,
    /// The most arcs that cuts may visit, for all seeds together.
    pub max_steps: u64,
    /// How it is looked for.
    pub params: Params,
}

/// The result for the sets of one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// None weighs the target: the tree of cases in depth-first order, the part with the node inside first. A case is a number:
    /// twice the factor of the cut that closes it; 0 if the weights are below the target without a cut; 2 if every set costs
    /// the threshold or more; or twice the node at which it is divided, plus 1.
    Closed(Vec<u64>),
    /// A set weighs the target or more.
    Heavy,
    /// The limit of cases or of steps was reached.
    Open,
}

/// The results for some seeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    /// By seed; none for a seed that was not reached.
    pub verdicts: Vec<Option<Verdict>>,
    /// Convex sets that cost less than the threshold and weigh [`Question::kept`] or more, in the order in which they were found,
    /// with their costs.
    pub blocks: Vec<Block>,
    /// Arcs that cuts have visited.
    pub steps: u64,
}

/// The pricing problems of one instance.
struct Pricing<'q, 'a> {
    network: Network<'q, 'a>,
    num_nodes: usize,
    /// By node, its descendants and its ancestors, itself included.
    after: Vec<Vec<u64>>,
    before: Vec<Vec<u64>>,
    blocks: Vec<Block>,
}

/// A set: its cost, its weight, its nodes.
type Found = (i128, i128, Vec<u64>);

/// A node of the branch and bound tree: nodes inside, the seed first, nodes outside, and the factor of the first cut.
#[derive(Clone)]
struct Case {
    inside: Vec<usize>,
    outside: Vec<u64>,
    factor: i64,
}

/// The result of the cuts of a case.
enum Bounded {
    /// Closed by a cut with this factor.
    Closed(i64),
    Heavy,
    /// Open: the heaviest node at which it can be divided, if there is one.
    Open(Option<usize>),
}

/// Solves the pricing problems of some seeds one after the other, until `enough` seeds are heavy. `factors`, by node, in parts of
/// 4096, are where each seed begins; each is replaced by a good one. For instances of one kind of device that pays sums.
///
/// # Errors
/// [`Interrupted`], when the interrupt was raised first.
///
/// # Complexity
/// Up to [`Params::max_cuts`] minimum cuts a case, and O(nodes reads / 64) for the transitive closure.
pub fn price(
    instance: &Instance,
    question: &Question<'_>,
    seeds: &[usize],
    factors: &mut [i64],
    enough: usize,
    interrupt: &Interrupt,
) -> Result<Priced, Interrupted> {
    let quotient = Quotient::new(instance);
    let mut pricing = Pricing::new(&quotient);
    let verdicts = pricing.ask(question, seeds, factors, enough, interrupt)?;
    let steps = pricing.network.steps();
    Ok(Priced { verdicts, steps, blocks: pricing.blocks })
}

impl<'q, 'a> Pricing<'q, 'a> {
    /// Builds the network, and computes the ancestors and descendants of each node in O(nodes reads / 64).
    fn new(quotient: &'q Quotient<'a>) -> Self {
        let num_nodes = quotient.graph().num_nodes();
        let (order, successors) = (quotient.topological_order().0, quotient.successors());
        let itself = |node: usize| {
            let mut set = nothing(num_nodes);
            insert(&mut set, node);
            set
        };
        let mut after: Vec<Vec<u64>> = (0..num_nodes).map(itself).collect();
        let mut before = after.clone();
        for &node in order.iter().rev() {
            for &next in &successors[node] {
                let (from, to) = (after[next].clone(), &mut after[node]);
                unite(to, &from);
            }
        }
        for &node in &order {
            for &next in &successors[node] {
                let from = before[node].clone();
                unite(&mut before[next], &from);
            }
        }
        let network = Network::new(quotient, quotient.instance().view(0));
        Self { network, num_nodes, after, before, blocks: Vec::new() }
    }

    /// The nodes in the order of seeds.
    fn order(&self, weights: &[Ticks]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.num_nodes).collect();
        order.sort_by_key(|&node| (std::cmp::Reverse(weights[node]), node));
        order
    }

    fn ask(
        &mut self,
        question: &Question<'_>,
        seeds: &[usize],
        factors: &mut [i64],
        enough: usize,
        interrupt: &Interrupt,
    ) -> Result<Vec<Option<Verdict>>, Interrupted> {
        let mut verdicts = vec![None; seeds.len()];
        let total: i128 = question.weights.iter().map(|&weight| i128::from(weight)).sum();
        if total > MAX_WEIGHT {
            return Ok(verdicts);
        }
        let order = self.order(question.weights);
        let mut outside_of = vec![nothing(self.num_nodes); self.num_nodes];
        let mut outside = nothing(self.num_nodes);
        for &node in &order {
            outside_of[node].clone_from(&outside);
            insert(&mut outside, node);
        }
        let mut num_heavy = 0;
        for (place, &seed) in seeds.iter().enumerate() {
            if num_heavy >= enough || self.network.steps() >= question.max_steps {
                break;
            }
            let root = Case { inside: vec![seed], outside: outside_of[seed].clone(), factor: factors[seed] };
            let verdict = self.of_seed(question, root, &mut factors[seed], interrupt)?;
            num_heavy += usize::from(verdict == Verdict::Heavy);
            verdicts[place] = Some(verdict);
        }
        Ok(verdicts)
    }

    fn of_seed(
        &mut self,
        question: &Question<'_>,
        root: Case,
        factor: &mut i64,
        interrupt: &Interrupt,
    ) -> Result<Verdict, Interrupted> {
        let (mut open, mut log, mut num_cases): (Vec<(Case, Option<Flow>)>, _, _) = (vec![(root, None)], Vec::new(), 0);
        self.network.begin_balances();
        while let Some((mut case, flow)) = open.pop() {
            if let Some(flow) = &flow {
                self.network.resume(flow);
            }
            interrupt.check(0)?;
            num_cases += 1;
            if self.weight_left(question, &case) < i128::from(question.target) {
                log.push(0);
                continue;
            }
            let bounded = self.bound(question, &mut case);
            if num_cases == 1 {
                *factor = case.factor;
            }
            match bounded {
                Bounded::Heavy => return Ok(Verdict::Heavy),
                Bounded::Closed(factor) => log.push(2 * factor.unsigned_abs()),
                Bounded::Open(None) if self.is_expensive(question, &case) => log.push(EXPENSIVE),
                Bounded::Open(Some(node)) if self.may_divide(question, &case, num_cases) => {
                    log.push(2 * u64::try_from(node).unwrap_or(u64::MAX / 2) + 1);
                    let mut outside = case.clone();
                    insert(&mut outside.outside, node);
                    case.inside.push(node);
                    open.extend([(outside, Some(self.network.flow())), (case, None)]);
                }
                Bounded::Open(_) => return Ok(Verdict::Open),
            }
        }
        Ok(Verdict::Closed(log))
    }

    fn may_divide(&self, question: &Question<'_>, case: &Case, num_cases: usize) -> bool {
        num_cases < question.max_cases && case.inside.len() < MAX_INSIDE && self.network.steps() < question.max_steps
    }

    /// Whether every set of a case costs the threshold or more. A cut with a factor cannot show this for costs of few ticks, since
    /// gains are rounded to whole ticks.
    fn is_expensive(&mut self, question: &Question<'_>, case: &Case) -> bool {
        let (sides, threshold) = (self.sides(case), i128::from(question.threshold));
        self.network.least_balance_among(&case.inside, threshold, |_| 0, |node| sides[node]) >= threshold
    }

    fn weight_left(&self, question: &Question<'_>, case: &Case) -> i128 {
        let left = (0..self.num_nodes).filter(|&node| !has(&case.outside, node));
        left.map(|node| i128::from(question.weights[node])).sum()
    }

    /// Tries to close a case by cuts: each set that is found narrows the interval of factors that can close it.
    fn bound(&mut self, question: &Question<'_>, case: &mut Case) -> Bounded {
        let (most, target, one) = (i128::from(question.threshold - 1), i128::from(question.target), i128::from(ONE));
        let sides = self.sides(case);
        let [least_factor, largest] = question.params.factors;
        let (mut low, mut high) = (least_factor, largest);
        let (mut cheap, mut expensive): (Option<Found>, Option<Found>) = (None, None);
        for _ in 0..question.params.max_cuts {
            case.factor = case.factor.clamp(low, high);
            let factor = i128::from(case.factor);
            // If the least balance is this much or more, `factor * (most - balance)` is below the target.
            let enough = most + 1 - (target * one + factor - 1) / factor;
            let Some(found) = self.cut(question, case, &sides, enough) else { return Bounded::Closed(case.factor) };
            let (cost, weight) = (found.0, found.1);
            if cost <= most {
                if weight >= i128::from(question.kept) && self.is_convex(&found.2) {
                    let nodes = numbers(&found.2).map(NodeId::new).collect();
                    self.blocks.push((nodes, Ticks::try_from(cost).unwrap_or(0)));
                    if weight >= target {
                        return Bounded::Heavy;
                    }
                }
                let limit = if cost < most { (target - weight) * one / (most - cost) } else { i128::from(largest) };
                high = high.min(if weight < target { narrowed(limit, largest) } else { -1 });
                cheap = Some(found);
            } else {
                low = low.max(narrowed((weight - target) * one / (cost - most), largest) + 1);
                expensive = Some(found);
            }
            if low > high {
                break;
            }
            case.factor = match (&cheap, &expensive) {
                (Some(cheap), Some(expensive)) => {
                    narrowed((expensive.1 - cheap.1) * one / (expensive.0 - cheap.0).max(1), largest)
                }
                (None, _) => low.max(case.factor) * 5 / 4 + 1,
                (_, None) => high.min(case.factor) * 4 / 5,
            };
        }
        case.factor = case.factor.clamp(least_factor, largest);
        Bounded::Open(self.divide(question, case, cheap.as_ref(), expensive.as_ref()))
    }

    /// The sides of all nodes in the cuts of a case.
    fn sides(&self, case: &Case) -> Vec<u8> {
        let (mut after, mut before) = (nothing(self.num_nodes), nothing(self.num_nodes));
        for &node in &case.inside {
            unite(&mut after, &self.after[node]);
            unite(&mut before, &self.before[node]);
        }
        let side = |node: usize| {
            // A set that is left and entered again through a node outside is not convex.
            let elsewhere = u8::from(has(&case.outside, node)) * ELSEWHERE;
            elsewhere | (u8::from(has(&after, node)) * AFTER) | (u8::from(has(&before, node)) * BEFORE)
        };
        (0..self.num_nodes).map(side).collect()
    }

    /// The set of a case with the least `cost - weight / factor`; none where this least is `enough` or more.
    fn cut(&mut self, question: &Question<'_>, case: &Case, sides: &[u8], enough: i128) -> Option<Found> {
        let (one, factor) = (i128::from(ONE), i128::from(case.factor));
        let gain = |node: usize| {
            let gain = (i128::from(question.weights[node]) * one + factor - 1) / factor;
            Ticks::try_from(gain).unwrap_or(0)
        };
        let least = self.network.least_balance_among(&case.inside, enough, gain, |node| sides[node]);
        if least >= enough {
            return None;
        }
        let (mut set, mut weight, mut cost) = (nothing(self.num_nodes), 0, least);
        for node in self.network.cheapest() {
            insert(&mut set, node);
            weight += i128::from(question.weights[node]);
            cost += i128::from(gain(node));
        }
        Some((cost, weight, set))
    }

    /// Whether a set holds every node on a path between two of its nodes.
    fn is_convex(&self, set: &[u64]) -> bool {
        let (mut after, mut before) = (nothing(self.num_nodes), nothing(self.num_nodes));
        for node in numbers(set) {
            unite(&mut after, &self.after[node]);
            unite(&mut before, &self.before[node]);
        }
        let between = after.iter().zip(&before).zip(set);
        between.map(|((after, before), set)| after & before & !set).all(|word| word == 0)
    }

    /// The heaviest undecided node in which the two sets differ; if there is none, of one of the sets, or of all nodes.
    fn divide(
        &self,
        question: &Question<'_>,
        case: &Case,
        cheap: Option<&Found>,
        expensive: Option<&Found>,
    ) -> Option<usize> {
        let mut decided = case.outside.clone();
        case.inside.iter().for_each(|&node| insert(&mut decided, node));
        let without = |set: &[u64], other: &[u64]| -> Vec<u64> {
            set.iter().zip(other).map(|(word, other)| word & !other).collect()
        };
        let all = vec![u64::MAX; decided.len()];
        let sets = match (cheap, expensive) {
            (Some(cheap), Some(expensive)) => {
                vec![without(&expensive.2, &cheap.2), without(&cheap.2, &expensive.2), expensive.2.clone(), all]
            }
            (Some(one), None) | (None, Some(one)) => vec![one.2.clone(), all],
            (None, None) => vec![all],
        };
        let heaviest = |set: Vec<u64>| {
            let undecided = (0..self.num_nodes).filter(|&node| has(&set, node) && !has(&decided, node));
            undecided.max_by_key(|&node| (question.weights[node], node))
        };
        sets.into_iter().find_map(heaviest)
    }
}

/// A factor, clamped to just beyond the valid range.
fn narrowed(factor: i128, largest: i64) -> i64 {
    i64::try_from(factor.clamp(-1, i128::from(largest))).unwrap_or(largest)
}
