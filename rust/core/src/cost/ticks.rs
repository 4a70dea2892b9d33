//! The tick, the unit of all costs: seconds are rounded to integers once.

use crate::ids::ticks;

/// A cost in ticks.
pub type Ticks = i64;

/// The cost of a block that breaks the memory limit.
pub const INFINITE: Ticks = i64::MAX;

/// More ticks than any block within the memory limit costs: a bound that no partition beats.
pub(crate) const ABOVE_ALL: Ticks = 1 << 52;

/// The sum of all costs of an instance, each tensor counted twice, is below this.
const CAPACITY: i128 = 1 << 52;
/// The smallest tick is the smallest normal float, so that dividing by a tick is exact.
const MIN_EXPONENT: i32 = -1022;

/// A quotient rounded up, of ticks that are not negative.
pub(crate) fn ceil_div(ticks: Ticks, parts: Ticks) -> Ticks {
    ticks / parts + Ticks::from(ticks % parts > 0)
}

/// Seconds in ticks, halves to even; none for what is no number.
pub(super) fn snap(seconds: f64, tick: f64) -> Ticks {
    ticks((seconds / tick).round_ties_even())
}

/// The smallest power of two for which the snapped seconds add up to less than 2^52 ticks; what is no number counts nothing.
///
/// The sum is taken in integers, so the tick depends neither on the order of the terms nor on the language.
///
/// # Complexity
/// A constant number of passes over the terms.
pub(super) fn choose_tick(seconds: &(impl Iterator<Item = f64> + Clone)) -> f64 {
    let total = seconds.clone().fold(0.0, |sum, term| if term.is_nan() { sum } else { sum + term });
    // Two below the exponent at which the total, rounded either way, fits; each round below doubles the tick.
    let mut exponent = if total > 0.0 { ticks(total.log2().floor()) - 54 } else { i64::MIN };
    exponent = exponent.max(i64::from(MIN_EXPONENT));
    loop {
        let tick = 2.0_f64.powi(i32::try_from(exponent).unwrap_or(MIN_EXPONENT));
        let sum: i128 = seconds.clone().map(|term| i128::from(snap(term, tick))).sum();
        if sum < CAPACITY {
            return tick;
        }
        exponent += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tick_is_the_smallest_power_of_two_that_fits() {
        // 2^52 - 1 units fit with a tick of one unit; 2^52 do not.
        let almost = 2.0_f64.powi(52) - 1.0;
        assert!((choose_tick(&[almost].into_iter()) - 1.0).abs() < f64::EPSILON);
        assert!((choose_tick(&[almost, 1.0].into_iter()) - 2.0).abs() < f64::EPSILON);
        assert!((choose_tick(&[1.0].into_iter()) - 2.0_f64.powi(-51)).abs() < f64::EPSILON);
    }

    #[test]
    fn a_tick_exists_for_nothing_and_for_almost_nothing() {
        assert!(choose_tick(&[0.0, 0.0].into_iter()) > 0.0);
        let tick = choose_tick(&[1e-320].into_iter());
        assert_eq!(snap(1e-320, tick), 0);
    }
}
