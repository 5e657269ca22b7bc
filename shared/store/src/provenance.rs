//! Certificates of the signing key in the table.

use domain::provenance::SigningCertificate;

use crate::{
    error::StoreError,
    item::{Item, encode, expire_at, string},
    keys,
    query::all,
    table::Table,
};

fn to_item(certificate: &SigningCertificate) -> Result<Item, StoreError> {
    let sk = keys::signing_certificate(certificate.number);
    let mut item = encode(certificate, keys::PROVENANCE_PARTITION.to_owned(), sk)?;
    expire_at(&mut item, certificate.ends_at);
    Ok(item)
}

impl Table {
    /// Lists the certificates of signing keys, in the order of their numbers.
    ///
    /// # Errors
    /// A call failed.
    pub async fn signing_certificates(&self) -> Result<Vec<SigningCertificate>, StoreError> {
        let query = self
            .db
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
            .expression_attribute_values(":pk", string(keys::PROVENANCE_PARTITION))
            .expression_attribute_values(":sk", string(keys::SIGNING_CERTIFICATE));
        all(query).await
    }

    /// Stores a certificate of the signing key. Returns whether it is stored: another one with its number may have been first.
    ///
    /// # Errors
    /// The call failed.
    pub async fn add_signing_certificate(&self, certificate: &SigningCertificate) -> Result<bool, StoreError> {
        let put = self
            .db
            .put_item()
            .table_name(&self.name)
            .set_item(Some(to_item(certificate)?))
            .condition_expression("attribute_not_exists(pk)");
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error.as_service_error().is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(StoreError::call("PutItem")(error)),
        }
    }
}
