//! How many workers there may be at a time.

use std::sync::Arc;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Places for workers.
#[derive(Clone)]
pub(crate) struct Pool {
    places: Arc<Semaphore>,
    wanted: Arc<Notify>,
}

impl Pool {
    pub(crate) fn new(places: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places.max(1))), wanted: Arc::default() }
    }

    /// A place for a worker. Where there is none, one that has nothing to do is asked to go.
    pub(crate) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Some(place);
        }
        self.wanted.notify_one();
        self.places.clone().acquire_owned().await.ok()
    }

    /// Waits until somebody wants the place of a worker that has nothing to do.
    pub(crate) async fn wanted(&self) {
        self.wanted.notified().await;
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
