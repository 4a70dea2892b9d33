//! Which sets weigh too much: cases by seeds, closed by minimum cuts or divided (see `packing`).

use crate::bits::{has, insert, nothing, numbers, unite};
use crate::cost::{Instance, Ticks};
use crate::flow::{AFTER, BEFORE, ELSEWHERE, Flow, Network};
use crate::ids::NodeId;
use crate::interrupt::{Interrupt, Interrupted};
use crate::quotient::Quotient;

/// Factors are in parts of this; the least and the largest.
const ONE: i64 = 1 << 12;
const LEAST: i64 = ONE / 8;
const MOST: i64 = ONE * 64;
/// Nodes inside, at most: the checker takes no more.
const MAX_INSIDE: usize = 32;
/// All weights are together below this.
const MAX_WEIGHT: i128 = 1 << 56;
/// The case of a log that no set is cheap enough for.
const EXPENSIVE: u64 = 2;
/// Cuts of a case, at most.
const MAX_CUTS: usize = 6;

/// The nodes of a convex set, and what it costs.
pub type Block = (Vec<NodeId>, Ticks);

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// By node.
    pub weights: &'q [Ticks],
    /// What sets cost less than.
    pub threshold: Ticks,
    /// What no set should weigh.
    pub target: Ticks,
    /// From which weight on sets are kept.
    pub kept: Ticks,
    /// How many cases a seed may have.
    pub max_cases: usize,
    /// How many arcs may be looked at for all seeds.
    pub max_steps: u64,
}

/// What is known of the sets of a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// None weighs the target: the cases, each before its two parts, of which that with the node inside is first. Numbers are
    /// twice the factor of a cut, or 0 where weights are below the target without a cut, or 2 where no set is cheap enough
    /// whatever it weighs, or twice the node plus 1.
    Closed(Vec<u64>),
    /// One weighs the target.
    Heavy,
    /// There were more cases, or steps, than are allowed.
    Open,
}

/// What is known of the sets of some seeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    /// Of each seed that was asked about; none where its turn did not come.
    pub verdicts: Vec<Option<Verdict>>,
    /// Convex sets that cost less than the threshold and weigh what was asked for, as they were found, and what each costs.
    pub blocks: Vec<Block>,
    /// Arcs that were looked at.
    pub steps: u64,
}

/// Questions about one instance.
struct Pricing<'q, 'a> {
    network: Network<'q, 'a>,
    num_nodes: usize,
    /// By node, the nodes after it and before it, itself among them.
    after: Vec<Vec<u64>>,
    before: Vec<Vec<u64>>,
    blocks: Vec<Block>,
}

/// A set: what it costs, what it weighs, its nodes.
type Found = (i128, i128, Vec<u64>);

/// Nodes inside, the seed first, and outside, and the factor to begin with.
#[derive(Clone)]
struct Case {
    inside: Vec<usize>,
    outside: Vec<u64>,
    factor: i64,
}

/// How far cuts have come with a case.
enum Looked {
    Closed(i64),
    Heavy,
    /// The heaviest node that may divide it, if there is any.
    Divided(Option<usize>),
}

/// What is known of the sets of some seeds, one after the other, until as many as `enough` are heavy. Each begins with its
/// factor, in parts of 4096, and leaves one that was good. Blocks pay the sum, on one kind of device.
///
/// # Errors
/// [`Interrupted`], when the interrupt was raised first.
///
/// # Complexity
/// Up to six minimum cuts a case, and O(nodes reads / 64) to begin with.
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
    /// Lays the network, and works out what comes before and after each node, in O(nodes reads / 64).
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

    /// Nodes in the order in which they are seeds.
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
            let looked = self.look(question, &mut case);
            if num_cases == 1 {
                *factor = case.factor;
            }
            match looked {
                Looked::Heavy => return Ok(Verdict::Heavy),
                Looked::Closed(factor) => log.push(2 * factor.unsigned_abs()),
                Looked::Divided(None) if self.is_expensive(question, &case) => log.push(EXPENSIVE),
                Looked::Divided(Some(node)) if self.may_divide(question, &case, num_cases) => {
                    log.push(2 * u64::try_from(node).unwrap_or(u64::MAX / 2) + 1);
                    let mut outside = case.clone();
                    insert(&mut outside.outside, node);
                    case.inside.push(node);
                    open.extend([(outside, Some(self.network.flow())), (case, None)]);
                }
                Looked::Divided(_) => return Ok(Verdict::Open),
            }
        }
        Ok(Verdict::Closed(log))
    }

    fn may_divide(&self, question: &Question<'_>, case: &Case, num_cases: usize) -> bool {
        num_cases < question.max_cases && case.inside.len() < MAX_INSIDE && self.network.steps() < question.max_steps
    }

    /// Whether no set of a case is cheap enough, whatever it weighs: what factors do not say of few ticks, since gains are whole.
    fn is_expensive(&mut self, question: &Question<'_>, case: &Case) -> bool {
        let (sides, threshold) = (self.sides(case), i128::from(question.threshold));
        self.network.least_balance_among(&case.inside, threshold, |_| 0, |node| sides[node]) >= threshold
    }

    fn weight_left(&self, question: &Question<'_>, case: &Case) -> i128 {
        let left = (0..self.num_nodes).filter(|&node| !has(&case.outside, node));
        left.map(|node| i128::from(question.weights[node])).sum()
    }

    /// Cuts with one factor after the other: each set that is found leaves fewer factors that could close the case.
    fn look(&mut self, question: &Question<'_>, case: &mut Case) -> Looked {
        let (most, target, one) = (i128::from(question.threshold - 1), i128::from(question.target), i128::from(ONE));
        let sides = self.sides(case);
        let (mut low, mut high) = (LEAST, MOST);
        let (mut cheap, mut expensive): (Option<Found>, Option<Found>) = (None, None);
        for _ in 0..MAX_CUTS {
            case.factor = case.factor.clamp(low, high);
            let factor = i128::from(case.factor);
            // From here on a factor times the rest of the cost is less than the target.
            let enough = most + 1 - (target * one + factor - 1) / factor;
            let Some(found) = self.cut(question, case, &sides, enough) else { return Looked::Closed(case.factor) };
            let (cost, weight) = (found.0, found.1);
            if cost <= most {
                if weight >= i128::from(question.kept) && self.is_convex(&found.2) {
                    let nodes = numbers(&found.2).map(NodeId::new).collect();
                    self.blocks.push((nodes, Ticks::try_from(cost).unwrap_or(0)));
                    if weight >= target {
                        return Looked::Heavy;
                    }
                }
                let limit = if cost < most { (target - weight) * one / (most - cost) } else { i128::from(MOST) };
                high = high.min(if weight < target { narrowed(limit) } else { -1 });
                cheap = Some(found);
            } else {
                low = low.max(narrowed((weight - target) * one / (cost - most)) + 1);
                expensive = Some(found);
            }
            if low > high {
                break;
            }
            case.factor = match (&cheap, &expensive) {
                (Some(cheap), Some(expensive)) => {
                    narrowed((expensive.1 - cheap.1) * one / (expensive.0 - cheap.0).max(1))
                }
                (None, _) => low.max(case.factor) * 5 / 4 + 1,
                (_, None) => high.min(case.factor) * 4 / 5,
            };
        }
        case.factor = case.factor.clamp(LEAST, MOST);
        Looked::Divided(self.divide(question, case, cheap.as_ref(), expensive.as_ref()))
    }

    /// On which sides of a cut nodes are.
    fn sides(&self, case: &Case) -> Vec<u8> {
        let (mut after, mut before) = (nothing(self.num_nodes), nothing(self.num_nodes));
        for &node in &case.inside {
            unite(&mut after, &self.after[node]);
            unite(&mut before, &self.before[node]);
        }
        let side = |node: usize| {
            // What leads from inside through one that is outside and back is not convex.
            let elsewhere = u8::from(has(&case.outside, node)) * ELSEWHERE;
            elsewhere | (u8::from(has(&after, node)) * AFTER) | (u8::from(has(&before, node)) * BEFORE)
        };
        (0..self.num_nodes).map(side).collect()
    }

    /// The set of a case that costs least less its weight by the factor; none where that closes the case.
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

    /// Whether a set holds whatever is between two of its nodes.
    fn is_convex(&self, set: &[u64]) -> bool {
        let (mut after, mut before) = (nothing(self.num_nodes), nothing(self.num_nodes));
        for node in numbers(set) {
            unite(&mut after, &self.after[node]);
            unite(&mut before, &self.before[node]);
        }
        let between = after.iter().zip(&before).zip(set);
        between.map(|((after, before), set)| after & before & !set).all(|word| word == 0)
    }

    /// The heaviest undecided node in which the two sets differ, or else of one, or of all.
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

/// A factor, or one that is out of range.
fn narrowed(factor: i128) -> i64 {
    i64::try_from(factor.clamp(-1, i128::from(MOST))).unwrap_or(MOST)
}
