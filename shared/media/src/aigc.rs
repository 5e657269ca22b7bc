//! The label that China asks for in the metadata of generated files (GB 45438-2025, annex E).

use serde::Serialize;

use crate::error::MediaError;
use crate::mp4;

/// The key of the label, in XMP and in MP4.
const KEY: &str = "AIGC";
/// The name space of the label in XMP, as the practice guides of TC260 give it.
pub(crate) const NAMESPACE: &str = "http://www.tc260.org.cn/ns/AIGC/1.0/";
/// The value of `Label` for what certainly is generated.
const GENERATED: &str = "1";

/// Says who generated a file and who offers it: both are the operator.
#[derive(Debug, Clone, Copy)]
pub struct AigcLabel<'a> {
    /// The name or code of the operator.
    pub producer: &'a str,
    /// The id of the file at the operator. It goes out with the file: it must not name the account.
    pub id: &'a str,
}

/// The seven fields, in the order of the annex. The two reserved ones may hold a check of the others: the signature of the file
/// is one already.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Fields<'a> {
    label: &'a str,
    content_producer: &'a str,
    #[serde(rename = "ProduceID")]
    produce_id: &'a str,
    reserved_code1: &'a str,
    content_propagator: &'a str,
    #[serde(rename = "PropagateID")]
    propagate_id: &'a str,
    reserved_code2: &'a str,
}

impl AigcLabel<'_> {
    /// The value under the key [`KEY`].
    pub(crate) fn json(self) -> String {
        let Self { producer, id } = self;
        let fields = Fields {
            label: GENERATED,
            content_producer: producer,
            produce_id: id,
            reserved_code1: "",
            content_propagator: producer,
            propagate_id: id,
            reserved_code2: "",
        };
        // Strings as fields: this cannot fail.
        serde_json::to_string(&fields).unwrap_or_default()
    }

    /// Adds it to an MP4, beside what the XMP packet says.
    pub(crate) fn add_to_mp4(self, file: Vec<u8>) -> Result<Vec<u8>, MediaError> {
        mp4::add_key(file, KEY, &self.json())
    }
}
