//! The HTTP server, on a thread of its own, so that the caller may block.

use std::net::{Ipv4Addr, TcpListener};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::app::App;
use crate::delivery::Provider;
use crate::options::Options;
use crate::state::{EnabledEvents, ServiceState};
use crate::{control, pages, paypal, stripe};

/// Runs the fake services. They stop when this is dropped.
pub struct FakePayments {
    app: App,
    runtime: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FakePayments {
    /// Starts the services on the loopback interface, with the state of the last run if there is a state file.
    ///
    /// # Errors
    ///
    /// The port is in use, or the state file cannot be read.
    pub fn start(options: Options) -> Result<Self> {
        let mut state = ServiceState::load(options.state_file.as_deref())?;
        state.paypal_events.get_or_insert_with(|| EnabledEvents(options.paypal_events.clone()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
            .with_context(|| format!("cannot listen on port {}", options.port))?;
        listener.set_nonblocking(true)?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _entered = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let app = App::new(options, base_url, state);
        let router = router(app.clone());
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new()
            .name("fake-payments".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = axum::serve(listener, router) => {}
                        _ = stopped => {}
                    }
                });
            })
            .context("cannot start the thread of fake-payments")?;
        Ok(Self { app, runtime: handle, stop: Some(stop), thread: Some(thread) })
    }

    /// Returns the address of the pages and of both APIs, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.app.base_url
    }

    /// Sends webhooks to `{api_base_url}/v1/webhooks/stripe`, `.../paypal` and `.../paypal-events` from now on, including those that are due
    /// already. Supports plain HTTP only.
    pub fn deliver_to(&self, api_base_url: &str) {
        self.app.set_target(api_base_url.trim_end_matches('/').to_owned());
        let app = self.app.clone();
        self.runtime.spawn(async move { app.dispatch().await });
    }

    /// Stops the services and cuts open connections. A repeat does nothing.
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

fn router(app: App) -> Router {
    let api = |provider, routes: Router<App>| {
        routes.route_layer(middleware::from_fn_with_state((app.clone(), provider), reject_during_outage))
    };
    Router::new()
        .merge(api(Provider::Stripe, stripe::api::routes()))
        .merge(api(Provider::Paypal, paypal::api::routes()))
        .merge(paypal::postback::routes())
        .merge(control::routes())
        .merge(pages::routes())
        .with_state(app)
}

async fn reject_during_outage(
    State((app, provider)): State<(App, Provider)>,
    request: Request,
    next: Next,
) -> Response {
    if app.read(|state| state.outage) == Some(provider) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    next.run(request).await
}
