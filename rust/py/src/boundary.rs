//! The one door between Python and the core: leaves the interpreter, handles Ctrl-C, maps errors, copies arrays.

use std::any::Any;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use numpy::{Element, PyReadonlyArray1};
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError};
use pyo3::prelude::*;
use slicegraph_core::Error;
use slicegraph_core::interrupt::Interrupt;

pyo3::import_exception!(slicegraph.errors, InputError);

/// How often the calling thread looks up from waiting: for Ctrl-C, and for a stop that has come true.
const POLL: Duration = Duration::from_millis(20);

/// A core error as Python sees it.
pub struct CoreError(pub Error);

impl From<CoreError> for PyErr {
    fn from(CoreError(error): CoreError) -> Self {
        InputError::new_err(error.to_string())
    }
}

/// Why a file is no ONNX model, as Python sees it.
pub struct OnnxError(pub slicegraph_onnx::Error);

impl From<OnnxError> for PyErr {
    fn from(OnnxError(error): OnnxError) -> Self {
        InputError::new_err(error.to_string())
    }
}

/// A panic of the core, which is a mistake of ours, as an exception that can be caught like any other.
fn defect(panic: &(dyn Any + Send)) -> PyErr {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    PyRuntimeError::new_err(format!("a defect of slicegraph: {}", text.unwrap_or("a panic without a message")))
}

/// Runs short work without the interpreter.
pub fn compute<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T, Error> + Send) -> PyResult<T> {
    let result = py.detach(|| catch_unwind(AssertUnwindSafe(work)));
    Ok(result.map_err(|panic| defect(&*panic))?.map_err(CoreError)?)
}

/// Copies an array in: a detached read of a caller's array could race a writer.
#[expect(clippy::needless_pass_by_value, reason = "the borrow of an extracted argument ends here")]
pub fn copy_in<T: Element + Copy>(array: PyReadonlyArray1<'_, T>) -> PyResult<Vec<T>> {
    Ok(array.as_slice()?.to_vec())
}

/// How supervised work ended.
pub struct Supervised<T> {
    /// What the work gave.
    pub value: T,
    /// Whether it was Ctrl-C that asked it to end.
    pub is_signalled: bool,
}

/// Tells the supervisor how far the work is; the answer is whether to go on.
pub type Report<'a, P> = &'a mut (dyn FnMut(P) -> ControlFlow<()> + Send);

/// Runs long work on a thread of its own while the calling thread waits, detached, and looks up every few milliseconds.
///
/// `poll` is asked whether to stop after each report, which waits for the answer, and between reports, with the last one.
/// A `true`, an exception or Ctrl-C raises the interrupt; an exception is passed on once the work has ended.
pub fn supervise<P: Copy + Send, T: Send>(
    py: Python<'_>,
    mut poll: impl FnMut(Python<'_>, P) -> PyResult<bool> + Send,
    work: impl FnOnce(&Interrupt, Report<'_, P>) -> T + Send,
) -> PyResult<Supervised<T>> {
    let interrupt = Interrupt::never();
    let interrupt = &interrupt;
    let mut look_up = |last: Option<P>| -> PyResult<bool> {
        Python::attach(|py| {
            py.check_signals()?;
            last.map_or(Ok(false), |progress| poll(py, progress))
        })
    };
    let (value, failure) = py.detach(|| {
        std::thread::scope(|scope| {
            let (reports, inbox) = sync_channel::<(P, SyncSender<bool>)>(0);
            let worker = scope.spawn(move || {
                let mut report = |progress| {
                    let (answer, answered) = sync_channel(1);
                    let sent = reports.send((progress, answer)).is_ok();
                    if sent && answered.recv() == Ok(false) {
                        ControlFlow::Continue(())
                    } else {
                        ControlFlow::Break(())
                    }
                };
                work(interrupt, &mut report)
            });
            let failure = attend(&inbox, interrupt, &mut look_up);
            (worker.join(), failure)
        })
    });
    let value = value.map_err(|panic| defect(&*panic))?;
    // A signal since the last look is raised here: after the return it would take the value with it.
    match failure.or_else(|| py.check_signals().err()) {
        Some(error) if error.is_instance_of::<PyKeyboardInterrupt>(py) => Ok(Supervised { value, is_signalled: true }),
        Some(error) => Err(error),
        None => Ok(Supervised { value, is_signalled: false }),
    }
}

/// The same for work that reports nothing: `ends`, if there is one, is asked every few milliseconds whether to stop.
pub fn supervise_quiet<T: Send>(
    py: Python<'_>,
    ends: Option<Py<PyAny>>,
    work: impl FnOnce(&Interrupt) -> T + Send,
) -> PyResult<Supervised<T>> {
    let is_asked = ends.is_some();
    supervise(
        py,
        move |py, ()| ends.as_ref().map_or(Ok(false), |ends| ends.call0(py)?.is_truthy(py)),
        move |interrupt, report| {
            // It is asked again only after a report.
            if is_asked && report(()).is_break() {
                interrupt.raise();
            }
            work(interrupt)
        },
    )
}

/// Answers the reports of the work until it ends; gives the exception that asked it to, if one did.
fn attend<P: Copy>(
    inbox: &Receiver<(P, SyncSender<bool>)>,
    interrupt: &Interrupt,
    look_up: &mut impl FnMut(Option<P>) -> PyResult<bool>,
) -> Option<PyErr> {
    let (mut last, mut failure) = (None, None);
    loop {
        let answer = match inbox.recv_timeout(POLL) {
            Ok((progress, answer)) => {
                last = Some(progress);
                Some(answer)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return failure,
        };
        let mut stop = failure.is_some() || interrupt.is_raised();
        if !stop {
            stop = look_up(last).unwrap_or_else(|error| {
                failure = Some(error);
                true
            });
        }
        match answer {
            // The work ends by itself, and its answer does not depend on when.
            Some(answer) if failure.is_none() => drop(answer.send(stop)),
            _ if stop => interrupt.raise(),
            _ => {}
        }
    }
}
