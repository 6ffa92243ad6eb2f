export { Shelf } from "./shelf.js";
export type Other = "other";
