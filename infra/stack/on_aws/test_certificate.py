import unittest
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from on_aws import DeployFailed, certificate
from on_aws.played import Played

KEY = "arn:aws:kms:eu-central-1:123456789012:key/1"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:SigningCertificate-AbCdEf"
NOW = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


class Kms:
    """Signs as AWS KMS does."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.asked = []

    def get_public_key(self, KeyId):
        return {"PublicKey": certificate.as_der(self.key.public_key())}

    def sign(self, KeyId, Message, MessageType, SigningAlgorithm):
        self.asked.append((KeyId, len(Message), MessageType, SigningAlgorithm))
        return {"Signature": self.key.sign(Message, ec.ECDSA(utils.Prehashed(hashes.SHA256())))}


def issue(subject, key, issuer, issuer_key, days=365, starts=NOW - timedelta(days=1), authority=False, without=(), purposes=(certificate.CLAIM_SIGNING,)):
    named = lambda name: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = x509.CertificateBuilder(named(issuer), named(subject), key, x509.random_serial_number(), starts, starts + timedelta(days=days))
    usage = dict.fromkeys(["content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"], False)
    usage |= {"digital_signature": not authority and "usage" not in without, "key_cert_sign": authority, "crl_sign": authority or "usage" in without}
    built = built.add_extension(x509.BasicConstraints(authority, None), True).add_extension(x509.KeyUsage(**usage), True)
    if purposes and not authority:
        built = built.add_extension(x509.ExtendedKeyUsage(purposes), False)
    if "identifier" not in without:
        built = built.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False)
    return built.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


class Authority:
    """A root, an authority below it, and what the latter issues."""

    def __init__(self):
        self.root_key, self.key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.root = issue("Root", self.root_key.public_key(), "Root", self.root_key, authority=True, days=4000)
        self.own = issue("Authority", self.key.public_key(), "Root", self.root_key, authority=True, days=2000)

    def leaf(self, key, **options):
        return issue("Studio", key, "Authority", self.key, **options)


class Request(unittest.TestCase):
    def test_request_is_for_the_key_in_kms_and_signed_by_it(self):
        kms = Kms()
        made = x509.load_pem_x509_csr(certificate.request(kms, KEY, "Studio Example GmbH", "Studio Example", "DE").encode())
        self.assertTrue(made.is_signature_valid)
        self.assertEqual(certificate.as_der(made.public_key()), kms.get_public_key(KEY)["PublicKey"])
        self.assertEqual(made.subject.rfc4514_string(), "CN=Studio Example,O=Studio Example GmbH,C=DE")
        self.assertEqual(made.signature_hash_algorithm.name, "sha256")
        self.assertIn(certificate.CLAIM_SIGNING, made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        self.assertEqual(kms.asked, [(KEY, 32, "DIGEST", "ECDSA_SHA_256")])
        plain = x509.load_pem_x509_csr(certificate.request(kms, KEY, "Studio").encode())
        self.assertEqual(plain.subject.rfc4514_string(), "CN=Studio,O=Studio")

    def test_impossible_subject_and_another_kind_of_key_are_refused(self):
        with self.assertRaisesRegex(DeployFailed, "cannot be the subject"):
            certificate.request(Kms(), KEY, "Studio", country="Germany")
        kms = Kms()
        kms.key = ec.generate_private_key(ec.SECP384R1())
        with self.assertRaisesRegex(DeployFailed, "not of the kind ECC_NIST_P256"):
            certificate.request(kms, KEY, "Studio")
        self.assertEqual(kms.asked, [])

    def test_signature_of_another_key_is_no_request(self):
        kms, other = Kms(), Kms()
        kms.sign = other.sign
        with self.assertRaisesRegex(DeployFailed, "did not sign with the key"):
            certificate.request(kms, KEY, "Studio")


class Chain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.authority, cls.other = Authority(), Authority()
        cls.kms = Kms()
        cls.public = cls.kms.key.public_key()
        cls.der = certificate.as_der(cls.public)

    def check(self, *parts, now=NOW):
        return certificate.check("\n".join(parts), self.der, now)

    def test_chain_for_the_key_is_right_with_and_without_its_root(self):
        leaf, own, root = self.authority.leaf(self.public), self.authority.own, self.authority.root
        for parts in [(leaf, own), (leaf, own, root)]:
            self.assertEqual([line.state for line in self.check(*parts)], ["ok", "ok"])
        for purpose in certificate.PURPOSES:
            self.check(self.authority.leaf(self.public, purposes=[purpose]), own)

    def test_what_the_operator_should_know_is_said(self):
        leaf = self.authority.leaf(self.public)
        self.assertIn("no certificate of an authority", str(self.check(leaf)[1]))
        short = self.authority.leaf(self.public, days=30)
        self.assertIn("SigningCertificateAlarm", str(self.check(short, self.authority.own)[1]))

    def test_each_mistake_is_refused_with_what_to_do(self):
        leaf, own, root = self.authority.leaf(self.public), self.authority.own, self.authority.root
        another = ec.generate_private_key(ec.SECP256R1()).public_key()
        private = self.kms.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        of = lambda **options: self.authority.leaf(self.public, **options)
        any_purpose = [ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, certificate.CLAIM_SIGNING]
        for what, parts, expected in [
            ("nothing", ["none"], "no certificates in PEM .* ask the authority for PEM"),
            ("damaged", [leaf.replace("MII", "AAA", 1)], "no certificates in PEM"),
            ("a private key", [leaf, private], "remove it. The key of this deployment is in AWS KMS"),
            ("a list of revoked ones", [leaf, own.replace("CERTIFICATE", "X509 CRL")], "more than certificates: leave only those"),
            ("too long", [leaf, *[own] * 60], "leave only the certificates of the chain"),
            ("another key", [self.authority.leaf(another), own], "for another key: ask for one with certificate-request"),
            ("the order", [own, leaf], "is not the first of the file: put it first"),
            ("another authority", [leaf, self.other.own], "certificate 1 of the file is not issued by certificate 2: put below each"),
            ("a gap", [leaf, root], "certificate 1 of the file is not issued by certificate 2"),
            ("the order above", [leaf, own, self.other.root], "certificate 2 of the file is not issued by certificate 3"),
            ("self-signed", [issue("Own", self.public, "Own", self.kms.key)], "have an authority sign it"),
            ("an authority", [issue("Sub", self.public, "Authority", self.authority.key, authority=True), own], "that of an authority: put that of the key first"),
            ("no purpose", [of(purposes=()), own], "ask the authority for the extended key usage 1.3.6.1.4.1.62558.2.1"),
            ("another purpose", [of(purposes=[ExtendedKeyUsageOID.CODE_SIGNING]), own], "has no purpose that C2PA accepts"),
            ("any purpose", [of(purposes=any_purpose), own], "has no purpose that C2PA accepts"),
            ("another usage", [of(without=["usage"]), own], "ask the authority for the key usage digitalSignature"),
            ("no identifier", [of(without=["identifier"]), own], "ask the authority for authorityKeyIdentifier"),
            ("not yet", [of(starts=NOW + timedelta(hours=1)), own], "certificate 1 of the file is valid from 2026-11-01 13:00:00 UTC on: set it after that"),
            ("ended", [of(days=1), own], "certificate 1 of the file ended at 2026-11-01 12:00:00 UTC: have it renewed"),
        ]:
            with self.subTest(what), self.assertRaisesRegex(DeployFailed, expected):
                self.check(*parts)


class Store(Played):
    def test_chain_is_stored_once(self):
        secrets = self.client("secretsmanager")
        self.answer("secretsmanager", "get_secret_value", {"SecretString": "none"}, SecretId=SECRET)
        self.answer("secretsmanager", "put_secret_value", {}, SecretId=SECRET, SecretString="chain")
        self.assertTrue(certificate.store(secrets, SECRET, "chain\n"))
        self.answer("secretsmanager", "get_secret_value", {"SecretString": "chain"}, SecretId=SECRET)
        self.assertFalse(certificate.store(secrets, SECRET, "chain\n"))
