//! Work on as many threads as the caller asks for; one of them is the caller's own.

use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use crate::error::Error;

/// Does work on so many threads, none of which is the global pool's. On one thread it is done by the calling one, which takes
/// no time to begin.
///
/// # Errors
/// [`Error::Parameter`], when no thread can be started.
pub(crate) fn on<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
    if threads == 1 && rayon::current_thread_index().is_none() {
        return Ok(work());
    }
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|error| Error::Parameter {
        name: "threads",
        value: threads.to_string(),
        rule: error.to_string(),
    })?;
    Ok(pool.install(work))
}

/// The results of all items, in order: in parallel if this thread belongs to a pool, else one after the other.
pub(crate) fn each<T: Sync, U: Send>(items: &[T], work: impl Fn(&T) -> U + Sync + Send) -> Vec<U> {
    if rayon::current_thread_index().is_some() {
        items.par_iter().map(work).collect()
    } else {
        items.iter().map(work).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The global pool of rayon is not used.
    #[test]
    fn work_is_done_in_order_on_the_threads_that_are_asked_for() {
        let items: Vec<usize> = (0..100).collect();
        let own = std::thread::current().id();
        for threads in [1, 2, 3] {
            let done = on(threads, || each(&items, |item| (item * 2, std::thread::current().id()))).expect("threads");
            assert!(done.iter().zip(&items).all(|((twice, _), item)| *twice == item * 2));
            assert_eq!(done.iter().all(|(_, id)| *id == own), threads == 1);
        }
        assert_eq!(on(2, || on(1, rayon::current_num_threads)).expect("threads").expect("a thread"), 1);
    }
}
