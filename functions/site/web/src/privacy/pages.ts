/** The privacy pages: what we promise and store, who accessed it, and how to export, correct and delete it. */
export { AccessLog } from "./access-log";
export { Corrections } from "./corrections";
export { DataExport } from "./data-export";
export { Deletion, Receipt } from "./deletion";
export { Inventory } from "./inventory";
export { Policy } from "./policy";
export { Promises } from "./promises";
