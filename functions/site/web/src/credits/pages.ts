/** The pages that show how credits were used. */
export { Transactions } from "./transactions";
export { Usage } from "./usage";
