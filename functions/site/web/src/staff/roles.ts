/** The roles of the person who is signed in. The API checks them again at each request. */
import { currentAccount } from "../accounts/account";
import type { Schema } from "../api/client";

type Role = Schema["Role"];

/** Whether the person has one of these roles. An administrator has all of them. */
export function hasRole(...roles: readonly Role[]): boolean {
  const own: readonly Role[] = currentAccount.value?.roles ?? [];
  return own.some((role) => role === "administrator" || roles.includes(role));
}
