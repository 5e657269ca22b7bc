/** The privacy centre: what is promised, what is held, who looked, and what one can do about it. */
export { Access } from "./access-log";
export { Corrections } from "./corrections";
export { Export } from "./data-export";
export { Deletion, Receipt } from "./deletion";
export { Inventory, Promises } from "./policy";
