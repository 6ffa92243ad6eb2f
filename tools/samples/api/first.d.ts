export { Shelf } from "./shelf.js";
/** A judgement. */
export declare const SIZE = 3;
