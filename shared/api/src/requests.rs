//! Bodies that clients send. Unknown fields are refused.

use domain::{
    Credits, UploadId, accounts::account::Theme, accounts::correction::Correction, generations::generation::Visibility,
    generations::settings::RequestedSettings, generations::share::ShareTerms, generations::upload::UploadDeclaration,
};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

/// An address and a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// An email address.
    #[schema(format = Email, max_length = 128)]
    pub email: String,
    /// At least 12 characters, at most 256.
    #[schema(min_length = 1, max_length = 256)]
    pub password: String,
}

/// An address and the code that was sent to it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// An email address.
    #[schema(format = Email, max_length = 128)]
    pub email: String,
    /// The code, as it was sent.
    #[schema(max_length = 16)]
    pub code: String,
}

/// An address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// An email address.
    #[schema(format = Email, max_length = 128)]
    pub email: String,
}

/// A new password, and the code that allows it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordReset {
    /// An email address.
    #[schema(format = Email, max_length = 128)]
    pub email: String,
    /// The code, as it was sent.
    #[schema(max_length = 16)]
    pub code: String,
    /// The new password: at least 12 characters, at most 256.
    #[schema(min_length = 1, max_length = 256)]
    pub password: String,
}

/// The codes that were sent to both addresses.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailConfirmation {
    /// The one that was sent to the present address.
    #[schema(max_length = 8)]
    pub present_code: String,
    /// The one that was sent to the new address.
    #[schema(max_length = 8)]
    pub new_code: String,
}

/// What to change of the account. What is absent stays as it is.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountCorrection {
    /// What to be called, 1 to 80 characters; `null` removes it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 80)]
    pub display_name: Option<Option<String>>,
    /// Where the payment providers shall send their receipts, if not to the address that signs in; `null` removes it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = Email, max_length = 128)]
    pub billing_email: Option<Option<String>>,
    /// Preferences.
    pub preferences: Option<PreferencesCorrection>,
}

/// What to change of the preferences. What is absent stays as it is.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreferencesCorrection {
    /// How the client should look.
    pub theme: Option<Theme>,
    /// A language tag such as `en` or `pt-BR`.
    pub language: Option<String>,
}

/// Tells `null` from absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl From<AccountCorrection> for Correction {
    fn from(body: AccountCorrection) -> Self {
        let preferences = body.preferences.unwrap_or_default();
        Self {
            display_name: body.display_name,
            billing_email: body.billing_email,
            theme: preferences.theme,
            language: preferences.language,
        }
    }
}

/// What to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerationRequest {
    /// One of the ids that `GET /v1/models` lists.
    #[schema(max_length = 64)]
    pub model: String,
    /// What to make: at most 2,000 characters and 6,000 bytes of UTF-8.
    #[schema(min_length = 1, max_length = 2000)]
    pub prompt: String,
    /// What to keep out, where the model takes it.
    #[schema(min_length = 1, max_length = 2000)]
    pub negative_prompt: Option<String>,
    /// Pixels across, one of the model's sizes; the model's first size if neither is given.
    pub width: Option<u32>,
    /// Pixels down.
    pub height: Option<u32>,
    /// Length of a film in milliseconds, one of the model's.
    pub duration_ms: Option<u32>,
    /// How many; 1 if not given.
    #[schema(minimum = 1)]
    pub count: Option<u32>,
    /// 0 to 4294967295, where the model takes it.
    #[schema(maximum = 4294967295u64)]
    pub seed: Option<u64>,
    /// An uploaded image of the caller's own that is ready, where the model takes one.
    pub input_upload: Option<UploadId>,
    /// The submit is refused if it costs more than this.
    #[schema(value_type = Option<u64>)]
    pub max_credits: Option<u64>,
}

impl GenerationRequest {
    /// What is asked for, and the most that it may cost.
    #[must_use]
    pub fn split(self) -> (RequestedSettings, Option<Credits>) {
        let max_credits = self.max_credits.map(|max| Credits(i64::try_from(max).unwrap_or(i64::MAX)));
        let asked = RequestedSettings {
            model: self.model,
            prompt: self.prompt,
            negative_prompt: self.negative_prompt,
            width: self.width,
            height: self.height,
            duration_ms: self.duration_ms,
            count: self.count,
            seed: self.seed,
            input_upload: self.input_upload,
        };
        (asked, max_credits)
    }
}

/// What will be uploaded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadRequest {
    /// `image/jpeg`, `image/png`, `image/webp`, `video/mp4` or `video/webm`.
    pub content_type: String,
    /// Its size in bytes: images up to 20 MiB, videos up to 100 MiB.
    #[schema(minimum = 1)]
    pub bytes: u64,
    /// Its SHA-256: 64 lower-case hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
    /// What it is called, at most 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub file_name: Option<String>,
}

impl From<UploadRequest> for UploadDeclaration {
    fn from(body: UploadRequest) -> Self {
        Self { content_type: body.content_type, bytes: body.bytes, sha256: body.sha256, file_name: body.file_name }
    }
}

/// Who sees a generation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VisibilityRequest {
    /// Nobody else, or everybody.
    pub visibility: Visibility,
    /// Whether they see the prompt too; `false` if not given.
    #[serde(default)]
    pub show_prompt: bool,
}

/// A new share link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareRequest {
    /// How long it lives, in seconds: 60 to 31536000.
    #[schema(minimum = 60, maximum = 31536000)]
    pub expires_in_s: u64,
    /// Whether it shows the prompt too; `false` if not given.
    #[serde(default)]
    pub show_prompt: bool,
}

impl From<ShareRequest> for ShareTerms {
    fn from(body: ShareRequest) -> Self {
        Self { expires_in_s: body.expires_in_s, show_prompt: body.show_prompt }
    }
}
