/** The version of the terms of service: the date from which they apply. The API accepts no other. */
export const TERMS_VERSION = "2026-11-30";
