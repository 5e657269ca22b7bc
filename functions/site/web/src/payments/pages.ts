/** The pages on which credits are bought. */
export { Packages } from "./packages";
export { Payment } from "./payment";
export { Receipts } from "./receipts";
