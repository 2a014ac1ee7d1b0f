//! The threads that writers run on, each with a runtime of its own.
//!
//! A writer's answers, alarms and batches wake its task. On one thread that is a place in a queue;
//! between the threads of one runtime it is a call to the system, which costs as much as the write
//! itself. So a writer stays on its thread, and nothing of it is stolen by another.

use std::io;
use std::sync::mpsc;

use tokio::runtime::{Builder, Handle};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Threads that run what is spawned on them until this is dropped; what has not ended by then is
/// given up.
#[derive(Debug)]
pub(crate) struct Threads {
    runtimes: Vec<Handle>,
    end: CancellationToken,
}

impl Threads {
    /// Starts this many, at least one.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub(crate) fn start(count: u32) -> io::Result<Self> {
        let mut threads = Self { runtimes: Vec::new(), end: CancellationToken::new() };
        for number in 1..=count.max(1) {
            let (started, handle) = mpsc::sync_channel(1);
            let end = threads.end.clone();
            // A runtime is made and dropped where it may block: on its own thread.
            std::thread::Builder::new().name(format!("writers {number}")).spawn(move || {
                match Builder::new_current_thread().enable_all().build() {
                    Ok(runtime) => {
                        // The receiver is gone only if another thread could not be started.
                        let _ = started.send(Ok(runtime.handle().clone()));
                        runtime.block_on(end.cancelled());
                        // A name lookup that hangs must not hold the program up.
                        runtime.shutdown_background();
                    }
                    Err(error) => drop(started.send(Err(error))),
                }
            })?;
            let gone = |_| io::Error::other("a thread ended as soon as it was started");
            threads.runtimes.push(handle.recv().map_err(gone)??);
        }
        Ok(threads)
    }

    /// Runs a task on the thread that is number `index`'s turn.
    pub(crate) fn spawn<F>(&self, index: u32, tasks: &mut JoinSet<()>, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let number = index as usize % self.runtimes.len();
        tasks.spawn_on(task, &self.runtimes[number]);
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn tasks_are_shared_out_over_the_threads_and_stay_there() {
        let threads = Threads::start(2).unwrap();
        let mut tasks = JoinSet::new();
        let seen = Arc::new(Mutex::new(Vec::new()));
        for index in 0..4 {
            let seen = Arc::clone(&seen);
            threads.spawn(index, &mut tasks, async move {
                let name = || std::thread::current().name().unwrap().to_owned();
                let before = name();
                tokio::time::sleep(Duration::from_millis(1)).await;
                seen.lock().unwrap().push((index, before, name()));
            });
        }
        while tasks.join_next().await.is_some() {}
        let mut seen = seen.lock().unwrap().clone();
        seen.sort();
        let expected = |(index, name): (u32, &str)| (index, name.to_owned(), name.to_owned());
        let turns = [(0, "writers 1"), (1, "writers 2"), (2, "writers 1"), (3, "writers 2")];
        assert_eq!(seen, turns.map(expected));
    }

    #[tokio::test]
    async fn what_goes_on_for_ever_is_given_up_with_the_threads() {
        let threads = Threads::start(1).unwrap();
        let mut tasks = JoinSet::new();
        threads.spawn(0, &mut tasks, std::future::pending());
        drop(threads);
        let ended = tokio::time::timeout(Duration::from_secs(20), tasks.join_next()).await;
        assert!(ended.expect("given up").unwrap().unwrap_err().is_cancelled());
    }
}
