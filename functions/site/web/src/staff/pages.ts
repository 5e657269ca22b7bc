export { Accounts } from "./accounts";
export { Cases } from "./cases";
export { Legal } from "./legal";
export { Record } from "./record";
