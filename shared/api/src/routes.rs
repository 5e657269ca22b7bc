//! Binds handlers to operations.

use std::collections::BTreeSet;

use axum::{Router, handler::Handler, routing::MethodFilter};

use crate::operation::Operation;

/// Is a router that is built of operations, and knows which.
pub struct Routes<S> {
    router: Router<S>,
    served: Vec<&'static Operation>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Serves nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { router: Router::new(), served: Vec::new() }
    }

    /// Serves an operation, at its method and path, with a handler.
    #[must_use]
    pub fn operation<H, T>(mut self, operation: &'static Operation, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.served.push(operation);
        let filter = match operation.method {
            "get" => MethodFilter::GET,
            "post" => MethodFilter::POST,
            "put" => MethodFilter::PUT,
            "patch" => MethodFilter::PATCH,
            _ => MethodFilter::DELETE,
        };
        Self { router: self.router.route(operation.path, axum::routing::on(filter, handler)), served: self.served }
    }

    /// Returns the router, for its middleware and state.
    pub fn into_router(self) -> Router<S> {
        self.router
    }

    /// Lists the operations that it serves, as `get /v1/account`.
    #[must_use]
    pub fn served(&self) -> BTreeSet<String> {
        self.served.iter().map(ToString::to_string).collect()
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}
