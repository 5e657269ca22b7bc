/** The routes of the client. The code of a page is loaded when it is opened first. */
import type { ComponentType } from "preact";

import * as signInPages from "./accounts/sign-in";
import { api, unwrap } from "./api/client";

/** A page; it gets the parameters of its path. */
export type RoutePage = ComponentType<Record<string, string>>;

export interface Route {
  pattern: string;
  /** Who can open it: everyone, people who are signed in, people who are not, or staff. */
  access: "everyone" | "account" | "guest" | "staff";
  load: () => Promise<RoutePage>;
}

/** Loads a page by the name under which its module exports it. */
const page =
  <Name extends string>(load: () => Promise<Record<Name, unknown>>, name: Name) =>
  async () =>
    (await load())[name] as RoutePage;

const signIn = async () => signInPages;
const settings = () => import("./accounts/settings");
const gallery = () => import("./generations/gallery/gallery");
const credits = () => import("./credits/pages");
const payments = () => import("./payments/pages");
const privacy = () => import("./privacy/pages");

/** Loads the console, which the service gives only to a browser whose staff member it has checked right before. */
const staff = async () => {
  await unwrap(api.GET("/v1/staff/console"));
  return import("./staff/pages");
};

// A list and the viewer above it share one page: the list stays while the viewer opens and closes.
const ownGallery = page(gallery, "Gallery");
const explore = page(gallery, "Explore");

export const ROUTES: readonly Route[] = [
  { pattern: "/sign-in", access: "guest", load: page(signIn, "SignIn") },
  { pattern: "/sign-up", access: "guest", load: page(signIn, "SignUp") },
  { pattern: "/confirm", access: "guest", load: page(signIn, "Confirm") },
  { pattern: "/forgot", access: "everyone", load: page(signIn, "ForgotPassword") },
  { pattern: "/reset", access: "everyone", load: page(signIn, "ResetPassword") },
  { pattern: "/", access: "account", load: page(() => import("./generations/studio/studio"), "Studio") },
  { pattern: "/gallery", access: "account", load: ownGallery },
  { pattern: "/gallery/public", access: "everyone", load: explore },
  { pattern: "/gallery/{id}", access: "account", load: ownGallery },
  { pattern: "/gallery/public/{id}", access: "everyone", load: explore },
  { pattern: "/s/{token}", access: "everyone", load: page(() => import("./generations/shares/shared-page"), "Shared") },
  { pattern: "/credits", access: "everyone", load: page(payments, "Packages") },
  { pattern: "/credits/usage", access: "account", load: page(credits, "Usage") },
  { pattern: "/credits/transactions", access: "account", load: page(credits, "Transactions") },
  { pattern: "/credits/receipts", access: "account", load: page(payments, "Receipts") },
  { pattern: "/credits/{id}", access: "account", load: page(payments, "Payment") },
  { pattern: "/privacy", access: "everyone", load: page(privacy, "Promises") },
  { pattern: "/privacy/policy", access: "everyone", load: page(privacy, "Policy") },
  { pattern: "/privacy/inventory", access: "everyone", load: page(privacy, "Inventory") },
  { pattern: "/privacy/access", access: "account", load: page(privacy, "AccessLog") },
  { pattern: "/privacy/export", access: "account", load: page(privacy, "DataExport") },
  { pattern: "/privacy/corrections", access: "account", load: page(privacy, "Corrections") },
  { pattern: "/privacy/deletion", access: "account", load: page(privacy, "Deletion") },
  { pattern: "/privacy/receipts/{id}", access: "everyone", load: page(privacy, "Receipt") },
  { pattern: "/account", access: "account", load: page(settings, "Preferences") },
  { pattern: "/account/plan", access: "account", load: page(settings, "Plan") },
  { pattern: "/account/sessions", access: "account", load: page(settings, "Sessions") },
  { pattern: "/account/moderation", access: "account", load: page(settings, "Moderation") },
  { pattern: "/check", access: "everyone", load: page(() => import("./provenance/check"), "Check") },
  { pattern: "/imprint", access: "everyone", load: page(() => import("./accounts/imprint"), "Imprint") },
  { pattern: "/terms", access: "everyone", load: page(() => import("./accounts/terms"), "Terms") },
  {
    pattern: "/transparency",
    access: "everyone",
    load: page(() => import("./moderation/transparency"), "Transparency"),
  },
  { pattern: "/support", access: "everyone", load: page(() => import("./support/tickets"), "Support") },
  { pattern: "/staff", access: "staff", load: page(staff, "Overview") },
  { pattern: "/staff/cases", access: "staff", load: page(staff, "Cases") },
  { pattern: "/staff/accounts", access: "staff", load: page(staff, "Accounts") },
  { pattern: "/staff/legal", access: "staff", load: page(staff, "Legal") },
  { pattern: "/staff/catalogue", access: "staff", load: page(staff, "Catalogue") },
  { pattern: "/staff/settings", access: "staff", load: page(staff, "Settings") },
  { pattern: "/staff/texts", access: "staff", load: page(staff, "Texts") },
  { pattern: "/staff/margins", access: "staff", load: page(staff, "Margins") },
  { pattern: "/staff/promotions", access: "staff", load: page(staff, "Promotions") },
  { pattern: "/staff/members", access: "staff", load: page(staff, "Members") },
  { pattern: "/staff/record", access: "staff", load: page(staff, "Record") },
];
