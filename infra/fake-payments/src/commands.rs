//! Runs actions on the saved state and sends the webhook messages that follow.

use runtime::clock;

use crate::action_form::ActionForm;
use crate::app::App;
use crate::error::ApiError;
use crate::paypal::actions as paypal;
use crate::stripe::actions as stripe;

impl App {
    /// Expires the open Stripe sessions whose time is over, and sends their events in the background. Stripe does this by
    /// itself; the fake does it when a session is read or changed.
    pub(crate) fn expire_overdue_sessions(&self) -> Result<(), ApiError> {
        let now = clock::now().as_second();
        let overdue = self.read(|state| {
            let overdue = state.payments.iter().filter(|payment| payment.is_overdue(now));
            overdue.map(|payment| payment.id.clone()).collect::<Vec<_>>()
        });
        if overdue.is_empty() {
            return Ok(());
        }
        self.update(|state, now| {
            for session in overdue {
                let (action, form) = (stripe::Action::Expire, ActionForm::default());
                let events = stripe::apply(state.payment(&session)?, action, &form, now, &self.base_url)?;
                state.enqueue_events(&session, events, now);
            }
            Ok(())
        })?;
        let app = self.clone();
        tokio::spawn(async move { app.dispatch().await });
        Ok(())
    }

    /// Applies an action to a Stripe session and sends its events.
    pub(crate) async fn run_stripe_action(
        &self,
        session: &str,
        action: stripe::Action,
        form: &ActionForm,
    ) -> Result<(), ApiError> {
        self.expire_overdue_sessions()?;
        self.update(|state, now| {
            let events = stripe::apply(state.payment(session)?, action, form, now, &self.base_url)?;
            state.enqueue_events(session, events, now);
            Ok(())
        })?;
        self.dispatch().await;
        Ok(())
    }

    /// Applies an action to a PayPal order and sends its messages.
    pub(crate) async fn run_paypal_action(
        &self,
        order: &str,
        action: paypal::Action,
        form: &ActionForm,
    ) -> Result<(), ApiError> {
        self.update(|state, now| {
            let setup = (&self.options, self.base_url.as_str());
            let notice = paypal::apply(state.order(order)?, action, form, setup, now)?;
            state.enqueue_notice(order, notice, &self.base_url, now);
            Ok(())
        })?;
        self.dispatch().await;
        Ok(())
    }
}
