//! Which threshold is decided next: a state machine without a clock, a thread or an instance.
//!
//! Thresholds are tried between what is proven and the incumbent, in *passes*. A pass begins at the incumbent's bottleneck, which
//! often takes hardly more steps than what is far below it. A threshold that halts is left for the next pass, which has more
//! steps, and lower ones are tried, which take fewer: in leaps twice as long as the last one while they are proven, in halves
//! otherwise. Before the first minimum cuts, or the first halt, little more than the combinatorial bound is proven as a matter of
//! form; after the first halt, all that cuts alone prove is swept.

use crate::cost::{INFINITE, Ticks};
use crate::query::BracketParams;

/// What is known, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// What is proven here.
    pub lower: Ticks,
    /// The incumbent's bottleneck.
    pub upper: Ticks,
    /// The lower bound that other methods have proven.
    pub floor: Ticks,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Decide a threshold with so many steps, by minimum cuts too if they are of use.
    Decide { threshold: Ticks, steps: u64, has_cuts: bool },
    /// Go on with what waits for cuts.
    Resume,
    /// Sweep what cuts alone prove below a threshold that has halted.
    Sweep { above: Ticks, formal: Ticks, has_cuts: bool },
    /// Nothing: the bounds have met.
    End,
}

/// What has come of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Nothing has been done yet.
    Begun,
    /// What has to be decided waits for minimum cuts.
    NeedsCuts,
    /// It is decided, with so many steps left. Whether cuts are of use.
    Decided { left: u64, has_cuts: bool },
    /// So many steps were not enough. Whether cuts are of use.
    Halted { has_cuts: bool },
    /// All is swept. Whether cuts are of use.
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
    /// Nothing has been done.
    Idle,
    /// A threshold of the pass is being decided.
    Deciding(Trial),
    /// A formal threshold is being decided: which, and whether cuts were of use before.
    Formal { place: usize, had_cuts: bool, then: Then },
    /// The sweep is on, after a trial that has halted.
    Sweeping(Trial),
}

/// What waits for the formal thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// A trial that goes on with cuts.
    Resume(Trial),
    /// The sweep, after a trial that has halted.
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
    /// Steps that lower thresholds have taken since the halt.
    below: u64,
    /// Whether the incumbent's bottleneck is tried again, after a partition that was hardly better.
    is_again: bool,
}

/// All that the choice of a threshold depends on besides the bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bracket<'a> {
    params: &'a BracketParams,
    combinatorial: Ticks,
    /// What is proven as a matter of form.
    formal: Ticks,
    has_cuts: bool,
    has_begun: bool,
    is_swept: bool,
    pass: Pass,
    state: State,
}

impl<'a> Bracket<'a> {
    /// Before anything is done; with so many steps for a threshold of the first pass.
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

    /// What is to be done after an event, given the bounds by then.
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

    /// Decides the open threshold that is nearest to this one.
    fn decide(mut self, threshold: Ticks, bounds: Bounds) -> (Self, Task) {
        if bounds.lower >= bounds.upper {
            return (self, Task::End);
        }
        let is_best = threshold >= bounds.upper;
        let threshold = threshold.clamp(bounds.lower + 1, bounds.upper);
        self.state = State::Deciding(Trial { threshold, is_best, before: bounds });
        (self, Task::Decide { threshold, steps: self.pass.steps, has_cuts: self.has_cuts })
    }

    /// Proves little more than the combinatorial bound, once, which takes hardly any steps.
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
        // What cuts say there does not say whether they are of use above.
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

    /// What is next when a trial is decided, with so many steps left, or has halted.
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
        // Once, since there may be many that are hardly better than each other.
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
