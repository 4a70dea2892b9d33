//! Chooses the next threshold to decide: a pure state machine, without a clock, a thread or an instance.
//!
//! Thresholds are tried between the lower bound and the incumbent's bottleneck, in *passes*. A pass begins at the incumbent's
//! bottleneck, which often takes hardly more steps than a threshold far below it. A threshold that halts is left for the next
//! pass, which has more steps per threshold; this pass goes on with lower ones, which take fewer. After a proof the
//! next step up is twice as long as the last one; otherwise the open interval is halved.
//!
//! Before the first minimum cuts, or at the first halt, *formal* thresholds just above the combinatorial bound are decided, so that
//! something is proven early. After the first halt, the sweep (`sweep.rs`) proves all that minimum cuts alone prove.

use crate::cost::{INFINITE, Ticks};
use crate::query::BracketParams;

/// The bounds that are known, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// The lower bound that the exact solver has proven, or began with.
    pub lower: Ticks,
    /// The incumbent's bottleneck.
    pub upper: Ticks,
    /// The lower bound that other methods have proven.
    pub floor: Ticks,
}

/// The next task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Decide a threshold within `steps`; with minimum cuts if `has_cuts`.
    Decide { threshold: Ticks, steps: u64, has_cuts: bool },
    /// Resume the decision that waits for minimum cuts.
    Resume,
    /// Sweep: prove what minimum cuts alone prove below a threshold that has halted.
    Sweep { above: Ticks, formal: Ticks, has_cuts: bool },
    /// End: the bounds have met.
    End,
}

/// The result of a task. `has_cuts` says whether minimum cuts have narrowed any domain, so that they are asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// No task yet.
    Begun,
    /// The decision waits for minimum cuts.
    NeedsCuts,
    /// The threshold is decided, with `left` steps left.
    Decided { left: u64, has_cuts: bool },
    /// The steps were used up before a decision.
    Halted { has_cuts: bool },
    /// The sweep has ended.
    Swept { has_cuts: bool },
}

/// A threshold of a pass that is being decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trial {
    threshold: Ticks,
    /// Whether it is the incumbent's bottleneck.
    is_best: bool,
    /// The bounds when it began.
    before: Bounds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first task.
    Idle,
    /// A threshold of the pass is being decided.
    Deciding(Trial),
    /// A formal threshold is being decided: its index, and `has_cuts` from before.
    Formal { place: usize, had_cuts: bool, then: Then },
    /// The sweep runs, after a trial that has halted.
    Sweeping(Trial),
}

/// The task after the formal thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Resume a trial with minimum cuts.
    Resume(Trial),
    /// Sweep, after a trial that has halted.
    Sweep(Trial),
}

/// Thresholds from the incumbent's bottleneck down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pass {
    steps: u64,
    /// The lower bound when it began.
    begin: Ticks,
    /// The least threshold that has halted in the pass before, and in this one.
    last_halt: Ticks,
    halt: Ticks,
    /// The steps of lower thresholds since the halt.
    below: u64,
    /// Whether the incumbent's bottleneck is tried again, after a hardly better partition.
    is_again: bool,
}

/// The state of the choice of thresholds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bracket<'a> {
    params: &'a BracketParams,
    combinatorial: Ticks,
    /// The lower bound that the formal thresholds have left.
    formal: Ticks,
    has_cuts: bool,
    has_begun: bool,
    is_swept: bool,
    pass: Pass,
    state: State,
}

impl<'a> Bracket<'a> {
    /// The initial state; `steps` is for each threshold of the first pass.
    pub(super) fn new(params: &'a BracketParams, combinatorial: Ticks, is_swept: bool, steps: u64) -> Self {
        let pass = Pass { steps, begin: 0, last_halt: INFINITE, halt: INFINITE, below: 0, is_again: false };
        Self {
            params,
            combinatorial,
            formal: combinatorial,
            has_cuts: true,
            has_begun: false,
            is_swept,
            pass,
            state: State::Idle,
        }
    }

    /// The next task after an event, given the bounds after it.
    pub(super) fn next(mut self, event: Event, bounds: Bounds) -> (Self, Task) {
        if let Event::Decided { has_cuts, .. } | Event::Halted { has_cuts } | Event::Swept { has_cuts } = event {
            self.has_cuts = has_cuts;
        }
        match (self.state, event) {
            (State::Deciding(trial), Event::NeedsCuts) if !self.has_begun => self.begin(Then::Resume(trial), bounds),
            (State::Deciding(_) | State::Formal { .. }, Event::NeedsCuts) => (self, Task::Resume),
            (State::Deciding(trial), Event::Decided { left, .. }) => self.after(trial, Some(left), bounds),
            (State::Deciding(trial), Event::Halted { .. }) => {
                self.pass.halt = trial.threshold;
                match (self.is_swept, self.has_begun) {
                    (true, _) => self.after(trial, None, bounds),
                    (false, true) => self.sweep(trial, bounds),
                    (false, false) => self.begin(Then::Sweep(trial), bounds),
                }
            }
            (State::Formal { place, had_cuts, then }, _) => {
                self.formal = bounds.lower;
                self.formal_from(place + 1, had_cuts, then, bounds)
            }
            (State::Sweeping(trial), _) => {
                self.is_swept = true;
                self.after(trial, None, bounds)
            }
            (State::Idle | State::Deciding(_), _) => self.begin_pass(bounds),
        }
    }

    fn begin_pass(mut self, bounds: Bounds) -> (Self, Task) {
        self.pass = Pass { begin: bounds.lower, halt: INFINITE, below: 0, is_again: false, ..self.pass };
        self.decide(INFINITE, bounds)
    }

    fn next_pass(mut self, bounds: Bounds) -> (Self, Task) {
        self.pass.last_halt = self.pass.halt;
        self.pass.steps = self.pass.steps.saturating_mul(self.params.growth);
        self.begin_pass(bounds)
    }

    /// Decides the threshold nearest to this one that is still open.
    fn decide(mut self, threshold: Ticks, bounds: Bounds) -> (Self, Task) {
        if bounds.lower >= bounds.upper {
            return (self, Task::End);
        }
        let is_best = threshold >= bounds.upper;
        let threshold = threshold.clamp(bounds.lower + 1, bounds.upper);
        self.state = State::Deciding(Trial { threshold, is_best, before: bounds });
        (self, Task::Decide { threshold, steps: self.pass.steps, has_cuts: self.has_cuts })
    }

    /// Begins with the formal thresholds, once; they take hardly any steps.
    fn begin(mut self, then: Then, bounds: Bounds) -> (Self, Task) {
        self.has_begun = true;
        self.formal_from(0, self.has_cuts, then, bounds)
    }

    fn formal_from(mut self, place: usize, had_cuts: bool, then: Then, bounds: Bounds) -> (Self, Task) {
        let Bounds { lower, upper, .. } = bounds;
        if let Some(part) = self.params.formal.get(place).filter(|_| lower <= self.combinatorial && lower < upper) {
            let threshold = (lower + upper / part).clamp(lower + 1, upper);
            self.state = State::Formal { place, had_cuts, then };
            return (self, Task::Decide { threshold, steps: self.pass.steps, has_cuts: self.has_cuts });
        }
        // Whether cuts help at formal thresholds does not show whether they help at higher ones.
        self.has_cuts = had_cuts;
        match then {
            Then::Sweep(trial) => self.sweep(trial, bounds),
            Then::Resume(trial) => {
                self.state = State::Deciding(trial);
                (self, Task::Resume)
            }
        }
    }

    fn sweep(mut self, trial: Trial, bounds: Bounds) -> (Self, Task) {
        self.state = State::Sweeping(trial);
        let above = self.pass.halt.min(bounds.upper);
        (self, Task::Sweep { above, formal: self.formal, has_cuts: self.has_cuts })
    }

    /// The next task after a trial that is decided, with so many steps left, or has halted.
    fn after(mut self, trial: Trial, left: Option<u64>, bounds: Bounds) -> (Self, Task) {
        let Bounds { lower, upper, .. } = bounds;
        let (steps, halt, has_halted) = (self.pass.steps, self.pass.halt, self.pass.halt < INFINITE);
        // A lower bound of another method need not be proven again.
        let floor = lower.max(bounds.floor);
        let open = halt.min(upper) - floor;
        let narrow = self.params.narrow[usize::from(lower > self.formal)];
        let is_hardly_open = open <= upper / self.params.hardly_open && steps < self.params.plenty;
        let is_narrow = open.saturating_mul(narrow) <= upper - self.pass.begin || is_hardly_open;
        if left.is_none() && is_narrow || open <= 1 && has_halted {
            return self.next_pass(bounds);
        }
        if has_halted {
            self.pass.below += left.map_or(0, |left| steps - left.min(steps));
            if self.pass.below > steps / self.params.comparable {
                return self.next_pass(bounds);
            }
        }
        // Not twice in a row: there can be a long series of hardly better partitions.
        let is_hardly_better = (trial.before.upper - upper).saturating_mul(self.params.hardly_better) <= open;
        self.pass.is_again = trial.is_best && left.is_some() && !self.pass.is_again && is_hardly_better;
        let leap = floor.saturating_add((lower - trial.before.lower).saturating_mul(2));
        let middle = floor + (open + 1) / 2;
        let last_halt = self.pass.last_halt;
        let threshold = match (lower > trial.before.lower, has_halted) {
            (true, true) => leap.min(middle),
            (true, false) => leap,
            (false, false) if self.pass.is_again => INFINITE,
            (false, true) if trial.is_best && (floor + 1..halt).contains(&last_halt) => last_halt,
            (false, _) => middle,
        };
        self.decide(threshold, bounds)
    }
}

#[cfg(test)]
mod tests;
