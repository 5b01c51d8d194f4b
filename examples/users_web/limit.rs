//! At most so many requests under way, and none more while the machine is busy: the others are told to come again,
//! at once, in place of waiting in a queue without an end.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use multicore::Task;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::{Layer, Service};

use crate::trouble::Trouble;

#[derive(Clone)]
pub(crate) struct Limit {
    places: Arc<Semaphore>,
    /// The load guard's; without one of its own, the process's (`MULTICORE_MAX_LOAD_AVERAGE`).
    threshold: Option<f64>,
}

impl Limit {
    pub(crate) fn new(requests: usize, threshold: Option<f64>) -> Limit {
        Limit { places: Arc::new(Semaphore::new(requests)), threshold }
    }

    fn admit(&self) -> Result<OwnedSemaphorePermit, Trouble> {
        let allowed = match self.threshold {
            Some(share) => Task::<()>::with_max_load_average(share),
            None => Task::try_new(),
        };
        if allowed.is_none() {
            return Err(Trouble::busy(
                "The machine has more to do than it should. Please try again in a moment.",
            ));
        }
        let place = self.places.clone().try_acquire_owned();
        place.map_err(|_| {
            Trouble::busy("As many visitors are being served as can be. Please try again in a moment.")
        })
    }
}

impl<S> Layer<S> for Limit {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Limited<S> {
        Limited { inner, limit: self.clone() }
    }
}

#[derive(Clone)]
pub(crate) struct Limited<S> {
    inner: S,
    limit: Limit,
}

impl<S> Service<Request> for Limited<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let place = match self.limit.admit() {
            Ok(place) => place,
            Err(busy) => return Box::pin(std::future::ready(Ok(busy.into_response()))),
        };
        let answer = self.inner.call(request);
        Box::pin(async move {
            // A visitor who leaves takes the future along; the work goes on, and keeps its place until it is done.
            let work = tokio::spawn(async move {
                let answer = answer.await;
                drop(place);
                answer
            });
            work.await.unwrap_or_else(|error| Ok(Trouble::ours(error).into_response()))
        })
    }
}
