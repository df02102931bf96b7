//! How many workers there may be at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Places for workers.
#[derive(Clone)]
pub(crate) struct Pool {
    size: usize,
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    wanted: Arc<Notify>,
}

impl Pool {
    pub(crate) fn new(places: usize) -> Self {
        let size = places.max(1);
        Self {
            size,
            places: Arc::new(Semaphore::new(size)),
            waiting: Arc::default(),
            wanted: Arc::default(),
        }
    }

    /// A place for a worker. Where there is none, one that has nothing to do is asked to go.
    pub(crate) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Some(place);
        }
        let _waiting = Waiting::new(&self.waiting);
        self.wanted.notify_waiters();
        self.places.clone().acquire_owned().await.ok()
    }

    /// How many workers there are now.
    pub(crate) fn taken(&self) -> usize {
        self.size.saturating_sub(self.places.available_permits())
    }

    /// Waits until somebody wants the place of a worker that has nothing to do.
    pub(crate) async fn wanted(&self) {
        loop {
            let told = self.wanted.notified();
            if self.waiting.load(Ordering::SeqCst) > 0 {
                return;
            }
            told.await;
        }
    }
}

/// One that waits, also where it gives up.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_idle_worker_makes_room() {
        let pool = Pool::new(1);
        let first = pool.place().await.unwrap();
        let idle = async {
            pool.wanted().await;
            drop(first);
        };
        let (second, ()) = tokio::join!(pool.place(), idle);
        assert!(second.is_some());
    }
}
