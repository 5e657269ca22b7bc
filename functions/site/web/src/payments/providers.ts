/** The names of the payment providers. */
export const PROVIDER_NAMES = { stripe: "Stripe", paypal: "PayPal" } as const;
