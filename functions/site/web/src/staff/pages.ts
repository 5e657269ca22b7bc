export { Accounts } from "./accounts";
export { Cases } from "./cases";
export { Catalogue } from "./catalogue";
export { Legal } from "./legal";
export { Margins } from "./margins";
export { Members } from "./members";
export { Promotions } from "./promotions";
export { Record } from "./record";
