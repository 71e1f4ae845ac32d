//! The threads that run components outside steps. They may block, which the threads of the
//! asynchronous runtime may not, and their stacks have room for components that call components.

use std::thread;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::runtime::Handle;

use crate::engine::STACK_BYTES;

/// How many calls wait for each thread. At 5 ms for a call the last one waits for a third of a second.
const QUEUE: usize = 64;

type Job = Box<dyn FnOnce() + Send>;

/// A fixed number of threads, and a queue that is bounded.
pub(crate) struct GuestThreads {
    jobs: Sender<Job>,
}

impl GuestThreads {
    /// Starts so many threads. They end when the last owner of this is gone.
    ///
    /// # Errors
    /// When the system gives out no more threads.
    pub(crate) fn start(count: usize, handle: &Handle) -> std::io::Result<Self> {
        let count = count.max(1);
        let (jobs, queue) = bounded(count * QUEUE);
        for number in 0..count {
            let (queue, handle) = (queue.clone(), handle.clone());
            let thread = thread::Builder::new()
                .name(format!("guest-{number}"))
                .stack_size(STACK_BYTES);
            thread.spawn(move || work(&queue, &handle))?;
        }
        Ok(Self { jobs })
    }

    /// Runs the job once a thread is free; false when too many wait already.
    pub(crate) fn run(&self, job: impl FnOnce() + Send + 'static) -> bool {
        match self.jobs.try_send(Box::new(job)) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }
}

/// Timers and connections belong to the runtime, and are looked up in the thread's context.
fn work(queue: &Receiver<Job>, handle: &Handle) {
    let _runtime = handle.enter();
    for job in queue {
        // Whoever waits for a job that panics finds its channel closed; the thread goes on.
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).is_err() {
            tracing::error!("a call of a component made the host panic: this is a defect of the host");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_panics_leaves_the_thread_alive_and_a_full_queue_refuses() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let threads = GuestThreads::start(1, runtime.handle()).expect("a thread");
        let (told, answer) = bounded(1);
        let (release, held) = bounded::<()>(0);
        assert!(threads.run(|| panic!("on purpose")));
        assert!(threads.run(move || {
            told.send(()).expect("somebody waits");
            held.recv().expect("released");
        }));
        answer.recv().expect("the thread has gone on, and now it is held");
        assert!((0..QUEUE).all(|_| threads.run(|| ())));
        assert!(!threads.run(|| ()), "one more than the queue holds");
        release.send(()).expect("it waits");
    }
}
