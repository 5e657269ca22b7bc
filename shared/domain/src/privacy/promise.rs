//! What the service promises to whoever uses it, and the tests that hold it to that.
//!
//! A promise is kept when a test of the end-to-end suite that is named after its number shows it, against the deployed
//! template. The suite compares this list with the tests that there are: one that is missing here, and one that is here
//! and is missing there, fails.

/// One promise of the privacy policy and the checkout.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    /// `7` for P7.
    pub number: u8,
    /// In the policy's words.
    pub quote: &'static str,
    /// What the software does for it.
    pub implementation: &'static str,
    /// Whether it is kept.
    pub status: PromiseStatus,
}

/// Whether a promise is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromiseStatus {
    /// These tests show it, by file and name. There is at least one.
    ShownBy(&'static [&'static str]),
    /// Nothing shows it yet.
    NotYet,
}

const fn promise(number: u8, words: &'static str, how: &'static str, kept: PromiseStatus) -> Promise {
    Promise { number, quote: words, implementation: how, status: kept }
}

/// The canaries show several.
const CANARIES: &str = "canaries::p1_p2_p3_p4_p8_p30_p32_each_word_lies_where_it_is_declared_and_in_the_archive_and_after_an_erasure_nowhere";
/// A year of the clock shows several.
const YEAR: &str = "crash::p20_p21_p36_a_year_goes_by_and_nothing_is_left_but_what_was_bought";

/// Every promise, by its number.
pub const PROMISES: [Promise; 37] = [
    promise(
        1,
        "Account information such as email address and basic account identifiers",
        "Sign-up, confirmation, sign-in, one account record; nothing else is asked for",
        PromiseStatus::ShownBy(&[CANARIES, "sessions::p1_a_session_begins_with_a_confirmed_address"]),
    ),
    promise(
        2,
        "Prompts and settings you submit for image/video generation",
        "Submit: prompt, negative prompt, size, seed, count, model, input image; stored with the generation",
        PromiseStatus::ShownBy(&[
            CANARIES,
            "journey::p2_the_same_seed_paints_the_same_picture_and_another_prompt_another",
        ]),
    ),
    promise(
        3,
        "Uploaded content such as images or videos you upload, plus related file metadata (size/type)",
        "Presigned upload of images and videos; size, type, checksum, dimensions recorded; location and camera metadata removed",
        PromiseStatus::ShownBy(&[
            CANARIES,
            "uploads::p3_a_photograph_becomes_ready_and_loses_its_metadata",
            "uploads::p3_a_film_becomes_ready_and_loses_where_it_was_made",
        ]),
    ),
    promise(
        4,
        "Technical and usage data such as IP address, device/browser type, request timestamps, and basic diagnostic logs",
        "An activity record for sign-in, purchase and submit, with an expiry; structured logs without prompts, emails, addresses or tokens",
        PromiseStatus::ShownBy(&[
            CANARIES,
            "submitting::p4_a_statement_opens_and_closes_with_the_balance_and_activity_is_shown",
        ]),
    ),
    promise(
        5,
        "We use two payment systems: Stripe",
        "Stripe Checkout and its webhook",
        PromiseStatus::ShownBy(&["buying::p5_p34_p35_a_package_is_bought_with_stripe"]),
    ),
    promise(
        6,
        "and PayPal",
        "PayPal Orders and IPN",
        PromiseStatus::ShownBy(&["buying::p6_p35_a_package_is_bought_with_paypal"]),
    ),
    promise(
        7,
        "card numbers are processed directly by Stripe or PayPal and are not stored on our servers",
        "No field, log line or archive can hold one; a body that carries one is redacted before anything is kept",
        PromiseStatus::ShownBy(&[
            "card_numbers::p7_no_card_number_is_kept_or_logged",
            "card_numbers::p7_a_card_number_that_is_kept_or_logged_would_be_found",
        ]),
    ),
    promise(
        8,
        "limited payment-related data (such as payment status, transaction ID, and billing email) needed to activate and manage your plan/package",
        "The payment record holds these and the package, amount and currency, and nothing else of the event",
        PromiseStatus::ShownBy(&["buying::p8_of_a_payment_is_kept_what_it_needs_and_nothing_else", CANARIES]),
    ),
    promise(
        9,
        "Provider policies",
        "Links to both providers' policies beside the packages",
        PromiseStatus::ShownBy(&[
            "buying::p9_p34_p37_packages_are_shown_with_their_prices_and_with_who_takes_the_money",
        ]),
    ),
    promise(
        10,
        "process generation requests, deliver outputs",
        "The queue, the generation functions, the gallery",
        PromiseStatus::ShownBy(&[
            "journey::p10_p17_a_prompt_becomes_a_picture_that_only_its_owner_sees",
            "journey::p10_a_prompt_becomes_a_film",
        ]),
    ),
    promise(
        11,
        "rate limiting",
        "Per account, per address and per endpoint, answered with 429 and when to come back",
        PromiseStatus::ShownBy(&[
            "sessions::p11_asking_too_often_about_one_address_is_told_when_to_come_back",
            "submitting::p11_submitting_too_often_is_told_when_to_come_back",
        ]),
    ),
    promise(
        12,
        "fraud detection",
        "Rules over payments, disputes, sign-ups and velocity; freeze, review, release",
        PromiseStatus::ShownBy(&[
            "fraud::p12_many_payments_in_an_hour_wait_for_staff",
            "fraud::p12_a_payment_with_one_card_too_many_waits",
            "fraud::p12_a_payment_of_one_paypal_account_too_many_waits_though_only_a_message_tells_of_it",
            "fraud::p12_a_new_account_that_buys_a_lot_waits",
            "fraud::p12_what_staff_refuse_stays_refused_until_they_release_it",
            "fraud::p12_a_held_payment_that_was_refunded_waits_for_nobody",
            "fraud::p12_s9_a_warning_of_fraud_stops_spending_until_staff_lift_it",
            "fraud::p12_pp9_a_case_stops_spending_until_staff_lift_it",
            "fraud::p12_s8_a_dispute_stops_spending_until_it_ends",
            "fraud::p12_lost_disputes_stop_spending",
            "fraud::p12_staff_stop_spending_and_say_why",
            "fraud::p12_many_accounts_of_one_network_in_a_day_start_frozen",
            "fraud::p12_staff_see_whatever_waits_page_by_page_and_payments_first",
            "fraud::p12_for_everybody_else_there_are_no_routes_of_staff",
        ]),
    ),
    promise(
        13,
        "incident investigation",
        "Staff look-up with a reason, every look recorded; correlation id from request to provider call",
        PromiseStatus::ShownBy(&[
            "observability::p13_logs_lead_from_an_answer_to_its_cause_and_tell_nothing_else",
            "staff_access::p13_an_incident_is_looked_into_with_everything_that_belongs_to_it",
            "support::p13_p19_p33_a_letter_is_read_for_a_reason_answered_by_mail_and_gone",
        ]),
    ),
    promise(
        14,
        "enforcement of usage limits",
        "Per-plan limits: jobs in flight, size, count, uploads, storage",
        PromiseStatus::ShownBy(&[
            "submitting::p14_the_plan_limits_generations_at_once",
            "uploads::p14_the_plan_limits_how_many_uploads_there_are_and_their_bytes",
        ]),
    ),
    promise(
        15,
        "debug errors, monitor stability",
        "Metrics, alarms, dashboard, traces",
        PromiseStatus::ShownBy(&["observability::p15_metrics_are_watched_and_what_is_watched_is_measured"]),
    ),
    promise(
        16,
        "respond to lawful requests",
        "A staff disclosure export, and a legal hold that pauses erasure of exactly what it names",
        PromiseStatus::ShownBy(&[
            "erasure::p16_a_hold_keeps_exactly_what_it_names",
            "exports::p16_what_must_not_be_told_yet_is_not_in_the_archive",
            "holds::p16_what_is_held_outlives_its_time_and_its_owners_wish_and_goes_when_it_is_released",
            "holds::p16_a_disclosure_goes_after_a_week",
            "staff_access::p16_what_the_law_forbids_to_tell_is_told_when_its_time_is_over",
            "staff_access::p16_an_account_that_ends_is_looked_at_only_as_long_as_something_is_held",
            "staff_access::p16_a_hold_that_is_released_lets_the_erasure_go_on",
            "staff_access::p16_a_disclosure_has_exactly_what_it_names_and_only_for_whoever_made_it",
            "support::p16_a_disclosure_has_the_questions_in_which_something_was_said_in_its_time",
        ]),
    ),
    promise(
        17,
        "private content is not listed publicly unless you change visibility or share it",
        "Private by default, in every listing, search and link",
        PromiseStatus::ShownBy(&[
            "authorization::p17_what_is_somebody_elses_is_not_there_for_anybody_else",
            "journey::p10_p17_a_prompt_becomes_a_picture_that_only_its_owner_sees",
            "journey::p17_a_picture_is_shown_to_everybody_and_hidden_again_at_once",
            "uploads::p17_an_upload_is_seen_by_nobody_but_its_owner",
        ]),
    ),
    promise(
        18,
        "if sharing links exist, anyone with the link may be able to access the shared content",
        "Links that expire, can be revoked, show no prompt unless chosen, and whose bytes stop resolving",
        PromiseStatus::ShownBy(&[
            "journey::p18_a_share_link_shows_one_picture_until_it_is_revoked",
            "site::p18_a_share_link_has_a_preview_card_until_it_is_revoked",
        ]),
    ),
    promise(
        19,
        "Limited internal access may occur only as needed",
        "No standing access; each access names a reason, and its owner can see it",
        PromiseStatus::ShownBy(&[
            "staff_access::p19_staff_see_nothing_of_anybody_without_an_access_of_their_own_that_lasts",
            "staff_access::p19_the_owner_reads_who_looked_at_what_and_why",
            "support::p13_p19_p33_a_letter_is_read_for_a_reason_answered_by_mail_and_gone",
            "support::p19_p30_p33_a_letter_from_the_address_of_an_account_is_a_question_there_and_is_answered_by_mail",
        ]),
    ),
    promise(
        20,
        "We retain data only for as long as necessary",
        "Every kind of record has a written retention, carried out",
        PromiseStatus::ShownBy(&[
            YEAR,
            "exports::p20_an_archive_can_be_downloaded_for_a_day_and_goes_after_seven",
            "journey::p20_a_deleted_picture_is_gone_in_all_versions_and_so_are_its_links",
            "notifications::pp1_p20_what_nobody_could_verify_stays_as_long_as_it_is_declared",
            "unclaimed::b4_p20_a_checkout_that_nobody_paid_goes_and_money_that_comes_later_waits_for_staff",
        ]),
    ),
    promise(
        21,
        "Generated files and uploads may be stored based on your plan/package and system configuration",
        "Retention by plan, changeable in configuration; the owner sees when each file goes",
        PromiseStatus::ShownBy(&[YEAR]),
    ),
    promise(
        22,
        "Logs and metadata may be kept for debugging, abuse prevention, and reliability",
        "Log groups and activity with a finite retention",
        PromiseStatus::ShownBy(&["afterwards::p22_every_log_and_every_activity_has_its_end"]),
    ),
    promise(
        23,
        "Backups may temporarily retain deleted content until overwritten",
        "Point-in-time recovery and object versions with a bound; erasures are replayed after any restore, before traffic",
        PromiseStatus::ShownBy(&["erasure::p23_what_a_restore_brings_back_is_erased_again"]),
    ),
    promise(
        24,
        "Only the information required to complete your request is transmitted",
        "A provider sees prompt, settings and input image, and nothing that names the account, its address or its device",
        PromiseStatus::ShownBy(&[
            "outbound::p24_a_provider_learns_what_the_request_needs_and_a_payment_service_who_pays",
            "providers::p24_p26_when_a_provider_stays_busy_the_next_one_makes_it_and_it_is_paid_for_once",
        ]),
    ),
    promise(
        25,
        "We do not sell personal data and we do not share it for third-party marketing",
        "No outbound call beyond the configured providers, payment services and mail; a test lists every outbound host",
        PromiseStatus::ShownBy(&["outbound::p25_functions_speak_to_aws_and_to_who_is_configured_and_to_nobody_else"]),
    ),
    promise(
        26,
        "Provider availability and performance may impact generation speed or success",
        "Deadline, retry, another provider, refund",
        PromiseStatus::ShownBy(&[
            "providers::p24_p26_when_a_provider_stays_busy_the_next_one_makes_it_and_it_is_paid_for_once",
            "submitting::p26_our_mistake_and_a_busy_provider_give_the_credits_back",
        ]),
    ),
    promise(
        27,
        "Essential: authentication, session management, security tokens",
        "HttpOnly session cookie, short access tokens, CSRF protection",
        PromiseStatus::ShownBy(&[
            "browser::p27_another_site_and_a_stolen_cookie_get_nothing_and_strangers_get_help",
            "sessions::p27_the_refresh_token_is_in_a_cookie_for_this_host_alone",
            "sessions::p27_a_cookie_without_its_csrf_token_does_nothing_and_keeps_the_session",
        ]),
    ),
    promise(
        28,
        "Preferences: basic UI preferences (for example: theme or language)",
        "Kept with the account and exported",
        PromiseStatus::ShownBy(&["submitting::p28_the_account_is_corrected_only_over_the_version_that_was_seen"]),
    ),
    promise(
        29,
        "anti-abuse controls and request validation mechanisms",
        "Strict validation of every request; limits by account, address and network",
        PromiseStatus::ShownBy(&[
            "bad_input::p29_what_is_too_large_is_refused_by_every_route",
            "bad_input::p29_each_field_that_breaks_a_rule_is_named",
        ]),
    ),
    promise(
        30,
        "Access to certain account information we hold about you",
        "Account page and a full machine-readable export",
        PromiseStatus::ShownBy(&[
            CANARIES,
            "exports::p30_everything_that_is_held_comes_out_in_one_archive",
            "exports::p30_an_archive_takes_a_recent_sign_in",
            "exports::p30_of_many_that_are_asked_for_at_once_one_is_made",
            "exports::p30_an_archive_that_is_not_ready_in_a_day_fails_visibly",
            "exports::p30_a_lost_message_is_sent_again_and_many_do_no_harm",
            "exports::p30_what_cannot_be_gone_on_with_is_begun_anew",
            "support::p19_p30_p33_a_letter_from_the_address_of_an_account_is_a_question_there_and_is_answered_by_mail",
        ]),
    ),
    promise(
        31,
        "Correction of inaccurate account information",
        "Email (re-verified), display name, preferences, billing email; corrections recorded",
        PromiseStatus::ShownBy(&[
            "corrections::p31_what_is_corrected_is_recorded_without_what_it_was",
            "corrections::p31_receipts_go_where_the_person_wants_them",
            "corrections::p31_a_new_address_takes_a_code_from_each_address_and_then_signs_in",
            "corrections::p31_codes_are_replaced_by_newer_ones_and_guessed_by_nobody",
            "corrections::p31_that_somebody_has_an_address_is_told_to_nobody_but_them",
            "corrections::p31_a_change_of_the_address_takes_a_recent_sign_in_and_is_not_asked_for_often",
        ]),
    ),
    promise(
        32,
        "Deletion of your account and associated data, subject to technical and legal limitations",
        "Erasure, verified and receipted; what the law keeps is kept without the person",
        PromiseStatus::ShownBy(&[
            CANARIES,
            "canaries::p32_of_whoever_was_erased_nothing_is_left",
            "crash::p32_an_archive_whose_maker_died_goes_with_its_account",
            "erasure::p32_an_account_is_erased_everywhere_and_leaves_a_receipt",
            "erasure::p32_a_deletion_needs_the_address_and_is_asked_for_once",
            "erasure::p32_a_deletion_can_be_taken_back_in_its_grace",
            "erasure::p32_an_erasure_ends_what_still_runs_and_waits_for_whoever_works",
            "erasure::p32_what_arrives_after_an_erasure_brings_nothing_back",
            "erasure::p32_many_erasures_at_once_are_one",
            "exports::p32_an_archive_stops_when_its_account_closes",
            "exports::p32_an_erasure_while_an_archive_is_made_leaves_nothing_of_it",
            "support::p32_a_letter_goes_with_the_account_that_comes_to_have_its_address",
        ]),
    ),
    promise(
        33,
        "contact us through the support section of the Service",
        "Questions to staff, with an account or without, answered by staff, exported and erased like the rest",
        PromiseStatus::ShownBy(&[
            "support::p33_a_question_is_asked_about_a_picture_gone_on_with_and_closed",
            "support::p33_staff_answer_under_an_access_and_its_owner_reads_answer_and_log",
            "support::p13_p19_p33_a_letter_is_read_for_a_reason_answered_by_mail_and_gone",
            "support::p33_a_letter_that_deserves_no_answer_is_put_aside",
            "support::p19_p30_p33_a_letter_from_the_address_of_an_account_is_a_question_there_and_is_answered_by_mail",
            "support::p33_a_letter_reaches_nobody_without_the_code_that_went_to_its_address",
            "support::p33_an_address_has_three_letters_a_day_and_its_codes_are_guessed_by_nobody",
            "support::p33_a_network_has_thirty_letters_an_hour_whoever_writes_them",
            "support::p33_a_network_guesses_sixty_codes_an_hour_whatever_the_address",
            "support::p33_what_has_waited_too_long_is_measured_once_a_day",
        ]),
    ),
    promise(
        34,
        "Secure Checkout: Payments processed via Stripe & PayPal",
        "Hosted checkout only; amounts and packages checked against our catalogue",
        PromiseStatus::ShownBy(&[
            "buying::p5_p34_p35_a_package_is_bought_with_stripe",
            "buying::p9_p34_p37_packages_are_shown_with_their_prices_and_with_who_takes_the_money",
        ]),
    ),
    promise(
        35,
        "Instant Activation: Credits added to your account immediately",
        "Credits are there when the buyer returns from checkout",
        PromiseStatus::ShownBy(&[
            "buying::p5_p34_p35_a_package_is_bought_with_stripe",
            "buying::p6_p35_a_package_is_bought_with_paypal",
            "reconciliation::s1_p35_whoever_comes_back_is_granted_at_once_though_no_webhook_came",
        ]),
    ),
    promise(
        36,
        "Credits Never Expire: Use them anytime, no time limits",
        "No expiry on credits anywhere",
        PromiseStatus::ShownBy(&[YEAR]),
    ),
    promise(
        37,
        "No Subscription: Buy only what you need",
        "One-off packages only",
        PromiseStatus::ShownBy(&[
            "buying::p9_p34_p37_packages_are_shown_with_their_prices_and_with_who_takes_the_money",
        ]),
    ),
];
