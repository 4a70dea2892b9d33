//! The rules of the bracket as tables: an event, the bounds by then, and the task that must follow.

use super::*;

const STEPS: u64 = 1 << 10;
/// Room for leaps and halves on both sides.
const UPPER: Ticks = 1 << 20;
const HALTED: Event = Event::Halted { has_cuts: true };
const DECIDED: Event = Event::Decided { left: STEPS, has_cuts: true };
const SWEPT: Event = Event::Swept { has_cuts: true };

fn bounds(lower: Ticks, upper: Ticks) -> Bounds {
    Bounds { lower, upper, floor: 0 }
}

fn decide(threshold: Ticks, steps: u64) -> Task {
    Task::Decide { threshold, steps, has_cuts: true }
}

/// Walks through events; each with the bounds by then, and the task that must follow.
fn walk(is_swept: bool, combinatorial: Ticks, table: &[(Event, Bounds, Task)]) {
    walk_with(STEPS, is_swept, combinatorial, table);
}

/// The same, with so many steps for a threshold of the first pass.
fn walk_with(steps: u64, is_swept: bool, combinatorial: Ticks, table: &[(Event, Bounds, Task)]) {
    let params = BracketParams::default();
    let mut bracket = Bracket::new(&params, combinatorial, is_swept, steps);
    for (row, &(event, bounds, expected)) in table.iter().enumerate() {
        let (next, task) = bracket.next(event, bounds);
        assert_eq!(task, expected, "row {row}: {event:?}");
        bracket = next;
    }
}

#[test]
fn the_incumbent_comes_first_and_the_end_is_where_bounds_meet() {
    let table = [(Event::Begun, bounds(0, UPPER), decide(UPPER, STEPS)), (DECIDED, bounds(UPPER, UPPER), Task::End)];
    walk(true, 0, &table);
    walk(true, 0, &[(Event::Begun, bounds(5, 5), Task::End)]);
}

#[test]
fn formal_thresholds_come_before_the_first_cuts_once() {
    let part = UPPER >> 13;
    let table = [
        (Event::Begun, bounds(0, UPPER), decide(UPPER, STEPS)),
        (Event::NeedsCuts, bounds(0, UPPER), decide(part, STEPS)),
        // It may need cuts itself.
        (Event::NeedsCuts, bounds(0, UPPER), Task::Resume),
        // The next one is nearer; when it is proven there are no more.
        (HALTED, bounds(0, UPPER), decide(UPPER >> 15, STEPS)),
        (DECIDED, bounds(UPPER >> 15, UPPER), Task::Resume),
        (Event::Decided { left: 0, has_cuts: true }, bounds(100, UPPER / 2), decide(300, STEPS)),
        (Event::NeedsCuts, bounds(100, UPPER / 2), Task::Resume),
    ];
    walk(true, 0, &table);
}

#[test]
fn what_cuts_say_of_formal_thresholds_is_forgotten() {
    let table = [
        (Event::Begun, bounds(0, UPPER), decide(UPPER, STEPS)),
        (Event::NeedsCuts, bounds(0, UPPER), decide(UPPER >> 13, STEPS)),
        (
            Event::Halted { has_cuts: false },
            bounds(0, UPPER),
            Task::Decide { threshold: UPPER >> 15, steps: STEPS, has_cuts: false },
        ),
        (Event::Decided { left: 0, has_cuts: false }, bounds(32, UPPER), Task::Resume),
        (HALTED, bounds(32, UPPER), Task::Sweep { above: UPPER, formal: 32, has_cuts: true }),
    ];
    walk(false, 0, &table);
}

#[test]
fn the_first_halt_of_all_turns_begins_the_sweep() {
    // Something is proven already, so that no formal thresholds are tried.
    let sweep = Task::Sweep { above: UPPER, formal: 0, has_cuts: true };
    let middle = decide(1000 + (UPPER - 999) / 2, STEPS);
    walk(
        false,
        0,
        &[
            (Event::Begun, bounds(1000, UPPER), decide(UPPER, STEPS)),
            (HALTED, bounds(1000, UPPER), sweep),
            (SWEPT, bounds(1000, UPPER), middle),
        ],
    );
    walk(true, 0, &[(Event::Begun, bounds(1000, UPPER), decide(UPPER, STEPS)), (HALTED, bounds(1000, UPPER), middle)]);
}

#[test]
fn proven_thresholds_are_followed_by_leaps_halted_ones_by_halves() {
    let table = [
        (Event::Begun, bounds(1000, UPPER), decide(UPPER, STEPS)),
        (HALTED, bounds(1000, UPPER), decide(1000 + (UPPER - 999) / 2, STEPS)),
        (HALTED, bounds(1000, UPPER), decide(1000 + ((UPPER - 999) / 2 + 1) / 2, STEPS)),
        // Twice as far as the last step went.
        (DECIDED, bounds(2000, UPPER), decide(4000, STEPS)),
    ];
    walk(true, 0, &table);
}

#[test]
fn what_others_have_proven_is_not_tried() {
    let known = Bounds { floor: UPPER / 2, ..bounds(1000, UPPER) };
    let table = [(Event::Begun, known, decide(UPPER, STEPS)), (HALTED, known, decide(UPPER / 2 + UPPER / 4, STEPS))];
    walk(true, 0, &table);
}

#[test]
fn a_partition_that_is_hardly_better_is_followed_once() {
    let table = [
        (Event::Begun, bounds(0, UPPER), decide(UPPER, STEPS)),
        (DECIDED, bounds(0, UPPER - 10), decide(UPPER - 10, STEPS)),
        (DECIDED, bounds(0, UPPER - 20), decide((UPPER - 19) / 2, STEPS)),
    ];
    walk(true, 0, &table);
    let much = [
        (Event::Begun, bounds(0, UPPER), decide(UPPER, STEPS)),
        (DECIDED, bounds(0, UPPER / 2), decide(UPPER / 4, STEPS)),
    ];
    walk(true, 0, &much);
}

#[test]
fn a_narrow_bracket_ends_the_pass_and_the_next_has_more_steps() {
    // Of 2^20 an eighth is left when something is proven.
    let lower = UPPER - UPPER / 64;
    let table = [
        (Event::Begun, bounds(1000, UPPER), decide(UPPER, STEPS)),
        (HALTED, bounds(lower, UPPER), decide(UPPER, 4 * STEPS)),
        (HALTED, bounds(lower, UPPER), decide(UPPER, 16 * STEPS)),
    ];
    walk(true, 0, &table[..2]);
    // With a 64th open, lower thresholds take as many steps, and halts of the incumbent are followed by passes.
    let hardly = UPPER - UPPER / 256;
    let table = [(Event::Begun, bounds(hardly, UPPER), table[0].2), (HALTED, bounds(hardly, UPPER), table[1].2)];
    walk(true, 0, &table);
}

#[test]
fn lower_thresholds_that_take_as_many_steps_end_the_pass() {
    let begin = [
        (Event::Begun, bounds(1000, UPPER), decide(UPPER, STEPS)),
        (HALTED, bounds(1000, UPPER), decide(1000 + (UPPER - 999) / 2, STEPS)),
    ];
    let left = |used| Event::Decided { left: STEPS - used, has_cuts: true };
    let now = bounds(UPPER / 2, UPPER);
    for (used, task) in [(STEPS / 4, decide(UPPER / 2 + UPPER / 4, STEPS)), (STEPS / 4 + 1, decide(UPPER, 4 * STEPS))] {
        walk(true, 0, &[begin[0], begin[1], (left(used), now, task)]);
    }
}

#[test]
fn what_halted_in_the_last_pass_is_tried_after_the_incumbent() {
    let half = 1000 + (UPPER - 999) / 2;
    let quarter = 1000 + (half - 999) / 2;
    let used = Event::Decided { left: 0, has_cuts: true };
    let table = [
        (Event::Begun, bounds(1000, UPPER), decide(UPPER, STEPS)),
        (HALTED, bounds(1000, UPPER), decide(half, STEPS)),
        (HALTED, bounds(1000, UPPER), decide(quarter, STEPS)),
        // Proven, with all steps: the next pass.
        (used, bounds(quarter, UPPER), decide(UPPER, 4 * STEPS)),
        (HALTED, bounds(quarter, UPPER), decide(half, 4 * STEPS)),
    ];
    walk(true, 0, &table);
}

#[test]
fn what_cuts_say_of_formal_thresholds_does_not_keep_the_sweep_from_cuts() {
    let part = |shift: u32| Task::Decide { threshold: UPPER >> shift, steps: STEPS, has_cuts: shift == 13 };
    let without = Event::Halted { has_cuts: false };
    let table = [
        (Event::Begun, bounds(0, UPPER), decide(UPPER, STEPS)),
        (HALTED, bounds(0, UPPER), part(13)),
        (without, bounds(0, UPPER), part(15)),
        (without, bounds(32, UPPER), Task::Sweep { above: UPPER, formal: 32, has_cuts: true }),
    ];
    walk(false, 0, &table);
}

#[test]
fn with_plenty_of_steps_lower_thresholds_are_tried_however_little_is_open() {
    let lower = UPPER - UPPER / 256;
    let middle = lower + (UPPER / 256 + 1) / 2;
    for (steps, next) in [(1 << 29, decide(UPPER, 1 << 31)), (1 << 30, decide(middle, 1 << 30))] {
        let table = [(Event::Begun, bounds(lower, UPPER), decide(UPPER, steps)), (HALTED, bounds(lower, UPPER), next)];
        walk_with(steps, true, 0, &table);
    }
}

#[test]
fn a_pass_ends_when_all_below_what_has_halted_is_proven() {
    let table = [
        (Event::Begun, bounds(1000, UPPER), decide(UPPER, STEPS)),
        (HALTED, bounds(1000, UPPER), decide(1000 + (UPPER - 999) / 2, STEPS)),
        (DECIDED, bounds(UPPER - 1, UPPER), decide(UPPER, 4 * STEPS)),
    ];
    walk(true, 0, &table);
}

#[test]
fn while_nothing_is_proven_halves_go_further_down() {
    // Above the formal bound an eighth of what was open is narrow.
    for (formal, next) in [(0, decide(UPPER / 16, STEPS)), (-1, decide(UPPER, 4 * STEPS))] {
        let table = [
            (Event::Begun, bounds(0, UPPER), decide(UPPER, STEPS)),
            (HALTED, bounds(0, UPPER), decide(UPPER / 2, STEPS)),
            (HALTED, bounds(0, UPPER), decide(UPPER / 4, STEPS)),
            (HALTED, bounds(0, UPPER), decide(UPPER / 8, STEPS)),
            (HALTED, bounds(0, UPPER), next),
        ];
        walk(true, formal, &table);
    }
}
