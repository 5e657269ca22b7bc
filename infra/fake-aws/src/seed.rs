//! The table and the bucket that the events find: an account with an item of every kind that they need.

use std::sync::OnceLock;

use anyhow::{Context, Result};
use domain::{
    AccountId, ActivityId, AuditEntryId, CaseId, CaseNoticeId, Credits, ExportId, GenerationId, LedgerEntryId,
    ReportId, ShareId, UploadId,
    accounts::{
        account::Account,
        preferences::Language,
        second_factor::{AuthenticatorApp, SecondFactor},
    },
    catalogue::{self, models::MediaKind},
    generations::{
        generation::{Generation, GenerationStatus},
        output::{Media, Visibility},
        settings::{self, RequestedSettings},
        share::{self, ShareTerms},
        submission::{self, GenerationOutcome, SubmissionIds},
        upload::{self, UploadDeclaration},
    },
    moderation::{
        case::{self, Case},
        report::{NewReport, REPORTER, Report, ReportReason},
    },
    privacy::export,
    service_settings,
    staff::{approval::Approval, audit::AuditEntry, justification::Justification},
};
use image::{ImageFormat, Rgb, RgbImage};
use jiff::{SignedDuration, Timestamp};
use ring::digest;
use runtime::{clients::Clients, clock, config::Environment, seal::Sealer};
use store::{Activity, ActivityKind, Bucket, Table, Write};

use crate::{
    aws::{APP_KEY, Aws},
    environment::{TABLE, environment},
    payments, reports,
};

/// The `sub` of the user in the events.
pub const ACCOUNT: &str = "4f2d7c1e-9b0a-4c3d-8e5f-6a7b8c9d0e1f";
/// The `sub` of the staff member in the events.
const STAFF: &str = "7c3d9a12-4b5e-4f60-8a71-92b3c4d5e6f7";
const QUEUED: &str = "0199c8a5-1f60-7a8e-b2d7-3c4e5f60718a";
const RECEIVED: &str = "0199c8a5-2a71-7b9f-a3e8-4d5f60718293";
const SUCCEEDED: &str = "0199c8a3-55d0-7c1b-a4e6-90b1c2d3e4f5";
const UPLOAD: &str = "0199c8a4-7e3b-7d21-9c44-5b0f6a1e2d3c";
const UPLOAD_BYTES: usize = 1_204_311;
const EXPORT: &str = "0199c8a6-3c0f-7b42-9d15-2a6b7c8d9e0f";
const SHARE: &str = "0199c8a4-0c10-7f3a-8b52-1d2e3f405162";
const ACCESS: &str = "0199c8a6-3d21-7b04-9e6f-70819203a4b5";
const SECRET_ACCESS: &str = "0199c8a6-4e32-7c15-8a70-8192a3b4c5d6";
const CASE: &str = "0199c8a7-1a2b-7c3d-8e4f-5061728394a5";
const TOKEN: &str = "dGhlIHJpdmVyIGJlbG93IHRoZSBjYWJpbiBhdCBkdXM";

/// Starts a fake AWS that contains an account with a queued generation of this kind, one whose file was received from a
/// provider, a public generation with a share link, an upload that has just arrived, two ledger entries, an activity record, a queued export, an access of staff, and one that a
/// second staff member must approve; a moderation case with a report of the public generation; and the account of a staff member with a second factor.
///
/// # Errors
/// No port is free.
pub async fn aws(queued: MediaKind) -> Result<Aws> {
    let aws = Aws::start(ACCOUNT).await?;
    let environment = environment(&aws)?;
    payments::know_messages().await?;
    let environment: Environment = environment.into_iter().collect();
    let clients = Clients::new(&environment)?;
    let table = Table::new(clients.dynamodb().clone(), TABLE.to_owned(), environment.integer("INDEX_SHARDS")?);
    let now = clock::now();
    let id: AccountId = ACCOUNT.parse()?;

    let plans = &service_settings::compiled().plans;
    let (account, welcome) = Account::open(id, "ada@example.com".to_owned(), Credits(100), entry_id(now), now);
    let made = reserve(&account, MediaKind::Image, SUCCEEDED.parse()?, now)?;
    let media = Media {
        key: format!("{}0.png", Bucket::generation_prefix(id, made.generation.id)),
        content_type: "image/png".to_owned(),
        bytes: 512_000,
        width: 1024,
        height: 640,
        duration_ms: None,
        thumbnail_key: Some(format!("{}0-thumbnail.webp", Bucket::generation_prefix(id, made.generation.id))),
        thumbhash: Some("3OcRJYB4d3h/iIeHeEh3eIhw+j3A".to_owned()),
        fingerprints: None,
    };
    aws.put_object(media.key.clone(), vec![0; 512]).await;
    let made = submission::finish(
        &made.account,
        &made.generation,
        GenerationOutcome::Succeeded(vec![media]),
        plans,
        entry_id(now),
        now,
    )?;
    let public = made.generation.with_visibility(1, Visibility::Public, true, now)?;
    let hash = digest::digest(&digest::SHA256, TOKEN.as_bytes());
    let ids = (SHARE.parse::<ShareId>()?, hex::encode(hash));
    let terms = ShareTerms { expires_in_s: 86_400, show_prompt: false };
    let (share, public) = share::create((&public, 1), 0, plans.limits(account.plan), terms, ids, now)?;
    let queued = reserve(&made.account, queued, QUEUED.parse()?, now)?;

    let received = Generation {
        id: RECEIVED.parse()?,
        kind: MediaKind::Image,
        status: GenerationStatus::Running,
        received_files: 1,
        ..queued.generation.clone()
    };
    let picture = upload_picture()?;
    aws.put_object(Bucket::received_key(id, received.id, 0), picture.clone()).await;
    aws.put_object(".well-known/jwks.json".to_owned(), reports::fal_keys()?.to_string().into_bytes()).await;
    let declared = UploadDeclaration {
        content_type: "image/png".to_owned(),
        bytes: u64::try_from(picture.len())?,
        sha256: hex::encode(digest::digest(&digest::SHA256, &picture)),
        file_name: Some("cabin.png".to_owned()),
    };
    let (account, upload) = upload::declare(&queued.account, plans, declared, UPLOAD.parse::<UploadId>()?, now)?;
    aws.put_object(Bucket::original_key(id, upload.id), picture).await;
    let activity = Activity {
        id: ActivityId(clock::uuid_at(now)),
        account: id,
        kind: ActivityKind::SignIn,
        at: now,
        address: "192.0.2.17".to_owned(),
        user_agent: "Mozilla/5.0".to_owned(),
    };
    let access = access(&account, now)?;
    let (secret, approval) = secret_access(&account, now)?;
    let app = AuthenticatorApp { secret: "sealed".to_owned(), last_step: 0 };
    let factor = SecondFactor::none(STAFF.parse()?, Vec::new(), now).with_app(app)?;
    let (staff, staff_entry) =
        Account::open(STAFF.parse()?, "grace@example.com".to_owned(), Credits(100), entry_id(now), now);
    let (account, sold, bought) = payments::sell(account, now)?;
    let (account, export) = export::request(&account, &[], EXPORT.parse::<ExportId>()?, now)?;
    let (case, report) = case(&account, &public, now)?;
    let unclaimed = payments::unclaimed(now)?;
    let references: Vec<_> = sold.iter().map(|payment| (payments::references(payment), payment)).collect();
    let mut writes = vec![
        Write::Account(&account),
        Write::LedgerEntry(id, &made.entry),
        Write::Generation(&public),
        Write::GalleryEntry(&public, 1),
        Write::Share(&share),
        Write::Generation(&queued.generation),
        Write::Generation(&received),
        Write::Upload(&upload),
        Write::Activity(&activity),
        Write::Export(&export),
        Write::Unclaimed(&unclaimed),
        Write::AuditEntry(&access),
        Write::AuditEntry(&secret),
        Write::Approval(&approval),
        Write::Case(&case),
        Write::Report(&report),
        Write::Account(&staff),
        Write::SecondFactor(&factor),
    ];
    writes.extend(staff_entry.iter().map(|entry| Write::LedgerEntry(staff.id, entry)));
    writes.extend(welcome.iter().chain(&bought).map(|entry| Write::LedgerEntry(id, entry)));
    writes.extend(sold.iter().map(Write::Payment));
    for (references, payment) in &references {
        writes.extend(references.iter().map(|reference| Write::PaymentPointer(reference, payment)));
    }
    table.commit(&writes).await?;
    Ok(aws)
}

fn reserve(
    account: &Account,
    kind: MediaKind,
    generation: GenerationId,
    now: Timestamp,
) -> Result<submission::CreditTransaction> {
    let model = if kind == MediaKind::Image { "sketch-image" } else { "sketch-video" };
    let asked = RequestedSettings {
        model: model.to_owned(),
        prompt: "a cabin in the snow at dusk, lamplight in one window".to_owned(),
        seed: Some(7),
        ..RequestedSettings::default()
    };
    let plans = &service_settings::compiled().plans;
    let (settings, quote) =
        settings::validate(asked, plans.limits(account.plan), &catalogue::compiled().offered_by(&["sketch"]))?;
    let ids = SubmissionIds { generation, entry: entry_id(now) };
    Ok(submission::reserve(account, plans, settings, quote, None, ids, now)?)
}

/// Returns the access that the staff member just opened.
fn access(account: &Account, now: Timestamp) -> Result<AuditEntry> {
    let staff = api::staff::audit::staff_name(&Sealer::new(APP_KEY.as_bytes())?, STAFF.parse()?);
    let why = Justification::new(("T-17".to_owned(), "she asked why it failed".to_owned()), (None, None), now)?;
    let until = now + SignedDuration::from_hours(1);
    Ok(AuditEntry::open(account, (ACCESS.parse::<AuditEntryId>()?, staff), until, why, now)?)
}

/// Returns an undisclosed access that another staff member just opened, and the approval that it needs.
fn secret_access(account: &Account, now: Timestamp) -> Result<(AuditEntry, Approval)> {
    let until = now + SignedDuration::from_hours(1);
    let undisclosed = (Some(until), Some("section 7".to_owned()));
    let why = Justification::new(("court-7".to_owned(), "an order of the court".to_owned()), undisclosed, now)?;
    let ids = (SECRET_ACCESS.parse::<AuditEntryId>()?, "0123456789abcdef".to_owned());
    let entry = AuditEntry::open(account, ids, until, why, now)?;
    let approval = Approval::request_for_access(&entry).context("an undisclosed access needs an approval")?;
    Ok((entry, approval))
}

/// Returns a case of a public generation, with the one report that opened it.
fn case(account: &Account, generation: &Generation, now: Timestamp) -> Result<(Case, Report)> {
    let new = NewReport {
        reason: ReportReason::Privacy,
        explanation: "It shows my house.".to_owned(),
        signature: None,
        email: Some("bob@example.com".to_owned()),
        good_faith: true,
        language: Language::English,
    };
    let reporter = Sealer::new(APP_KEY.as_bytes())?.keyed_hash(REPORTER, b"bob@example.com");
    let report = |case| Report::file(new, (ReportId(clock::uuid_at(now)), reporter, case), now);
    let ids = (CASE.parse::<CaseId>()?, CaseNoticeId(clock::uuid_at(now)), false);
    let (transaction, report) = case::report((account, generation, 1), &[], report, ids, now)?;
    Ok((transaction.case, report))
}

fn entry_id(now: Timestamp) -> LedgerEntryId {
    LedgerEntryId(clock::uuid_at(now))
}

/// Returns a PNG of exactly [`UPLOAD_BYTES`]. It is made once.
fn upload_picture() -> Result<Vec<u8>> {
    static PICTURE: OnceLock<Vec<u8>> = OnceLock::new();
    if let Some(picture) = PICTURE.get() {
        return Ok(picture.clone());
    }
    let made = picture(UPLOAD_BYTES)?;
    Ok(PICTURE.get_or_init(|| made).clone())
}

/// Returns a PNG of exactly this size: filled with a comment, which the inspection removes.
fn picture(bytes: usize) -> Result<Vec<u8>> {
    const SIGNATURE_AND_HEADER: usize = 33;
    const CHUNK_OVERHEAD: usize = 12;
    let shade = |value: u32| u8::try_from(value % 256).unwrap_or(0);
    let picture = RgbImage::from_fn(1280, 960, |x, y| Rgb([shade(x / 5), shade(y / 4), shade(x ^ y)]));
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png)?;
    let mut png = png.into_inner();
    let missing = bytes.checked_sub(png.len() + CHUNK_OVERHEAD).context("the picture is larger than it may be")?;
    let mut chunk = b"tEXtComment\0".to_vec();
    chunk.resize(4 + missing, b'.');
    let length = u32::try_from(missing)?.to_be_bytes();
    let checksum = crc32fast::hash(&chunk).to_be_bytes();
    png.splice(SIGNATURE_AND_HEADER..SIGNATURE_AND_HEADER, [&length[..], &chunk, &checksum].concat());
    Ok(png)
}
