/** Buying credits, and what became of them. */
export { Packages } from "./packages";
export { Receipts } from "./receipts";
export { Return } from "./return";
export { Statement } from "./statement";
