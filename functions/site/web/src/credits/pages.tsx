/** Buying credits, and what became of them. */
export { Packages } from "../payments/packages";
export { Return } from "../payments/payment";
export { Receipts } from "../payments/receipts";
export { Statement } from "./transactions";
