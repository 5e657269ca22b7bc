/** The privacy centre: what is promised, what is held, who looked, and what one can do about it. */
export { Access } from "./access";
export { Corrections } from "./corrections";
export { Deletion, Receipt } from "./deletion";
export { Export } from "./export";
export { Inventory, Promises } from "./policy";
