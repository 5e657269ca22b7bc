/** Passkeys: asks the browser to create one, or to sign a challenge with one (<https://www.w3.org/TR/webauthn-3/>). */
import type { Schema } from "../api/client";
import { service } from "../service";

/** The time in which the API accepts an answer, in milliseconds. */
const TIMEOUT_MS = 300_000;

/** Returns whether this browser has passkeys. */
export const hasPasskeys = () => typeof window.PublicKeyCredential === "function";

/** Creates a passkey. Returns `undefined` if the person canceled, or the browser could not create one. */
export async function createPasskey(setup: Schema["PasskeySetup"]) {
  const publicKey: PublicKeyCredentialCreationOptions = {
    challenge: decode(setup.challenge),
    rp: { id: setup.rp_id, name: service.value.name },
    user: { id: decode(setup.user_id), name: setup.user_name, displayName: setup.user_name },
    pubKeyCredParams: setup.algorithms.map((alg) => ({ type: "public-key", alg })),
    excludeCredentials: setup.exclude.map((id) => ({ type: "public-key", id: decode(id) })),
    authenticatorSelection: { residentKey: "preferred", userVerification: "preferred" },
    attestation: "none",
    timeout: TIMEOUT_MS,
  };
  const credential = await unlessCanceled(navigator.credentials.create({ publicKey }));
  if (!credential) return undefined;
  const response = credential.response as AuthenticatorAttestationResponse;
  return { client_data: encode(response.clientDataJSON), attestation_object: encode(response.attestationObject) };
}

/** Signs a challenge. Returns `undefined` if the person canceled, or has none of the passkeys here. */
export async function signWithPasskey(
  request: Schema["PasskeyRequest"],
): Promise<Schema["PasskeyAssertion"] | undefined> {
  const publicKey: PublicKeyCredentialRequestOptions = {
    challenge: decode(request.challenge),
    rpId: request.rp_id,
    allowCredentials: request.credential_ids.map((id) => ({ type: "public-key", id: decode(id) })),
    userVerification: "preferred",
    timeout: TIMEOUT_MS,
  };
  const credential = await unlessCanceled(navigator.credentials.get({ publicKey }));
  if (!credential) return undefined;
  const response = credential.response as AuthenticatorAssertionResponse;
  return {
    credential_id: encode(credential.rawId),
    client_data: encode(response.clientDataJSON),
    authenticator_data: encode(response.authenticatorData),
    signature: encode(response.signature),
  };
}

/** The browser does not tell a canceled request from one that it cannot answer. */
async function unlessCanceled(request: Promise<Credential | null>): Promise<PublicKeyCredential | undefined> {
  try {
    return ((await request) as PublicKeyCredential | null) ?? undefined;
  } catch (error) {
    if (error instanceof DOMException) return undefined;
    throw error;
  }
}

/** Encodes bytes in base64url. */
export function encode(bytes: ArrayBuffer): string {
  const characters = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(characters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Decodes base64url. */
export function decode(text: string): Uint8Array<ArrayBuffer> {
  const characters = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(characters, (character) => character.charCodeAt(0));
}
