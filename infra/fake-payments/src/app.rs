//! The state that all handlers share.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use runtime::clock;

use crate::error::ApiError;
use crate::options::Options;
use crate::paypal::order::Order;
use crate::state::ServiceState;
use crate::stripe::payment::Payment;

#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) options: Options,
    /// The address of pages and APIs, without a slash at the end.
    pub(crate) base_url: String,
    /// Sends webhook messages.
    pub(crate) client: Client<HttpConnector, Body>,
    /// Held while messages are sent, so that only one is sent at a time.
    pub(crate) dispatch_lock: tokio::sync::Mutex<()>,
    state: Mutex<ServiceState>,
    target: Mutex<Option<String>>,
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    pub(crate) fn new(options: Options, base_url: String, state: ServiceState) -> Self {
        Self(Arc::new(Inner {
            options,
            base_url,
            client: Client::builder(TokioExecutor::new()).build_http(),
            dispatch_lock: tokio::sync::Mutex::new(()),
            state: Mutex::new(state),
            target: Mutex::new(None),
        }))
    }

    /// Returns the base URL of the API that receives webhooks, once it is known.
    pub(crate) fn target(&self) -> Option<String> {
        self.target.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_target(&self, base_url: String) {
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = Some(base_url);
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&ServiceState) -> T) -> T {
        read(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Applies `update` and saves the state. An error, of `update` or of the save, leaves the state as it was.
    pub(crate) fn update<T>(
        &self,
        update: impl FnOnce(&mut ServiceState, Timestamp) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut updated = state.clone();
        let result = update(&mut updated, clock::now())?;
        updated.save(self.options.state_file.as_deref())?;
        *state = updated;
        Ok(result)
    }

    /// Returns a copy of the payment of a Stripe session.
    pub(crate) fn payment(&self, session: &str) -> Result<Payment, ApiError> {
        let found = self.read(|state| state.payments.iter().find(|payment| payment.id == session).cloned());
        found.ok_or(ApiError::NotFound("session"))
    }

    /// Returns a copy of a PayPal order.
    pub(crate) fn order(&self, id: &str) -> Result<Order, ApiError> {
        let found = self.read(|state| state.orders.iter().find(|order| order.id == id).cloned());
        found.ok_or(ApiError::NotFound("order"))
    }
}
