"""Gets a certificate for the key that signs outputs: writes the request for an authority, and checks the chain that it sends.

The key never leaves AWS KMS, which signs the request. The functions take the chain from the secret `SigningCertificate`. They
check it again, and sign under a certificate of their own rather than under one that does not fit; here the operator hears of it.
"""

import hashlib
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from on_aws import DeployFailed
from on_aws.account import LIMIT, OK, Line

# The purposes that programs accept by default for signatures of manifests (C2PA 2.2, 14.4.2), and the one that is asked for.
CLAIM_SIGNING = ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")
PURPOSES = {CLAIM_SIGNING, DOCUMENT_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION}
# ecdsa-with-SHA256 (RFC 5758, 3.2), as DER.
ECDSA_WITH_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
# A secret of AWS Secrets Manager has at most 65,536 bytes. The chain is in every file as well.
LONGEST = 20_000
# The alarm for a certificate that ends is raised then.
ALARM = timedelta(days=30)
# What the secret holds for a deployment that makes its certificates itself.
NONE = "none"
AGAIN = "ask for one with certificate-request, and send that request to the authority"


def public_key(kms, key):
    """Returns the public key as DER."""
    return kms.get_public_key(KeyId=key)["PublicKey"]


def request(kms, key, organization, name=None, country=None):
    """Returns a certification request (PKCS #10, RFC 2986) for the key as PEM, signed by the key. Raises DeployFailed if the subject
    is not possible."""
    try:
        attributes = [x509.NameAttribute(NameOID.COUNTRY_NAME, country)] if country else []
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, name or organization))
    except ValueError as error:
        raise DeployFailed(f"this cannot be the subject of a certificate: {error}") from None
    usage = dict.fromkeys(
        ["content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"], False
    )
    builder = x509.CertificateSigningRequestBuilder(x509.Name(attributes))
    builder = builder.add_extension(x509.KeyUsage(digital_signature=True, **usage), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    # It is built with a key that is thrown away, which the one in KMS then replaces: as both are of P-256, their public keys have the
    # same length.
    placeholder = ec.generate_private_key(ec.SECP256R1())
    key_of_kms, replaced = public_key(kms, key), as_der(placeholder.public_key())
    content = builder.sign(placeholder, hashes.SHA256()).tbs_certrequest_bytes
    if len(key_of_kms) != len(replaced) or content.count(replaced) != 1:
        raise DeployFailed(f"the key {key} is not of the kind ECC_NIST_P256: deploy first, which makes one that is")
    content = content.replace(replaced, key_of_kms)
    signature = kms.sign(
        KeyId=key, Message=hashlib.sha256(content).digest(), MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256"
    )["Signature"]
    made = x509.load_der_x509_csr(der(0x30, content + ECDSA_WITH_SHA256 + der(0x03, b"\0" + signature)))
    if not made.is_signature_valid:
        raise DeployFailed(f"AWS KMS did not sign with the key {key}: try again")
    return made.public_bytes(serialization.Encoding.PEM).decode()


def der(tag, content):
    """Writes an element of DER."""
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def as_der(key):
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def check(text, key, now=None):
    """Checks that a chain can be used with the public key (DER) of the deployment. Returns a line for each thing that is right, or
    that is to be known. Raises DeployFailed for the first that is wrong, and says what to do about it."""
    now = now or datetime.now(timezone.utc)
    if "PRIVATE KEY" in text:
        raise DeployFailed("the file has a private key, which belongs to no chain: remove it. The key of this deployment is in AWS KMS")
    if len(text) > LONGEST:
        raise DeployFailed(f"the file has {len(text)} bytes, and each output would have them too: leave only the certificates of the chain, below {LONGEST}")
    try:
        chain = x509.load_pem_x509_certificates(text.encode())
    except ValueError as error:
        raise DeployFailed(f"the file has no certificates in PEM ({error}): ask the authority for PEM, or convert it with openssl x509 -inform der") from None
    if text.count("-----BEGIN ") != len(chain):
        raise DeployFailed("the file has more than certificates: leave only those")
    leaf = chain[0]
    if as_der(leaf.public_key()) != key:
        if any(as_der(one.public_key()) == key for one in chain[1:]):
            raise DeployFailed("the certificate of the key is not the first of the file: put it first, and below each the one that issued it")
        raise DeployFailed(f"the first certificate of the file is for another key: {AGAIN}")
    check_leaf(leaf)
    for number, (one, issuer) in enumerate(zip(chain, chain[1:]), 1):
        try:
            one.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            raise DeployFailed(
                f"certificate {number} of the file is not issued by certificate {number + 1}: put below each the one that issued it, and nothing else"
            ) from None
    for number, one in enumerate(chain, 1):
        if now < one.not_valid_before_utc:
            raise DeployFailed(f"certificate {number} of the file is valid from {one.not_valid_before_utc:%F %T} UTC on: set it after that")
        if now >= one.not_valid_after_utc:
            raise DeployFailed(f"certificate {number} of the file ended at {one.not_valid_after_utc:%F %T} UTC: have it renewed. To do so, {AGAIN}")
    ends = min(one.not_valid_after_utc for one in chain)
    lines = [Line(OK, f"it is for the key of this deployment, and issued by {chain[-1].issuer.rfc4514_string()}")]
    if len(chain) == 1:
        lines.append(Line(LIMIT, "it has no certificate of an authority", "programs must have that of its issuer: add it, unless the issuer is on their lists itself"))
    if ends - now < ALARM:
        lines.append(Line(LIMIT, f"it ends at {ends:%F %T} UTC, so the alarm SigningCertificateAlarm is raised", "have it renewed"))
    else:
        lines.append(Line(OK, f"it is valid until {ends:%F %T} UTC"))
    return lines


def check_leaf(leaf):
    """Raises DeployFailed unless a certificate may sign manifests (C2PA 2.2, 14.5.1)."""
    extension = lambda kind: next((one for one in leaf.extensions if isinstance(one.value, kind)), None)
    constraints, usage, purposes = extension(x509.BasicConstraints), extension(x509.KeyUsage), extension(x509.ExtendedKeyUsage)
    if leaf.subject == leaf.issuer:
        raise DeployFailed("the certificate is signed by its own key, which C2PA does not accept: have an authority sign it")
    if constraints and constraints.value.ca:
        raise DeployFailed("the first certificate of the file is that of an authority: put that of the key first")
    if not usage or not usage.value.digital_signature:
        raise DeployFailed("the certificate is not for digital signatures: ask the authority for the key usage digitalSignature")
    if not purposes or x509.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in purposes.value or not PURPOSES & set(purposes.value):
        raise DeployFailed(
            "the certificate has no purpose that C2PA accepts, such as c2pa-kp-claimSigning: "
            f"ask the authority for the extended key usage {CLAIM_SIGNING.dotted_string}"
        )
    if not extension(x509.AuthorityKeyIdentifier):
        raise DeployFailed("the certificate does not name the key of its authority, which C2PA asks for: ask the authority for authorityKeyIdentifier")


def store(secrets, secret, text):
    """Puts a chain into the secret, or `none`. A repeat writes nothing. Returns whether it wrote."""
    text = text.strip()
    if secrets.get_secret_value(SecretId=secret)["SecretString"].strip() == text:
        return False
    secrets.put_secret_value(SecretId=secret, SecretString=text)
    return True
