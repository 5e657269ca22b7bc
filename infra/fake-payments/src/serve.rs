//! The server, in a thread of its own, so that its caller may block.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use runtime::clock;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::book::Book;
use crate::delivery::Service;
use crate::paypal::order::Order;
use crate::refusal::Refusal;
use crate::stripe::payment::Payment;
use crate::{Options, control, pages, paypal, stripe};

/// The running stand-in. It stops when it is dropped.
pub struct FakePayments {
    app: App,
    runtime: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What every handler has.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) options: Options,
    /// Where a browser and the API reach the stand-in, without a slash at the end.
    pub(crate) base_url: String,
    pub(crate) client: Client<HttpConnector, Body>,
    /// Held while messages go out, so that they go one after the other.
    pub(crate) courier: tokio::sync::Mutex<()>,
    book: Mutex<Book>,
    target: Mutex<Option<String>>,
}

impl FakePayments {
    /// Listens on the loopback interface, with the state that the last run left.
    ///
    /// # Errors
    ///
    /// The port is taken, or the state cannot be read.
    pub fn start(options: Options) -> Result<Self> {
        let book = Book::load(options.state.as_deref())?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
            .with_context(|| format!("port {} cannot be listened on", options.port))?;
        listener.set_nonblocking(true)?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _entered = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let app = App(Arc::new(Inner {
            options,
            base_url,
            client: Client::builder(TokioExecutor::new()).build_http(),
            courier: tokio::sync::Mutex::new(()),
            book: Mutex::new(book),
            target: Mutex::new(None),
        }));
        let router = router(app.clone());
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new()
            .name("fake_payments".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = axum::serve(listener, router) => {}
                        _ = stopped => {}
                    }
                });
            })
            .context("the stand-in cannot be started")?;
        Ok(Self { app, runtime: handle, stop: Some(stop), thread: Some(thread) })
    }

    /// The address of the pages and of both APIs, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.app.base_url
    }

    /// Sends messages to `{api_base_url}/v1/webhooks/stripe` and `.../paypal` from now on, and those that waited for an
    /// address at once. Plain HTTP only.
    pub fn deliver_to(&self, api_base_url: &str) {
        let target = api_base_url.trim_end_matches('/').to_owned();
        *self.app.target.lock().unwrap_or_else(PoisonError::into_inner) = Some(target);
        let app = self.app.clone();
        self.runtime.spawn(async move { app.deliver().await });
    }

    /// Cuts open connections. A repeat does nothing.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for FakePayments {
    fn drop(&mut self) {
        self.stop();
    }
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// Where messages go, once that is known.
    pub(crate) fn target(&self) -> Option<String> {
        self.target.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What `read` finds.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Book) -> T) -> T {
        read(&self.book.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The payment of a session as it is.
    pub(crate) fn payment(&self, session: &str) -> Result<Payment, Refusal> {
        let found = self.read(|book| book.stripe.iter().find(|payment| payment.id == session).cloned());
        found.ok_or(Refusal::Unknown("session"))
    }

    /// An order as it is.
    pub(crate) fn order(&self, id: &str) -> Result<Order, Refusal> {
        let found = self.read(|book| book.paypal.iter().find(|order| order.id == id).cloned());
        found.ok_or(Refusal::Unknown("order"))
    }

    /// Applies `change` to the state as a whole, and keeps it. A change that is refused leaves nothing behind.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut Book, Timestamp) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = book.clone();
        let answer = change(&mut changed, clock::now())?;
        changed.save(self.options.state.as_deref())?;
        *book = changed;
        Ok(answer)
    }
}

fn router(app: App) -> Router {
    let api = |service, routes: Router<App>| {
        routes.route_layer(middleware::from_fn_with_state((app.clone(), service), unless_out))
    };
    Router::new()
        .merge(api(Service::Stripe, stripe::api::routes()))
        .merge(api(Service::Paypal, paypal::api::routes()))
        .merge(paypal::postback::routes())
        .merge(control::routes())
        .merge(pages::routes())
        .with_state(app)
}

async fn unless_out(State((app, service)): State<(App, Service)>, request: Request, next: Next) -> Response {
    if app.read(|book| book.out) == Some(service) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    next.run(request).await
}
