//! The promises of the privacy policy and the checkout.
//!
//! `tests/promises.txt` lists the end-to-end tests that show each of them.

/// A promise of the privacy policy or the checkout.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    /// `7` for P7.
    pub number: u8,
    /// The words of the policy.
    pub quote: &'static str,
    /// What the software does for it.
    pub implementation: &'static str,
}

const fn promise(number: u8, quote: &'static str, implementation: &'static str) -> Promise {
    Promise { number, quote, implementation }
}

/// Every promise, by its number.
pub const PROMISES: [Promise; 37] = [
    promise(
        1,
        "Account information such as email address and basic account identifiers",
        "Sign-up, confirmation, sign-in, one account record; nothing else is asked for",
    ),
    promise(
        2,
        "Prompts and settings you submit for image/video generation",
        "Submit: prompt, negative prompt, size, seed, count, model, input image; stored with the generation",
    ),
    promise(
        3,
        "Uploaded content such as images or videos you upload, plus related file metadata (size/type)",
        "Presigned upload of images and videos; size, type, checksum, dimensions recorded; location and camera metadata removed",
    ),
    promise(
        4,
        "Technical and usage data such as IP address, device/browser type, request timestamps, and basic diagnostic logs",
        "An activity record for sign-in, purchase and submit, with an expiry; structured logs without prompts, emails, addresses or tokens",
    ),
    promise(5, "We use two payment systems: Stripe", "Stripe Checkout and its webhook"),
    promise(6, "and PayPal", "PayPal Orders and IPN"),
    promise(
        7,
        "card numbers are processed directly by Stripe or PayPal and are not stored on our servers",
        "No field, log line or archive can hold one; a body that contains one is redacted before it is stored",
    ),
    promise(
        8,
        "limited payment-related data (such as payment status, transaction ID, and billing email) needed to activate and manage your plan/package",
        "The payment record holds these and the package, amount and currency, and nothing else of the event",
    ),
    promise(9, "Provider policies", "Links to both providers' policies beside the packages"),
    promise(10, "process generation requests, deliver outputs", "The queue, the generation functions, the gallery"),
    promise(11, "rate limiting", "Per account, per address and per endpoint, answered with 429 and when to retry"),
    promise(12, "fraud detection", "Rules over payments, disputes, sign-ups and velocity; freeze, review, release"),
    promise(
        13,
        "incident investigation",
        "Staff access with a reason, every access recorded; correlation id from request to provider call",
    ),
    promise(14, "enforcement of usage limits", "Per-plan limits: jobs in flight, size, count, uploads, storage"),
    promise(15, "debug errors, monitor stability", "Metrics, alarms, dashboard, traces"),
    promise(
        16,
        "respond to lawful requests",
        "A staff disclosure export, and a legal hold that pauses erasure of exactly what it names",
    ),
    promise(
        17,
        "private content is not listed publicly unless you change visibility or share it",
        "Private by default, in every listing, search and link",
    ),
    promise(
        18,
        "if sharing links exist, anyone with the link may be able to access the shared content",
        "Links that expire, can be revoked, show no prompt unless chosen, and whose bytes stop resolving",
    ),
    promise(
        19,
        "Limited internal access may occur only as needed",
        "No standing access; each access states a reason, and the account owner can see it",
    ),
    promise(
        20,
        "We retain data only for as long as necessary",
        "Every kind of data has a declared retention, which is enforced",
    ),
    promise(
        21,
        "Generated files and uploads may be stored based on your plan/package and system configuration",
        "Retention by plan, changeable in configuration; the account owner sees when each file expires",
    ),
    promise(
        22,
        "Logs and metadata may be kept for debugging, abuse prevention, and reliability",
        "Log groups and activity with a finite retention",
    ),
    promise(
        23,
        "Backups may temporarily retain deleted content until overwritten",
        "Point-in-time recovery and object versions with a bound; erasures are replayed after any restore, before traffic",
    ),
    promise(
        24,
        "Only the information required to complete your request is transmitted",
        "A provider sees prompt, settings and input image, OpenAI's moderation endpoint prompts, input images and outputs if the \
         operator chose it as a classifier, and neither anything that names the account, its address or its device",
    ),
    promise(
        25,
        "We do not sell personal data and we do not share it for third-party marketing",
        "No outbound call beyond the configured providers, payment services, time-stamping authority and mail; a test lists every \
         outbound host",
    ),
    promise(
        26,
        "Provider availability and performance may impact generation speed or success",
        "Deadline, retry, another provider, refund",
    ),
    promise(
        27,
        "Essential: authentication, session management, security tokens",
        "HttpOnly session cookie, short access tokens, CSRF protection",
    ),
    promise(
        28,
        "Preferences: basic UI preferences (for example: theme or language)",
        "Kept with the account and exported",
    ),
    promise(
        29,
        "anti-abuse controls and request validation mechanisms",
        "Strict validation of every request; limits by account, address and network",
    ),
    promise(
        30,
        "Access to certain account information we hold about you",
        "Account page and a full machine-readable export",
    ),
    promise(
        31,
        "Correction of inaccurate account information",
        "Email (re-verified), display name, preferences, billing email; corrections recorded",
    ),
    promise(
        32,
        "Deletion of your account and associated data, subject to technical and legal limitations",
        "Erasure, verified, with a receipt; data that the law requires to retain does not identify the person",
    ),
    promise(
        33,
        "contact us through the support section of the Service",
        "Tickets with an account and guest tickets without one, answered by staff, exported and erased like other data",
    ),
    promise(
        34,
        "Secure Checkout: Payments processed via Stripe & PayPal",
        "Hosted checkout only; amounts and packages checked against our catalogue",
    ),
    promise(
        35,
        "Instant Activation: Credits added to your account immediately",
        "Credits are available when the buyer returns from the checkout",
    ),
    promise(36, "Credits Never Expire: Use them anytime, no time limits", "No expiry on credits anywhere"),
    promise(37, "No Subscription: Buy only what you need", "One-off packages only"),
];
